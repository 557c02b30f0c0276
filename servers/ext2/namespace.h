// What namespace.c and rename.c share: checks of names and directories, and the rules about what the commit
// must know.
#pragma once

#include "servers/ext2/directory.h"

MUST_USE error_t name_check(const char *name, uint32_t length);
bool name_is_dots(const char *name, uint32_t length);
// The directory is held exclusively: may entries be changed in it?
MUST_USE error_t directory_may_change(const struct inode *directory);
// Takes the entry of node, which lives on, out of the directory. same_block: its new entry is in the same
// block. A tombstone is reserved.
void entry_take_out(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                    const char *name, uint32_t length, const struct inode *node, bool same_block);
// The last link is gone, on disk before the entry is: children before their directory.
void node_removed(struct inode *directory, struct inode *node);
