// The page cache's frames: hash, per-inode lists, the dirty queue, eviction by a clock hand. The hand walks
// the frames in order, so pages that come in one after the other lie side by side, and disk and copy take
// them in one piece. Invariants: a page is in at most one frame; pinned, dirty and transferring frames stay.
#include "servers/ext2/page.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/include/pages.h"
#include "servers/ext2/message.h"
#include "servers/ext2/writeback.h"

error_t page_cache_make(struct filesystem *fs, uint64_t base, uint64_t bytes) {
    uint32_t count = (uint32_t)minimum_u64(bytes >> PAGE_SHIFT, 1u << 28);
    uint32_t hash = 64;
    while (hash < count)
        hash *= 2;
    fs->pages = aligned_alloc(_Alignof(struct page), count * sizeof *fs->pages);
    fs->page_hash = malloc(hash * sizeof *fs->page_hash);
    fs->writeback = malloc(WRITEBACK_ENTRIES * sizeof *fs->writeback);
    fs->writeback_spare = malloc(WRITEBACK_ENTRIES * sizeof *fs->writeback_spare);
    if (!fs->pages || !fs->page_hash || !fs->writeback || !fs->writeback_spare)
        return ERR_NO_MEMORY;
    memset(fs->pages, 0, count * sizeof *fs->pages);
    memset(fs->page_hash, 0xFF, hash * sizeof *fs->page_hash);
    // Big ones come as fresh mappings: what they take is to be known once the disk is mounted.
    pages_touch(fs->writeback, WRITEBACK_ENTRIES * sizeof *fs->writeback);
    pages_touch(fs->writeback_spare, WRITEBACK_ENTRIES * sizeof *fs->writeback_spare);
    fs->page_base = base;
    fs->page_count = count;
    fs->page_hash_mask = hash - 1;
    fs->dirty_first = fs->dirty_last = NO_INDEX;
    fs->dirty_pages_limit = count * 2 / 5;
    fs->background_limit = minimum_u32(count / 10, 1024);
    fs->chunk_pages = count / 16 > 64 ? 64 : count / 16 ? count / 16 : 1;
    fs->ahead_pages = minimum_u32(count / 8, 256);
    return ERR_OK;
}

void page_cache_free(struct filesystem *fs) {
    loans_cut(fs);
    free(fs->pages);
    free(fs->page_hash);
    free(fs->writeback);
    free(fs->writeback_spare);
    fs->pages = NULL;
    fs->page_hash = NULL;
}

static uint32_t *page_bucket(const struct filesystem *fs, const struct inode *inode, uint32_t index) {
    return &fs->page_hash[(hash_u32(inode->number) + index) & fs->page_hash_mask];
}

uint32_t page_find(const struct inode *inode, uint32_t index) {
    const struct filesystem *fs = inode->fs;
    if (!inode->page_count)
        return NO_INDEX;
    uint32_t frame = *page_bucket(fs, inode, index);
    while (frame != NO_INDEX && (fs->pages[frame].index != index || fs->pages[frame].inode != inode))
        frame = fs->pages[frame].hash_next;
    return frame;
}

// Only the first line: the second one is set by who fills the page.
static void page_insert(struct inode *inode, uint32_t index, uint32_t frame) {
    struct filesystem *fs = inode->fs;
    struct page *page = &fs->pages[frame];
    uint32_t *bucket = page_bucket(fs, inode, index);
    platform_frames_changed();
    page->inode = inode;
    page->index = index;
    page->hash_next = *bucket;
    *bucket = frame;
    page->inode_previous = NO_INDEX;
    page->inode_next = inode->pages;
    if (inode->pages != NO_INDEX)
        fs->pages[inode->pages].inode_previous = frame;
    inode->pages = frame;
    inode->page_count++;
    page->pins = 1;
    page->failures = 0;
}

void page_drop(struct filesystem *fs, uint32_t frame) {
    struct page *page = &fs->pages[frame];
    struct inode *inode = page->inode;
    page_mark_clean(fs, frame);
    uint32_t *link = page_bucket(fs, inode, page->index);
    while (*link != frame)
        link = &fs->pages[*link].hash_next;
    *link = page->hash_next;
    if (page->inode_previous == NO_INDEX)
        inode->pages = page->inode_next;
    else
        fs->pages[page->inode_previous].inode_next = page->inode_next;
    if (page->inode_next != NO_INDEX)
        fs->pages[page->inode_next].inode_previous = page->inode_previous;
    inode->page_count--;
    page->inode = NULL;
    page->flags = 0;
}

// A free frame, by emptying one if need be; NO_INDEX if all are busy.
static uint32_t frame_take(struct filesystem *fs) {
    for (uint32_t step = 0; step < 2 * fs->page_count; step++) {
        uint32_t frame = fs->page_hand;
        struct page *page = &fs->pages[frame];
        fs->page_hand = frame + 1 == fs->page_count ? 0 : frame + 1;
        if (page->lent)
            continue;
        if (!page->inode)
            return frame;
        if (page->pins || page->dirty || page->transfers)
            continue;
        if (page->flags & PAGE_REFERENCED) {
            page->flags &= (uint8_t)~PAGE_REFERENCED;
            continue;
        }
        page_drop(fs, frame);
        return frame;
    }
    return NO_INDEX;
}

error_t page_make(struct inode *inode, uint32_t index, uint32_t *result, bool *made) {
    struct filesystem *fs = inode->fs;
    for (;;) {
        uint32_t frame = page_find(inode, index);
        *made = frame == NO_INDEX;
        if (!*made) {
            fs->pages[frame].pins++;
            *result = frame;
            return ERR_OK;
        }
        frame = frame_take(fs);
        if (frame != NO_INDEX) {
            page_insert(inode, index, frame);
            *result = frame;
            return ERR_OK;
        }
        // All frames are pinned, dirty or in transfer: write some, or wait for those in transfer.
        writeback_make_room(fs);
    }
}

uint32_t page_make_now(struct inode *inode, uint32_t index) {
    if (page_find(inode, index) != NO_INDEX)
        return NO_INDEX;
    uint32_t frame = frame_take(inode->fs);
    if (frame != NO_INDEX)
        page_insert(inode, index, frame);
    return frame;
}

void page_unpin(struct filesystem *fs, uint32_t frame) {
    if (--fs->pages[frame].pins == 0 && fs->frame_queue.first)
        platform_queue_wake_all(&fs->frame_queue);
}

void page_mark_dirty(struct filesystem *fs, uint32_t frame, uint8_t mask) {
    struct page *page = &fs->pages[frame];
    if (!page->dirty) {
        page->dirty_next = NO_INDEX;
        page->dirty_previous = fs->dirty_last;
        if (fs->dirty_last == NO_INDEX)
            fs->dirty_first = frame;
        else
            fs->pages[fs->dirty_last].dirty_next = frame;
        fs->dirty_last = frame;
        page->stamp = ++fs->dirty_stamp;
        fs->dirty_pages++;
        page->inode->dirty_pages++;
    }
    page->dirty |= mask;
}

void page_mark_clean(struct filesystem *fs, uint32_t frame) {
    struct page *page = &fs->pages[frame];
    if (!page->dirty)
        return;
    bool is_first = fs->dirty_first == frame;
    if (is_first)
        fs->dirty_first = page->dirty_next;
    else
        fs->pages[page->dirty_previous].dirty_next = page->dirty_next;
    if (page->dirty_next == NO_INDEX)
        fs->dirty_last = is_first ? NO_INDEX : page->dirty_previous;
    else if (!is_first)
        fs->pages[page->dirty_next].dirty_previous = page->dirty_previous;
    page->dirty = 0;
    fs->dirty_pages--;
    page->inode->dirty_pages--;
}

void page_wait(struct filesystem *fs, uint32_t frame) {
    platform_queue_wait(&fs->page_queues[frame % WAIT_QUEUES]);
}

void page_drop_from(struct inode *inode, uint32_t first) {
    struct filesystem *fs = inode->fs;
    uint32_t frame = inode->pages;
    while (frame != NO_INDEX) {
        struct page *page = &fs->pages[frame];
        uint32_t next = page->inode_next;
        if (page->index < first) {
            frame = next;
            continue;
        }
        platform_breathe();
        page_mark_clean(fs, frame); // no new transfer begins
        if (page->pins || page->transfers || page->flags & (PAGE_READING | PAGE_WRITING)) {
            if (page->transfers || page->flags & (PAGE_READING | PAGE_WRITING))
                page_wait(fs, frame);
            else
                platform_queue_wait(&fs->frame_queue);
            frame = inode->pages; // the list may have changed
            continue;
        }
        page_drop(fs, frame);
        frame = next;
    }
}

bool page_drop_all_now(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    if (inode->dirty_pages)
        return false;
    for (uint32_t frame = inode->pages; frame != NO_INDEX; frame = fs->pages[frame].inode_next)
        if (fs->pages[frame].pins || fs->pages[frame].transfers)
            return false;
    while (inode->pages != NO_INDEX) {
        platform_breathe();
        page_drop(fs, inode->pages);
    }
    return true;
}

// The end of a file may lie inside the page: what the disk holds behind it is not the file's.
static void page_zero_tail(struct filesystem *fs, uint32_t frame) {
    const struct page *page = &fs->pages[frame];
    uint64_t start = (uint64_t)page->index << PAGE_SHIFT;
    uint64_t size = page->inode->size;
    if (size < start + PAGE_BYTES) {
        uint64_t keep = size > start ? size - start : 0;
        platform_zero(fs->disk, page_offset(fs, frame) + keep, PAGE_BYTES - keep);
    }
}

// The last request of a page's write is back. A failed write is tried again; if that does not help the data
// is lost.
static void page_written(struct filesystem *fs, uint32_t frame, error_t result) {
    struct page *page = &fs->pages[frame];
    page->flags &= (uint8_t)~PAGE_WRITING;
    fs->writing_pages--;
    page->inode->writing_pages--;
    fs->epoch_pages[page->flags & PAGE_EPOCH ? 1 : 0]--;
    if (!(page->flags & PAGE_ERROR)) {
        page->failures = 0;
    } else if (++page->failures < WRITE_TRIES) {
        page_mark_dirty(fs, frame, page->written);
        fs->write_retries++;
    } else {
        page->failures = 0;
        page->inode->write_error = result ? result : ERR_IO;
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: inode %u: cannot write page %u to block %u: data lost", page->inode->number,
                    page->index, page->blocks[0]);
    }
    platform_queue_wake_all(&fs->throttle_queue);
}

void page_transfer_done(struct filesystem *fs, uint32_t frame, bool write, error_t result) {
    struct page *page = &fs->pages[frame];
    page->transfers--;
    if (result)
        page->flags |= PAGE_ERROR;
    if (page->transfers == 0 && write)
        page_written(fs, frame, result);
    if (page->transfers == 0 && !write && page->flags & PAGE_READING) {
        page->flags &= (uint8_t)~PAGE_READING;
        fs->reading_pages--;
        if (!(page->flags & PAGE_ERROR)) {
            page_zero_tail(fs, frame);
            page->flags |= PAGE_VALID;
        }
    }
    platform_queue_wake_all(&fs->page_queues[frame % WAIT_QUEUES]);
    if (page->transfers == 0 && fs->frame_queue.first)
        platform_queue_wake_all(&fs->frame_queue);
}
