// The protocol `directory`, the half that changes nothing: open, status, walk and their kin. Each handler
// copies the rest of the path in, walks it in its session's tree, and answers ERR_PATH_STOPS where only vfs
// can go on.
#include <stdlib.h>
#include <string.h>

#include "servers/framework/dispatch.h"
#include "servers/framework/node_open.h"
#include "servers/framework/session.h"
#include "servers/framework/walk.h"

// From the directory that is asked.
static struct tree_walk walk_from(const struct directory *directory, const struct path_text *path) {
    return (struct tree_walk){.tree = directory->session.tree,
                              .node = directory->session.node,
                              .is_lent = true,
                              .ceiling = directory->ceiling,
                              .path = path->text,
                              .length = path->length};
}

// The node at the end of the lent path, held.
static error_t node_find(struct request *request, uint64_t start, uint64_t flags, struct tree **tree, struct tree_node **node) {
    struct directory *directory = request_directory(request);
    struct path_text path;
    error_t error = path_text_copy_in(&path, request, start);
    struct tree_walk walk = walk_from(directory, &path);
    if (error == ERR_OK)
        error = tree_walk(&walk, flags & PATH_FLAG_NO_FOLLOW);
    path_text_free(&path);
    if (error != ERR_OK)
        return error;
    *tree = walk.tree;
    *node = walk.node;
    if (walk.stop == WALK_STOP_DONE)
        return ERR_OK;
    walk.tree->ops->release(walk.node);
    return ERR_PATH_STOPS;
}

static error_t handle_open(struct request *request, const struct directory_open_in *in, struct directory_open_out *out) {
    struct path_text path;
    error_t error = path_text_copy_in(&path, request, in->start);
    struct tree_walk walk = walk_from(request_directory(request), &path);
    if (error == ERR_OK)
        error = node_open_find(&walk, in->flags, in->mode);
    path_text_free(&path);
    if (error != ERR_OK)
        return error;
    out->kind = walk.tree->ops->kind(walk.node);
    error = node_open(request, walk.tree, walk.node, in->flags, &out->file);
    walk.tree->ops->release(walk.node);
    return error;
}

static error_t handle_status(struct request *request, const struct directory_status_in *in, struct directory_status_out *out) {
    struct tree *tree;
    struct tree_node *node;
    request->observes = true;
    error_t error = node_find(request, in->start, in->flags, &tree, &node);
    if (error != ERR_OK)
        return error;
    error = tree->ops->status(tree, node, &out->status);
    out->status.device = tree->device;
    tree->ops->release(node);
    return error;
}

// The text of the link whose name ends the part of the path that was used up.
static error_t link_text(struct request *request, const struct tree_walk *walk, uint64_t target_size, uint64_t *length) {
    const struct tree_ops *ops = walk->tree->ops;
    size_t name = walk->consumed;
    while (name > 0 && walk->path[name - 1] != '/')
        name--;
    struct tree_node *link;
    error_t error = ops->lookup(walk->node, walk->path + name, walk->consumed - name, &link);
    if (error != ERR_OK)
        return error;
    char *text = malloc(PATH_BYTES_MAX);
    size_t bytes = 0;
    if (text == NULL || ops->read_link == NULL)
        error = text == NULL ? ERR_NO_MEMORY : ERR_INVALID;
    else
        error = ops->read_link(link, text, PATH_BYTES_MAX, &bytes);
    ops->release(link);
    if (error == ERR_OK && (bytes > PATH_BYTES_MAX || bytes > target_size))
        error = ERR_NAME_TOO_LONG;
    if (error == ERR_OK)
        error = request_copy_out(request, 0, text, bytes);
    free(text);
    *length = bytes;
    return error;
}

static error_t handle_walk(struct request *request, const struct directory_walk_in *in, struct directory_walk_out *out) {
    struct directory *directory = request_directory(request);
    struct path_text path;
    error_t error = path_text_copy_in(&path, request, in->start);
    struct tree_walk walk = walk_from(directory, &path);
    if (error == ERR_OK)
        error = tree_walk(&walk, in->flags);
    if (error != ERR_OK) {
        path_text_free(&path);
        return error;
    }
    if (walk.stop == WALK_STOP_SYMLINK)
        error = link_text(request, &walk, in->target_size, &out->target_length);
    path_text_free(&path);
    out->stop = walk.stop;
    out->consumed = walk.consumed;
    out->mount = walk.mount;
    bool ends_here = walk.stop == WALK_STOP_DONE && (in->flags & PATH_FLAG_CEILING) != 0;
    if (error == ERR_OK)
        error = directory_create(walk.tree, walk.node, ends_here ? walk.node : directory->ceiling, &out->node);
    walk.tree->ops->release(walk.node);
    return error;
}

static error_t handle_read_link(struct request *request, const struct directory_read_link_in *in,
                                struct directory_read_link_out *out) {
    struct tree *tree;
    struct tree_node *node;
    error_t error = node_find(request, in->start, in->flags | PATH_FLAG_NO_FOLLOW, &tree, &node);
    if (error != ERR_OK)
        return error;
    size_t length = 0;
    char *text = malloc(PATH_BYTES_MAX);
    if (tree->ops->kind(node) != FILE_KIND_SYMLINK || tree->ops->read_link == NULL)
        error = ERR_INVALID;
    else if (text == NULL)
        error = ERR_NO_MEMORY;
    else
        error = tree->ops->read_link(node, text, PATH_BYTES_MAX, &length);
    tree->ops->release(node);
    if (length > PATH_BYTES_MAX)
        length = PATH_BYTES_MAX;
    if (length > in->target_size)
        length = in->target_size;
    if (error == ERR_OK)
        error = request_copy_out(request, 0, text, length);
    free(text);
    out->count = length;
    return error;
}

static error_t handle_filesystem_status(struct request *request, const struct directory_filesystem_status_in *in,
                                        struct directory_filesystem_status_out *out) {
    struct tree *tree;
    struct tree_node *node;
    error_t error = node_find(request, in->start, in->flags, &tree, &node);
    if (error != ERR_OK)
        return error;
    tree->ops->release(node); // the session holds the tree
    out->status.name_max = PATH_NAME_MAX;
    if (tree->ops->statistics != NULL)
        error = tree->ops->statistics(tree, &out->status);
    out->status.device = tree->device;
    out->status.flags = tree->flags;
    memcpy(out->status.type, tree->type, sizeof(out->status.type));
    return error;
}

static error_t handle_path(struct request *request, const struct directory_path_in *in, struct directory_path_out *out) {
    struct directory *directory = request_directory(request);
    char *text = malloc(PATH_BYTES_MAX);
    if (text == NULL)
        return ERR_NO_MEMORY;
    size_t length = 0;
    error_t error = tree_path(directory->session.tree, directory->session.node, text, PATH_BYTES_MAX, &length);
    if (error == ERR_OK && length > in->text_size)
        error = ERR_NAME_TOO_LONG;
    if (error == ERR_OK)
        error = request_copy_out(request, 0, text, length);
    free(text);
    out->count = length;
    return error;
}

static error_t handle_adopt(struct request *request, const struct directory_adopt_in *in, struct directory_adopt_out *out) {
    struct directory *directory = request_directory(request);
    struct session *file;
    error_t error = session_identify(in->file, SESSION_FILE, &file);
    if (error != ERR_OK)
        return error;
    if (file->tree != directory->session.tree)
        return ERR_WRONG_KIND;
    if (file->tree->ops->kind(file->node) != FILE_KIND_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    return directory_create(file->tree, file->node, directory->ceiling, &out->node);
}

static error_t handle_cover(struct request *request, const struct directory_cover_in *in, struct directory_cover_out *out) {
    (void)out;
    struct directory *directory = request_directory(request);
    if (directory->session.node == directory->session.tree->root) {
        (void)directories_end_direct(directory->session.tree);
        return ERR_OK;
    }
    return tree_cover_set(directory->session.tree, directory->session.node, in->mount);
}

// The rest of the path is the caller's.
static error_t handle_direct(struct request *request, const struct directory_direct_in *in, struct directory_direct_out *out) {
    const struct directory *directory = request_directory(request);
    out->used = in->start;
    return directory_create_direct(directory->session.tree, directory->session.node, directory->ceiling, &out->node);
}

const struct directory_ops tree_directory_ops = {
    .open = handle_open,
    .status = handle_status,
    .walk = handle_walk,
    .make_directory = tree_make_directory,
    .make_node = tree_make_node,
    .make_symlink = tree_make_symlink,
    .make_link = tree_make_link,
    .rename = tree_rename,
    .unlink = tree_unlink,
    .read_link = handle_read_link,
    .filesystem_status = handle_filesystem_status,
    .path = handle_path,
    .adopt = handle_adopt,
    .cover = handle_cover,
    .direct = handle_direct,
};
