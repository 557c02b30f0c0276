// The page cache: frames of unmapped cache memory, found by (inode, page index). Frame i is described by
// fs->pages[i].
#pragma once

#include "servers/ext2/state.h"

MUST_USE error_t page_cache_make(struct filesystem *fs, uint64_t base, uint64_t bytes);
void page_cache_free(struct filesystem *fs);

static inline uint64_t page_offset(const struct filesystem *fs, uint32_t frame) {
    return fs->page_base + ((uint64_t)frame << PAGE_SHIFT);
}
uint32_t page_find(const struct inode *inode, uint32_t index); // frame or NO_INDEX
// WAITS. A frame for this page, pinned: the cached one (*made false), or a new one without content (*made
// true, its flags 0).
MUST_USE error_t page_make(struct inode *inode, uint32_t index, uint32_t *frame, bool *made);
// The same without waiting: NO_INDEX if the page is cached or no frame is free at once. Pinned.
uint32_t page_make_now(struct inode *inode, uint32_t index);
void page_unpin(struct filesystem *fs, uint32_t frame);
void page_mark_dirty(struct filesystem *fs, uint32_t frame, uint8_t mask);
void page_mark_clean(struct filesystem *fs, uint32_t frame);
void page_wait(struct filesystem *fs, uint32_t frame); // WAITS for any change of the page's flags
void page_drop(struct filesystem *fs, uint32_t frame); // unpinned, not in transfer
// WAITS for transfers. Drops all pages from `first` on; dirty ones are lost. The inode is held exclusively,
// or nobody can find it.
void page_drop_from(struct inode *inode, uint32_t first);
// Drops all pages if that needs no waiting and loses nothing.
bool page_drop_all_now(struct inode *inode);
void page_transfer_done(struct filesystem *fs, uint32_t frame, bool write, error_t result);
// lend.c: the frames go; who has them on loan keeps their memory.
void loans_cut(struct filesystem *fs);
