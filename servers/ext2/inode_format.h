// Decoding an inode as the disk has it; encoding is declared in inode.h.
#pragma once

#include "servers/ext2/state.h"

// ERR_CORRUPT, with a message, if no file can look like this.
MUST_USE error_t inode_decode(struct inode *inode, const struct ext2_inode *raw);
