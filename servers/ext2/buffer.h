// The metadata cache: disk blocks in the mapped part of cache memory, found by block number. A pinned buffer
// stays where it is; a dirty one stays until the commit writes it.
#pragma once

#include "servers/ext2/state.h"

MUST_USE error_t buffer_cache_make(struct filesystem *fs, uint8_t *metadata, uint64_t bytes);
void buffer_cache_free(struct filesystem *fs);

// WAITS. The block's content, pinned. ERR_IO; ERR_CORRUPT if the same block is in use as another kind.
MUST_USE error_t buffer_read(struct filesystem *fs, uint32_t block, enum buffer_kind kind, struct buffer **result);
// The same without a pin: good until the caller waits.
MUST_USE error_t buffer_look(struct filesystem *fs, uint32_t block, enum buffer_kind kind, struct buffer **result);
// WAITS for room. A zeroed buffer for a block that was just allocated, pinned; nothing is read.
MUST_USE error_t buffer_fresh(struct filesystem *fs, uint32_t block, enum buffer_kind kind, struct buffer **result);
void buffer_release(struct filesystem *fs, struct buffer *buffer);
struct buffer *buffer_find(struct filesystem *fs, uint32_t block); // NULL if not cached; not pinned
void buffer_dirty(struct transaction *transaction, struct buffer *buffer);
void buffer_clean(struct filesystem *fs, struct buffer *buffer); // it was written
void buffer_forget(struct filesystem *fs, uint32_t block);       // the block was freed: never write it
// WAITS for room. Starts reading the blocks that are not cached, if the cache is large enough for it to be
// wise.
void buffer_prefetch(struct filesystem *fs, uint32_t block, uint32_t count, enum buffer_kind kind);
struct transfer;
// The same for one block, as a part of a transfer under way: a block that lies between others costs nothing
// to read with them.
void buffer_prefetch_with(struct transfer *transfer, uint32_t block, enum buffer_kind kind);
void buffer_transfer_done(struct filesystem *fs, uint32_t slot, bool write, error_t result);
static inline uint64_t buffer_offset(const struct filesystem *fs, const struct buffer *buffer) {
    return (uint64_t)(buffer - fs->buffers) << fs->block_shift;
}
