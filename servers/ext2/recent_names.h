// Names that were found lately, with the inodes that they led to: a lookup of one touches neither a block nor
// an index. Invariant: an entry counts only as long as its directory has the state that it was entered with;
// every change of a directory's entries takes the state away (recent_names_forget). Called by namespace.c and
// directory.c.
#pragma once

#include "servers/ext2/state.h"

enum { RECENT_NAME_BYTES = 23 };

struct recent_name {
    uint32_t state; // of the directory; 0: free
    uint32_t number;
    uint8_t length;
    char name[RECENT_NAME_BYTES];
};

MUST_USE error_t recent_names_make(struct filesystem *fs, uint64_t cache_bytes);
// The inode, if it is in memory and of use, not held anew; NULL: look into the directory.
struct inode *recent_names_find(struct inode *directory, const char *name, uint32_t length);
// The directory is held, and this is what it says.
void recent_names_add(struct inode *directory, const char *name, uint32_t length, uint32_t number);
// An entry has changed.
void recent_names_forget(struct inode *directory);
