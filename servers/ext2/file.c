// Reading and writing files. A read copies straight from cached pages; neighbouring frames go in one copy. A
// write first copies the caller's bytes into pages, then allocates blocks for what arrived, so that a fault
// in the caller's buffer leaves nothing half done. Called by the server's file sessions.
#include "servers/ext2/buffer.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/map.h"
#include "servers/ext2/operation.h"
#include "servers/ext2/page.h"
#include "servers/ext2/page_read.h"
#include "servers/ext2/transaction.h"
#include "servers/ext2/writeback.h"

enum { FIRST_WINDOW = 16 };

// --- reading ---
// Starts what this read needs and, if the reader goes straight on, what comes after: a window that doubles.
static void read_ahead(struct inode *inode, struct node_stream *stream, bool goes_on, uint32_t first, uint32_t end) {
    struct filesystem *fs = inode->fs;
    uint32_t file_end = (uint32_t)((inode->size + PAGE_BYTES - 1) >> PAGE_SHIFT);
    if (!goes_on) {
        if (stream && (stream->ahead || stream->window)) // where nothing changes, nothing is noted
            stream->ahead = stream->window = 0;
        if (end - first > 1 || page_find(inode, first) == NO_INDEX)
            (void)pages_read_ahead(inode, first, end, minimum_u32(end, first + fs->page_count / 4 + 1));
        return;
    }
    if (stream->ahead < first)
        stream->ahead = first;
    if (stream->ahead >= end + stream->window / 2 && stream->window)
        return;
    stream->window = stream->window ? stream->window * 2 : FIRST_WINDOW;
    stream->window = minimum_u32(stream->window, fs->ahead_pages);
    if (fs->reading_pages > fs->page_count / 4)
        stream->window = 0;
    uint32_t until = minimum_u32(minimum_u32(end, first + fs->page_count / 4 + 1) + stream->window, file_end);
    uint32_t start = (uint32_t)stream->ahead;
    if (start < until) {
        stream->ahead = until; // before waiting: another reader of this stream would do it again
        uint32_t reached = pages_read_ahead(inode, start, end, until);
        if (reached < until && stream->ahead == until)
            stream->ahead = reached;
    }
}

// Bytes from `offset` that lie in valid pages in neighbouring frames, up to `most`; at least the first
// page's, which is `frame`.
static uint64_t read_run(struct inode *inode, uint32_t frame, uint64_t offset, uint64_t most) {
    struct filesystem *fs = inode->fs;
    uint64_t length = PAGE_BYTES - (offset & (PAGE_BYTES - 1));
    for (uint32_t step = 0;; step++) {
        struct page *page = &fs->pages[frame + step];
        page->flags = (uint8_t)(page->flags & PAGE_NEW ? page->flags & ~PAGE_NEW : page->flags | PAGE_REFERENCED);
        if (length >= most || frame + step + 1 >= fs->page_count)
            break;
        const struct page *next = page + 1;
        if (next->inode != inode || next->index != page->index + 1 || !(next->flags & PAGE_VALID))
            break;
        length += PAGE_BYTES;
    }
    return minimum_u64(length, most);
}

static error_t read_locked(struct inode *inode, struct node_stream *stream, uint64_t offset, uint64_t length,
                           struct platform_caller *caller, uint64_t buffer_offset, uint64_t *done) {
    struct filesystem *fs = inode->fs;
    if (offset >= inode->size)
        return ERR_OK;
    length = minimum_u64(length, inode->size - offset);
    uint32_t end = (uint32_t)((offset + length + PAGE_BYTES - 1) >> PAGE_SHIFT);
    bool goes_on = stream && stream->next == offset;
    if (stream)
        stream->next = offset + length; // before waiting, and not again unless less is read
    read_ahead(inode, stream, goes_on, (uint32_t)(offset >> PAGE_SHIFT), end);
    while (*done < length) {
        uint32_t index = (uint32_t)((offset + *done) >> PAGE_SHIFT);
        uint32_t frame = page_find(inode, index);
        if (frame == NO_INDEX || !(fs->pages[frame].flags & PAGE_VALID)) {
            error_t error = page_bring(inode, index, minimum_u32(end - index, fs->ahead_pages), &frame);
            if (error)
                return error;
            page_unpin(fs, frame); // nothing waits until the copy is done
        }
        uint64_t part = read_run(inode, frame, offset + *done, length - *done), moved;
        error_t error = platform_copy_out(caller, buffer_offset + *done,
                                          page_offset(fs, frame) + ((offset + *done) & (PAGE_BYTES - 1)), part, &moved);
        *done += moved;
        if (error)
            return error;
    }
    return ERR_OK;
}

error_t node_read(struct inode *node, struct node_stream *stream, uint64_t offset, uint64_t length,
                  struct platform_caller *caller, uint64_t buffer_offset, uint64_t *done) {
    *done = 0;
    if (!inode_is_regular(node))
        return inode_is_directory(node) ? ERR_IS_DIRECTORY : ERR_INVALID;
    operation_enter(node->fs);
    core_lock_shared(&node->lock);
    error_t error = read_locked(node, stream, offset, length, caller, buffer_offset, done);
    if (stream && stream->next != offset + *done)
        stream->next = offset + *done;
    if (length)
        inode_accessed(node);
    core_unlock(&node->lock);
    operation_leave(node->fs);
    return *done ? ERR_OK : error;
}

// --- writing ---
// One piece of a write: at most fs->chunk_pages pages, which stay pinned.
struct write_piece {
    struct inode *inode;
    uint64_t offset, length, moved;
    uint64_t had_blocks; // mask of pages that were made for it though the disk has content for them
    uint32_t first, count;
    uint32_t frames[64];
};

static void piece_release(struct write_piece *piece) {
    struct filesystem *fs = piece->inode->fs;
    for (uint32_t i = 0; i < piece->count; i++) {
        uint32_t frame = piece->frames[i];
        bool content = fs->pages[frame].flags & PAGE_VALID;
        page_unpin(fs, frame);
        if (!content && !fs->pages[frame].pins && !fs->pages[frame].transfers)
            page_drop(fs, frame); // made for this write, which failed
    }
    piece->count = 0;
}

// Which of the page's bytes the piece covers.
static void piece_range(const struct write_piece *piece, uint32_t index, uint32_t *start, uint32_t *end) {
    uint64_t page_start = (uint64_t)index << PAGE_SHIFT, piece_end = piece->offset + piece->length;
    *start = piece->offset > page_start ? (uint32_t)(piece->offset - page_start) : 0;
    *end = piece_end < page_start + PAGE_BYTES ? (uint32_t)(piece_end - page_start) : PAGE_BYTES;
}

// *uniform: the disk has all of the page's blocks or none, so that a page made without reading is either
// replaced or zero.
static error_t page_is_uniform(struct inode *inode, uint32_t index, bool *uniform) {
    uint32_t blocks[PAGE_BLOCKS] = {0}, present = 0, count = inode->fs->page_blocks;
    *uniform = true;
    if (count == 1 || page_find(inode, index) != NO_INDEX)
        return ERR_OK;
    error_t error = page_map(inode, index, blocks);
    for (uint32_t i = 0; i < count; i++)
        present += blocks[i] != 0;
    *uniform = present == 0 || present == count;
    return error;
}

// Pins the pages. One that is covered in part is read first, or zeroed where the file has nothing.
static error_t piece_pin(struct write_piece *piece) {
    struct inode *inode = piece->inode;
    struct filesystem *fs = inode->fs;
    uint32_t pages = (uint32_t)((piece->offset + piece->length + PAGE_BYTES - 1) >> PAGE_SHIFT) - piece->first;
    for (uint32_t i = 0; i < pages; i++) {
        uint32_t index = piece->first + i, start, end, frame;
        bool made = false;
        error_t error = ERR_OK;
        piece_range(piece, index, &start, &end);
        bool whole = start == 0 && (end == PAGE_BYTES || ((uint64_t)index << PAGE_SHIFT) + end >= inode->size);
        bool beyond = (uint64_t)index << PAGE_SHIFT >= inode->size;
        if (whole && !beyond)
            error = page_is_uniform(inode, index, &whole);
        if (!error && (whole || beyond)) {
            error = page_make(inode, index, &frame, &made);
            if (!error && !made)
                while (fs->pages[frame].flags & PAGE_READING)
                    page_wait(fs, frame);
        } else if (!error) {
            error = page_bring(inode, index, 1, &frame);
        }
        if (error)
            return error;
        piece->frames[piece->count++] = frame;
        if (made || !(fs->pages[frame].flags & PAGE_VALID)) {
            if (start != 0)
                platform_zero(fs->disk, page_offset(fs, frame), start);
            if (end != PAGE_BYTES)
                platform_zero(fs->disk, page_offset(fs, frame) + end, PAGE_BYTES - end);
        }
    }
    return ERR_OK;
}

static error_t piece_copy(struct write_piece *piece, struct platform_caller *caller, uint64_t buffer_offset) {
    struct filesystem *fs = piece->inode->fs;
    for (uint32_t i = 0; i < piece->count;) {
        uint32_t run = 1;
        while (i + run < piece->count && piece->frames[i + run] == piece->frames[i] + run)
            run++;
        uint64_t from = i ? ((uint64_t)(piece->first + i) << PAGE_SHIFT) : piece->offset;
        uint64_t until = minimum_u64((uint64_t)(piece->first + i + run) << PAGE_SHIFT, piece->offset + piece->length);
        if (from >= until) // the disk has no room for these pages
            break;
        uint64_t moved;
        error_t error = platform_copy_in(caller, buffer_offset + (from - piece->offset),
                                         page_offset(fs, piece->frames[i]) + (from & (PAGE_BYTES - 1)), until - from, &moved);
        piece->moved = from - piece->offset + moved;
        if (error)
            return error;
        i += run;
    }
    return ERR_OK;
}

// Blocks for the piece, before anything is copied, so that a full disk changes nothing. piece->length becomes
// what has blocks.
static error_t piece_allocate(struct transaction *transaction, struct write_piece *piece) {
    struct inode *inode = piece->inode;
    struct filesystem *fs = inode->fs;
    uint64_t end = piece->offset + piece->length;
    uint32_t logical = (uint32_t)(piece->offset >> fs->block_shift);
    uint32_t last = (uint32_t)((end + fs->block_size - 1) >> fs->block_shift);
    while (logical < last) {
        uint32_t physical, count;
        bool made;
        error_t error = transaction->credits < MAPPING_CREDITS + 1
                            ? ERR_AGAIN
                            : map_allocate(transaction, inode, logical, last - logical, &physical, &count, &made);
        if (error) {
            uint64_t start = (uint64_t)logical << fs->block_shift;
            piece->length = start > piece->offset ? start - piece->offset : 0;
            return error;
        }
        for (uint32_t i = 0; i < count; i++, logical++)
            fs->pages[piece->frames[logical / fs->page_blocks - piece->first]].blocks[logical % fs->page_blocks] = physical + i;
    }
    return ERR_OK;
}

// The bytes of a page made for the piece that nothing was copied to: zero if the disk had nothing there.
// False: the disk has bytes that were not read, since all were to be replaced; the page is of no use then.
static bool piece_page_complete(const struct write_piece *piece, uint32_t i) {
    struct filesystem *fs = piece->inode->fs;
    struct page *page = &fs->pages[piece->frames[i]];
    uint64_t page_start = (uint64_t)(piece->first + i) << PAGE_SHIFT, end = piece->offset + piece->moved;
    uint64_t keep = end <= page_start ? 0 : end - page_start;
    if (page->flags & PAGE_VALID || keep >= PAGE_BYTES || page_start + keep >= piece->inode->size)
        keep = page->flags & PAGE_VALID || keep >= PAGE_BYTES ? PAGE_BYTES : keep;
    else if (piece->had_blocks >> i & 1)
        return false;
    if (keep < PAGE_BYTES)
        platform_zero(fs->disk, page_offset(fs, piece->frames[i]) + keep, PAGE_BYTES - keep);
    return true;
}

// Marks dirty what was copied, and new blocks that nothing was copied to, which are zero.
static void piece_mark(struct write_piece *piece) {
    struct inode *inode = piece->inode;
    struct filesystem *fs = inode->fs;
    uint64_t end = piece->offset + piece->length;
    for (uint32_t i = 0; i < piece->count; i++) {
        uint64_t page_start = (uint64_t)(piece->first + i) << PAGE_SHIFT;
        struct page *page = &fs->pages[piece->frames[i]];
        if (page_start >= end || page_start >= inode->size || !piece_page_complete(piece, i))
            continue;
        uint64_t from = piece->offset > page_start ? piece->offset - page_start : 0;
        uint64_t until = minimum_u64(end - page_start, PAGE_BYTES);
        uint8_t mask = 0;
        for (uint64_t block = from >> fs->block_shift; block << fs->block_shift < until; block++)
            mask |= (uint8_t)(1u << block);
        page->flags |= PAGE_VALID | PAGE_REFERENCED;
        page->flags &= (uint8_t)~PAGE_NEW;
        page_mark_dirty(fs, piece->frames[i], mask);
    }
}

static void size_note_large(struct filesystem *fs, uint64_t size) {
    if (size > 0x7FFFFFFF && !(fs->feature_ro_compat & EXT2_RO_COMPAT_LARGE_FILE)) {
        fs->feature_ro_compat |= EXT2_RO_COMPAT_LARGE_FILE;
        fs->large_file_pending = fs->summary_dirty = true;
    }
}

// Pages made for the piece: the blocks that they have already. had_blocks tells whose content was not read.
static error_t piece_map(struct write_piece *piece) {
    struct filesystem *fs = piece->inode->fs;
    piece->had_blocks = 0;
    for (uint32_t i = 0; i < piece->count; i++) {
        struct page *page = &fs->pages[piece->frames[i]];
        if (page->flags & PAGE_VALID)
            continue;
        error_t error = page_map(piece->inode, piece->first + i, page->blocks);
        if (error)
            return error;
        for (uint32_t block = 0; block < fs->page_blocks; block++)
            if (page->blocks[block])
                piece->had_blocks |= 1ull << i;
    }
    return ERR_OK;
}

// After a copy that ended early: a page that is of no use takes what was copied into it along, and blocks
// that were allocated behind the end of the file go back.
static error_t piece_shorten(struct transaction *transaction, struct write_piece *piece) {
    struct inode *inode = piece->inode;
    struct filesystem *fs = inode->fs;
    for (uint32_t i = 0; i < piece->count; i++) {
        uint64_t page_start = (uint64_t)(piece->first + i) << PAGE_SHIFT;
        if (piece->offset + piece->moved > page_start && !piece_page_complete(piece, i))
            piece->moved = page_start > piece->offset ? page_start - piece->offset : 0;
    }
    uint64_t end = piece->offset + piece->moved, size = end > inode->size && piece->moved ? end : inode->size;
    if (piece->offset + piece->length <= size)
        return ERR_OK;
    piece->length = size > piece->offset ? size - piece->offset : 0;
    for (uint32_t i = 0; i < piece->count; i++)
        for (uint32_t block = 0; block < fs->page_blocks; block++)
            if (((uint64_t)(piece->first + i) << PAGE_SHIFT) + ((uint64_t)block << fs->block_shift) >= size)
                fs->pages[piece->frames[i]].blocks[block] = 0;
    return map_truncate(transaction, inode, (uint32_t)((size + fs->block_size - 1) >> fs->block_shift));
}

static error_t piece_do(struct transaction *transaction, struct write_piece *piece, struct platform_caller *caller,
                        uint64_t buffer_offset) {
    struct inode *inode = piece->inode;
    error_t error = piece_allocate(transaction, piece);
    if (!piece->length)
        return error;
    error_t copy_error = piece_copy(piece, caller, buffer_offset);
    if (copy_error) {
        error_t shorten_error = piece_shorten(transaction, piece);
        if (shorten_error)
            copy_error = shorten_error;
    }
    if (piece->moved && piece->offset + piece->moved > inode->size) {
        inode->size = piece->offset + piece->moved;
        size_note_large(inode->fs, inode->size);
    }
    piece_mark(piece);
    if (piece->moved) {
        inode_modified(inode);
        return copy_error; // why less was allocated is told when nothing can be
    }
    return copy_error ? copy_error : error;
}

static error_t piece_write(struct write_piece *piece, struct platform_caller *caller, uint64_t buffer_offset) {
    struct transaction transaction;
    error_t error = piece_pin(piece);
    if (!error)
        error = piece_map(piece);
    if (!error)
        error = transaction_begin(piece->inode->fs, piece->inode->fs->write_credits, &transaction);
    if (!error) {
        error = piece_do(&transaction, piece, caller, buffer_offset);
        transaction_end(&transaction);
    }
    piece_release(piece);
    return error;
}

// The page in which the file ends: what lies behind the end on disk is not zero for certain, and is about to
// become part of the file.
static error_t tail_clear(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    uint32_t frame, tail = (uint32_t)(inode->size & (PAGE_BYTES - 1));
    if (!(inode->size & (fs->block_size - 1)))
        return ERR_OK;
    error_t error = page_bring(inode, (uint32_t)(inode->size >> PAGE_SHIFT), 1, &frame);
    if (error)
        return error;
    if (fs->pages[frame].blocks[tail >> fs->block_shift]) {
        platform_zero(fs->disk, page_offset(fs, frame) + tail, PAGE_BYTES - tail);
        page_mark_dirty(fs, frame, (uint8_t)(1u << (tail >> fs->block_shift)));
    }
    page_unpin(fs, frame);
    return ERR_OK;
}

static error_t write_locked(struct inode *inode, uint64_t offset, uint64_t length, struct platform_caller *caller,
                            uint64_t buffer_offset, uint64_t *done) {
    struct filesystem *fs = inode->fs;
    uint64_t limit = map_size_limit(fs);
    error_t error = operation_may_change(inode);
    if (!error && (offset >= limit || length == 0))
        error = length ? ERR_FILE_TOO_LARGE : ERR_OK;
    if (error || length == 0)
        return error;
    length = minimum_u64(length, limit - offset);
    if (offset > inode->size)
        error = tail_clear(inode);
    while (*done < length && !error) {
        uint64_t at = offset + *done;
        uint64_t room = ((uint64_t)fs->chunk_pages << PAGE_SHIFT) - (at & (PAGE_BYTES - 1));
        struct write_piece piece = {.inode = inode, .offset = at, .length = minimum_u64(length - *done, room)};
        piece.first = (uint32_t)(at >> PAGE_SHIFT);
        uint64_t asked = piece.length;
        error = piece_write(&piece, caller, buffer_offset + *done);
        *done += piece.moved;
        if (error == ERR_NO_SPACE && commit_for_space(fs))
            error = piece.moved || fs->free_blocks ? ERR_OK : ERR_NO_SPACE;
        else if (!error && piece.moved < asked && piece.moved == 0)
            error = ERR_NO_SPACE;
        if (error == ERR_AGAIN)
            error = ERR_OK;
        writeback_throttle(fs);
    }
    return error;
}

error_t node_write(struct inode *node, uint64_t offset, bool append, uint64_t length, struct platform_caller *caller,
                   uint64_t buffer_offset, uint64_t *done, uint64_t *at) {
    *done = 0;
    if (!inode_is_regular(node))
        return inode_is_directory(node) ? ERR_IS_DIRECTORY : ERR_INVALID;
    operation_enter(node->fs);
    core_lock_exclusive(&node->lock);
    if (append)
        offset = node->size;
    if (at)
        *at = offset;
    error_t error = write_locked(node, offset, length, caller, buffer_offset, done);
    core_unlock(&node->lock);
    operation_leave(node->fs);
    return *done ? ERR_OK : error;
}

// --- size ---
static error_t size_change(struct inode *inode, uint64_t size, struct transaction *transaction) {
    struct filesystem *fs = inode->fs;
    bool shorter = size < inode->size;
    uint64_t blocks = (size + fs->block_size - 1) >> fs->block_shift;
    inode->size = size;
    size_note_large(fs, size);
    inode_modified(inode);
    return shorter ? map_truncate(transaction, inode, (uint32_t)blocks) : ERR_OK;
}

// The page in which the shorter file will end: zero behind the end, and no write to the blocks that are about
// to be freed, now or later.
static error_t tail_cut(struct inode *inode, uint64_t size) {
    struct filesystem *fs = inode->fs;
    uint32_t frame, tail = (uint32_t)(size & (PAGE_BYTES - 1));
    if (!tail)
        return ERR_OK;
    error_t error = tail_clear(inode);
    if (error)
        return error;
    frame = page_find(inode, (uint32_t)(size >> PAGE_SHIFT));
    if (frame == NO_INDEX)
        return ERR_OK;
    struct page *page = &fs->pages[frame];
    page->pins++;
    while (page->flags & PAGE_READING)
        page_wait(fs, frame);
    platform_zero(fs->disk, page_offset(fs, frame) + tail, PAGE_BYTES - tail);
    for (uint32_t i = (tail + fs->block_size - 1) >> fs->block_shift; i < fs->page_blocks; i++)
        page->blocks[i] = 0;
    while (page->flags & PAGE_WRITING)
        page_wait(fs, frame);
    page_unpin(fs, frame);
    return ERR_OK;
}

// The cut did not happen after all.
static void tail_restore(struct inode *inode, uint64_t size) {
    uint32_t frame = page_find(inode, (uint32_t)(size >> PAGE_SHIFT));
    if (frame == NO_INDEX || !(size & (PAGE_BYTES - 1)))
        return;
    struct page *page = &inode->fs->pages[frame];
    page->pins++;
    if (page_map(inode, page->index, page->blocks))
        page->flags &= (uint8_t)~PAGE_VALID;
    page_unpin(inode->fs, frame);
}

static error_t truncate_locked(struct inode *inode, uint64_t size) {
    struct filesystem *fs = inode->fs;
    struct transaction transaction;
    uint64_t old_size = inode->size;
    error_t error = operation_may_change(inode);
    if (!error && size > map_size_limit(fs))
        error = ERR_FILE_TOO_LARGE;
    if (error)
        return error;
    if (size > old_size) {
        error = tail_clear(inode);
    } else if (size < old_size) {
        page_drop_from(inode, (uint32_t)((size + PAGE_BYTES - 1) >> PAGE_SHIFT));
        inode->size = size; // so that what comes in from now on ends here
        error = tail_cut(inode, size);
        inode->size = old_size;
    }
    if (!error)
        error = transaction_begin(fs, TRUNCATE_CREDITS, &transaction);
    if (error) {
        if (size < old_size)
            tail_restore(inode, size);
        return error;
    }
    error = size_change(inode, size, &transaction);
    transaction_end(&transaction);
    return error;
}

error_t node_truncate(struct inode *node, uint64_t size) {
    if (!inode_is_regular(node))
        return inode_is_directory(node) ? ERR_IS_DIRECTORY : ERR_INVALID;
    operation_enter(node->fs);
    core_lock_exclusive(&node->lock);
    error_t error = truncate_locked(node, size);
    core_unlock(&node->lock);
    operation_leave(node->fs);
    return error;
}

// --- for a pager ---
error_t node_page_pin(struct inode *node, uint64_t index, bool for_write, uint64_t *cache_offset) {
    struct filesystem *fs = node->fs;
    struct transaction transaction;
    uint32_t frame;
    if (!inode_is_regular(node))
        return ERR_INVALID;
    operation_enter(fs);
    core_lock_exclusive(&node->lock);
    error_t error = index << PAGE_SHIFT >= node->size ? ERR_RANGE : page_bring(node, (uint32_t)index, 1, &frame);
    if (!error && for_write) {
        error = operation_may_change(node);
        if (!error)
            error = transaction_begin(fs, fs->write_credits, &transaction);
        if (!error) {
            struct write_piece piece = {.inode = node, .offset = index << PAGE_SHIFT, .first = (uint32_t)index, .count = 1};
            piece.length = piece.moved = minimum_u64(PAGE_BYTES, node->size - piece.offset);
            piece.frames[0] = frame;
            error = piece_allocate(&transaction, &piece);
            if (!error) {
                piece_mark(&piece);
                inode_modified(node);
            }
            transaction_end(&transaction);
        }
        if (error)
            page_unpin(fs, frame);
    }
    if (!error)
        *cache_offset = page_offset(fs, frame);
    core_unlock(&node->lock);
    operation_leave(fs);
    return error;
}

void node_page_unpin(struct inode *node, uint64_t cache_offset) {
    struct filesystem *fs = node->fs;
    page_unpin(fs, (uint32_t)((cache_offset - fs->page_base) >> PAGE_SHIFT));
}
