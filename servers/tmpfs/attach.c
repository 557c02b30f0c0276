// See attach.h.
#include "servers/tmpfs/attach.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/kernel.h"
#include "servers/tmpfs/state.h"

enum { DEFAULT_BYTES = 16 << 20, BYTES_PER_NODE = 8192 };

static uint64_t default_bytes(void) {
    struct kernel_information information;
    uint64_t quota, used, peak, ceiling, bytes = DEFAULT_BYTES;
    if (kernel_information(SLOT_KERNEL, &information) == ERR_OK)
        bytes = information.total_bytes / 2;
    if (account_information(SLOT_ACCOUNT, &quota, &used, &peak, &ceiling) == ERR_OK && quota / 2 < bytes)
        bytes = quota / 2;
    return bytes;
}

// The value of `size=`; ERR_INVALID for any other option.
static error_t parse_options(const char *options, uint64_t *bytes) {
    if (*options == '\0')
        return ERR_OK;
    if (strncmp(options, "size=", 5) != 0)
        return ERR_INVALID;
    char *end;
    *bytes = strtoull(options + 5, &end, 10);
    if (end == options + 5)
        return ERR_INVALID;
    unsigned shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;
    if (*bytes > UINT64_MAX >> shift || end[shift != 0] != '\0')
        return ERR_INVALID;
    *bytes <<= shift;
    return ERR_OK;
}

error_t tmpfs_attach(struct request *request, const char *source, const char *options, uint64_t flags, cap_t device,
                     struct tree **result) {
    (void)request;
    (void)source;
    (void)flags;
    (void)device;
    uint64_t bytes = default_bytes();
    error_t error = parse_options(options, &bytes);
    if (error != ERR_OK)
        return error;
    struct tmp_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return ERR_NO_MEMORY;
    tree->page_limit = bytes / PAGE_BYTES;
    tree->node_limit = bytes / BYTES_PER_NODE + 16;
    struct tmp_node *root;
    error = node_make(tree, FILE_KIND_DIRECTORY, 01777, &root);
    if (error != ERR_OK) {
        free(tree);
        return error;
    }
    root->links = 2;
    root->directory.parent = root;
    tree->tree = (struct tree){.ops = &tmpfs_ops, .root = (struct tree_node *)root, .own = tree, .type = "tmpfs"};
    *result = &tree->tree;
    return ERR_OK;
}

// Removes everything below a directory, deepest first, without recursion.
static void directory_clear(struct tmp_node *root) {
    struct tmp_node *directory = root;
    while (directory != root || directory->directory.first != NULL) {
        struct tmp_entry *entry = directory->directory.first;
        if (entry == NULL) {
            directory = directory->directory.parent;
            continue;
        }
        struct tmp_node *node = entry->node;
        if (node->kind == FILE_KIND_DIRECTORY && node->directory.first != NULL) {
            directory = node;
            continue;
        }
        entry_remove(directory, entry);
        node->links = node->kind == FILE_KIND_DIRECTORY ? 0 : node->links - 1;
        node_unlinked(node);
    }
}

// The root's reference is gone already; its links kept it.
error_t tmpfs_detach(struct tree *tree) {
    struct tmp_tree *own = tree->own;
    struct tmp_node *root = (struct tmp_node *)tree->root;
    directory_clear(root);
    root->links = 0;
    node_unlinked(root);
    free(own);
    return ERR_OK;
}
