// Entering and leaving operations, and what all of them check. Called by the files that implement
// filesystem.h.
#include "servers/ext2/operation.h"

#include "servers/ext2/inode.h"

enum { DAY_SECONDS = 86400 };

void operation_enter(struct filesystem *fs) {
    while (fs->operations >= fs->operation_limit)
        platform_queue_wait(&fs->operation_queue);
    fs->operations++;
}

void operation_leave(struct filesystem *fs) {
    fs->operations--;
    if (fs->operation_queue.first)
        platform_queue_wake_one(&fs->operation_queue);
}

error_t operation_may_change(const struct inode *inode) {
    if (inode->fs->read_only)
        return ERR_READ_ONLY;
    return inode->flags & INODE_DAMAGED ? ERR_CORRUPT : ERR_OK;
}

static bool time_before(const struct file_time *a, const struct file_time *b) {
    return a->seconds != b->seconds ? a->seconds < b->seconds : a->nanoseconds < b->nanoseconds;
}

void inode_accessed(struct inode *inode) {
    if (inode->fs->read_only || inode->flags & INODE_DAMAGED)
        return;
    bool changed = !time_before(&inode->modify, &inode->access) || !time_before(&inode->change, &inode->access);
    if (!changed && inode->flags & INODE_DIRTY)
        return; // no need to look at the clock
    struct file_time now = time_now();
    if (changed ? !time_before(&inode->access, &now) : now.seconds - inode->access.seconds < DAY_SECONDS)
        return;
    inode->access = now;
    inode_mark_dirty(inode);
}
