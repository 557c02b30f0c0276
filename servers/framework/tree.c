// Covers, and the path of a node. See tree.h.
#include "servers/framework/tree.h"

#include <stdlib.h>
#include <string.h>

#include "servers/framework/path.h"

uint64_t tree_cover_find(const struct tree *tree, const struct tree_node *node) {
    for (const struct tree_cover *cover = tree->covers; cover != NULL; cover = cover->next)
        if (cover->node == node)
            return cover->mount;
    return 0;
}

static void cover_remove(struct tree *tree, struct tree_node *node) {
    for (struct tree_cover **place = &tree->covers; *place != NULL; place = &(*place)->next) {
        struct tree_cover *cover = *place;
        if (cover->node != node)
            continue;
        *place = cover->next;
        free(cover);
        tree->ops->release(node);
        return;
    }
}

error_t tree_cover_set(struct tree *tree, struct tree_node *node, uint64_t mount) {
    if (tree->ops->kind(node) != FILE_KIND_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    if (mount == 0) {
        cover_remove(tree, node);
        return ERR_OK;
    }
    uint64_t present = tree_cover_find(tree, node);
    if (present != 0)
        return present == mount ? ERR_OK : ERR_BUSY;
    struct tree_cover *cover = malloc(sizeof(*cover));
    if (cover == NULL)
        return ERR_NO_MEMORY;
    tree->ops->hold(node);
    *cover = (struct tree_cover){.node = node, .mount = mount, .next = tree->covers};
    tree->covers = cover;
    return ERR_OK;
}

void tree_covers_drop(struct tree *tree) {
    while (tree->covers != NULL)
        cover_remove(tree, tree->covers->node);
}

bool tree_list_dots(uint64_t *cursor, uint64_t inode, uint64_t parent_inode, tree_emit *emit, void *context) {
    while (*cursor < 2) {
        struct tree_entry entry = {.name = "..", .length = *cursor + 1, .next = *cursor + 1, .kind = FILE_KIND_DIRECTORY};
        entry.inode = *cursor == 0 ? inode : parent_inode;
        if (!emit(context, &entry))
            return false;
        *cursor = entry.next;
    }
    return true;
}

error_t tree_read_bytes(struct request *request, const void *bytes, uint64_t size, uint64_t position, uint64_t length,
                        uint64_t *count) {
    uint64_t left = position < size ? size - position : 0;
    *count = length < left ? length : left;
    return *count == 0 ? ERR_OK : request_copy_out(request, 0, (const char *)bytes + position, *count);
}

struct name_search {
    uint64_t inode;
    char name[PATH_NAME_MAX];
    size_t length;
};

static bool name_search_emit(void *context, const struct tree_entry *entry) {
    struct name_search *search = context;
    bool is_dots = entry->name[0] == '.' && (entry->length == 1 || (entry->length == 2 && entry->name[1] == '.'));
    if (is_dots || entry->inode != search->inode || entry->length > sizeof(search->name))
        return true;
    memcpy(search->name, entry->name, entry->length);
    search->length = entry->length;
    return false;
}

// Puts "/NAME" of `node` in front of the text that ends at text[size].
static error_t name_prepend(struct tree *tree, struct tree_node *parent, struct tree_node *node, char *text, size_t *start) {
    struct file_status status;
    error_t error = tree->ops->status(tree, node, &status);
    if (error != ERR_OK)
        return error;
    struct name_search search = {.inode = status.inode};
    uint64_t cursor = 0;
    error = tree->ops->list(parent, &cursor, name_search_emit, &search);
    if (error != ERR_OK)
        return error;
    if (search.length == 0)
        return ERR_NOT_FOUND;
    if (*start < search.length + 1)
        return ERR_NAME_TOO_LONG;
    *start -= search.length;
    memcpy(text + *start, search.name, search.length);
    text[--*start] = '/';
    return ERR_OK;
}

error_t tree_path(struct tree *tree, struct tree_node *node, char *text, size_t size, size_t *length) {
    const struct tree_ops *ops = tree->ops;
    if (ops->kind(node) != FILE_KIND_DIRECTORY)
        return ERR_NOT_SUPPORTED;
    if (size == 0)
        return ERR_NAME_TOO_LONG;
    size_t start = size;
    error_t error = ERR_OK;
    ops->hold(node);
    while (error == ERR_OK && node != tree->root) {
        struct tree_node *parent;
        error = ops->parent(node, &parent);
        if (error != ERR_OK)
            break;
        error = name_prepend(tree, parent, node, text, &start);
        ops->release(node);
        node = parent;
    }
    ops->release(node);
    if (error != ERR_OK)
        return error;
    if (start == size)
        text[--start] = '/';
    *length = size - start;
    memmove(text, text + start, *length);
    return ERR_OK;
}
