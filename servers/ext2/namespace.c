// Names: lookup, creation, links, removal. Every function takes the directory's lock, then opens a
// transaction, then changes memory; what a failure leaves behind is a new inode without links, which its
// release frees. Called by the server.
#include "servers/ext2/namespace.h"

#include <string.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"
#include "servers/ext2/operation.h"
#include "servers/ext2/recent_names.h"
#include "servers/ext2/transaction.h"

bool name_is_dots(const char *name, uint32_t length) {
    return length <= 2 && name[0] == '.' && (length == 1 || name[1] == '.');
}

error_t name_check(const char *name, uint32_t length) {
    if (length == 0)
        return ERR_NOT_FOUND;
    if (length > EXT2_NAME_BYTES)
        return ERR_NAME_TOO_LONG;
    return memchr(name, '/', length) || memchr(name, 0, length) ? ERR_INVALID : ERR_OK;
}

error_t directory_may_change(const struct inode *directory) {
    if (!inode_is_directory(directory))
        return ERR_NOT_DIRECTORY;
    if (directory->links == 0)
        return ERR_NOT_FOUND;
    return operation_may_change(directory);
}

error_t node_lookup(struct inode *directory, const char *name, uint32_t length, struct inode **result) {
    struct filesystem *fs = directory->fs;
    struct directory_place place;
    *result = recent_names_find(directory, name, length);
    if (*result) {
        inode_hold(*result);
        return ERR_OK;
    }
    error_t error = name_check(name, length);
    if (error)
        return error;
    if (!inode_is_directory(directory))
        return ERR_NOT_DIRECTORY;
    operation_enter(fs);
    core_lock_shared(&directory->lock);
    error = directory->links ? directory_find(directory, name, length, &place) : ERR_NOT_FOUND;
    if (!error) {
        error = inode_get(fs, place.number, result); // under the lock, so that the number can't be given away
        if (error == ERR_STALE)
            error = ERR_NOT_FOUND;
        if (!error && !name_is_dots(name, length))
            recent_names_add(directory, name, length, place.number);
    }
    core_unlock(&directory->lock);
    operation_leave(fs);
    return error;
}

// --- creation ---
struct birth {
    uint16_t mode;
    const struct node_creation *creation;
    const char *target; // symbolic links
    uint32_t target_length;
};

static uint16_t mode_of_type(enum node_type type) {
    switch (type) {
    case NODE_REGULAR:
        return EXT2_MODE_REGULAR;
    case NODE_CHARACTER:
        return EXT2_MODE_CHARACTER;
    case NODE_BLOCK:
        return EXT2_MODE_BLOCK;
    case NODE_FIFO:
        return EXT2_MODE_FIFO;
    case NODE_SOCKET:
        return EXT2_MODE_SOCKET;
    default:
        return 0;
    }
}

static error_t birth_symlink(struct transaction *transaction, struct inode *inode, const struct birth *birth) {
    struct filesystem *fs = inode->fs;
    uint32_t physical, count;
    struct buffer *buffer;
    bool made;
    inode->size = birth->target_length;
    if (birth->target_length < EXT2_FAST_SYMLINK_BYTES) {
        memcpy(inode->block, birth->target, birth->target_length);
        return ERR_OK;
    }
    error_t error = map_allocate(transaction, inode, 0, 1, &physical, &count, &made);
    if (!error)
        error = buffer_fresh(fs, physical, BUFFER_CONTENT, &buffer);
    if (error)
        return error;
    memcpy(buffer->data, birth->target, birth->target_length);
    buffer_dirty(transaction, buffer);
    buffer_release(fs, buffer);
    return ERR_OK;
}

// Numbers as Linux keeps them: the old 16-bit form where it fits, else the 32-bit one in the second word.
static void birth_device(struct inode *inode, const struct node_creation *creation) {
    uint32_t major = creation->device_major, minor = creation->device_minor;
    if (major < 256 && minor < 256)
        inode->block[0] = major << 8 | minor;
    else
        inode->block[1] = (minor & 0xFF) | major << 8 | (minor & ~0xFFu) << 12;
}

static error_t birth_fill(struct transaction *transaction, struct inode *directory, struct inode *inode,
                          const struct birth *birth) {
    switch (inode->mode & EXT2_MODE_TYPE) {
    case EXT2_MODE_DIRECTORY:
        inode->level = directory->flags & INODE_NEW ? directory->level + 1 : 1;
        return directory_init(transaction, inode, directory->number);
    case EXT2_MODE_SYMLINK:
        return birth_symlink(transaction, inode, birth);
    case EXT2_MODE_CHARACTER:
    case EXT2_MODE_BLOCK:
        birth_device(inode, birth->creation);
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

// In a transaction, the directory held. On failure *inode may be set: it has no links and goes at its
// release.
static error_t birth_do(struct transaction *transaction, struct inode *directory, const char *name, uint32_t length,
                        const struct birth *birth, struct inode **inode) {
    uint32_t block;
    error_t error = inode_make(transaction, directory, birth->mode, birth->creation, inode);
    if (error)
        return error;
    bool is_directory = inode_is_directory(*inode);
    error = birth_fill(transaction, directory, *inode, birth);
    if (!error)
        error = directory_insert(transaction, directory, name, length, *inode, NO_INDEX, &block);
    if (!error) {
        (*inode)->links = is_directory ? 2 : 1;
        if (is_directory)
            directory->links++;
    }
    core_unlock(&(*inode)->lock);
    return error;
}

static error_t birth_try(struct inode *directory, const char *name, uint32_t length, const struct birth *birth,
                         struct inode **result) {
    struct filesystem *fs = directory->fs;
    struct directory_place place;
    struct transaction transaction;
    struct inode *inode = NULL;
    core_lock_exclusive(&directory->lock);
    error_t error = directory_may_change(directory);
    if (!error)
        error = directory_find(directory, name, length, &place);
    if (!error) {
        error = ERR_EXISTS;
    } else if (error == ERR_NOT_FOUND && directory->links) {
        bool full = (birth->mode & EXT2_MODE_TYPE) == EXT2_MODE_DIRECTORY && directory->links >= EXT2_LINKS_MAX;
        error = full ? ERR_TOO_MANY_LINKS : transaction_begin(fs, DIRECTORY_CREDITS + 6, &transaction);
        if (!error) {
            error = birth_do(&transaction, directory, name, length, birth, &inode);
            transaction_end(&transaction);
        }
    }
    core_unlock(&directory->lock);
    if (error && inode)
        inode_drop(inode);
    else
        *result = inode;
    return error;
}

static error_t birth(struct inode *directory, const char *name, uint32_t length, const struct birth *birth,
                     struct inode **result) {
    struct filesystem *fs = directory->fs;
    error_t error = name_check(name, length);
    if (error)
        return error;
    if (!inode_is_directory(directory))
        return ERR_NOT_DIRECTORY;
    operation_enter(fs);
    error = birth_try(directory, name, length, birth, result);
    if (error == ERR_NO_SPACE && commit_for_space(fs))
        error = birth_try(directory, name, length, birth, result);
    operation_leave(fs);
    return error;
}

error_t node_create(struct inode *directory, const char *name, uint32_t length, const struct node_creation *creation,
                    struct inode **result) {
    uint16_t type = mode_of_type(creation->type);
    if (!type)
        return ERR_INVALID;
    if (creation->device_major > 0xFFF || creation->device_minor > 0xFFFFF)
        return ERR_INVALID;
    const struct birth request = {.mode = (uint16_t)(type | (creation->permissions & 07777)), .creation = creation};
    return birth(directory, name, length, &request, result);
}

error_t node_mkdir(struct inode *directory, const char *name, uint32_t length, const struct node_creation *creation,
                   struct inode **result) {
    const struct birth request = {.mode = (uint16_t)(EXT2_MODE_DIRECTORY | (creation->permissions & 07777)),
                                  .creation = creation};
    return birth(directory, name, length, &request, result);
}

error_t node_symlink(struct inode *directory, const char *name, uint32_t length, const char *target, uint32_t target_length,
                     const struct node_creation *creation, struct inode **result) {
    if (target_length == 0)
        return ERR_NOT_FOUND;
    if (target_length > directory->fs->block_size - 1 || memchr(target, 0, target_length))
        return target_length > directory->fs->block_size - 1 ? ERR_NAME_TOO_LONG : ERR_INVALID;
    const struct birth request = {EXT2_MODE_SYMLINK | 0777, creation, target, target_length};
    return birth(directory, name, length, &request, result);
}

static error_t link_try(struct inode *directory, const char *name, uint32_t length, struct inode *node) {
    struct directory_place place;
    struct transaction transaction;
    uint32_t block;
    core_lock_exclusive(&directory->lock);
    error_t error = directory_may_change(directory);
    if (!error)
        error = directory_find(directory, name, length, &place);
    if (!error) {
        error = ERR_EXISTS;
    } else if (error == ERR_NOT_FOUND && directory->links) {
        error = transaction_begin(directory->fs, DIRECTORY_CREDITS, &transaction);
        if (!error) {
            if (node->links == 0)
                error = ERR_NOT_FOUND;
            else if (node->links >= EXT2_LINKS_MAX)
                error = ERR_TOO_MANY_LINKS;
            if (!error) {
                node->links++;
                node->flags |= INODE_GAINED;
                node->change = time_now();
                inode_mark_dirty(node);
                error = directory_insert(&transaction, directory, name, length, node, NO_INDEX, &block);
                if (error)
                    inode_link_lost(node);
            }
            transaction_end(&transaction);
        }
    }
    core_unlock(&directory->lock);
    return error;
}

error_t node_link(struct inode *directory, const char *name, uint32_t length, struct inode *node) {
    struct filesystem *fs = directory->fs;
    error_t error = name_check(name, length);
    if (!error && !inode_is_directory(directory))
        error = ERR_NOT_DIRECTORY;
    if (!error && inode_is_directory(node))
        error = ERR_NOT_PERMITTED;
    if (!error && node->fs != fs)
        error = ERR_CROSS_DEVICE;
    if (!error)
        error = operation_may_change(node);
    if (error)
        return error;
    operation_enter(fs);
    error = link_try(directory, name, length, node);
    if (error == ERR_NO_SPACE && commit_for_space(fs))
        error = link_try(directory, name, length, node);
    operation_leave(fs);
    return error;
}

// --- removal ---
void entry_take_out(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                    const char *name, uint32_t length, const struct inode *node, bool same_block) {
    // The disk keeps the old entry until the new one is written: unless the two are one write, or the disk
    // knows neither.
    if (!same_block && node->flags & INODE_GAINED && !(node->flags & INODE_NEW) && !(place->buffer->flags & BUFFER_FRESH)) {
        tombstone_add(transaction, place->buffer, place->offset, node->number);
    }
    directory_remove(transaction, directory, place, name, length);
    directory->flags |= INODE_MOVED_OUT;
}

void node_removed(struct inode *directory, struct inode *node) {
    node->flags |= INODE_REMOVED;
    uint32_t height = inode_is_directory(node) ? node->level : 0;
    if (!((node->flags | directory->flags) & INODE_NEW) && directory->level <= height)
        directory->level = height + 1;
}

static error_t unlink_do(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                         const char *name, uint32_t length, struct inode *node) {
    if (inode_is_directory(node))
        return ERR_IS_DIRECTORY;
    if (node->links > 1) {
        error_t error = tombstone_reserve(transaction);
        if (error)
            return error;
        entry_take_out(transaction, directory, place, name, length, node, false);
        inode_link_lost(node);
        return ERR_OK;
    }
    directory_remove(transaction, directory, place, name, length);
    inode_link_lost(node);
    node_removed(directory, node);
    return ERR_OK;
}

// *node, if it is not NULL, is to be dropped.
static error_t unlink_try(struct transaction *transaction, struct inode *directory, const char *name, uint32_t length,
                          struct inode **node) {
    struct directory_place place;
    error_t error = directory_find(directory, name, length, &place);
    if (error)
        return error;
    *node = inode_at_hand(directory->fs, place.number);
    if (*node) {
        inode_hold(*node);
    } else {
        directory_place_hold(&place);
        error = inode_get(directory->fs, place.number, node);
    }
    if (!error)
        error = unlink_do(transaction, directory, &place, name, length, *node);
    directory_place_release(directory, &place);
    return error;
}

error_t node_unlink(struct inode *directory, const char *name, uint32_t length) {
    struct filesystem *fs = directory->fs;
    struct transaction transaction;
    struct inode *node = NULL;
    error_t error = name_check(name, length);
    if (error)
        return error;
    if (name_is_dots(name, length))
        return ERR_IS_DIRECTORY;
    operation_enter(fs);
    core_lock_exclusive(&directory->lock);
    error = directory_may_change(directory);
    if (!error)
        error = transaction_begin(fs, 4, &transaction);
    if (!error) {
        error = unlink_try(&transaction, directory, name, length, &node);
        transaction_end(&transaction);
    }
    core_unlock(&directory->lock);
    if (node)
        inode_drop(node);
    operation_leave(fs);
    return error;
}

static void rmdir_do(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                     const char *name, uint32_t length, struct inode *node) {
    directory_remove(transaction, directory, place, name, length);
    node->links = 1;
    inode_link_lost(node);
    node->size = 0;
    node_removed(directory, node);
    if (directory->links > 2)
        directory->links--;
}

// Both are held exclusively.
static error_t rmdir_locked(struct inode *directory, const struct directory_place *place, const char *name, uint32_t length,
                            struct inode *node) {
    struct filesystem *fs = directory->fs;
    struct transaction transaction;
    bool empty = false;
    uint32_t parent;
    error_t error = operation_may_change(node);
    if (!error)
        error = directory_parent(node, &parent);
    if (!error && parent != directory->number)
        error = filesystem_corrupt(fs, "ext2: directory inode %u: .. is %u, not %u", node->number, parent, directory->number);
    if (!error)
        error = directory_is_empty(node, &empty);
    if (!error && !empty)
        error = ERR_NOT_EMPTY;
    // What left this directory must be on disk elsewhere before the directory goes.
    if (!error && (node->flags & INODE_MOVED_OUT || fs->parked_count))
        error = commit(fs);
    if (!error)
        error = transaction_begin(fs, 4, &transaction);
    if (!error) {
        rmdir_do(&transaction, directory, place, name, length, node);
        transaction_end(&transaction);
    }
    return error;
}

error_t node_rmdir(struct inode *directory, const char *name, uint32_t length) {
    struct filesystem *fs = directory->fs;
    struct directory_place place;
    struct inode *node = NULL;
    error_t error = name_check(name, length);
    if (error)
        return error;
    if (name_is_dots(name, length))
        return length == 1 ? ERR_INVALID : ERR_NOT_EMPTY;
    operation_enter(fs);
    core_lock_exclusive(&directory->lock);
    error = directory_may_change(directory);
    if (!error)
        error = directory_find(directory, name, length, &place);
    if (!error) {
        directory_place_hold(&place);
        error = inode_get(fs, place.number, &node);
        if (!error && !inode_is_directory(node))
            error = ERR_NOT_DIRECTORY;
        if (!error && (node->number == EXT2_ROOT_INODE || node == directory))
            error = ERR_BUSY; // only a corrupt directory names these
        if (!error) {
            core_lock_exclusive(&node->lock);
            error = rmdir_locked(directory, &place, name, length, node);
            core_unlock(&node->lock);
        }
        directory_place_release(directory, &place);
    }
    core_unlock(&directory->lock);
    if (node)
        inode_drop(node);
    operation_leave(fs);
    return error;
}

// --- listing ---
static enum node_type node_type_of_entry(const struct filesystem *fs, uint8_t type) {
    static const uint8_t types[] = {0,          NODE_REGULAR, NODE_DIRECTORY, NODE_CHARACTER,
                                    NODE_BLOCK, NODE_FIFO,    NODE_SOCKET,    NODE_SYMLINK};
    if (!(fs->feature_incompat & EXT2_INCOMPAT_FILETYPE) || type >= sizeof types)
        return 0;
    return types[type];
}

// False: emit has had enough.
static bool readdir_block(struct filesystem *fs, const struct buffer *buffer, uint64_t start, uint64_t *cursor, node_emit *emit,
                          void *context) {
    for (uint32_t offset = 0; offset < fs->block_size;) {
        const struct ext2_directory_entry *entry = (const struct ext2_directory_entry *)(const void *)(buffer->data + offset);
        uint64_t next = start + offset + entry->length;
        if (start + offset >= *cursor && entry->inode) {
            const struct node_entry found = {.name = entry->name,
                                             .length = entry->name_length,
                                             .number = entry->inode,
                                             .type = node_type_of_entry(fs, entry->type),
                                             .next = next};
            if (!emit(context, &found))
                return false;
            *cursor = next;
        }
        offset += entry->length;
    }
    return true;
}

error_t node_readdir(struct inode *directory, uint64_t *cursor, node_emit *emit, void *context) {
    struct filesystem *fs = directory->fs;
    error_t error = ERR_OK;
    if (!inode_is_directory(directory))
        return ERR_NOT_DIRECTORY;
    operation_enter(fs);
    core_lock_shared(&directory->lock);
    bool more = directory->links != 0;
    while (more && *cursor < directory->size && !error) {
        struct buffer *buffer;
        uint64_t block = *cursor >> fs->block_shift;
        error = directory_block_get(directory, (uint32_t)block, &buffer);
        if (error)
            break;
        more = readdir_block(fs, buffer, block << fs->block_shift, cursor, emit, context);
        if (more && *cursor >> fs->block_shift == block)
            *cursor = (block + 1) << fs->block_shift;
    }
    inode_accessed(directory);
    core_unlock(&directory->lock);
    operation_leave(fs);
    return error;
}

error_t node_readlink(struct inode *node, char *target, uint32_t size, uint32_t *length) {
    struct filesystem *fs = node->fs;
    error_t error = ERR_OK;
    if (!inode_is_symlink(node))
        return ERR_INVALID;
    operation_enter(fs);
    core_lock_shared(&node->lock);
    uint32_t whole = (uint32_t)node->size, part = minimum_u32(size, whole);
    if (inode_is_fast_symlink(node)) {
        memcpy(target, node->block, part);
    } else if (whole) {
        uint32_t physical, count;
        struct buffer *buffer;
        error = map_lookup(node, 0, 1, &physical, &count);
        if (!error && physical == 0)
            error = filesystem_corrupt(fs, "ext2: symbolic link inode %u has no block", node->number);
        if (!error)
            error = buffer_read(fs, physical, BUFFER_CONTENT, &buffer);
        if (!error) {
            memcpy(target, buffer->data, part);
            buffer_release(fs, buffer);
        }
    }
    if (!error) {
        *length = whole;
        inode_accessed(node);
    }
    core_unlock(&node->lock);
    operation_leave(fs);
    return error;
}
