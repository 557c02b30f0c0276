// Allocation of blocks and inodes: bitmaps, groups, windows. What is freed while the disk may still point to
// it stays set in the bitmap ("pending") until the next commit is complete.
#pragma once

#include "servers/ext2/state.h"

// WAITS. Up to `want` contiguous blocks for inode, near its others. ERR_NO_SPACE (blocks may be pending);
// dirties one bitmap.
MUST_USE error_t blocks_allocate(struct transaction *transaction, struct inode *inode, uint32_t want, uint32_t *block,
                                 uint32_t *got);
// WAITS. Frees blocks that the inode owned: at once if the disk never knew the inode, else pending.
// ERR_CORRUPT if they are free.
MUST_USE error_t blocks_free(struct transaction *transaction, struct inode *inode, uint32_t block, uint32_t count);
// WAITS. Back to free at once: nothing on disk points to them.
void blocks_give_back(struct transaction *transaction, uint32_t block, uint32_t count);

// WAITS. A free inode number for a child of `parent`. Dirties the inode bitmap.
MUST_USE error_t inode_number_allocate(struct transaction *transaction, const struct inode *parent, bool directory,
                                       uint32_t *number);
// WAITS. known: the disk may still hold an inode or entry of this number.
void inode_number_free(struct transaction *transaction, uint32_t number, bool directory, bool known);
// WAITS. After a commit: what was pending becomes free. Bitmaps become dirty; written by the caller.
void pending_apply(struct filesystem *fs);
void windows_drop(struct inode *inode);
