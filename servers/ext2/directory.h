// Directories as files of entries: finding, inserting, removing, listing. An entry never moves while it
// exists, which makes its position a good cursor. The directory is held by the caller: shared to search,
// exclusively to change.
#pragma once

#include "servers/ext2/state.h"

enum { DIRECTORY_CREDITS = MAPPING_CREDITS + 4 };

// Where an entry is.
struct directory_place {
    struct buffer *buffer; // pinned, if the place is held; else there until somebody waits
    uint32_t block;        // of the directory
    uint32_t offset;       // in the block
    uint32_t number;       // inode
    uint8_t type;          // EXT2_TYPE_
    bool held;
};

// WAITS. The checked block, not pinned. ERR_CORRUPT with a message.
MUST_USE error_t directory_block_get(struct inode *directory, uint32_t block, struct buffer **buffer);
MUST_USE error_t directory_find(struct inode *directory, const char *name, uint32_t length,
                                struct directory_place *place); // WAITS
// For who waits before the place is used. Released also if it is not held.
void directory_place_hold(struct directory_place *place);
void directory_place_release(struct inode *directory, struct directory_place *place);
// WAITS. Uses at most DIRECTORY_CREDITS. prefer: a block of the directory to try first, or NO_INDEX. *at: the
// block taken.
MUST_USE error_t directory_insert(struct transaction *transaction, struct inode *directory, const char *name, uint32_t length,
                                  const struct inode *node, uint32_t prefer, uint32_t *at);
// Does not wait. name: the entry's.
void directory_remove(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                      const char *name, uint32_t length);
void directory_replace(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                       const struct inode *node);
// Gives the entry another name if there is room where it is: one change of one block.
bool directory_rename_in_place(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                               const char *old_name, uint32_t old_length, const char *name, uint32_t length);
MUST_USE error_t directory_is_empty(struct inode *directory, bool *empty); // WAITS
// WAITS. The first block of a new directory.
MUST_USE error_t directory_init(struct transaction *transaction, struct inode *directory, uint32_t parent);
MUST_USE error_t directory_parent(struct inode *directory, uint32_t *number);
MUST_USE error_t directory_set_parent(struct transaction *transaction, struct inode *directory, uint32_t number);
uint8_t directory_type_of(const struct inode *node);
bool directory_entry_is_dots(const struct ext2_directory_entry *entry);
