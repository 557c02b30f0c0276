// Block and inode allocation. Invariants: a bit is set before anything can point to the block; between
// finding a clear bit and setting it no fiber runs; the counts in fs->groups follow the bitmaps. Called by
// map, truncate, inodes, and the commit.
#include "servers/ext2/allocate.h"

#include <stdlib.h>
#include <string.h>

#include "servers/ext2/bits.h"
#include "servers/ext2/buffer.h"
#include "servers/ext2/message.h"
#include "servers/ext2/superblock.h"

static error_t group_damaged(struct filesystem *fs, uint32_t number, const char *what) {
    fs->groups[number].flags |= GROUP_DAMAGED;
    return filesystem_corrupt(fs, "ext2: group %u: %s; nothing is allocated there any more", number, what);
}

static error_t block_bitmap_check(struct filesystem *fs, uint32_t number, const uint8_t *bits) {
    struct group *group = &fs->groups[number];
    uint32_t table = group->inode_table - group->first_block;
    bool good = bit_test(bits, group->block_bitmap - group->first_block) &&
                bit_test(bits, group->inode_bitmap - group->first_block) &&
                bits_find(bits, table, table + fs->table_blocks, false) == table + fs->table_blocks;
    if (superblock_group_has_copy(fs, number))
        good = good && bits_find(bits, 0, 1 + fs->descriptor_blocks, false) == 1 + fs->descriptor_blocks;
    if (!good)
        return group_damaged(fs, number, "the block bitmap says that the group's own blocks are free");
    uint32_t clear = bits_count_clear(bits, group->block_count);
    if (clear != group->free_blocks) {
        message_log(fs, PLATFORM_LOG_NOTICE, "ext2: group %u: %u free blocks, not %u", number, clear, group->free_blocks);
        fs->free_blocks += (uint64_t)clear - group->free_blocks;
        group->free_blocks = clear;
        group->flags |= GROUP_DIRTY;
    }
    group->flags |= GROUP_BLOCKS_CHECKED;
    return ERR_OK;
}

static error_t inode_bitmap_check(struct filesystem *fs, uint32_t number, const uint8_t *bits) {
    struct group *group = &fs->groups[number];
    if (number == 0 && bits_find(bits, 0, fs->first_inode - 1, false) != fs->first_inode - 1)
        return group_damaged(fs, number, "the inode bitmap says that reserved inodes are free");
    uint32_t clear = bits_count_clear(bits, fs->inodes_per_group);
    if (clear != group->free_inodes) {
        message_log(fs, PLATFORM_LOG_NOTICE, "ext2: group %u: %u free inodes, not %u", number, clear, group->free_inodes);
        fs->free_inodes += (uint64_t)clear - group->free_inodes;
        group->free_inodes = clear;
        group->flags |= GROUP_DIRTY;
    }
    group->flags |= GROUP_INODES_CHECKED;
    return ERR_OK;
}

// The bitmap, not pinned: nobody waits while it is looked at.
static error_t block_bitmap_get(struct filesystem *fs, uint32_t number, struct buffer **buffer) {
    struct group *group = &fs->groups[number];
    if (group->flags & GROUP_DAMAGED)
        return ERR_CORRUPT;
    error_t error = buffer_look(fs, group->block_bitmap, BUFFER_BITMAP, buffer);
    if (error || group->flags & GROUP_BLOCKS_CHECKED)
        return error;
    return block_bitmap_check(fs, number, (*buffer)->data);
}

static error_t inode_bitmap_get(struct filesystem *fs, uint32_t number, struct buffer **buffer) {
    struct group *group = &fs->groups[number];
    if (group->flags & GROUP_DAMAGED)
        return ERR_CORRUPT;
    error_t error = buffer_look(fs, group->inode_bitmap, BUFFER_BITMAP, buffer);
    if (error || group->flags & GROUP_INODES_CHECKED)
        return error;
    return inode_bitmap_check(fs, number, (*buffer)->data);
}

// --- windows ---
// The end of another file's window that holds the block, or 0.
static uint32_t window_of_other(const struct filesystem *fs, const struct inode *inode, uint32_t block) {
    for (uint32_t i = 0; i < WINDOWS; i++)
        if (fs->windows[i].inode && fs->windows[i].inode != inode && block >= fs->windows[i].start && block < fs->windows[i].end)
            return fs->windows[i].end;
    return 0;
}

static void window_move(struct filesystem *fs, struct inode *inode, uint32_t start) {
    struct window *window = NULL;
    for (uint32_t i = 0; i < WINDOWS; i++)
        if (fs->windows[i].inode == inode)
            window = &fs->windows[i];
    if (!window) {
        window = &fs->windows[fs->next_window];
        fs->next_window = (fs->next_window + 1) % WINDOWS;
    }
    *window = (struct window){.inode = inode, .start = start, .end = start + WINDOW_BLOCKS};
}

void windows_drop(struct inode *inode) {
    for (uint32_t i = 0; i < WINDOWS; i++)
        if (inode->fs->windows[i].inode == inode)
            inode->fs->windows[i].inode = NULL;
}

// --- blocks ---
struct block_search {
    const struct inode *inode;
    uint32_t want, minimum;
    bool respect_windows;
};

// A clear run in [from, limit) of the group: *start and its length (at most want), or 0.
static uint32_t group_find_run(const struct filesystem *fs, const struct group *group, const uint8_t *bits,
                               const struct block_search *search, uint32_t from, uint32_t limit, uint32_t *start) {
    while (from < limit) {
        uint32_t at = bits_find(bits, from, limit, false);
        if (at == limit)
            return 0;
        uint32_t skip = search->respect_windows ? window_of_other(fs, search->inode, group->first_block + at) : 0;
        if (skip) {
            from = skip - group->first_block;
            continue;
        }
        uint32_t need = search->want > search->minimum ? search->want : search->minimum;
        uint32_t end = bits_find(bits, at, minimum_u32(limit, at + need), true);
        if (end - at >= search->minimum) {
            *start = at;
            return minimum_u32(end - at, search->want);
        }
        from = end;
    }
    return 0;
}

static void group_take_blocks(struct transaction *transaction, uint32_t number, struct buffer *buffer, uint32_t start,
                              uint32_t count) {
    struct filesystem *fs = transaction->fs;
    struct group *group = &fs->groups[number];
    for (uint32_t i = 0; i < count; i++)
        bit_set(buffer->data, start + i);
    if (start <= group->block_hint)
        group->block_hint = bits_find(buffer->data, group->block_hint, group->block_count, false);
    group->free_blocks -= count;
    group->flags |= GROUP_DIRTY;
    fs->free_blocks -= count;
    KEPT_SET(fs->summary_dirty, true);
    buffer_dirty(transaction, buffer);
}

// Looks in one group: from the goal (a bit; 0 if none) to the end, then from the hint.
static error_t group_allocate(struct transaction *transaction, uint32_t number, const struct block_search *search, uint32_t goal,
                              uint32_t *block, uint32_t *got) {
    struct filesystem *fs = transaction->fs;
    struct group *group = &fs->groups[number];
    struct buffer *buffer;
    *got = 0;
    if (group->free_blocks < search->minimum || group->flags & GROUP_DAMAGED)
        return ERR_OK;
    error_t error = block_bitmap_get(fs, number, &buffer);
    if (error)
        return error == ERR_CORRUPT ? ERR_OK : error; // the next group then
    uint32_t start = 0, from = goal > group->block_hint ? goal : group->block_hint;
    uint32_t count = group_find_run(fs, group, buffer->data, search, from, group->block_count, &start);
    if (!count && from > group->block_hint)
        count = group_find_run(fs, group, buffer->data, search, group->block_hint, from, &start);
    if (count) {
        group_take_blocks(transaction, number, buffer, start, count);
        *block = group->first_block + start;
        *got = count;
    }
    return ERR_OK;
}

static uint32_t goal_of(const struct filesystem *fs, const struct inode *inode) {
    if (inode->last_allocated && inode->last_allocated + 1 < fs->blocks_count)
        return inode->last_allocated + 1;
    return fs->groups[(inode->number - 1) / fs->inodes_per_group].first_block;
}

error_t blocks_allocate(struct transaction *transaction, struct inode *inode, uint32_t want, uint32_t *block, uint32_t *got) {
    struct filesystem *fs = transaction->fs;
    uint32_t goal = goal_of(fs, inode), first = group_of_block(fs, goal);
    uint32_t goal_bit = goal - fs->groups[first].first_block;
    bool continues = inode->last_allocated != 0;
    want = minimum_u32(want, fs->blocks_per_group / 2);
    // First what goes on exactly at the goal; then a long run, nearest first; then anything; then other
    // files' windows.
    const struct block_search searches[] = {
        {inode, want, continues && want < 32 ? minimum_u32(32, fs->blocks_per_group / 4) : want, true},
        {inode, want, 1, true},
        {inode, want, 1, false},
    };
    if (fs->free_blocks == 0)
        return ERR_NO_SPACE;
    if (continues) {
        struct buffer *buffer;
        if (!block_bitmap_get(fs, first, &buffer)) {
            const struct block_search exact = {inode, want, 1, true};
            uint32_t start, limit = minimum_u32(goal_bit + want, fs->groups[first].block_count);
            uint32_t count = goal_bit < limit && !bit_test(buffer->data, goal_bit)
                                 ? group_find_run(fs, &fs->groups[first], buffer->data, &exact, goal_bit, limit, &start)
                                 : 0;
            if (count && start == goal_bit) {
                group_take_blocks(transaction, first, buffer, start, count);
                *block = goal;
                *got = count;
                inode->last_allocated = goal + count - 1;
                if (inode_is_regular(inode))
                    window_move(fs, inode, goal + count);
                return ERR_OK;
            }
        }
    }
    for (uint32_t s = 0; s < sizeof searches / sizeof searches[0]; s++)
        for (uint32_t i = 0; i < fs->group_count; i++) {
            uint32_t number = (first + i) % fs->group_count;
            error_t error = group_allocate(transaction, number, &searches[s], i ? 0 : goal_bit, block, got);
            if (error)
                return error;
            if (*got) {
                inode->last_allocated = *block + *got - 1;
                return ERR_OK;
            }
        }
    return ERR_NO_SPACE;
}

static void group_clear_blocks(struct filesystem *fs, uint32_t number, uint8_t *bits, uint32_t start, uint32_t count) {
    struct group *group = &fs->groups[number];
    for (uint32_t i = 0; i < count; i++)
        bit_clear(bits, start + i);
    group->free_blocks += count;
    group->block_hint = minimum_u32(group->block_hint, start);
    group->flags |= GROUP_DIRTY;
    fs->free_blocks += count;
    KEPT_SET(fs->summary_dirty, true);
}

void blocks_give_back(struct transaction *transaction, uint32_t block, uint32_t count) {
    struct filesystem *fs = transaction->fs;
    while (count) {
        uint32_t number = group_of_block(fs, block), start = block - fs->groups[number].first_block;
        uint32_t part = minimum_u32(count, fs->groups[number].block_count - start);
        struct buffer *buffer;
        if (!block_bitmap_get(fs, number, &buffer)) {
            group_clear_blocks(fs, number, buffer->data, start, part);
            buffer_dirty(transaction, buffer);
        }
        block += part;
        count -= part;
    }
}

// All of the run must be in use and not freed before.
static error_t group_free_blocks(struct transaction *transaction, struct inode *inode, uint32_t number, uint32_t start,
                                 uint32_t count) {
    struct filesystem *fs = transaction->fs;
    struct group *group = &fs->groups[number];
    struct buffer *buffer;
    error_t error = block_bitmap_get(fs, number, &buffer);
    if (error)
        return error;
    if (!group->pending_blocks && !(inode->flags & INODE_NEW)) {
        group->pending_blocks = calloc(1, fs->block_size);
        if (!group->pending_blocks)
            return ERR_NO_MEMORY;
    }
    bool good = bits_find(buffer->data, start, start + count, false) == start + count;
    if (good && group->pending_blocks)
        good = bits_find(group->pending_blocks, start, start + count, true) == start + count;
    if (!good) {
        (void)group_damaged(fs, number, "a block that a file owns is marked free");
        return filesystem_corrupt(fs, "ext2: inode %u: its block %u is free or belongs to two files", inode->number,
                                  group->first_block + start);
    }
    if (inode->flags & INODE_NEW) {
        group_clear_blocks(fs, number, buffer->data, start, count);
        buffer_dirty(transaction, buffer);
    } else {
        for (uint32_t i = 0; i < count; i++)
            bit_set(group->pending_blocks, start + i);
        group->pending_block_count += count;
        fs->pending_blocks += count;
    }
    return ERR_OK;
}

error_t blocks_free(struct transaction *transaction, struct inode *inode, uint32_t block, uint32_t count) {
    struct filesystem *fs = transaction->fs;
    error_t first_error = ERR_OK;
    while (count) {
        uint32_t number = group_of_block(fs, block), start = block - fs->groups[number].first_block;
        uint32_t part = minimum_u32(count, fs->groups[number].block_count - start);
        error_t error = group_free_blocks(transaction, inode, number, start, part);
        if (error && !first_error)
            first_error = error;
        block += part;
        count -= part;
    }
    return first_error;
}

// --- inodes ---
// Orlov's idea: directories below the root are spread to groups with room; others stay near their parent
// unless it is full.
static uint32_t directory_group(const struct filesystem *fs, const struct inode *parent) {
    uint32_t home = (parent->number - 1) / fs->inodes_per_group;
    uint64_t average_inodes = fs->free_inodes / fs->group_count, average_blocks = fs->free_blocks / fs->group_count;
    uint32_t best = NO_INDEX, start = home;
    if (parent->number == EXT2_ROOT_INODE)
        start = hash_u32((uint32_t)fs->free_inodes) % fs->group_count;
    for (uint32_t i = 0; i < fs->group_count; i++) {
        uint32_t number = (start + i) % fs->group_count;
        const struct group *group = &fs->groups[number];
        if (group->flags & GROUP_DAMAGED || !group->free_inodes)
            continue;
        if (parent->number != EXT2_ROOT_INODE) { // near: enough room is good enough
            if (group->free_inodes >= average_inodes / 4 && group->free_blocks >= average_blocks / 4)
                return number;
        } else if (group->free_inodes >= average_inodes && group->free_blocks >= average_blocks &&
                   (best == NO_INDEX || group->directories < fs->groups[best].directories)) {
            best = number;
        }
    }
    return best == NO_INDEX ? home : best;
}

static error_t group_take_inode(struct transaction *transaction, uint32_t group_number, bool directory, uint32_t *number) {
    struct filesystem *fs = transaction->fs;
    struct group *group = &fs->groups[group_number];
    struct buffer *buffer;
    *number = 0;
    if (!group->free_inodes || group->flags & GROUP_DAMAGED)
        return ERR_OK;
    error_t error = inode_bitmap_get(fs, group_number, &buffer);
    if (error)
        return error == ERR_CORRUPT ? ERR_OK : error;
    uint32_t reserved = group_number == 0 ? fs->first_inode - 1 : 0;
    uint32_t from = group->inode_hint > reserved ? group->inode_hint : reserved;
    uint32_t at = bits_find(buffer->data, from, fs->inodes_per_group, false);
    group->inode_hint = at;
    if (at < fs->inodes_per_group) {
        bit_set(buffer->data, at);
        buffer_dirty(transaction, buffer);
        group->free_inodes--;
        group->directories += directory;
        group->flags |= GROUP_DIRTY;
        group->inode_hint = at + 1;
        fs->free_inodes--;
        KEPT_SET(fs->summary_dirty, true);
        *number = group_number * fs->inodes_per_group + at + 1;
    }
    return ERR_OK;
}

error_t inode_number_allocate(struct transaction *transaction, const struct inode *parent, bool directory, uint32_t *number) {
    struct filesystem *fs = transaction->fs;
    if (fs->free_inodes == 0)
        return ERR_NO_SPACE;
    uint32_t first = directory ? directory_group(fs, parent) : (parent->number - 1) / fs->inodes_per_group;
    for (uint32_t i = 0; i < fs->group_count; i++) {
        error_t error = group_take_inode(transaction, (first + i) % fs->group_count, directory, number);
        if (error || *number)
            return error;
    }
    return ERR_NO_SPACE;
}

static void group_clear_inode(struct filesystem *fs, struct group *group, uint8_t *bits, uint32_t at) {
    bit_clear(bits, at);
    group->free_inodes++;
    group->inode_hint = minimum_u32(group->inode_hint, at);
    group->flags |= GROUP_DIRTY;
    fs->free_inodes++;
    KEPT_SET(fs->summary_dirty, true);
}

void inode_number_free(struct transaction *transaction, uint32_t number, bool directory, bool known) {
    struct filesystem *fs = transaction->fs;
    uint32_t group_number = (number - 1) / fs->inodes_per_group, at = (number - 1) % fs->inodes_per_group;
    struct group *group = &fs->groups[group_number];
    struct buffer *buffer;
    if (inode_bitmap_get(fs, group_number, &buffer))
        return; // it stays in use: nothing worse
    if (!bit_test(buffer->data, at)) {
        (void)group_damaged(fs, group_number, "an inode in use is marked free");
    } else if (!known) {
        group_clear_inode(fs, group, buffer->data, at);
        buffer_dirty(transaction, buffer);
    } else {
        if (!group->pending_inodes)
            group->pending_inodes = calloc(1, fs->block_size);
        if (group->pending_inodes && !bit_test(group->pending_inodes, at)) {
            bit_set(group->pending_inodes, at);
            fs->pending_inodes++;
        }
    }
    if (directory && group->directories) {
        group->directories--;
        group->flags |= GROUP_DIRTY;
        KEPT_SET(fs->summary_dirty, true);
    }
}

// --- after a commit ---
static bool group_apply_blocks(struct transaction *transaction, uint32_t number) {
    struct filesystem *fs = transaction->fs;
    struct group *group = &fs->groups[number];
    struct buffer *buffer;
    if (block_bitmap_get(fs, number, &buffer))
        return false;
    for (uint32_t at = 0; (at = bits_find(group->pending_blocks, at, group->block_count, true)) < group->block_count;) {
        uint32_t end = bits_find(group->pending_blocks, at, group->block_count, false);
        group_clear_blocks(fs, number, buffer->data, at, end - at);
        at = end;
    }
    buffer_dirty(transaction, buffer);
    return true;
}

static void group_apply_inodes(struct transaction *transaction, uint32_t number) {
    struct filesystem *fs = transaction->fs;
    struct group *group = &fs->groups[number];
    struct buffer *buffer;
    bool readable = inode_bitmap_get(fs, number, &buffer) == ERR_OK;
    for (uint32_t at = 0; (at = bits_find(group->pending_inodes, at, fs->inodes_per_group, true)) < fs->inodes_per_group; at++) {
        fs->pending_inodes--;
        if (readable)
            group_clear_inode(fs, group, buffer->data, at);
    }
    if (readable)
        buffer_dirty(transaction, buffer);
}

void pending_apply(struct filesystem *fs) {
    struct transaction transaction = {.fs = fs};
    if (!fs->pending_blocks && !fs->pending_inodes)
        return;
    for (uint32_t number = 0; number < fs->group_count; number++) {
        struct group *group = &fs->groups[number];
        platform_breathe();
        if (fs->dirty_buffers + 4 > fs->dirty_limit)
            return; // the rest at the next commit
        // What can't be applied (a bitmap that can't be read) stays in use on disk: e2fsck returns it.
        if (group->pending_blocks) {
            (void)group_apply_blocks(&transaction, number);
            fs->pending_blocks -= group->pending_block_count;
            group->pending_block_count = 0;
            free(group->pending_blocks);
            group->pending_blocks = NULL;
        }
        if (group->pending_inodes) {
            group_apply_inodes(&transaction, number);
            free(group->pending_inodes);
            group->pending_inodes = NULL;
        }
    }
}
