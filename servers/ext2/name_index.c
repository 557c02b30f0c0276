// Open addressing with linear probing, at most 5/8 full; removal moves followers back. Invariant: while a
// directory has an index, every entry of it but "." and ".." is in it. Called by directory.c.
#include "servers/ext2/name_index.h"

#include <stdlib.h>
#include <string.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/directory.h"

enum { INDEX_FIRST_PAIRS = 32, ROOM_UNKNOWN = 255 };

uint32_t name_hash(const struct filesystem *fs, const char *name, uint32_t length) {
    const uint8_t *bytes = (const uint8_t *)name;
    uint64_t hash = fs->hash_seed ^ length;
    for (; length >= 4; bytes += 4, length -= 4) { // one load; memcpy is a call in a server
        uint32_t word = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
        hash ^= hash >> 29;
    }
    for (; length; length--)
        hash = (hash ^ *bytes++) * 0x9E3779B97F4A7C15ull;
    return (uint32_t)(hash ^ hash >> 32);
}

static void index_unlist(struct inode *directory) {
    struct filesystem *fs = directory->fs;
    if (directory->index_previous)
        directory->index_previous->index_next = directory->index_next;
    else
        fs->index_first = directory->index_next;
    if (directory->index_next)
        directory->index_next->index_previous = directory->index_previous;
    else
        fs->index_last = directory->index_previous;
    directory->index_next = directory->index_previous = NULL;
}

static void index_list(struct inode *directory) {
    struct filesystem *fs = directory->fs;
    directory->index_previous = fs->index_last;
    directory->index_next = NULL;
    if (fs->index_last)
        fs->index_last->index_next = directory;
    else
        fs->index_first = directory;
    fs->index_last = directory;
}

static void index_free(struct name_index *index) {
    if (index) {
        free(index->slots);
        free(index->room);
        free(index);
    }
}

void name_index_drop(struct inode *directory) {
    if (!directory->index)
        return;
    directory->fs->index_bytes -= directory->index->bytes;
    index_free(directory->index);
    directory->index = NULL;
    index_unlist(directory);
}

// Drops the least recently used ones that nobody works with.
static void indexes_trim(struct filesystem *fs) {
    struct inode *directory = fs->index_first;
    while (directory && fs->index_bytes > fs->index_limit) {
        struct inode *next = directory->index_next;
        if (core_lock_idle(&directory->lock))
            name_index_drop(directory);
        directory = next;
    }
}

static void index_put(struct name_index *index, uint32_t hash, uint32_t position) {
    uint32_t at = hash & index->mask;
    while (index->slots[2 * at + 1] != NO_INDEX)
        at = (at + 1) & index->mask;
    index->slots[2 * at] = hash;
    index->slots[2 * at + 1] = position;
}

static bool index_grow(struct name_index *index, uint32_t pairs) {
    uint32_t *old = index->slots, old_pairs = old ? index->mask + 1 : 0;
    uint32_t *slots = malloc((size_t)pairs * 2 * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0xFF, (size_t)pairs * 2 * sizeof *slots);
    index->slots = slots;
    index->mask = pairs - 1;
    for (uint32_t i = 0; i < old_pairs; i++)
        if (old[2 * i + 1] != NO_INDEX)
            index_put(index, old[2 * i], old[2 * i + 1]);
    free(old);
    return true;
}

static bool index_reserve_room(struct name_index *index, uint32_t blocks) {
    if (blocks > index->room_size) {
        uint32_t size = blocks + blocks / 2 + 8;
        uint8_t *room = malloc(size);
        if (!room)
            return false;
        if (index->blocks)
            memcpy(room, index->room, index->blocks);
        free(index->room);
        index->room = room;
        index->room_size = size;
    }
    for (; index->blocks < blocks; index->blocks++)
        index->room[index->blocks] = ROOM_UNKNOWN;
    return true;
}

static bool index_insert(struct name_index *index, uint32_t hash, uint64_t position) {
    if ((uint64_t)(index->count + 1) * 8 > (uint64_t)(index->mask + 1) * 5 && !index_grow(index, (index->mask + 1) * 2))
        return false;
    index_put(index, hash, (uint32_t)(position / 4));
    index->count++;
    return true;
}

static uint64_t index_size(const struct name_index *index) {
    return sizeof *index + (uint64_t)(index->mask + 1) * 8 + index->room_size;
}

static bool index_fill(struct inode *directory, struct name_index *index) {
    struct filesystem *fs = directory->fs;
    uint32_t blocks = (uint32_t)(directory->size >> fs->block_shift);
    if (!index_grow(index, INDEX_FIRST_PAIRS) || !index_reserve_room(index, blocks))
        return false;
    for (uint32_t block = 0; block < blocks; block++) {
        struct buffer *buffer;
        if (directory_block_get(directory, block, &buffer))
            return false;
        bool good = true;
        for (uint32_t offset = 0; offset < fs->block_size && good;) {
            const struct ext2_directory_entry *entry = (const struct ext2_directory_entry *)(const void *)(buffer->data + offset);
            if (entry->inode && !directory_entry_is_dots(entry))
                good = index_insert(index, name_hash(fs, entry->name, entry->name_length),
                                    ((uint64_t)block << fs->block_shift) + offset);
            offset += entry->length;
        }
        if (!good || index_size(index) > fs->index_limit)
            return false;
    }
    return true;
}

struct name_index *name_index_use(struct inode *directory) {
    struct filesystem *fs = directory->fs;
    if (directory->index) {
        if (fs->index_last != directory) {
            index_unlist(directory);
            index_list(directory);
        }
        return directory->index;
    }
    if (directory->size / 16 > fs->index_limit)
        return NULL;
    struct name_index *index = calloc(1, sizeof *index);
    if (!index || !index_fill(directory, index) || directory->index) { // another fiber may have been faster
        index_free(index);
        return directory->index;
    }
    index->bytes = index_size(index);
    fs->index_bytes += index->bytes;
    directory->index = index;
    index_list(directory);
    indexes_trim(fs);
    return index;
}

uint64_t name_index_next(const struct name_index *index, uint32_t hash, uint32_t *cursor) {
    for (;;) {
        uint32_t at = (hash + *cursor) & index->mask;
        if (index->slots[2 * at + 1] == NO_INDEX)
            return NAME_INDEX_END;
        ++*cursor;
        if (index->slots[2 * at] == hash)
            return (uint64_t)index->slots[2 * at + 1] * 4;
    }
}

void name_index_add(struct inode *directory, uint32_t hash, uint64_t position) {
    struct filesystem *fs = directory->fs;
    struct name_index *index = directory->index;
    if (!index)
        return;
    if (!index_insert(index, hash, position) || !index_reserve_room(index, (uint32_t)(directory->size >> fs->block_shift))) {
        name_index_drop(directory);
        return;
    }
    uint64_t bytes = index_size(index);
    if (bytes == index->bytes)
        return;
    fs->index_bytes += bytes - index->bytes;
    index->bytes = bytes;
    if (bytes > fs->index_limit)
        name_index_drop(directory);
}

void name_index_remove(struct inode *directory, uint32_t hash, uint64_t position) {
    struct name_index *index = directory->index;
    if (!index)
        return;
    uint32_t hole = hash & index->mask;
    while (index->slots[2 * hole + 1] != (uint32_t)(position / 4)) {
        if (index->slots[2 * hole + 1] == NO_INDEX) { // it must be there: start afresh
            name_index_drop(directory);
            return;
        }
        hole = (hole + 1) & index->mask;
    }
    for (uint32_t at = (hole + 1) & index->mask; index->slots[2 * at + 1] != NO_INDEX; at = (at + 1) & index->mask) {
        uint32_t home = index->slots[2 * at] & index->mask;
        if (((at - home) & index->mask) >= ((at - hole) & index->mask)) {
            index->slots[2 * hole] = index->slots[2 * at];
            index->slots[2 * hole + 1] = index->slots[2 * at + 1];
            hole = at;
        }
    }
    index->slots[2 * hole + 1] = NO_INDEX;
    index->count--;
}

void name_index_set_room(struct inode *directory, uint32_t block, uint32_t bytes) {
    struct name_index *index = directory->index;
    uint8_t room = bytes / 4 > ROOM_UNKNOWN ? ROOM_UNKNOWN : (uint8_t)(bytes / 4);
    if (index && block < index->blocks)
        KEPT_SET(index->room[block], room);
}

uint32_t name_index_room(const struct inode *directory, uint32_t block) {
    const struct name_index *index = directory->index;
    if (!index || block >= index->blocks || index->room[block] == ROOM_UNKNOWN)
        return directory->fs->block_size;
    return (uint32_t)index->room[block] * 4;
}
