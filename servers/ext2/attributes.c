// What is known about a node: reading and changing it, references, and fsync. Called by the server.
#include "libipc/kept/undo.h"
#include "servers/ext2/disk.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/operation.h"
#include "servers/ext2/transaction.h"
#include "servers/ext2/writeback.h"

uint32_t node_number(const struct inode *inode) {
    return inode->number;
}

enum node_type node_type(const struct inode *inode) {
    switch (inode->mode & EXT2_MODE_TYPE) {
    case EXT2_MODE_DIRECTORY:
        return NODE_DIRECTORY;
    case EXT2_MODE_CHARACTER:
        return NODE_CHARACTER;
    case EXT2_MODE_BLOCK:
        return NODE_BLOCK;
    case EXT2_MODE_FIFO:
        return NODE_FIFO;
    case EXT2_MODE_SOCKET:
        return NODE_SOCKET;
    case EXT2_MODE_SYMLINK:
        return NODE_SYMLINK;
    default:
        return NODE_REGULAR;
    }
}

error_t node_root(struct filesystem *fs, struct inode **result) {
    return node_by_number(fs, EXT2_ROOT_INODE, 0, result);
}

error_t node_by_number(struct filesystem *fs, uint32_t number, uint32_t generation, struct inode **result) {
    operation_enter(fs);
    error_t error = inode_get(fs, number, result);
    if (!error && number != EXT2_ROOT_INODE && (*result)->generation != generation) {
        inode_drop(*result);
        error = ERR_STALE;
    }
    operation_leave(fs);
    return error;
}

uint32_t node_generation(const struct inode *inode) {
    return inode->generation;
}

void node_reference(struct inode *inode) {
    inode_hold(inode);
}

void node_release(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    bool waits = inode->references == 1 && inode->links == 0;
    if (waits)
        operation_enter(fs);
    inode_drop(inode);
    if (waits)
        operation_leave(fs);
}

// To its caller's stack.
KEPT_UNNOTED void node_attributes(struct inode *node, struct node_attributes *result) {
    *result = (struct node_attributes){
        .number = node->number,
        .generation = node->generation,
        .mode = node->mode,
        .uid = node->uid,
        .gid = node->gid,
        .links = node->links,
        .block_size = node->fs->block_size,
        .size = node->size,
        .sectors = node->sectors,
        .access = node->access,
        .modify = node->modify,
        .change = node->change,
    };
    uint32_t type = node->mode & EXT2_MODE_TYPE;
    if (type != EXT2_MODE_CHARACTER && type != EXT2_MODE_BLOCK)
        return;
    if (node->block[0]) {
        result->device_major = node->block[0] >> 8 & 0xFF;
        result->device_minor = node->block[0] & 0xFF;
    } else {
        result->device_major = node->block[1] >> 8 & 0xFFF;
        result->device_minor = (node->block[1] & 0xFF) | (node->block[1] >> 12 & 0xFFF00);
    }
}

static void attributes_apply(struct inode *node, uint32_t set, const struct node_attributes *values) {
    struct file_time now = time_now();
    if (set & NODE_SET_MODE)
        node->mode = (uint16_t)((node->mode & EXT2_MODE_TYPE) | (values->mode & 07777));
    if (set & NODE_SET_UID)
        node->uid = values->uid;
    if (set & NODE_SET_GID)
        node->gid = values->gid;
    if (set & NODE_SET_ACCESS)
        node->access = values->access;
    if (set & NODE_SET_MODIFY)
        node->modify = values->modify;
    if (set & NODE_SET_ACCESS_NOW)
        node->access = now;
    if (set & NODE_SET_MODIFY_NOW)
        node->modify = now;
    node->change = now;
    inode_mark_dirty(node);
}

error_t node_set_attributes(struct inode *node, uint32_t set, const struct node_attributes *values) {
    struct transaction transaction;
    if ((set & NODE_SET_ACCESS && values->access.nanoseconds > 999999999) ||
        (set & NODE_SET_MODIFY && values->modify.nanoseconds > 999999999))
        return ERR_INVALID;
    operation_enter(node->fs);
    error_t error = operation_may_change(node);
    if (!error)
        error = transaction_begin(node->fs, 0, &transaction);
    if (!error) {
        attributes_apply(node, set, values);
        transaction_end(&transaction);
    }
    operation_leave(node->fs);
    return error;
}

error_t node_fsync(struct inode *node) {
    struct filesystem *fs = node->fs;
    operation_enter(fs);
    core_lock_shared(&node->lock);
    writeback_inode(node);
    core_unlock(&node->lock);
    error_t error = node->write_error;
    node->write_error = ERR_OK;
    // Every change of what leads to the node marks it dirty, so a clean one was committed with its names.
    error_t commit_error = node->flags & INODE_DIRTY ? commit(fs) : disk_flush(fs);
    operation_leave(fs);
    return error ? error : commit_error;
}
