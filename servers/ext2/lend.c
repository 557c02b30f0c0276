// Frames that somebody reads without asking: a loan keeps what lies in them from being replaced by something else. Their pages
// may be written, dropped and truncated meanwhile; a frame without a page that is still lent is not free. Invariant: page.lent
// counts the loans that name the frame. At most a quarter of the cache is lent, so that others find room.
#include "servers/ext2/inode.h"
#include "servers/ext2/operation.h"
#include "servers/ext2/page.h"
#include "servers/ext2/page_read.h"

enum { LENT_SHARE = 4 };

static void frame_lend(struct filesystem *fs, uint32_t frame) {
    if (fs->pages[frame].lent++ == 0)
        fs->lent_pages++;
}

static void frame_return(struct filesystem *fs, uint32_t frame) {
    if (--fs->pages[frame].lent == 0)
        fs->lent_pages--;
}

static void loan_enter(struct filesystem *fs, struct node_loan *loan) {
    loan->fs = fs;
    loan->previous = NULL;
    loan->next = fs->loans;
    if (fs->loans)
        fs->loans->previous = loan;
    fs->loans = loan;
}

static void loan_leave(struct node_loan *loan) {
    if (loan->previous)
        loan->previous->next = loan->next;
    else
        loan->fs->loans = loan->next;
    if (loan->next)
        loan->next->previous = loan->previous;
    loan->fs = NULL;
}

static error_t lend_locked(struct inode *inode, uint64_t offset, uint64_t length, struct node_loan *loan) {
    struct filesystem *fs = inode->fs;
    if (offset >= inode->size)
        return ERR_INVALID;
    length = minimum_u64(length, inode->size - offset);
    uint32_t first = (uint32_t)(offset >> PAGE_SHIFT);
    uint32_t end = (uint32_t)((offset + length + PAGE_BYTES - 1) >> PAGE_SHIFT);
    end = minimum_u32(end, first + LOAN_PAGES);
    while (first + loan->count < end) {
        uint32_t index = first + loan->count, frame;
        error_t error = page_bring(inode, index, minimum_u32(end - index, fs->ahead_pages), &frame);
        if (error)
            return error;
        struct page *page = &fs->pages[frame];
        bool room = page->lent != 0 ? page->lent < UINT16_MAX : fs->lent_pages < fs->page_count / LENT_SHARE;
        page->flags |= PAGE_REFERENCED;
        if (room) {
            frame_lend(fs, frame);
            loan->frames[loan->count++] = frame;
        }
        page_unpin(fs, frame);
        if (!room)
            return ERR_NO_MEMORY;
        platform_breathe();
    }
    return ERR_OK;
}

error_t node_lend(struct inode *node, uint64_t offset, uint64_t length, struct node_loan *loan, uint64_t *lent) {
    struct filesystem *fs = node->fs;
    loan->count = 0;
    if (!inode_is_regular(node) || length == 0)
        return ERR_INVALID;
    operation_enter(fs);
    core_lock_shared(&node->lock);
    loan_enter(fs, loan);
    error_t error = lend_locked(node, offset, length, loan);
    inode_accessed(node);
    if (loan->count != 0) {
        uint64_t end = ((offset >> PAGE_SHIFT) + loan->count) << PAGE_SHIFT;
        *lent = minimum_u64(minimum_u64(length, node->size - offset), end - offset);
    }
    core_unlock(&node->lock);
    operation_leave(fs);
    if (loan->count != 0)
        return ERR_OK;
    node_loan_end(loan);
    return error;
}

uint64_t node_loan_place(const struct node_loan *loan, uint32_t page) {
    return page_offset(loan->fs, loan->frames[page]);
}

void node_loan_end(struct node_loan *loan) {
    struct filesystem *fs = loan->fs;
    if (!fs)
        return;
    for (uint32_t i = 0; i < loan->count; i++)
        frame_return(fs, loan->frames[i]);
    loan->count = 0;
    loan_leave(loan);
    if (fs->frame_queue.first)
        platform_queue_wake_all(&fs->frame_queue);
}

error_t node_loan_restore(struct filesystem *fs, struct node_loan *loan) {
    for (uint32_t i = 0; i < loan->count; i++)
        if (loan->frames[i] >= fs->page_count || fs->pages[loan->frames[i]].lent == UINT16_MAX)
            return ERR_CORRUPT;
    for (uint32_t i = 0; i < loan->count; i++)
        frame_lend(fs, loan->frames[i]);
    loan_enter(fs, loan);
    return ERR_OK;
}

void loans_cut(struct filesystem *fs) {
    while (fs->loans)
        loan_leave(fs->loans);
}
