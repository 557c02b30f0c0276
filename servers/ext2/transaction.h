// Every metadata change happens inside a transaction; the commit writes all that ended, in the order that
// README.md proves. (A later journal would take the place of the commit and leave this interface as it is.)
#pragma once

#include "servers/ext2/state.h"

// WAITS: for a commit in progress, and for room for `credits` more dirty metadata blocks. Inode locks are
// taken before, never after. ERR_READ_ONLY, or the error of a commit that was needed and failed.
MUST_USE error_t transaction_begin(struct filesystem *fs, uint32_t credits, struct transaction *transaction);
void transaction_end(struct transaction *transaction);
// Ends it and begins again, in between which a commit may run. On an error it is open without credits.
MUST_USE error_t transaction_restart(struct transaction *transaction, uint32_t credits);

// WAITS. No transaction open in this fiber. Everything that ended before the call is durable when it returns
// ERR_OK; nothing is written if that is so already. After an error the changes are kept and the next commit
// tries again.
MUST_USE error_t commit(struct filesystem *fs);
// WAITS. commit, and then bitmaps, descriptors and superblock as well, so that e2fsck -fn finds nothing.
MUST_USE error_t commit_with_summary(struct filesystem *fs);
// WAITS. After ERR_NO_SPACE, without locks that a commit needs: true if a commit gave something back and it
// is worth to try again.
bool commit_for_space(struct filesystem *fs);

// A renamed-away entry stays on disk until the new one is there. Memory is reserved first, so that adding
// can't fail.
MUST_USE error_t tombstone_reserve(struct transaction *transaction);
void tombstone_add(struct transaction *transaction, struct buffer *buffer, uint32_t offset, uint32_t number);
// The inode that a rename displaced keeps a name in lost+found until the rename is on disk, in fs->park_block
// if there is one: it is looked for here. WAITS; the caller holds no directory.
void commit_find_park(struct filesystem *fs);
void commit_park(struct filesystem *fs, uint32_t number);
