// Writing dirty file pages, in the order of the disk, in large transfers. Needs no transaction: a dirty page
// knows its blocks.
#pragma once

#include "servers/ext2/state.h"

// WAITS for requests, not for completion. Starts writing up to `limit` dirty blocks (of `inode`, or the
// oldest of all if NULL). Returns how many it started; they are counted in batch if it is not NULL.
uint32_t writeback_start(struct filesystem *fs, struct inode *inode, uint32_t limit, struct io_batch *batch);
// WAITS until all that was dirty at the call is written (not flushed). Errors stay with the inodes. The inode
// is held.
void writeback_inode(struct inode *inode);
void writeback_all(struct filesystem *fs);
void writeback_make_room(struct filesystem *fs); // WAITS until a frame may have become free
void writeback_throttle(struct filesystem *fs);  // WAITS while too much is dirty; called without locks that write-back needs
