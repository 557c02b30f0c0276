// Rename: the one operation that works on two directories. Moves between directories run one at a time
// (rename_lock), so that the tree can't change while its shape is looked at. What must be on disk before what
// is settled here by tombstones, parking and, where those can't do, a commit beforehand; README.md has the
// reasons. Called by the server.
#include "servers/ext2/buffer.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/message.h"
#include "servers/ext2/namespace.h"
#include "servers/ext2/operation.h"
#include "servers/ext2/transaction.h"
#include "servers/ext2/writeback.h"

enum { TREE_DEPTH_MAX = 8192 };

struct rename {
    struct inode *from, *to; // directories
    const char *from_name, *to_name;
    uint32_t from_length, to_length;
    struct directory_place source, target; // target.buffer NULL: the name is free
    struct inode *node, *victim;
};

// WAITS. Whether `ancestor` is `directory` or above it.
static error_t directory_is_within(struct inode *directory, const struct inode *ancestor, bool *within) {
    struct filesystem *fs = directory->fs;
    struct inode *at = directory;
    error_t error = ERR_OK;
    *within = false;
    inode_hold(at);
    for (uint32_t depth = 0;; depth++) {
        uint32_t parent;
        if (at == ancestor) {
            *within = true;
            break;
        }
        if (at->number == EXT2_ROOT_INODE)
            break;
        error = depth > TREE_DEPTH_MAX ? filesystem_corrupt(fs, "ext2: directory inode %u is its own ancestor", directory->number)
                                       : directory_parent(at, &parent);
        struct inode *next = NULL;
        if (!error && at->links == 0) // removed meanwhile, and perhaps its parent as well
            error = ERR_NOT_FOUND;
        if (!error)
            error = inode_get(fs, parent, &next);
        if (!error && !inode_is_directory(next)) {
            error = filesystem_corrupt(fs, "ext2: directory inode %u: .. is no directory", at->number);
            inode_drop(next);
        }
        if (error)
            break;
        inode_drop(at);
        at = next;
    }
    inode_drop(at);
    return error;
}

// Ancestors before descendants; unrelated directories by number.
static error_t rename_lock_directories(struct rename *rename) {
    struct inode *from = rename->from, *to = rename->to;
    bool from_below = false, to_below = false;
    if (from == to) {
        core_lock_exclusive(&from->lock);
        return ERR_OK;
    }
    core_lock_exclusive(&from->fs->rename_lock);
    error_t error = directory_is_within(from, to, &from_below);
    if (!error)
        error = directory_is_within(to, from, &to_below);
    if (error) {
        core_unlock(&from->fs->rename_lock);
        return error;
    }
    struct inode *first = from_below || (!to_below && to->number < from->number) ? to : from;
    core_lock_exclusive(&first->lock);
    core_lock_exclusive(first == from ? &to->lock : &from->lock);
    return ERR_OK;
}

static void rename_unlock_directories(struct rename *rename) {
    core_unlock(&rename->from->lock);
    if (rename->from == rename->to)
        return;
    core_unlock(&rename->to->lock);
    core_unlock(&rename->from->fs->rename_lock);
}

static error_t rename_find(struct rename *rename) {
    struct filesystem *fs = rename->from->fs;
    error_t error = directory_may_change(rename->from);
    if (!error)
        error = directory_may_change(rename->to);
    if (!error)
        error = directory_find(rename->from, rename->from_name, rename->from_length, &rename->source);
    if (error)
        return error;
    directory_place_hold(&rename->source);
    error = inode_get(fs, rename->source.number, &rename->node);
    if (error)
        return error;
    error = directory_find(rename->to, rename->to_name, rename->to_length, &rename->target);
    if (error == ERR_NOT_FOUND)
        return ERR_OK;
    if (error)
        return error;
    directory_place_hold(&rename->target);
    return inode_get(fs, rename->target.number, &rename->victim);
}

static error_t rename_check_victim(const struct rename *rename) {
    struct inode *node = rename->node, *victim = rename->victim;
    bool above = false, empty = true;
    if (inode_is_directory(node) != inode_is_directory(victim))
        return inode_is_directory(node) ? ERR_NOT_DIRECTORY : ERR_IS_DIRECTORY;
    if (!inode_is_directory(victim))
        return ERR_OK;
    if (rename->from != rename->to) {
        error_t error = directory_is_within(rename->from, victim, &above);
        if (error || above)
            return error ? error : ERR_NOT_EMPTY;
    } else if (victim == rename->from) {
        return ERR_CORRUPT;
    }
    core_lock_exclusive(&victim->lock); // held until the rename is done
    error_t error = operation_may_change(victim);
    if (!error)
        error = directory_is_empty(victim, &empty);
    if (!error && !empty)
        error = ERR_NOT_EMPTY;
    if (error)
        core_unlock(&victim->lock);
    return error;
}

static error_t rename_check(const struct rename *rename) {
    struct inode *node = rename->node;
    error_t error = operation_may_change(node);
    if (error)
        return error;
    if (rename->from != rename->to && inode_is_directory(node)) {
        bool inside;
        error = directory_is_within(rename->to, node, &inside);
        if (error || inside)
            return error ? error : ERR_INVALID;
        if (!rename->victim && rename->to->links >= EXT2_LINKS_MAX)
            return ERR_TOO_MANY_LINKS;
    }
    return rename->victim ? rename_check_victim(rename) : ERR_OK;
}

// Cases whose order on disk is only right if what came before is there.
static error_t rename_commit_before(const struct rename *rename) {
    struct filesystem *fs = rename->from->fs;
    struct inode *node = rename->node, *victim = rename->victim;
    bool needed = false;
    if (inode_is_directory(node) && rename->from != rename->to)
        needed = (node->flags | rename->to->flags) & INODE_NEW;
    if (victim && !(victim->flags & INODE_NEW)) {
        if (node->flags & INODE_NEW) { // the old content stays until the new one is safe
            bool file = !inode_is_directory(node);
            if (file)
                core_lock_shared(&node->lock);
            writeback_inode(node);
            if (file)
                core_unlock(&node->lock);
            needed = true;
        }
        if (victim->links > 1 && victim->flags & INODE_GAINED && !inode_is_directory(victim))
            needed = true;
        if (inode_is_directory(victim) && (victim->flags & INODE_MOVED_OUT || fs->parked_count))
            needed = true;
        if (!inode_is_directory(victim) && fs->parked_count == PARK_ENTRIES)
            needed = true; // makes room
    }
    return needed ? commit(fs) : ERR_OK;
}

static void rename_victim_lost(struct rename *rename) {
    struct inode *victim = rename->victim;
    if (inode_is_directory(victim)) {
        victim->links = 1;
        victim->size = 0;
        if (rename->to->links > 2)
            rename->to->links--;
    }
    inode_link_lost(victim);
    rename->to->flags |= INODE_MOVED_OUT;
    if (victim->links || victim->flags & INODE_NEW)
        return;
    struct filesystem *fs = victim->fs;
    if (!inode_is_directory(victim) && fs->park_block && fs->parked_count < PARK_ENTRIES) {
        victim->flags |= INODE_REPLACED;
        commit_park(fs, victim->number);
    } else {
        node_removed(rename->to, victim);
    }
}

static error_t rename_move(struct rename *rename, struct transaction *transaction) {
    struct inode *from = rename->from, *to = rename->to, *node = rename->node;
    bool same_block = false;
    uint32_t block;
    error_t error = ERR_OK;
    node->flags |= INODE_GAINED;
    node->change = time_now();
    inode_mark_dirty(node);
    if (!rename->victim && from == to && !rename->source.buffer->tombstones &&
        directory_rename_in_place(transaction, from, &rename->source, rename->from_name, rename->from_length, rename->to_name,
                                  rename->to_length))
        return ERR_OK;
    if (rename->victim) {
        same_block = rename->target.buffer == rename->source.buffer;
    } else {
        error = directory_insert(transaction, to, rename->to_name, rename->to_length, node,
                                 from == to ? rename->source.block : NO_INDEX, &block);
        same_block = from == to && block == rename->source.block;
    }
    if (error)
        return error;
    entry_take_out(transaction, from, &rename->source, rename->from_name, rename->from_length, node, same_block);
    if (rename->victim) {
        directory_replace(transaction, to, &rename->target, node);
        rename_victim_lost(rename);
    }
    if (inode_is_directory(node) && from != to) {
        if (from->links > 2)
            from->links--;
        to->links++;
        error = directory_set_parent(transaction, node, to->number);
    }
    return error;
}

static error_t rename_locked(struct rename *rename) {
    struct transaction transaction;
    error_t error = rename_find(rename);
    if (error || rename->node == rename->victim)
        return error;
    error = rename_check(rename);
    if (error)
        return error;
    error = rename_commit_before(rename);
    if (!error)
        error = transaction_begin(rename->from->fs, DIRECTORY_CREDITS + 6, &transaction);
    if (!error) {
        error = tombstone_reserve(&transaction);
        if (!error)
            error = rename_move(rename, &transaction);
        transaction_end(&transaction);
    }
    if (rename->victim && inode_is_directory(rename->victim))
        core_unlock(&rename->victim->lock);
    return error;
}

static error_t rename_try(struct rename *rename) {
    rename->node = rename->victim = NULL;
    rename->source.held = rename->target.held = false;
    commit_find_park(rename->from->fs); // takes directory locks itself
    error_t error = rename_lock_directories(rename);
    if (error)
        return error;
    error = rename_locked(rename);
    directory_place_release(rename->from, &rename->source);
    directory_place_release(rename->to, &rename->target);
    rename_unlock_directories(rename);
    if (rename->node)
        inode_drop(rename->node);
    if (rename->victim)
        inode_drop(rename->victim);
    return error;
}

error_t node_rename(struct inode *from, const char *from_name, uint32_t from_length, struct inode *to, const char *to_name,
                    uint32_t to_length) {
    struct filesystem *fs = from->fs;
    struct rename rename = {
        .from = from, .to = to, .from_name = from_name, .to_name = to_name, .from_length = from_length, .to_length = to_length};
    if (to->fs != fs)
        return ERR_CROSS_DEVICE;
    if (!inode_is_directory(from) || !inode_is_directory(to))
        return ERR_NOT_DIRECTORY;
    error_t error = name_check(from_name, from_length);
    if (!error)
        error = name_check(to_name, to_length);
    if (!error && (name_is_dots(from_name, from_length) || name_is_dots(to_name, to_length)))
        error = ERR_INVALID;
    if (error)
        return error;
    operation_enter(fs);
    error = rename_try(&rename);
    if (error == ERR_NO_SPACE && commit_for_space(fs))
        error = rename_try(&rename);
    operation_leave(fs);
    return error;
}
