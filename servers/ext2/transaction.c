// Opening and closing transactions. Invariant: dirty metadata blocks plus the credits of open transactions
// stay below dirty_limit. Called by every operation that changes something.
#include "servers/ext2/transaction.h"

#include <stdlib.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/message.h"

static bool transaction_fits(const struct filesystem *fs, uint32_t credits) {
    return fs->dirty_buffers + fs->reserved_credits + credits <= fs->dirty_limit && fs->dirty_inodes <= fs->inode_limit / 2;
}

error_t transaction_begin(struct filesystem *fs, uint32_t credits, struct transaction *transaction) {
    transaction->fs = fs;
    transaction->credits = 0;
    transaction->spare = NULL;
    for (uint32_t tries = 0;; tries++) {
        if (fs->read_only)
            return ERR_READ_ONLY;
        core_lock_shared(&fs->commit_lock);
        if (transaction_fits(fs, credits))
            break;
        core_unlock(&fs->commit_lock);
        error_t error = tries < 1000 ? commit(fs) : ERR_NO_MEMORY;
        if (error)
            return error;
    }
    if (fs->read_only) {
        core_unlock(&fs->commit_lock);
        return ERR_READ_ONLY;
    }
    transaction->credits = credits;
    fs->reserved_credits += credits;
    return ERR_OK;
}

static void credits_return(struct transaction *transaction) {
    transaction->fs->reserved_credits -= transaction->credits;
    transaction->credits = 0;
}

void transaction_end(struct transaction *transaction) {
    credits_return(transaction);
    free(transaction->spare);
    core_unlock(&transaction->fs->commit_lock);
}

error_t transaction_restart(struct transaction *transaction, uint32_t credits) {
    struct filesystem *fs = transaction->fs;
    transaction_end(transaction);
    error_t error = transaction_begin(fs, credits, transaction);
    if (error) {
        core_lock_shared(&fs->commit_lock); // open, as promised
        transaction->credits = 0;
    }
    return error;
}

bool commit_for_space(struct filesystem *fs) {
    if (!fs->pending_blocks && !fs->pending_inodes)
        return false;
    return commit(fs) == ERR_OK;
}
