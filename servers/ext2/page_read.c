// Reading pages. Invariant: a page becomes PAGE_VALID only when all its blocks arrived; holes and what lies
// behind the end of the file are zero without any reading. Called by node_read, by writers that change part
// of a page, and by truncate.
#include "servers/ext2/page_read.h"

#include <string.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/disk.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"
#include "servers/ext2/page.h"

error_t page_map(struct inode *inode, uint32_t index, uint32_t blocks[PAGE_BLOCKS]) {
    struct filesystem *fs = inode->fs;
    uint32_t logical = index * fs->page_blocks, at = 0;
    while (at < fs->page_blocks) {
        uint32_t physical, count;
        error_t error = map_lookup(inode, logical + at, fs->page_blocks - at, &physical, &count);
        if (error)
            return error;
        for (uint32_t i = 0; i < count; i++)
            blocks[at++] = physical ? physical + i : 0;
    }
    return ERR_OK;
}

// The frame is new and pinned; its blocks are known. Unpins it.
static void page_start_read(struct transfer *transfer, uint32_t frame, const uint32_t *blocks) {
    struct filesystem *fs = transfer->fs;
    struct page *page = &fs->pages[frame];
    uint64_t offset = page_offset(fs, frame);
    uint32_t present = 0;
    for (uint32_t i = 0; i < fs->page_blocks; i++) {
        page->blocks[i] = blocks[i];
        present += blocks[i] != 0;
    }
    if (present < fs->page_blocks)
        platform_zero(fs->disk, offset, PAGE_BYTES);
    page->flags = PAGE_NEW;
    if (!present) {
        page->flags |= PAGE_VALID;
        page_unpin(fs, frame);
        return;
    }
    page->flags |= PAGE_READING;
    page->transfers = 1; // held until all pieces are asked for
    fs->reading_pages++;
    for (uint32_t i = 0; i < fs->page_blocks; i++)
        if (blocks[i])
            transfer_add(transfer, blocks[i], offset + ((uint64_t)i << fs->block_shift), fs->block_size);
    page_transfer_done(fs, frame, false, ERR_OK);
    page_unpin(fs, frame);
}

// Whether mapping the page would wait for a block of pointers that is being read.
static bool leaf_is_awaited(struct inode *inode, uint32_t index) {
    struct filesystem *fs = inode->fs;
    if (index * fs->page_blocks - inode->run_logical < inode->run_count || !inode->next_leaf)
        return false;
    const struct buffer *buffer = buffer_find(fs, inode->next_leaf);
    return buffer && buffer->flags & BUFFER_READING;
}

uint32_t pages_read_ahead(struct inode *inode, uint32_t first, uint32_t needed, uint32_t end) {
    struct filesystem *fs = inode->fs;
    struct transfer transfer = {.fs = fs};
    uint32_t index;
    for (index = first; index < end; index++) {
        uint32_t blocks[PAGE_BLOCKS];
        if (page_find(inode, index) != NO_INDEX)
            continue;
        if (index >= needed && leaf_is_awaited(inode, index))
            break;
        if (page_map(inode, index, blocks))
            break; // told when somebody asks for it
        uint32_t frame = page_make_now(inode, index);
        if (frame == NO_INDEX) {
            if (page_find(inode, index) != NO_INDEX)
                continue;
            break;
        }
        page_start_read(&transfer, frame, blocks);
        // The pointers to what follows often lie right behind: they come along, and nobody waits for them
        // later.
        uint32_t last = blocks[fs->page_blocks - 1];
        if (last && last + 1 == inode->next_leaf && map_block_usable(fs, last + 1)) {
            buffer_prefetch_with(&transfer, last + 1, BUFFER_INDIRECT_FILE);
            transfer_finish(&transfer); // at once: mapping the next page may wait for it
        }
    }
    transfer_finish(&transfer);
    return index;
}

static error_t page_read_one(struct inode *inode, uint32_t index) {
    struct filesystem *fs = inode->fs;
    struct transfer transfer = {.fs = fs};
    uint32_t blocks[PAGE_BLOCKS], frame;
    bool made;
    error_t error = page_map(inode, index, blocks);
    if (!error)
        error = page_make(inode, index, &frame, &made);
    if (error)
        return error;
    if (made)
        page_start_read(&transfer, frame, blocks);
    else
        page_unpin(fs, frame);
    transfer_finish(&transfer);
    return ERR_OK;
}

error_t page_bring(struct inode *inode, uint32_t index, uint32_t count, uint32_t *result) {
    struct filesystem *fs = inode->fs;
    error_t error = ERR_OK;
    for (uint32_t tries = 0; !error; tries++) {
        uint32_t frame = page_find(inode, index);
        if (frame == NO_INDEX) {
            if (tries == 0 && count > 1)
                (void)pages_read_ahead(inode, index, index + count, index + count);
            else
                error = page_read_one(inode, index);
            continue;
        }
        struct page *page = &fs->pages[frame];
        page->pins++;
        while (page->flags & PAGE_READING)
            page_wait(fs, frame);
        if (page->flags & PAGE_VALID) {
            *result = frame;
            return ERR_OK;
        }
        page_unpin(fs, frame);
        // The read failed: try once more, alone.
        if (!page->pins && !page->transfers)
            page_drop(fs, frame);
        if (tries >= 2) {
            message_log(fs, PLATFORM_LOG_ERROR, "ext2: inode %u: cannot read page %u", inode->number, index);
            error = ERR_IO;
        }
    }
    return error;
}
