// The gate that every operation passes: as many at a time as the cache can pin blocks for.
#pragma once

#include "servers/ext2/state.h"

void operation_enter(struct filesystem *fs); // WAITS
void operation_leave(struct filesystem *fs);
// ERR_READ_ONLY, ERR_CORRUPT (the node is damaged) or ERR_OK.
MUST_USE error_t operation_may_change(const struct inode *inode);
// Notes that the node was read, at most once a day unless it changed since (as Linux's relatime).
void inode_accessed(struct inode *inode);
