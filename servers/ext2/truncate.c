// Giving blocks back. Walks the pointer trees from the end, so that what was not reached yet is still a
// well-formed, shorter file. Invariant: a pointer is cleared in the cache when its block is freed; an
// indirect block goes after all that it points to. The first contradiction ends it: what is left leaks until
// e2fsck. Called through map.h.
#include "servers/ext2/allocate.h"
#include "servers/ext2/buffer.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"
#include "servers/ext2/transaction.h"

enum { TRUNCATE_BLOCKS = 65536 }; // freed in one transaction

struct truncation {
    struct transaction *transaction;
    struct inode *inode;
    uint64_t first; // first logical block to free
    uint32_t run, run_count;
    uint32_t freed;
};

static error_t truncation_flush(struct truncation *truncation) {
    struct inode *inode = truncation->inode;
    uint32_t count = truncation->run_count, sectors = count * inode->fs->sectors_per_block;
    if (!count)
        return ERR_OK;
    truncation->run_count = 0;
    truncation->freed += count;
    inode->sectors -= minimum_u32(sectors, inode->sectors);
    return blocks_free(truncation->transaction, inode, truncation->run, count);
}

// Blocks come in falling order, mostly: runs are collected so that a bitmap is touched once per run.
static error_t truncation_add(struct truncation *truncation, uint32_t block) {
    if (!map_block_usable(truncation->inode->fs, block)) {
        truncation->inode->flags |= INODE_DAMAGED;
        return filesystem_corrupt(truncation->inode->fs, "ext2: inode %u: freeing it: pointer to block %u",
                                  truncation->inode->number, block);
    }
    if (!inode_is_regular(truncation->inode))
        buffer_forget(truncation->inode->fs, block);
    if (truncation->run_count && block + 1 == truncation->run) {
        truncation->run--;
        truncation->run_count++;
        return ERR_OK;
    }
    error_t error = truncation_flush(truncation);
    truncation->run = block;
    truncation->run_count = 1;
    return error;
}

static bool truncation_full(const struct truncation *truncation) {
    return truncation->freed + truncation->run_count >= TRUNCATE_BLOCKS || truncation->transaction->credits < 6;
}

// Frees what lies below the pointer block from truncation->first on. ERR_AGAIN: the transaction is full.
// *empty: nothing is left in it.
static error_t truncate_tree(struct truncation *truncation, uint32_t block, uint32_t depth, uint64_t base, bool *empty) {
    struct inode *inode = truncation->inode;
    struct filesystem *fs = inode->fs;
    struct buffer *buffer;
    bool changed = false;
    error_t error = ERR_OK;
    *empty = false;
    if (!map_block_usable(fs, block))
        return truncation_add(truncation, block); // says what is wrong
    error = buffer_read(fs, block, inode_is_directory(inode) ? BUFFER_INDIRECT_DIRECTORY : BUFFER_INDIRECT_FILE, &buffer);
    if (error)
        return error;
    uint32_t *pointers = (uint32_t *)(void *)buffer->data;
    uint64_t span = 1ull << (fs->pointers_shift * (depth - 1));
    for (uint32_t i = 1u << fs->pointers_shift; i-- > 0 && !error;) {
        uint64_t start = base + i * span;
        if (start + span <= truncation->first)
            break;
        if (!pointers[i])
            continue;
        platform_breathe();
        bool child_empty = true;
        if (truncation_full(truncation))
            error = ERR_AGAIN;
        else if (depth > 1)
            error = truncate_tree(truncation, pointers[i], depth - 1, start, &child_empty);
        if (error || !child_empty)
            continue;
        error = truncation_add(truncation, pointers[i]);
        if (depth > 1)
            buffer_forget(fs, pointers[i]);
        pointers[i] = 0;
        changed = true;
    }
    *empty = !error && truncation->first <= base;
    if (changed && !*empty)
        buffer_dirty(truncation->transaction, buffer);
    buffer_release(fs, buffer);
    return error;
}

static error_t truncate_step(struct truncation *truncation) {
    struct inode *inode = truncation->inode;
    struct filesystem *fs = inode->fs;
    uint64_t base[4] = {0, EXT2_DIRECT_BLOCKS};
    base[2] = base[1] + (1ull << fs->pointers_shift);
    base[3] = base[2] + (1ull << 2 * fs->pointers_shift);
    for (uint32_t depth = 3; depth > 0; depth--) {
        uint32_t *pointer = &inode->block[EXT2_DIRECT_BLOCKS - 1 + depth];
        uint64_t reach = 1ull << (depth * fs->pointers_shift);
        bool empty;
        if (!*pointer || base[depth] + reach <= truncation->first)
            continue;
        error_t error = truncate_tree(truncation, *pointer, depth, base[depth], &empty);
        if (error)
            return error;
        if (empty) {
            error = truncation_add(truncation, *pointer);
            buffer_forget(fs, *pointer);
            *pointer = 0;
            if (error)
                return error;
        }
    }
    for (uint32_t i = EXT2_DIRECT_BLOCKS; i-- > 0 && i >= truncation->first;)
        if (inode->block[i]) {
            error_t error = truncation_add(truncation, inode->block[i]);
            inode->block[i] = 0;
            if (error)
                return error;
        }
    return ERR_OK;
}

error_t map_truncate(struct transaction *transaction, struct inode *inode, uint32_t first) {
    KEPT_SET(inode->run_count, 0);
    KEPT_SET(inode->last_allocated, 0);
    windows_drop(inode);
    for (;;) {
        struct truncation truncation = {.transaction = transaction, .inode = inode, .first = first};
        error_t error = truncate_step(&truncation);
        error_t flush_error = truncation_flush(&truncation);
        inode_mark_dirty(inode);
        if (flush_error && (!error || error == ERR_AGAIN))
            error = flush_error;
        if (error != ERR_AGAIN)
            return error;
        error = transaction_restart(transaction, TRUNCATE_CREDITS);
        if (error)
            return error;
    }
}
