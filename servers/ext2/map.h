// From a block of a file to a block of the disk: direct, indirect, double and triple indirect pointers,
// checked before use.
#pragma once

#include "servers/ext2/state.h"

// Pages and blocks that a file may have, by the pointers' reach and the size field.
uint64_t map_size_limit(const struct filesystem *fs); // bytes
// Whether a disk block can belong to a file: on the disk, and not part of its group's own structures.
bool map_block_usable(const struct filesystem *fs, uint32_t block);

// WAITS. *physical: the disk block of `logical`, or 0 for a hole; *count: how many further blocks go on the
// same way (at least 1, at most `most`). The inode is held shared or exclusively.
MUST_USE error_t map_lookup(struct inode *inode, uint32_t logical, uint32_t most, uint32_t *physical, uint32_t *count);
// WAITS. The same, but a hole is filled: up to `most` blocks, contiguous on disk. *made: they are new. The
// inode is held exclusively and will be made dirty here. Uses at most MAPPING_CREDITS of the transaction.
MUST_USE error_t map_allocate(struct transaction *transaction, struct inode *inode, uint32_t logical, uint32_t most,
                              uint32_t *physical, uint32_t *count, bool *made);
// WAITS. Frees all blocks from `first` on, ending and beginning the transaction again as often as it takes;
// the inode is held exclusively and its size is set already. On an error the transaction is still open and
// the rest stays allocated.
MUST_USE error_t map_truncate(struct transaction *transaction, struct inode *inode, uint32_t first);
enum { TRUNCATE_CREDITS = 12 };
// The path of pointers to a logical block: *level 0 (direct) to 3, indexes[0] into inode->block, the others
// into blocks.
bool map_path(const struct filesystem *fs, uint32_t logical, uint32_t indexes[4], uint32_t *level);
