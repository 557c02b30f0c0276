// See recent_names.h. A table with one place for each hash; states are never given twice.
#include "servers/ext2/recent_names.h"

#include <stdlib.h>
#include <string.h>

#include "servers/ext2/inode.h"
#include "servers/ext2/name_index.h"

enum { NAMES_LEAST = 256, NAMES_MOST = 4096, CACHE_BYTES_PER_NAME = 4096 };
enum { STATE_NONE, STATE_CHANGED, STATE_FIRST = 2 }; // CHANGED: the next lookup enters nothing

error_t recent_names_make(struct filesystem *fs, uint64_t cache_bytes) {
    uint32_t count = NAMES_LEAST;
    while (count < NAMES_MOST && count < cache_bytes / CACHE_BYTES_PER_NAME)
        count *= 2;
    fs->names = calloc(count, sizeof *fs->names);
    fs->names_mask = count - 1;
    fs->names_state = STATE_FIRST;
    return fs->names ? ERR_OK : ERR_NO_MEMORY;
}

static struct recent_name *place_of(const struct inode *directory, const char *name, uint32_t length) {
    uint32_t hash = name_hash(directory->fs, name, length) ^ directory->names_state * 0x9E3779B9u;
    return &directory->fs->names[(hash ^ hash >> 16) & directory->fs->names_mask];
}

struct inode *recent_names_find(struct inode *directory, const char *name, uint32_t length) {
    if (directory->names_state < STATE_FIRST || length > RECENT_NAME_BYTES || directory->links == 0 ||
        directory->lock.holders < 0)
        return NULL;
    const struct recent_name *place = place_of(directory, name, length);
    if (place->state != directory->names_state || place->length != length || memcmp(place->name, name, length) != 0)
        return NULL;
    return inode_at_hand(directory->fs, place->number);
}

void recent_names_add(struct inode *directory, const char *name, uint32_t length, uint32_t number) {
    struct filesystem *fs = directory->fs;
    if (length > RECENT_NAME_BYTES)
        return;
    if (directory->names_state == STATE_CHANGED) { // while it changes with every lookup, there is no use
        directory->names_state = STATE_NONE;
        return;
    }
    if (directory->names_state == STATE_NONE) {
        if (fs->names_state == UINT32_MAX)
            return; // all states are used up: until the next mount nothing new is entered
        directory->names_state = fs->names_state++;
    }
    struct recent_name *place = place_of(directory, name, length);
    place->state = directory->names_state;
    place->number = number;
    place->length = (uint8_t)length;
    memcpy(place->name, name, length);
}

void recent_names_forget(struct inode *directory) {
    KEPT_SET(directory->names_state, STATE_CHANGED);
}
