// An index of one directory's names, in memory: hash of the name -> position of its entry. Built when the
// directory is first searched, kept right by every insertion and removal, dropped when memory is short. Holds
// no names: a hit is checked in the block.
#pragma once

#include "servers/ext2/state.h"

struct name_index {
    uint32_t *slots; // pairs: hash, position / 4 (NO_INDEX: free)
    uint32_t mask;   // pairs - 1
    uint32_t count;  // entries, "." and ".." not included
    uint8_t *room;   // for each block of the directory: no gap is larger than 4 * this; 255: not known
    uint32_t blocks, room_size;
    uint64_t bytes;
};

uint32_t name_hash(const struct filesystem *fs, const char *name, uint32_t length);
// WAITS if it must be built. NULL: there is none (no memory, or another fiber builds it): search the blocks.
// The inode is held.
struct name_index *name_index_use(struct inode *directory);
void name_index_drop(struct inode *directory);
// Positions with this hash, one after the other: *cursor starts at 0 and is the function's own. NO_INDEX: no
// more. In bytes.
uint64_t name_index_next(const struct name_index *index, uint32_t hash, uint32_t *cursor);
#define NAME_INDEX_END UINT64_MAX
// The directory is held exclusively. Adding drops the index if there is no memory.
void name_index_add(struct inode *directory, uint32_t hash, uint64_t position);
void name_index_remove(struct inode *directory, uint32_t hash, uint64_t position);
void name_index_set_room(struct inode *directory, uint32_t block, uint32_t bytes);
uint32_t name_index_room(const struct inode *directory, uint32_t block); // bytes; an upper bound
