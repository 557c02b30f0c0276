// The inode cache: one structure per inode in use, decoded from the inode table when first needed, encoded
// back by the commit.
#pragma once

#include "servers/ext2/state.h"

MUST_USE error_t inode_cache_make(struct filesystem *fs, uint64_t cache_bytes);
void inode_cache_free(struct filesystem *fs);

// WAITS. With one reference. ERR_CORRUPT: not an inode that a file can have, or nonsense in it; ERR_STALE:
// being freed.
MUST_USE error_t inode_get(struct filesystem *fs, uint32_t number, struct inode **result);
// WAITS. A new inode of this mode in the directory's neighbourhood, with one reference and no links, held
// exclusively. Dirties one bitmap.
MUST_USE error_t inode_make(struct transaction *transaction, struct inode *parent, uint16_t mode,
                            const struct node_creation *creation, struct inode **result);
// The inode, if it is in memory and of use, not held anew; else NULL.
struct inode *inode_at_hand(struct filesystem *fs, uint32_t number);
void inode_hold(struct inode *inode); // one more reference
// WAITS if it was the last of an unlinked inode, which is freed then. No lock is held and no transaction
// open.
void inode_drop(struct inode *inode);
void inode_mark_dirty(struct inode *inode);
void inode_modified(struct inode *inode);   // its content was, now: two times, and it is dirty
void inode_mark_clean(struct inode *inode); // takes it off the dirty list
void inode_structure_free(struct inode *inode);
struct inode *inode_find(struct filesystem *fs, uint32_t number); // cached, or NULL
void inode_link_lost(struct inode *inode);                        // one link less; at 0 it gets its time of deletion
uint32_t inode_table_block(const struct filesystem *fs, uint32_t number);
// raw: the inode's place in the table block.
void inode_encode(const struct inode *inode, struct ext2_inode *raw);
struct ext2_inode *inode_raw(const struct filesystem *fs, const struct buffer *buffer, uint32_t number);
bool inode_is_fast_symlink(const struct inode *inode);
struct file_time time_now(void);
