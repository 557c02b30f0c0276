// tree_ops over the archive's nodes, which live for ever: references are not counted.
#include <string.h>

#include "servers/framework/file_server.h"
#include "servers/initrdfs/archive.h"

enum { PAGE_BYTES = 4096 };

static const struct initrd_node *own(struct tree_node *node) {
    return (const struct initrd_node *)node;
}

static void node_keep(struct tree_node *node) {
    (void)node;
}

static uint8_t node_kind(struct tree_node *node) {
    return own(node)->kind;
}

static error_t node_status(struct tree *tree, struct tree_node *tree_node, struct file_status *status) {
    (void)tree;
    const struct initrd_node *node = own(tree_node);
    *status = (struct file_status){.inode = node->inode, .size = node->size, .accessed = node->modified};
    status->blocks = (node->size + 511) / 512;
    status->modified = status->changed = node->modified;
    status->links = node->links;
    status->user = node->user;
    status->group = node->group;
    status->block_size = PAGE_BYTES;
    status->mode = node->mode;
    status->kind = node->kind;
    return ERR_OK;
}

static error_t node_lookup(struct tree_node *directory, const char *name, size_t length, struct tree_node **result) {
    struct initrd_node *child = own(directory)->first_child;
    while (child != NULL && (child->name_length != length || memcmp(child->name, name, length) != 0))
        child = child->next_sibling;
    *result = (struct tree_node *)child;
    return child != NULL ? ERR_OK : ERR_NOT_FOUND;
}

static error_t node_parent(struct tree_node *directory, struct tree_node **result) {
    *result = (struct tree_node *)own(directory)->parent;
    return ERR_OK;
}

// The cursor of an entry is its inode number and 1: children of one directory have rising ones.
static error_t node_list(struct tree_node *directory, uint64_t *cursor, tree_emit *emit, void *context) {
    const struct initrd_node *node = own(directory);
    if (!tree_list_dots(cursor, node->inode, node->parent->inode, emit, context))
        return ERR_OK;
    for (const struct initrd_node *child = node->first_child; child != NULL; child = child->next_sibling) {
        if (child->inode + 1 < *cursor)
            continue;
        struct tree_entry entry = {.name = child->name, .length = child->name_length, .inode = child->inode};
        entry.next = child->inode + 2;
        entry.kind = child->kind;
        if (!emit(context, &entry))
            return ERR_OK;
        *cursor = entry.next;
    }
    return ERR_OK;
}

static error_t node_read_link(struct tree_node *tree_node, char *text, size_t size, size_t *length) {
    const struct initrd_node *node = own(tree_node);
    memcpy(text, node->data, node->size < size ? node->size : size);
    *length = node->size;
    return ERR_OK;
}

static error_t node_read(struct open_file *file, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    const struct initrd_node *node = own(file->session.node);
    return tree_read_bytes(request, node->data, node->size, position, length, count);
}

static uint64_t node_identity(const struct tree_node *node) {
    return ((const struct initrd_node *)node)->inode;
}

// The archive is the same, and numbers its files in their order.
static error_t node_find(struct tree *tree, uint64_t identity, struct tree_node **result) {
    const struct initrd_node *node = own(tree->root), *root = node;
    while (node->inode != identity) {
        if (node->first_child != NULL) {
            node = node->first_child;
            continue;
        }
        while (node != root && node->next_sibling == NULL)
            node = node->parent;
        if (node == root)
            return ERR_NOT_FOUND;
        node = node->next_sibling;
    }
    *result = (struct tree_node *)(uintptr_t)node;
    return ERR_OK;
}

const struct tree_ops initrd_ops = {
    .hold = node_keep,
    .release = node_keep,
    .kind = node_kind,
    .status = node_status,
    .lookup = node_lookup,
    .parent = node_parent,
    .list = node_list,
    .read_link = node_read_link,
    .read = node_read,
    .identity = node_identity,
    .find = node_find,
};
