// Bringing file pages in: one page now, others ahead of time.
#pragma once

#include "servers/ext2/state.h"

// WAITS for mapping blocks, not for the data. Starts reading those of [first, end) that are not cached, as
// far as frames are free at once; from `needed` on, not even mapping blocks are waited for that are on their
// way. Returns the page where it stopped.
uint32_t pages_read_ahead(struct inode *inode, uint32_t first, uint32_t needed, uint32_t end);
// WAITS. The page, valid and pinned. Starts reading up to `count` pages in one go if it is not there. The
// inode is held. ERR_IO, ERR_CORRUPT.
MUST_USE error_t page_bring(struct inode *inode, uint32_t index, uint32_t count, uint32_t *frame);
// WAITS. The disk blocks of one page; 0: hole.
MUST_USE error_t page_map(struct inode *inode, uint32_t index, uint32_t blocks[PAGE_BLOCKS]);
