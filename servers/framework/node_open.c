// See node_open.h. Between looking for a name and making it others may make or remove it, since operations
// wait: then the walk is done again.
#include "servers/framework/node_open.h"

#include "libipc/protocols/directory.h"
#include "servers/framework/session.h"

enum { ATTEMPTS = 8 }; // of finding and making, before a peer that makes and removes the name all the time wins

static error_t find_existing(struct tree_walk *walk, uint64_t flags) {
    error_t error = tree_walk(walk, flags & PATH_FLAG_NO_FOLLOW);
    if (error != ERR_OK || walk->stop == WALK_STOP_DONE)
        return error;
    walk->tree->ops->release(walk->node);
    return ERR_PATH_STOPS;
}

// Makes the file in walk->node, its directory, which it releases; the new node takes its place.
static error_t make(struct tree_walk *walk, uint64_t mode) {
    const struct tree_ops *ops = walk->tree->ops;
    struct path_step step;
    struct tree_node *made;
    error_t error = ERR_OK;
    if (!path_next(walk->path, walk->length, walk->consumed, &step) || step.wants_directory)
        error = ERR_IS_DIRECTORY;
    else if (step.length > PATH_NAME_MAX)
        error = ERR_NAME_TOO_LONG;
    else if (tree_is_read_only(walk->tree) || ops->create == NULL)
        error = ERR_READ_ONLY;
    struct tree_creation creation = {.kind = FILE_KIND_REGULAR, .mode = (uint16_t)(mode & 07777)};
    if (error == ERR_OK)
        error = ops->create(walk->node, step.name, step.length, &creation, &made);
    ops->release(walk->node);
    if (error == ERR_OK)
        walk->node = made;
    return error;
}

error_t node_open_find(struct tree_walk *walk, uint64_t flags, uint64_t mode) {
    struct tree_node *start = walk->node;
    bool is_lent = walk->is_lent;
    if ((flags & OPEN_FLAG_CREATE) == 0)
        return find_existing(walk, flags);
    if ((flags & OPEN_FLAG_EXCLUSIVE) != 0)
        flags |= PATH_FLAG_NO_FOLLOW;
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        walk->node = start;
        walk->is_lent = is_lent;
        error_t error = find_existing(walk, flags);
        if (error == ERR_OK && (flags & OPEN_FLAG_EXCLUSIVE) != 0) {
            walk->tree->ops->release(walk->node);
            return ERR_EXISTS;
        }
        if (error != ERR_NOT_FOUND)
            return error;
        walk->node = start;
        walk->is_lent = is_lent;
        error = tree_walk(walk, PATH_FLAG_PARENT);
        if (error != ERR_OK)
            return error;
        if (walk->stop != WALK_STOP_DONE) {
            walk->tree->ops->release(walk->node);
            return ERR_PATH_STOPS;
        }
        error = make(walk, mode);
        if (error != ERR_EXISTS || (flags & OPEN_FLAG_EXCLUSIVE) != 0)
            return error;
    }
    return ERR_AGAIN;
}

static error_t check(const struct tree *tree, uint8_t kind, uint64_t flags) {
    if ((flags & OPEN_FLAG_DIRECTORY) != 0 && kind != FILE_KIND_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    if ((flags & OPEN_FLAG_NODE) != 0)
        return ERR_OK;
    if (kind == FILE_KIND_SYMLINK)
        return ERR_TOO_MANY_SYMLINKS;
    if (kind == FILE_KIND_DIRECTORY && (flags & OPEN_FLAG_WRITE) != 0)
        return ERR_IS_DIRECTORY;
    bool is_device = kind != FILE_KIND_DIRECTORY && kind != FILE_KIND_REGULAR;
    if (is_device && tree->ops->opened == NULL)
        return ERR_NO_DEVICE_ADDRESS;
    if (!is_device && (flags & OPEN_FLAG_WRITE) != 0 && (tree_is_read_only(tree) || tree->ops->write == NULL))
        return ERR_READ_ONLY;
    return ERR_OK;
}

error_t node_open(struct request *request, struct tree *tree, struct tree_node *node, uint64_t flags, cap_t *file) {
    const struct tree_ops *ops = tree->ops;
    uint8_t kind = ops->kind(node);
    error_t error = check(tree, kind, flags);
    if (error != ERR_OK)
        return error;
    if (ops->open_elsewhere != NULL && (flags & OPEN_FLAG_NODE) == 0) {
        error = ops->open_elsewhere(node, request, flags, file);
        if (error != ERR_NOT_SUPPORTED)
            return error;
    }
    uint64_t truncating = OPEN_FLAG_TRUNCATE | OPEN_FLAG_WRITE;
    if (kind == FILE_KIND_REGULAR && (flags & (truncating | OPEN_FLAG_NODE)) == truncating) {
        error = ops->truncate != NULL ? ops->truncate(node, 0) : ERR_OK;
        if (error != ERR_OK)
            return error;
    }
    return open_file_create(tree, node, flags, file);
}
