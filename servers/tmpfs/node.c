// The life of nodes, and tree_ops over them. Nothing here waits, so every operation is atomic.
#include <stdlib.h>
#include <string.h>

#include "libipc/client/clock.h"
#include "servers/tmpfs/attach.h"
#include "servers/tmpfs/state.h"

static struct tmp_node *own(struct tree_node *node) {
    return (struct tmp_node *)node;
}

void node_touch(struct tmp_node *node) {
    node->modified = node->changed = (int64_t)clock_wall();
}

error_t node_make(struct tmp_tree *tree, uint8_t kind, uint16_t mode, struct tmp_node **result) {
    struct tmp_node *node = tree->node_count < tree->node_limit ? calloc(1, sizeof(*node)) : NULL;
    if (node == NULL)
        return ERR_NO_SPACE;
    node->tree = tree;
    node->kind = kind;
    node->mode = mode;
    node->references = 1;
    node->inode = ++tree->last_inode;
    node->accessed = node->modified = node->changed = (int64_t)clock_wall();
    tree->node_count++;
    node->next = tree->first;
    if (tree->first != NULL)
        tree->first->previous = node;
    tree->first = node;
    *result = node;
    return ERR_OK;
}

void node_free_if_unused(struct tmp_node *node) {
    if (node->references != 0 || node->links != 0)
        return;
    if (node->kind == FILE_KIND_REGULAR)
        content_free(node);
    else if (node->kind == FILE_KIND_DIRECTORY)
        free(node->directory.buckets);
    else if (node->kind == FILE_KIND_SYMLINK)
        free(node->link.text);
    node->tree->node_count--;
    if (node->next != NULL)
        node->next->previous = node->previous;
    if (node->previous != NULL)
        node->previous->next = node->next;
    else
        node->tree->first = node->next;
    free(node);
}

void node_drop(struct tmp_node *node) {
    node->references--;
    node_free_if_unused(node);
}

void node_unlinked(struct tmp_node *node) {
    node->changed = (int64_t)clock_wall();
    node_free_if_unused(node);
}

static void node_hold(struct tree_node *node) {
    own(node)->references++;
}

static void node_release(struct tree_node *node) {
    node_drop(own(node));
}

static uint8_t node_kind(struct tree_node *node) {
    return own(node)->kind;
}

static error_t node_status(struct tree *tree, struct tree_node *tree_node, struct file_status *status) {
    (void)tree;
    const struct tmp_node *node = own(tree_node);
    *status = (struct file_status){.inode = node->inode, .size = node->size, .accessed = node->accessed};
    status->modified = node->modified;
    status->changed = node->changed;
    status->represents = node->represents;
    status->links = node->links;
    status->user = node->user;
    status->group = node->group;
    status->block_size = PAGE_BYTES;
    status->mode = node->mode;
    status->kind = node->kind;
    if (node->kind == FILE_KIND_REGULAR)
        status->blocks = node->content.page_count * (PAGE_BYTES / 512);
    return ERR_OK;
}

static error_t node_lookup(struct tree_node *directory, const char *name, size_t length, struct tree_node **result) {
    struct tmp_entry *entry = entry_find(own(directory), name, length);
    if (entry == NULL)
        return ERR_NOT_FOUND;
    entry->node->references++;
    *result = (struct tree_node *)entry->node;
    return ERR_OK;
}

static error_t node_parent(struct tree_node *directory, struct tree_node **result) {
    struct tmp_node *parent = own(directory)->directory.parent;
    if (parent == NULL)
        return ERR_NOT_FOUND;
    parent->references++;
    *result = (struct tree_node *)parent;
    return ERR_OK;
}

static error_t node_list(struct tree_node *tree_node, uint64_t *cursor, tree_emit *emit, void *context) {
    const struct tmp_node *node = own(tree_node);
    const struct tmp_node *parent = node->directory.parent != NULL ? node->directory.parent : node;
    if (!tree_list_dots(cursor, node->inode, parent->inode, emit, context))
        return ERR_OK;
    for (const struct tmp_entry *entry = node->directory.first; entry != NULL; entry = entry->next) {
        if (entry->cookie < *cursor)
            continue;
        struct tree_entry told = {.name = entry->name, .length = entry->length, .inode = entry->node->inode};
        told.next = entry->cookie + 1;
        told.kind = entry->node->kind;
        if (!emit(context, &told))
            return ERR_OK;
        *cursor = told.next;
    }
    return ERR_OK;
}

static error_t node_read_link(struct tree_node *node, char *text, size_t size, size_t *length) {
    const struct tmp_link *link = &own(node)->link;
    memcpy(text, link->text, link->length < size ? link->length : size);
    *length = link->length;
    return ERR_OK;
}

// Gives a node made by node_make its first name; on error the node goes. *result: the node's reference, or
// dropped if NULL.
static error_t name_first(struct tmp_node *directory, const char *name, size_t length, struct tmp_node *node,
                          struct tree_node **result) {
    error_t error = entry_add(directory, name, length, node);
    if (error != ERR_OK) {
        node_drop(node);
        return error;
    }
    node->links = 1;
    if (node->kind == FILE_KIND_DIRECTORY) {
        node->links = 2;
        node->directory.parent = directory;
        directory->links++;
    }
    node_touch(directory);
    if (result != NULL)
        *result = (struct tree_node *)node;
    else
        node_drop(node);
    return ERR_OK;
}

static error_t check_new_name(struct tmp_node *directory, const char *name, size_t length) {
    if (directory->directory.parent == NULL)
        return ERR_NOT_FOUND; // removed
    return entry_find(directory, name, length) != NULL ? ERR_EXISTS : ERR_OK;
}

static error_t node_create(struct tree_node *tree_node, const char *name, size_t length, const struct tree_creation *creation,
                           struct tree_node **result) {
    struct tmp_node *directory = own(tree_node), *node;
    error_t error = check_new_name(directory, name, length);
    if (error == ERR_OK)
        error = node_make(directory->tree, creation->kind, creation->mode, &node);
    if (error != ERR_OK)
        return error;
    node->represents = creation->represents;
    return name_first(directory, name, length, node, result);
}

static error_t node_make_symlink(struct tree_node *tree_node, const char *name, size_t length, const char *text,
                                 size_t text_length) {
    struct tmp_node *directory = own(tree_node), *node;
    error_t error = check_new_name(directory, name, length);
    if (error == ERR_OK)
        error = node_make(directory->tree, FILE_KIND_SYMLINK, 0777, &node);
    if (error != ERR_OK)
        return error;
    node->link.text = malloc(text_length);
    if (node->link.text == NULL) {
        node_drop(node);
        return ERR_NO_SPACE;
    }
    memcpy(node->link.text, text, text_length);
    node->link.length = node->size = text_length;
    return name_first(directory, name, length, node, NULL);
}

static error_t node_link(struct tree_node *tree_node, const char *name, size_t length, struct tree_node *existing) {
    struct tmp_node *directory = own(tree_node), *node = own(existing);
    error_t error = check_new_name(directory, name, length);
    if (error == ERR_OK && node->links == 0)
        error = ERR_NOT_FOUND;
    if (error == ERR_OK && node->links == UINT32_MAX)
        error = ERR_TOO_MANY_LINKS;
    if (error == ERR_OK)
        error = entry_add(directory, name, length, node);
    if (error != ERR_OK)
        return error;
    node->links++;
    node->changed = (int64_t)clock_wall();
    node_touch(directory);
    return ERR_OK;
}

static error_t node_unlink(struct tree_node *tree_node, const char *name, size_t length) {
    struct tmp_node *directory = own(tree_node);
    struct tmp_entry *entry = entry_find(directory, name, length);
    if (entry == NULL)
        return ERR_NOT_FOUND;
    struct tmp_node *node = entry->node;
    if (node->kind == FILE_KIND_DIRECTORY)
        return ERR_IS_DIRECTORY;
    entry_remove(directory, entry);
    node_touch(directory);
    node->links--;
    node_unlinked(node);
    return ERR_OK;
}

// An empty directory loses its name; whoever still holds it finds nothing in it and nothing above it.
static void directory_remove(struct tmp_node *directory, struct tmp_entry *entry) {
    struct tmp_node *node = entry->node;
    entry_remove(directory, entry);
    directory->links--;
    node_touch(directory);
    node->directory.parent = NULL;
    node->links = 0;
    node_unlinked(node);
}

static error_t node_remove_directory(struct tree_node *tree_node, const char *name, size_t length) {
    struct tmp_node *directory = own(tree_node);
    struct tmp_entry *entry = entry_find(directory, name, length);
    if (entry == NULL)
        return ERR_NOT_FOUND;
    if (entry->node->kind != FILE_KIND_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    if (entry->node->directory.count != 0)
        return ERR_NOT_EMPTY;
    directory_remove(directory, entry);
    return ERR_OK;
}

static bool is_below(const struct tmp_node *node, const struct tmp_node *above) {
    while (node != above) {
        if (node->directory.parent == NULL || node->directory.parent == node)
            return false;
        node = node->directory.parent;
    }
    return true;
}

// May `moved` take the place of `replaced`?
static error_t check_replacing(const struct tmp_node *moved, const struct tmp_node *replaced) {
    if (replaced->kind != FILE_KIND_DIRECTORY)
        return moved->kind == FILE_KIND_DIRECTORY ? ERR_NOT_DIRECTORY : ERR_OK;
    if (moved->kind != FILE_KIND_DIRECTORY)
        return ERR_IS_DIRECTORY;
    return replaced->directory.count != 0 ? ERR_NOT_EMPTY : ERR_OK;
}

static error_t node_rename(struct tree_node *from_node, const char *from_name, size_t from_length, struct tree_node *to_node,
                           const char *to_name, size_t to_length, uint64_t flags) {
    struct tmp_node *from = own(from_node), *to = own(to_node);
    struct tmp_entry *old = entry_find(from, from_name, from_length);
    struct tmp_entry *present = entry_find(to, to_name, to_length);
    if ((flags & RENAME_FLAG_EXCHANGE) != 0)
        return ERR_INVALID;
    if (old == NULL || to->directory.parent == NULL)
        return ERR_NOT_FOUND;
    if (present != NULL && (flags & RENAME_FLAG_NO_REPLACE) != 0)
        return ERR_EXISTS;
    struct tmp_node *node = old->node;
    if (present != NULL && present->node == node)
        return ERR_OK;
    if (node->kind == FILE_KIND_DIRECTORY && is_below(to, node))
        return ERR_INVALID;
    error_t error = present != NULL ? check_replacing(node, present->node) : ERR_OK;
    if (error != ERR_OK)
        return error;
    if (present != NULL) { // the entry stays, so that this can't fail half-way
        struct tmp_node *replaced = present->node;
        present->node = node;
        if (replaced->kind == FILE_KIND_DIRECTORY) {
            to->links--;
            replaced->directory.parent = NULL;
            replaced->links = 0;
        } else {
            replaced->links--;
        }
        node_unlinked(replaced);
    } else {
        error = entry_add(to, to_name, to_length, node);
        if (error != ERR_OK)
            return error;
    }
    entry_remove(from, old);
    if (node->kind == FILE_KIND_DIRECTORY) {
        from->links--;
        to->links++;
        node->directory.parent = to;
    }
    node_touch(from);
    node_touch(to);
    node->changed = (int64_t)clock_wall();
    return ERR_OK;
}

static error_t node_set_status(struct tree_node *tree_node, uint64_t fields, const struct file_status *status) {
    struct tmp_node *node = own(tree_node);
    int64_t now = (int64_t)clock_wall();
    if ((fields & STATUS_FIELD_MODE) != 0)
        node->mode = status->mode & 07777;
    if ((fields & STATUS_FIELD_USER) != 0)
        node->user = status->user;
    if ((fields & STATUS_FIELD_GROUP) != 0)
        node->group = status->group;
    if ((fields & (STATUS_FIELD_ACCESSED | STATUS_FIELD_ACCESSED_NOW)) != 0)
        node->accessed = (fields & STATUS_FIELD_ACCESSED_NOW) != 0 ? now : status->accessed;
    if ((fields & (STATUS_FIELD_MODIFIED | STATUS_FIELD_MODIFIED_NOW)) != 0)
        node->modified = (fields & STATUS_FIELD_MODIFIED_NOW) != 0 ? now : status->modified;
    node->changed = now;
    return ERR_OK;
}

static error_t node_truncate(struct tree_node *tree_node, uint64_t size) {
    struct tmp_node *node = own(tree_node);
    error_t error = content_truncate(node, size);
    if (error == ERR_OK)
        node_touch(node);
    return error;
}

static error_t node_read(struct open_file *file, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    struct tmp_node *node = own(file->session.node);
    node->accessed = (int64_t)clock_wall();
    return content_read(node, request, position, length, count);
}

static error_t node_write(struct open_file *file, struct request *request, uint64_t position, bool append, uint64_t length,
                          uint64_t *count, uint64_t *end) {
    struct tmp_node *node = own(file->session.node);
    if (append)
        position = node->size;
    error_t error = content_write(node, request, position, length, count);
    if (*count != 0)
        node_touch(node);
    *end = position + *count;
    return error;
}

static error_t node_seek(struct open_file *file, uint64_t position, uint64_t whence, uint64_t *result) {
    const struct tmp_node *node = own(file->session.node);
    *result = content_seek(node, position, whence == SEEK_WHENCE_DATA);
    return whence == SEEK_WHENCE_DATA && *result == node->size ? ERR_NO_DEVICE_ADDRESS : ERR_OK;
}

static error_t tree_statistics(struct tree *tree, struct filesystem_status *status) {
    const struct tmp_tree *own_tree = tree->own;
    status->block_size = PAGE_BYTES;
    status->blocks = own_tree->page_limit;
    status->free_blocks = status->available_blocks = own_tree->page_limit - own_tree->page_count;
    status->files = own_tree->node_limit;
    status->free_files = own_tree->node_limit - own_tree->node_count;
    return ERR_OK;
}

const struct tree_ops tmpfs_ops = {
    .hold = node_hold,
    .release = node_release,
    .kind = node_kind,
    .status = node_status,
    .lookup = node_lookup,
    .parent = node_parent,
    .list = node_list,
    .read_link = node_read_link,
    .create = node_create,
    .make_symlink = node_make_symlink,
    .link = node_link,
    .unlink = node_unlink,
    .remove_directory = node_remove_directory,
    .rename = node_rename,
    .set_status = node_set_status,
    .truncate = node_truncate,
    .read = node_read,
    .write = node_write,
    .seek = node_seek,
    .statistics = tree_statistics,
    .identity = tmpfs_identity,
    .find = tmpfs_find,
};
