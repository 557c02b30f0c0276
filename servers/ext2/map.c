// Block mapping. Invariant: no pointer read from disk is followed before map_block_usable agreed. The inode
// remembers the run that it mapped last, so a sequential reader touches the indirect block once per run.
// Called by pages, directories and truncate.
#include "servers/ext2/map.h"

#include "servers/ext2/allocate.h"
#include "servers/ext2/buffer.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/message.h"
#include "servers/ext2/superblock.h"

uint64_t map_size_limit(const struct filesystem *fs) {
    uint64_t pointers = 1ull << fs->pointers_shift;
    uint64_t blocks = EXT2_DIRECT_BLOCKS + pointers + pointers * pointers + pointers * pointers * pointers;
    uint64_t by_sectors = 0xFFFFFFFFull * PLATFORM_SECTOR_BYTES; // i_blocks
    uint64_t by_pages = (uint64_t)(NO_INDEX - 1) << PAGE_SHIFT;
    return minimum_u64(minimum_u64(blocks << fs->block_shift, by_sectors - (by_sectors >> 8)), by_pages);
}

bool map_block_usable(const struct filesystem *fs, uint32_t block) {
    if (block < fs->first_data_block || block >= fs->blocks_count)
        return false;
    uint32_t number = group_of_block(fs, block);
    const struct group *group = &fs->groups[number];
    if (block == group->block_bitmap || block == group->inode_bitmap)
        return false;
    if (block >= group->inode_table && block - group->inode_table < fs->table_blocks)
        return false;
    return !(superblock_group_has_copy(fs, number) &&
             block - group->first_block < 1 + fs->descriptor_blocks + fs->reserved_gdt_blocks);
}

bool map_path(const struct filesystem *fs, uint32_t logical, uint32_t indexes[4], uint32_t *level) {
    uint32_t shift = fs->pointers_shift, mask = (1u << shift) - 1;
    if (logical < EXT2_DIRECT_BLOCKS) {
        *level = 0;
        indexes[0] = logical;
        return true;
    }
    logical -= EXT2_DIRECT_BLOCKS;
    for (uint32_t depth = 1; depth <= 3; depth++) {
        uint64_t reach = 1ull << (shift * depth);
        if (logical < reach) {
            *level = depth;
            indexes[0] = EXT2_DIRECT_BLOCKS - 1 + depth;
            for (uint32_t i = 1; i <= depth; i++)
                indexes[i] = (logical >> (shift * (depth - i))) & mask;
            return true;
        }
        logical -= (uint32_t)reach;
    }
    return false;
}

static enum buffer_kind indirect_kind(const struct inode *inode) {
    return inode_is_directory(inode) ? BUFFER_INDIRECT_DIRECTORY : BUFFER_INDIRECT_FILE;
}

static error_t pointer_corrupt(struct inode *inode, uint32_t logical, uint32_t block) {
    inode->flags |= INODE_DAMAGED;
    return filesystem_corrupt(inode->fs, "ext2: inode %u: block %u of the file points to block %u, which it can't own",
                              inode->number, logical, block);
}

// How many pointers from `index` on continue the first one's run (or its hole).
static uint32_t run_length(const struct filesystem *fs, const uint32_t *pointers, uint32_t index, uint32_t end) {
    uint32_t first = pointers[index], count = 1;
    if (first == 0) {
        while (index + count < end && pointers[index + count] == 0)
            count++;
    } else {
        while (index + count < end && pointers[index + count] == first + count && map_block_usable(fs, first + count))
            count++;
    }
    return count;
}

static void run_remember(struct inode *inode, uint32_t logical, uint32_t physical, uint32_t count) {
    inode->run_logical = logical;
    inode->run_physical = physical;
    inode->run_count = count;
}

error_t map_lookup(struct inode *inode, uint32_t logical, uint32_t most, uint32_t *physical, uint32_t *count) {
    struct filesystem *fs = inode->fs;
    uint32_t indexes[4], level, ahead = logical - inode->run_logical;
    if (ahead < inode->run_count) {
        *physical = inode->run_physical ? inode->run_physical + ahead : 0;
        *count = minimum_u32(inode->run_count - ahead, most);
        return ERR_OK;
    }
    if (!map_path(fs, logical, indexes, &level))
        return ERR_FILE_TOO_LARGE;
    uint32_t block = inode->block[indexes[0]];
    uint32_t run = 1;
    if (level == 0)
        run = run_length(fs, inode->block, indexes[0], EXT2_DIRECT_BLOCKS);
    for (uint32_t depth = 1; depth <= level; depth++) {
        if (block == 0) { // the hole reaches to the end of what this pointer covers
            uint32_t covered = 0;
            for (uint32_t i = depth; i <= level; i++)
                covered = covered << fs->pointers_shift | indexes[i];
            uint64_t left = (1ull << (fs->pointers_shift * (level - depth + 1))) - covered;
            run = (uint32_t)minimum_u64(left, 1u << 30);
            break;
        }
        struct buffer *buffer;
        if (!map_block_usable(fs, block))
            return pointer_corrupt(inode, logical, block);
        error_t error = buffer_look(fs, block, indirect_kind(inode), &buffer);
        if (error)
            return error;
        const uint32_t *pointers = (const uint32_t *)(const void *)buffer->data;
        block = pointers[indexes[depth]];
        if (depth + 1 == level)
            inode->next_leaf = indexes[depth] + 1 < 1u << fs->pointers_shift ? pointers[indexes[depth] + 1] : 0;
        if (depth == level)
            run = run_length(fs, pointers, indexes[depth], 1u << fs->pointers_shift);
    }
    if (block && !map_block_usable(fs, block))
        return pointer_corrupt(inode, logical, block);
    run_remember(inode, logical, block, run);
    *physical = block;
    *count = minimum_u32(run, most);
    return ERR_OK;
}

// Blocks made for one hole: they are given back if the rest fails.
struct map_new {
    uint32_t blocks[3];
    uint32_t count;
};

static void map_undo(struct transaction *transaction, struct inode *inode, const struct map_new *made) {
    for (uint32_t i = 0; i < made->count; i++) {
        buffer_forget(inode->fs, made->blocks[i]);
        blocks_give_back(transaction, made->blocks[i], 1);
    }
}

// Allocates the missing indirect blocks below `depth` (those at depth..level); the topmost is not linked yet.
static error_t map_make_chain(struct transaction *transaction, struct inode *inode, const uint32_t indexes[4], uint32_t depth,
                              uint32_t level, struct map_new *made) {
    struct filesystem *fs = inode->fs;
    error_t error = ERR_OK;
    for (uint32_t i = depth; i <= level && !error; i++) {
        uint32_t block, got;
        struct buffer *buffer;
        error = blocks_allocate(transaction, inode, 1, &block, &got);
        if (error)
            break;
        made->blocks[made->count++] = block;
        error = buffer_fresh(fs, block, indirect_kind(inode), &buffer);
        if (error)
            break;
        buffer_dirty(transaction, buffer);
        buffer_release(fs, buffer);
        if (made->count > 1) { // link it into the one above, which is still in the cache since it is dirty
            struct buffer *above = buffer_find(fs, made->blocks[made->count - 2]);
            ((uint32_t *)(void *)above->data)[indexes[i - 1]] = block;
        }
    }
    return error;
}

// Fills pointers[index...] with a run of new blocks.
static error_t map_fill(struct transaction *transaction, struct inode *inode, uint32_t *pointers, uint32_t index, uint32_t end,
                        uint32_t most, uint32_t *physical, uint32_t *count) {
    uint32_t holes = 1;
    while (holes < most && index + holes < end && pointers[index + holes] == 0)
        holes++;
    error_t error = blocks_allocate(transaction, inode, holes, physical, count);
    if (error)
        return error;
    for (uint32_t i = 0; i < *count; i++)
        pointers[index + i] = *physical + i;
    return ERR_OK;
}

static void map_account(struct inode *inode, uint32_t blocks) {
    inode->sectors += blocks * inode->fs->sectors_per_block;
    inode_mark_dirty(inode);
}

// The hole at `indexes` starts at depth `depth`: `parent` (NULL: the inode) has a null pointer there.
static error_t map_fill_hole(struct transaction *transaction, struct inode *inode, struct buffer *parent,
                             const uint32_t indexes[4], uint32_t depth, uint32_t level, uint32_t most, uint32_t *physical,
                             uint32_t *count) {
    struct filesystem *fs = inode->fs;
    uint32_t *pointers = parent ? (uint32_t *)(void *)parent->data : inode->block;
    uint32_t end = parent ? 1u << fs->pointers_shift : depth == level ? EXT2_DIRECT_BLOCKS : EXT2_BLOCK_POINTERS;
    struct map_new made = {.count = 0};
    error_t error;
    if (depth == level) {
        error = map_fill(transaction, inode, pointers, indexes[depth], end, most, physical, count);
    } else {
        error = map_make_chain(transaction, inode, indexes, depth + 1, level, &made);
        if (!error) {
            struct buffer *leaf = buffer_find(fs, made.blocks[made.count - 1]);
            error = map_fill(transaction, inode, (uint32_t *)(void *)leaf->data, indexes[level], 1u << fs->pointers_shift, most,
                             physical, count);
        }
        if (error) {
            map_undo(transaction, inode, &made);
            return error;
        }
        pointers[indexes[depth]] = made.blocks[0];
    }
    if (error)
        return error;
    if (parent)
        buffer_dirty(transaction, parent);
    map_account(inode, made.count + *count);
    return ERR_OK;
}

error_t map_allocate(struct transaction *transaction, struct inode *inode, uint32_t logical, uint32_t most, uint32_t *physical,
                     uint32_t *count, bool *made) {
    struct filesystem *fs = inode->fs;
    uint32_t indexes[4], level;
    *made = false;
    error_t error = map_lookup(inode, logical, most, physical, count);
    if (error || *physical)
        return error;
    if (!map_path(fs, logical, indexes, &level))
        return ERR_FILE_TOO_LARGE;
    struct buffer *parent = NULL;
    uint32_t depth = 0, block = inode->block[indexes[0]];
    while (depth < level && block) {
        struct buffer *buffer;
        error = map_block_usable(fs, block) ? buffer_read(fs, block, indirect_kind(inode), &buffer)
                                            : pointer_corrupt(inode, logical, block);
        if (parent)
            buffer_release(fs, parent);
        if (error)
            return error;
        parent = buffer;
        block = ((uint32_t *)(void *)parent->data)[indexes[++depth]];
    }
    inode->run_count = 0;
    error = map_fill_hole(transaction, inode, parent, indexes, depth, level, most, physical, count);
    if (parent)
        buffer_release(fs, parent);
    if (error)
        return error;
    run_remember(inode, logical, *physical, *count);
    *made = true;
    return ERR_OK;
}
