// The commit: writes metadata in phases with a flush between them, so that after a crash between any two
// writes e2fsck -p finds only what it repairs by itself. The phases and their proof are in README.md, "Order
// of writes". Invariants: it runs alone (no transaction is open); nothing counts as written until the last
// phase is durable, so a failed commit is simply repeated. Called by fsync, sync, the background fiber, and
// operations that need room.
#include <stdlib.h>
#include <string.h>

#include "servers/ext2/allocate.h"
#include "servers/ext2/buffer.h"
#include "servers/ext2/disk.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/message.h"
#include "servers/ext2/superblock.h"
#include "servers/ext2/transaction.h"

// --- writing selected buffers ---
static void selected_sift(struct filesystem *fs, uint32_t root, uint32_t count) {
    uint32_t *list = fs->selected;
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && fs->buffers[list[child]].block < fs->buffers[list[child + 1]].block)
            child++;
        if (fs->buffers[list[root]].block >= fs->buffers[list[child]].block)
            return;
        uint32_t swap = list[root];
        list[root] = list[child];
        list[child] = swap;
    }
}

static void selected_sort(struct filesystem *fs) {
    uint32_t count = fs->selected_count;
    for (uint32_t i = count / 2; i-- > 0;) {
        platform_breathe();
        selected_sift(fs, i, count);
    }
    for (uint32_t end = count; end-- > 1;) {
        platform_breathe();
        uint32_t swap = fs->selected[0];
        fs->selected[0] = fs->selected[end];
        fs->selected[end] = swap;
        selected_sift(fs, 0, end);
    }
}

// Writes what is selected, in disk order, and waits for it.
static error_t selected_write(struct filesystem *fs) {
    struct io_batch batch = {0};
    struct transfer transfer = {.fs = fs, .batch = &batch, .write = true};
    selected_sort(fs);
    for (uint32_t i = 0; i < fs->selected_count; i++) {
        struct buffer *buffer = &fs->buffers[fs->selected[i]];
        platform_breathe();
        transfer_add(&transfer, buffer->block, buffer_offset(fs, buffer), fs->block_size);
    }
    transfer_finish(&transfer);
    error_t error = io_batch_wait(&batch);
    for (uint32_t i = 0; i < fs->selected_count; i++) {
        struct buffer *buffer = &fs->buffers[fs->selected[i]];
        platform_breathe();
        buffer->flags &= (uint16_t)~BUFFER_SELECTED;
        // An inode block that was not written holds what the disk must not learn before its turn: read it
        // anew.
        if (error && buffer->kind == BUFFER_INODES && !buffer->pins)
            buffer->flags &= (uint16_t)~BUFFER_VALID;
    }
    fs->selected_count = fs->selected_inodes = 0;
    platform_queue_wake_all(&fs->buffer_queue);
    return error;
}

static error_t select_buffer(struct filesystem *fs, struct buffer *buffer) {
    if (buffer->flags & BUFFER_SELECTED)
        return ERR_OK;
    platform_breathe();
    buffer->flags |= BUFFER_SELECTED;
    fs->selected[fs->selected_count++] = (uint32_t)(buffer - fs->buffers);
    // Inode blocks are brought in for the commit: don't let them take all the room.
    if (buffer->kind == BUFFER_INODES && ++fs->selected_inodes >= fs->buffer_count / 6 + 1)
        return selected_write(fs);
    return ERR_OK;
}

static error_t select_buffers(struct filesystem *fs, uint32_t kinds, bool fresh, bool old) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < fs->buffer_count && !error; i++) {
        struct buffer *buffer = &fs->buffers[i];
        if (buffer->flags & BUFFER_DIRTY && kinds & 1u << buffer->kind && !buffer->tombstones &&
            (buffer->flags & BUFFER_FRESH ? fresh : old))
            error = select_buffer(fs, buffer);
    }
    return error;
}

// Writes one block from the scratch slot, whose content differs from what is cached.
static error_t scratch_write(struct filesystem *fs, uint32_t block) {
    struct io_batch batch = {0};
    struct transfer transfer = {.fs = fs, .batch = &batch, .write = true};
    transfer_add(&transfer, block, (uint64_t)fs->scratch_slot << fs->block_shift, fs->block_size);
    transfer_finish(&transfer);
    return io_batch_wait(&batch);
}

// --- inodes ---
enum commit_class { CLASS_NONE, CLASS_REMOVED, CLASS_OLD_DIRECTORY, CLASS_NEW_DIRECTORY, CLASS_OTHER };

static enum commit_class inode_class(const struct inode *inode) {
    if (inode->flags & INODE_DAMAGED)
        return CLASS_NONE;
    if (inode->links == 0 && inode->flags & INODE_NEW)
        return CLASS_NONE; // free on disk, and to stay so
    if (inode->links == 0)
        return inode->flags & INODE_REPLACED ? CLASS_OTHER : CLASS_REMOVED;
    if (!inode_is_directory(inode))
        return CLASS_OTHER;
    return inode->flags & INODE_NEW ? CLASS_NEW_DIRECTORY : CLASS_OLD_DIRECTORY;
}

static bool inode_in_phase(const struct inode *inode, enum commit_class class, uint32_t level) {
    return inode->flags & INODE_DIRTY && !(inode->flags & INODE_WRITTEN) && inode_class(inode) == class &&
           (class == CLASS_OTHER || class == CLASS_OLD_DIRECTORY || inode->level == level);
}

// Encodes all inodes of the phase that share the inode's table block, and selects the block.
static error_t inodes_encode_block(struct filesystem *fs, struct inode *inode, enum commit_class class, uint32_t level) {
    struct buffer *buffer;
    error_t error = buffer_read(fs, inode_table_block(fs, inode->number), BUFFER_INODES, &buffer);
    if (error)
        return error;
    uint32_t at = (inode->number - 1) % fs->inodes_per_group % fs->inodes_per_block;
    for (uint32_t i = 0; i < fs->inodes_per_block; i++) {
        struct inode *other = inode_find(fs, inode->number - at + i);
        if (!other || !inode_in_phase(other, class, level))
            continue;
        inode_encode(other, inode_raw(fs, buffer, other->number));
        other->flags = (uint16_t)((other->flags & ~INODE_TOUCHED) | INODE_WRITTEN);
    }
    error = select_buffer(fs, buffer);
    buffer_release(fs, buffer);
    return error;
}

static error_t select_inodes(struct filesystem *fs, enum commit_class class, uint32_t level) {
    error_t error = ERR_OK;
    for (struct inode *inode = fs->dirty_inode_first; inode && !error; inode = inode->dirty_next)
        if (inode_in_phase(inode, class, level))
            error = inodes_encode_block(fs, inode, class, level);
    return error;
}

static uint32_t highest_level(const struct filesystem *fs, enum commit_class class) {
    uint32_t highest = 0;
    for (const struct inode *inode = fs->dirty_inode_first; inode; inode = inode->dirty_next)
        if (inode_class(inode) == class && inode->level > highest)
            highest = inode->level;
    return highest;
}

// A directory whose hash index is not kept up loses its index flag before any of its blocks changes.
static error_t select_unindexed(struct filesystem *fs) {
    error_t error = ERR_OK;
    for (struct inode *inode = fs->dirty_inode_first; inode && !error; inode = inode->dirty_next) {
        struct buffer *buffer;
        if (!(inode->flags & INODE_UNINDEX) || inode_class(inode) != CLASS_OLD_DIRECTORY)
            continue;
        error = buffer_read(fs, inode_table_block(fs, inode->number), BUFFER_INODES, &buffer);
        if (error)
            break;
        inode_raw(fs, buffer, inode->number)->flags &= ~(uint32_t)EXT2_FLAG_INDEX;
        error = select_buffer(fs, buffer);
        buffer_release(fs, buffer);
    }
    return error;
}

// --- names that the disk keeps for a while ---
error_t tombstone_reserve(struct transaction *transaction) {
    transaction->spare = malloc(sizeof *transaction->spare);
    return transaction->spare ? ERR_OK : ERR_NO_MEMORY;
}

void tombstone_add(struct transaction *transaction, struct buffer *buffer, uint32_t offset, uint32_t number) {
    struct filesystem *fs = transaction->fs;
    struct tombstone *tombstone = transaction->spare;
    transaction->spare = NULL;
    *tombstone = (struct tombstone){fs->tombstones, buffer->block, offset, number};
    fs->tombstones = tombstone;
    buffer->tombstones++;
}

// Writes the directory blocks that have tombstones: with the renamed-away entries (undo), or as they are.
static error_t tombstones_write(struct filesystem *fs, bool undo) {
    for (const struct tombstone *first = fs->tombstones; first; first = first->next) {
        bool done = false; // once per block: by the first of its tombstones
        for (const struct tombstone *t = fs->tombstones; t != first && !done; t = t->next)
            done = t->block == first->block;
        struct buffer *buffer = done ? NULL : buffer_find(fs, first->block);
        if (!buffer || !buffer->tombstones) // the directory may be gone
            continue;
        memcpy(fs->scratch, buffer->data, fs->block_size);
        for (const struct tombstone *t = first; t && undo; t = t->next)
            if (t->block == first->block)
                ((struct ext2_directory_entry *)(void *)(fs->scratch + t->offset))->inode = t->number;
        error_t error = scratch_write(fs, first->block);
        if (error)
            return error;
    }
    return ERR_OK;
}

static void tombstones_free(struct filesystem *fs) {
    while (fs->tombstones) {
        struct tombstone *tombstone = fs->tombstones;
        platform_breathe();
        struct buffer *buffer = buffer_find(fs, tombstone->block);
        if (buffer && buffer->tombstones)
            buffer->tombstones--;
        fs->tombstones = tombstone->next;
        free(tombstone);
    }
}

// The parked inodes' names, "#number", in the empty block of lost+found; or the empty block again.
static error_t park_write(struct filesystem *fs, bool occupied) {
    if (!fs->parked_count || !fs->park_block)
        return ERR_OK;
    uint32_t offset = 0;
    memset(fs->scratch, 0, fs->block_size);
    for (uint32_t i = 0; occupied && i < fs->parked_count; i++) {
        struct ext2_directory_entry *entry = (struct ext2_directory_entry *)(void *)(fs->scratch + offset);
        char digits[10];
        uint32_t count = 0;
        for (uint32_t value = fs->parked[i]; value; value /= 10)
            digits[count++] = (char)('0' + value % 10);
        entry->inode = fs->parked[i];
        entry->length = 20;
        entry->name_length = (uint8_t)(count + 1);
        entry->name[0] = '#';
        for (uint32_t digit = 0; digit < count; digit++)
            entry->name[1 + digit] = digits[count - 1 - digit];
        offset += entry->length;
    }
    struct ext2_directory_entry *rest = (struct ext2_directory_entry *)(void *)(fs->scratch + offset);
    rest->inode = 0;
    rest->length = (uint16_t)(fs->block_size - offset);
    return scratch_write(fs, fs->park_block);
}

void commit_find_park(struct filesystem *fs) {
    if (fs->park_searched || fs->read_only)
        return;
    fs->park_searched = true;
    uint32_t block = superblock_find_park(fs);
    if (fs->park_searched) // nobody used the block meanwhile
        fs->park_block = block;
}

void commit_park(struct filesystem *fs, uint32_t number) {
    fs->parked[fs->parked_count++] = number;
}

// --- the phases ---
enum {
    KIND_BITMAP = 1u << BUFFER_BITMAP,
    KIND_INDIRECT_FILE = 1u << BUFFER_INDIRECT_FILE,
    KIND_INDIRECT_DIRECTORY = 1u << BUFFER_INDIRECT_DIRECTORY,
    KIND_DIRECTORY = 1u << BUFFER_DIRECTORY,
    KIND_CONTENT = 1u << BUFFER_CONTENT,
    KIND_SUMMARY = 1u << BUFFER_SUMMARY,
};

static error_t write_and_flush(struct filesystem *fs, error_t error) {
    error_t write_error = selected_write(fs); // always, to unselect
    if (!error)
        error = write_error;
    return error ? error : disk_flush(fs);
}

// What nothing on disk points to yet, and what is to be found free: freed inodes, children before their
// parents.
static error_t phase_prepare(struct filesystem *fs) {
    uint32_t highest = highest_level(fs, CLASS_REMOVED);
    error_t error = ERR_OK;
    if (fs->large_file_pending) { // before any inode needs it
        error = superblock_encode_summary(fs);
        if (!error)
            error = select_buffers(fs, KIND_SUMMARY, true, true);
    }
    if (!error)
        error = select_buffers(fs, KIND_BITMAP, true, true);
    if (!error)
        error = select_buffers(fs, KIND_INDIRECT_FILE | KIND_INDIRECT_DIRECTORY | KIND_DIRECTORY | KIND_CONTENT, true, false);
    if (!error)
        error = select_unindexed(fs);
    if (!error)
        error = park_write(fs, true);
    for (uint32_t level = 0; level <= highest && !error; level++) {
        error = select_inodes(fs, CLASS_REMOVED, level);
        error = write_and_flush(fs, error);
    }
    return error;
}

// Names, and the directories that hold them.
static error_t phase_names(struct filesystem *fs) {
    error_t error = select_buffers(fs, KIND_DIRECTORY | KIND_INDIRECT_DIRECTORY, false, true);
    if (!error)
        error = select_inodes(fs, CLASS_OLD_DIRECTORY, 0);
    if (!error)
        error = tombstones_write(fs, true);
    return write_and_flush(fs, error);
}

// What the names name: new directories from the top down, then all other inodes.
static error_t phase_inodes(struct filesystem *fs) {
    uint32_t highest = highest_level(fs, CLASS_NEW_DIRECTORY);
    error_t error = ERR_OK;
    for (uint32_t level = 1; level <= highest && !error; level++) {
        error = select_inodes(fs, CLASS_NEW_DIRECTORY, level);
        error = write_and_flush(fs, error);
    }
    if (!error)
        error = select_buffers(fs, KIND_INDIRECT_FILE | KIND_CONTENT, false, true);
    if (!error)
        error = select_inodes(fs, CLASS_OTHER, 0);
    return write_and_flush(fs, error);
}

// Old names of renamed files go last.
static error_t phase_old_names(struct filesystem *fs) {
    if (!fs->tombstones && !fs->parked_count)
        return ERR_OK;
    error_t error = tombstones_write(fs, false);
    if (!error)
        error = park_write(fs, false);
    return error ? error : disk_flush(fs);
}

static void commit_finish(struct filesystem *fs) {
    for (uint32_t i = 0; i < fs->buffer_count; i++) {
        if (!(fs->buffers[i].flags & BUFFER_DIRTY) || fs->buffers[i].kind == BUFFER_SUMMARY)
            continue;
        platform_breathe();
        buffer_clean(fs, &fs->buffers[i]);
    }
    tombstones_free(fs);
    fs->parked_count = 0;
    fs->large_file_pending = false;
    struct inode *next;
    for (struct inode *inode = fs->dirty_inode_first; inode; inode = next) {
        next = inode->dirty_next;
        platform_breathe();
        inode->flags &= (uint16_t) ~(INODE_NEW | INODE_BLANK | INODE_REMOVED | INODE_REPLACED | INODE_GAINED | INODE_MOVED_OUT |
                                     INODE_UNINDEX | INODE_WRITTEN);
        KEPT_SET(inode->level, 0);
        if (!(inode->flags & INODE_TOUCHED) || inode->flags & (INODE_LOST | INODE_DAMAGED) || inode->links == 0)
            inode_mark_clean(inode);
        if (inode->flags & INODE_LOST && !inode->references)
            inode_structure_free(inode);
    }
    fs->batch++;
    pending_apply(fs);
    platform_queue_wake_all(&fs->buffer_queue);
}

// The phase of the inodes was begun and failed: new inodes and the blocks they own may be on disk by now,
// under their names. From now on they are treated like old ones, whose removal the disk must be told.
static void commit_failed_late(struct filesystem *fs) {
    for (struct inode *inode = fs->dirty_inode_first; inode; inode = inode->dirty_next) {
        platform_breathe();
        if (inode->flags & INODE_NEW && inode->flags & INODE_WRITTEN)
            inode->flags &= (uint16_t)~INODE_NEW;
    }
    for (uint32_t i = 0; i < fs->buffer_count; i++) {
        platform_breathe();
        fs->buffers[i].flags &= (uint16_t)~BUFFER_FRESH;
    }
}

// Alone: commit_lock is held exclusively.
static error_t commit_phases(struct filesystem *fs) {
    if (!fs->dirty_buffers && !fs->dirty_inodes && !fs->pending_blocks && !fs->pending_inodes)
        return disk_flush(fs);
    platform_commit(); // that the lock is held: what is encoded from here on, and taken back, is encoded again alike
    for (struct inode *inode = fs->dirty_inode_first; inode; inode = inode->dirty_next) {
        platform_breathe();
        if (inode->flags & INODE_WRITTEN) // by a commit that failed
            inode->flags &= (uint16_t)~INODE_WRITTEN;
    }
    error_t error = phase_prepare(fs);
    if (!error)
        error = phase_names(fs);
    if (error)
        return error;
    error = phase_inodes(fs);
    if (!error)
        error = phase_old_names(fs);
    if (error)
        commit_failed_late(fs);
    else
        commit_finish(fs);
    return error;
}

error_t commit(struct filesystem *fs) {
    uint64_t batch = fs->batch;
    if (fs->read_only)
        return fs->dirty_inodes || fs->dirty_buffers ? ERR_READ_ONLY : ERR_OK;
    core_lock_exclusive(&fs->commit_lock);
    // A commit that began after this call has done it all.
    error_t error = fs->batch > batch ? disk_flush(fs) : commit_phases(fs);
    core_unlock(&fs->commit_lock);
    if (error)
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: cannot write metadata (error %d); the changes are kept and tried again",
                    error);
    return error;
}

// One round of bitmaps and summary. What the commit gave back is in the bitmaps only now: nothing on disk
// points to it any more.
static error_t phase_summary(struct filesystem *fs) {
    error_t error = superblock_encode_summary(fs);
    if (!error)
        error = select_buffers(fs, KIND_BITMAP | KIND_SUMMARY, true, true);
    error = write_and_flush(fs, error);
    for (uint32_t i = 0; i < fs->buffer_count && !error; i++) {
        if (!(fs->buffers[i].flags & BUFFER_DIRTY) || !(1u << fs->buffers[i].kind & (KIND_BITMAP | KIND_SUMMARY)))
            continue;
        platform_breathe();
        buffer_clean(fs, &fs->buffers[i]);
    }
    return error;
}

error_t commit_with_summary(struct filesystem *fs) {
    if (fs->read_only)
        return fs->dirty_inodes || fs->dirty_buffers ? ERR_READ_ONLY : ERR_OK;
    core_lock_exclusive(&fs->commit_lock);
    error_t error;
    do { // a small cache does not hold all bitmaps at once
        error = commit_phases(fs);
        if (!error)
            error = phase_summary(fs);
    } while (!error && (fs->pending_blocks || fs->pending_inodes || fs->summary_dirty));
    core_unlock(&fs->commit_lock);
    if (error)
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: cannot write the superblock or bitmaps (error %d)", error);
    return error;
}
