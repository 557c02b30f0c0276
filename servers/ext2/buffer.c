// The metadata cache. Invariants: a block is in at most one slot; dirty or pinned slots are never reused; the
// sum of dirty slots and of what open transactions may still dirty stays under dirty_limit, so a clean slot
// is always to be had. Called by everything that looks at metadata.
#include "servers/ext2/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/include/pages.h"
#include "servers/ext2/disk.h"
#include "servers/ext2/message.h"

error_t buffer_cache_make(struct filesystem *fs, uint8_t *metadata, uint64_t bytes) {
    uint32_t slots = (uint32_t)minimum_u64(bytes >> fs->block_shift, 1 << 20);
    uint32_t hash = 64;
    while (hash < slots)
        hash *= 2;
    fs->buffers = calloc(slots, sizeof *fs->buffers);
    fs->buffer_hash = malloc(hash * sizeof *fs->buffer_hash);
    fs->selected = malloc(slots * sizeof *fs->selected);
    if (!fs->buffers || !fs->buffer_hash || !fs->selected)
        return ERR_NO_MEMORY;
    memset(fs->buffer_hash, 0xFF, hash * sizeof *fs->buffer_hash);
    pages_touch(fs->selected, slots * sizeof *fs->selected);
    for (uint32_t i = 0; i < slots; i++) {
        platform_breathe();
        fs->buffers[i].data = metadata + ((size_t)i << fs->block_shift);
        fs->buffers[i].block = NO_INDEX;
    }
    fs->metadata = metadata;
    fs->scratch_slot = slots - 1;
    fs->scratch = fs->buffers[slots - 1].data;
    fs->buffer_count = slots - 1;
    fs->buffer_hash_mask = hash - 1;
    fs->dirty_limit = fs->buffer_count - fs->buffer_count / 3;
    return ERR_OK;
}

void buffer_cache_free(struct filesystem *fs) {
    free(fs->buffers);
    free(fs->buffer_hash);
    free(fs->selected);
    fs->selected = NULL;
    fs->buffers = NULL;
    fs->buffer_hash = NULL;
}

struct buffer *buffer_find(struct filesystem *fs, uint32_t block) {
    uint32_t slot = fs->buffer_hash[hash_u32(block) & fs->buffer_hash_mask];
    while (slot != NO_INDEX && fs->buffers[slot].block != block)
        slot = fs->buffers[slot].hash_next;
    return slot == NO_INDEX ? NULL : &fs->buffers[slot];
}

static void buffer_unhash(struct filesystem *fs, struct buffer *buffer) {
    uint32_t slot = (uint32_t)(buffer - fs->buffers);
    uint32_t *link = &fs->buffer_hash[hash_u32(buffer->block) & fs->buffer_hash_mask];
    while (*link != slot)
        link = &fs->buffers[*link].hash_next;
    *link = buffer->hash_next;
    buffer->block = NO_INDEX;
    buffer->flags = 0;
    buffer->tombstones = 0;
}

static void buffer_insert(struct filesystem *fs, struct buffer *buffer, uint32_t block, enum buffer_kind kind) {
    uint32_t *bucket = &fs->buffer_hash[hash_u32(block) & fs->buffer_hash_mask];
    buffer->block = block;
    buffer->kind = (uint8_t)kind;
    buffer->hash_next = *bucket;
    *bucket = (uint32_t)(buffer - fs->buffers);
}

// A slot that can be reused now, or NULL. Takes it out of the hash.
static struct buffer *slot_take(struct filesystem *fs) {
    for (uint32_t step = 0; step < 2 * fs->buffer_count; step++) {
        struct buffer *buffer = &fs->buffers[fs->buffer_hand];
        fs->buffer_hand = fs->buffer_hand + 1 == fs->buffer_count ? 0 : fs->buffer_hand + 1;
        if (buffer->pins || (buffer->flags & (BUFFER_DIRTY | BUFFER_READING | BUFFER_SELECTED)))
            continue;
        if (buffer->flags & BUFFER_REFERENCED) {
            buffer->flags &= (uint16_t)~BUFFER_REFERENCED;
            continue;
        }
        if (buffer->block != NO_INDEX)
            buffer_unhash(fs, buffer);
        return buffer;
    }
    return NULL;
}

static error_t buffer_wait_read(struct filesystem *fs, struct buffer *buffer) {
    while (buffer->flags & BUFFER_READING)
        platform_queue_wait(&fs->buffer_queue);
    return buffer->flags & BUFFER_ERROR ? ERR_IO : ERR_OK;
}

static void buffer_start_read(struct filesystem *fs, struct buffer *buffer) {
    struct transfer transfer = {.fs = fs};
    buffer->flags = BUFFER_READING | BUFFER_REFERENCED;
    transfer_add(&transfer, buffer->block, buffer_offset(fs, buffer), fs->block_size);
    transfer_finish(&transfer);
}

// Pins the block's slot, making one if need be; *made tells which. WAITS for room.
static struct buffer *buffer_slot(struct filesystem *fs, uint32_t block, enum buffer_kind kind, bool *made) {
    for (;;) {
        struct buffer *buffer = buffer_find(fs, block);
        *made = !buffer;
        if (!buffer) {
            buffer = slot_take(fs);
            if (!buffer) {
                platform_queue_wait(&fs->buffer_queue);
                continue;
            }
            buffer_insert(fs, buffer, block, kind);
        }
        buffer->pins++;
        return buffer;
    }
}

error_t buffer_read(struct filesystem *fs, uint32_t block, enum buffer_kind kind, struct buffer **result) {
    bool made;
    struct buffer *buffer = buffer_slot(fs, block, kind, &made);
    bool is_alone = made || !(buffer->flags & (BUFFER_VALID | BUFFER_READING));
    if (is_alone)
        buffer_start_read(fs, buffer);
    error_t error = buffer->flags & BUFFER_VALID ? ERR_OK : buffer_wait_read(fs, buffer);
    if (error && !is_alone) { // it was read along with others: one of those may be the bad one
        if (!(buffer->flags & (BUFFER_VALID | BUFFER_READING)))
            buffer_start_read(fs, buffer);
        error = buffer_wait_read(fs, buffer);
    }
    if (!error && buffer->kind != kind) {
        if (buffer->flags & (BUFFER_DIRTY | BUFFER_SELECTED) || buffer->pins > 1)
            error = filesystem_corrupt(fs, "ext2: block %u is used for two things", block);
        else {
            buffer->kind = (uint8_t)kind; // left from an earlier use
            buffer->flags &= (uint16_t)~BUFFER_CHECKED;
        }
    }
    if (error) {
        if (error == ERR_IO)
            message_log(fs, PLATFORM_LOG_ERROR, "ext2: cannot read block %u", block);
        buffer_release(fs, buffer);
        return error;
    }
    buffer->flags |= BUFFER_REFERENCED;
    *result = buffer;
    return ERR_OK;
}

error_t buffer_look(struct filesystem *fs, uint32_t block, enum buffer_kind kind, struct buffer **result) {
    struct buffer *buffer = buffer_find(fs, block);
    if (!buffer || !(buffer->flags & BUFFER_VALID) || buffer->kind != kind) {
        error_t error = buffer_read(fs, block, kind, result);
        if (!error)
            buffer_release(fs, *result);
        return error;
    }
    if (!(buffer->flags & BUFFER_REFERENCED)) // where nothing changes, nothing is noted
        buffer->flags |= BUFFER_REFERENCED;
    *result = buffer;
    return ERR_OK;
}

error_t buffer_fresh(struct filesystem *fs, uint32_t block, enum buffer_kind kind, struct buffer **result) {
    bool made;
    struct buffer *buffer = buffer_slot(fs, block, kind, &made);
    if (buffer->flags & BUFFER_READING)
        (void)buffer_wait_read(fs, buffer);
    if (buffer->flags & BUFFER_DIRTY || buffer->pins > 1) {
        buffer_release(fs, buffer);
        return filesystem_corrupt(fs, "ext2: free block %u is in use as metadata", block);
    }
    memset(buffer->data, 0, fs->block_size);
    buffer->kind = (uint8_t)kind;
    buffer->flags = BUFFER_VALID | BUFFER_FRESH | BUFFER_REFERENCED;
    *result = buffer;
    return ERR_OK;
}

void buffer_release(struct filesystem *fs, struct buffer *buffer) {
    if (--buffer->pins == 0 && fs->buffer_queue.first)
        platform_queue_wake_all(&fs->buffer_queue);
}

void buffer_dirty(struct transaction *transaction, struct buffer *buffer) {
    struct filesystem *fs = transaction->fs;
    if (buffer->flags & BUFFER_DIRTY)
        return;
    buffer->flags |= BUFFER_DIRTY;
    fs->dirty_buffers++;
    if (transaction->credits) { // otherwise the reserve that dirty_limit leaves is used
        transaction->credits--;
        fs->reserved_credits--;
    }
}

void buffer_clean(struct filesystem *fs, struct buffer *buffer) {
    if (buffer->flags & BUFFER_DIRTY)
        fs->dirty_buffers--;
    buffer->flags &= (uint16_t) ~(BUFFER_DIRTY | BUFFER_FRESH | BUFFER_SELECTED);
}

void buffer_forget(struct filesystem *fs, uint32_t block) {
    struct buffer *buffer = buffer_find(fs, block);
    if (block == fs->park_block) {
        fs->park_block = 0;
        fs->park_searched = false;
    }
    if (!buffer)
        return;
    buffer_clean(fs, buffer);
    buffer->flags &= (uint16_t) ~(BUFFER_CHECKED | BUFFER_REFERENCED);
    buffer->tombstones = 0;
    if (!buffer->pins && !(buffer->flags & BUFFER_READING))
        buffer_unhash(fs, buffer);
    else // a prefetch or a stray reader: it must not be found valid when the block is used again
        buffer->flags &= (uint16_t)~BUFFER_VALID;
}

static bool prefetch_is_wise(const struct filesystem *fs, uint32_t count) {
    return fs->buffer_count >= 8 * count && fs->dirty_buffers + fs->reserved_credits + 2 * count <= fs->dirty_limit;
}

void buffer_prefetch_with(struct transfer *transfer, uint32_t block, enum buffer_kind kind) {
    struct filesystem *fs = transfer->fs;
    if (!prefetch_is_wise(fs, 1) || buffer_find(fs, block))
        return;
    struct buffer *buffer = slot_take(fs);
    if (!buffer)
        return;
    buffer_insert(fs, buffer, block, kind);
    buffer->flags = BUFFER_READING;
    transfer_add(transfer, block, buffer_offset(fs, buffer), fs->block_size);
}

void buffer_prefetch(struct filesystem *fs, uint32_t block, uint32_t count, enum buffer_kind kind) {
    struct transfer transfer = {.fs = fs};
    if (!prefetch_is_wise(fs, count))
        return;
    for (uint32_t i = 0; i < count; i++)
        buffer_prefetch_with(&transfer, block + i, kind);
    transfer_finish(&transfer);
}

void buffer_transfer_done(struct filesystem *fs, uint32_t slot, bool write, error_t result) {
    if (write)
        return; // the commit waits for its batch and marks them itself
    struct buffer *buffer = &fs->buffers[slot];
    buffer->flags &= (uint16_t) ~(BUFFER_READING | BUFFER_ERROR);
    buffer->flags |= result ? BUFFER_ERROR : BUFFER_VALID;
    platform_queue_wake_all(&fs->buffer_queue);
}
