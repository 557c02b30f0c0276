// Write-back. Invariants: a page has at most one write in flight; its `dirty` mask is cleared when the write
// is prepared, so what is changed meanwhile is written again. Called by the page cache, writers, fsync and
// the background fiber.
#include "servers/ext2/writeback.h"

#include "servers/ext2/disk.h"
#include "servers/ext2/message.h"
#include "servers/ext2/page.h"

// What is to be written: the disk block in the upper half, in the lower one frame * PAGE_BLOCKS + piece. Sorted as numbers.
static uint64_t entry_make(uint32_t block, uint32_t frame, uint32_t piece) {
    return (uint64_t)block << 32 | (frame * PAGE_BLOCKS + piece);
}

// Moves one dirty page into the list: from now on its frame is held by one count of `transfers` per entry.
static uint32_t writeback_gather_page(struct filesystem *fs, uint32_t frame, uint32_t count) {
    struct page *page = &fs->pages[frame];
    uint32_t entries = 0;
    for (uint32_t piece = 0; piece < fs->page_blocks; piece++)
        if (page->dirty & 1u << piece && page->blocks[piece])
            fs->writeback[count + entries++] = entry_make(page->blocks[piece], frame, piece);
    page->written = page->dirty;
    page_mark_clean(fs, frame);
    if (!entries)
        return 0;
    page->flags &= (uint8_t) ~(PAGE_ERROR | PAGE_EPOCH);
    page->flags |= (uint8_t)(PAGE_WRITING | (fs->write_epoch ? PAGE_EPOCH : 0));
    fs->epoch_pages[fs->write_epoch]++;
    page->transfers = (uint8_t)(page->transfers + entries);
    fs->writing_pages++;
    page->inode->writing_pages++;
    return entries;
}

static uint32_t writeback_gather(struct filesystem *fs, struct inode *inode, uint32_t limit) {
    uint32_t count = 0;
    uint32_t frame = inode ? inode->pages : fs->dirty_first;
    while (frame != NO_INDEX && count < limit && count + fs->page_blocks <= WRITEBACK_ENTRIES) {
        struct page *page = &fs->pages[frame];
        uint32_t next = inode ? page->inode_next : page->dirty_next;
        platform_breathe();
        if (page->dirty && !(page->flags & PAGE_WRITING))
            count += writeback_gather_page(fs, frame, count);
        frame = next;
    }
    return count;
}

// Merge sort by disk block; a list that rises or falls already costs one pass.
static uint64_t *writeback_sort(struct filesystem *fs, uint32_t count) {
    uint64_t *from = fs->writeback, *to = fs->writeback_spare;
    uint32_t rising = 1, falling = 1;
    for (uint32_t i = 1; i < count; i++) {
        rising += from[i - 1] < from[i];
        falling += from[i - 1] > from[i];
    }
    if (rising == count)
        return from;
    if (falling == count) {
        for (uint32_t i = 0; i < count; i++)
            to[i] = from[count - 1 - i];
        return to;
    }
    for (uint32_t width = 1; width < count; width *= 2) {
        platform_breathe();
        for (uint32_t low = 0; low < count; low += 2 * width) {
            uint32_t middle = minimum_u32(low + width, count), high = minimum_u32(low + 2 * width, count);
            uint32_t a = low, b = middle;
            for (uint32_t out = low; out < high; out++)
                to[out] = a < middle && (b >= high || from[a] <= from[b]) ? from[a++] : from[b++];
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

uint32_t writeback_start(struct filesystem *fs, struct inode *inode, uint32_t limit, struct io_batch *batch) {
    core_lock_exclusive(&fs->writeback_lock);
    uint32_t count = writeback_gather(fs, inode, limit);
    const uint64_t *entries = writeback_sort(fs, count);
    struct transfer transfer = {.fs = fs, .batch = batch, .write = true};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t frame = (uint32_t)entries[i] / PAGE_BLOCKS, piece = (uint32_t)entries[i] % PAGE_BLOCKS;
        uint32_t block = (uint32_t)(entries[i] >> 32);
        platform_breathe();
        bool is_alone = fs->pages[frame].failures != 0; // one bad block is not to cost its neighbours
        if (is_alone)
            transfer_finish(&transfer);
        transfer_add(&transfer, block, page_offset(fs, frame) + ((uint64_t)piece << fs->block_shift), fs->block_size);
        if (is_alone)
            transfer_finish(&transfer);
        page_transfer_done(fs, frame, true, ERR_OK); // the count that held the frame until now
    }
    transfer_finish(&transfer);
    core_unlock(&fs->writeback_lock);
    return count;
}

void writeback_inode(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    // Nobody makes more, since the inode is held; but a write that fails makes its page dirty again, until it
    // is good or given up.
    while (inode->dirty_pages || inode->writing_pages)
        if (!inode->dirty_pages || (!writeback_start(fs, inode, WRITEBACK_ENTRIES, NULL) && inode->writing_pages))
            platform_queue_wait(&fs->throttle_queue);
}

// Whether a page is dirty that was so when the clock of dirtying stood at `stamp`. The queue is in the order
// of the stamps.
static bool dirty_since(const struct filesystem *fs, uint32_t stamp) {
    return fs->dirty_first != NO_INDEX && (int32_t)(fs->pages[fs->dirty_first].stamp - stamp) <= 0;
}

void writeback_all(struct filesystem *fs) {
    uint32_t stamp = fs->dirty_stamp;
    core_lock_exclusive(&fs->sync_lock);
    while (dirty_since(fs, stamp))
        if (!writeback_start(fs, NULL, WRITEBACK_ENTRIES, NULL) && dirty_since(fs, stamp) && fs->writing_pages)
            platform_queue_wait(&fs->throttle_queue);
    // Writes in flight, whoever began them: those of this epoch and what is left of the one before.
    uint32_t epoch = fs->write_epoch;
    while (fs->epoch_pages[epoch ^ 1])
        platform_queue_wait(&fs->throttle_queue);
    fs->write_epoch = epoch ^ 1;
    while (fs->epoch_pages[epoch])
        platform_queue_wait(&fs->throttle_queue);
    core_unlock(&fs->sync_lock);
}

void writeback_make_room(struct filesystem *fs) {
    if (fs->dirty_pages && writeback_start(fs, NULL, fs->page_count / 4 + 1, NULL))
        return;
    platform_queue_wait(&fs->frame_queue);
}

void writeback_throttle(struct filesystem *fs) {
    if (fs->dirty_pages > fs->background_limit && !fs->background_kicked) {
        fs->background_kicked = true;
        platform_queue_wake_all(&fs->background_queue);
    }
    while (fs->dirty_pages + fs->writing_pages > fs->dirty_pages_limit) {
        if (fs->background_running && fs->background_kicked && fs->writing_pages)
            platform_queue_wait(&fs->throttle_queue);
        else if (!writeback_start(fs, NULL, WRITEBACK_ENTRIES / 4, NULL)) {
            if (!fs->writing_pages)
                break;
            platform_queue_wait(&fs->throttle_queue);
        }
    }
}
