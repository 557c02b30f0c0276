// All of tmpfs as records for another build (servers/framework/handover.c does sessions): slabs of pages,
// trees, nodes, names, and which pages hold a file's content. The bytes themselves stay where they are, in
// memory objects that go along with the table.
#include <stdlib.h>
#include <string.h>

#include "servers/framework/session.h"
#include "servers/tmpfs/attach.h"
#include "servers/tmpfs/state.h"

enum { CLASS_SLAB = 16, CLASS_TREE, CLASS_NODE, CLASS_LEAF, CLASS_NAME, VERSION = 1, NAME_MOST = 255 };

struct slab_record { // under its index
    uint64_t memory, used;
};

struct tree_record { // under its device number
    uint64_t page_limit, node_limit, last_inode, flags, root;
};

struct node_record {         // under its inode; directories before what is named in them
    uint64_t device, parent; // of a directory: inode, 0: removed
    uint64_t size, represents, last_cookie;
    int64_t accessed, modified, changed;
    uint32_t user, group, links;
    uint16_t mode;
    uint8_t kind, padding;
    uint64_t text_length; // of a link, whose text follows
};

struct leaf_record { // under the inode
    uint64_t device, leaf;
    page_t pages[LEAF_PAGES];
};

struct name_record { // under the directory's inode, in the order of cookies
    uint64_t device, cookie, inode;
    uint64_t length;
    char name[NAME_MOST + 1];
};

// --- giving ---

static error_t give_leaves(struct handover *handover, const struct tmp_node *node, uint64_t device) {
    static struct leaf_record record;
    error_t error = ERR_OK;
    for (uint32_t leaf = 0; leaf < node->content.leaf_count && error == ERR_OK; leaf++) {
        if (node->content.leaves[leaf] == NULL)
            continue;
        record.device = device;
        record.leaf = leaf;
        memcpy(record.pages, node->content.leaves[leaf], sizeof(record.pages));
        error = handover_put(handover, CLASS_LEAF, VERSION, node->inode, &record, sizeof(record));
    }
    return error;
}

static error_t give_node(struct handover *handover, const struct tmp_node *node, uint64_t device) {
    static struct {
        struct node_record head;
        char text[4096];
    } record;
    record.head = (struct node_record){.device = device,
                                       .size = node->size,
                                       .represents = node->represents,
                                       .accessed = node->accessed,
                                       .modified = node->modified,
                                       .changed = node->changed,
                                       .user = node->user,
                                       .group = node->group,
                                       .links = node->links,
                                       .mode = node->mode,
                                       .kind = node->kind};
    if (node->kind == FILE_KIND_DIRECTORY) {
        record.head.parent = node->directory.parent != NULL ? node->directory.parent->inode : 0;
        record.head.last_cookie = node->directory.last_cookie;
    } else if (node->kind == FILE_KIND_SYMLINK) {
        if (node->link.length > sizeof(record.text))
            return ERR_TOO_BIG;
        record.head.text_length = node->link.length;
        memcpy(record.text, node->link.text, node->link.length);
    }
    error_t error =
        handover_put(handover, CLASS_NODE, VERSION, node->inode, &record, sizeof(record.head) + record.head.text_length);
    return error == ERR_OK && node->kind == FILE_KIND_REGULAR ? give_leaves(handover, node, device) : error;
}

static error_t give_names(struct handover *handover, const struct tmp_node *directory, uint64_t device) {
    struct name_record record = {.device = device};
    error_t error = ERR_OK;
    for (const struct tmp_entry *entry = directory->directory.first; entry != NULL && error == ERR_OK; entry = entry->next) {
        record.cookie = entry->cookie;
        record.inode = entry->node->inode;
        record.length = entry->length;
        memcpy(record.name, entry->name, entry->length);
        error = handover_put(handover, CLASS_NAME, VERSION, directory->inode, &record,
                             offsetof(struct name_record, name) + entry->length);
    }
    return error;
}

static error_t give_tree(struct handover *handover, struct tmp_tree *tree) {
    const struct tree_record record = {tree->page_limit, tree->node_limit, tree->last_inode, tree->tree.flags,
                                       ((const struct tmp_node *)tree->tree.root)->inode};
    error_t error = handover_put(handover, CLASS_TREE, VERSION, tree->tree.device, &record, sizeof(record));
    for (const struct tmp_node *node = tree->first; node != NULL && error == ERR_OK; node = node->next)
        error = give_node(handover, node, tree->tree.device);
    for (const struct tmp_node *node = tree->first; node != NULL && error == ERR_OK; node = node->next)
        if (node->kind == FILE_KIND_DIRECTORY)
            error = give_names(handover, node, tree->tree.device);
    return error;
}

error_t tmpfs_give(struct handover *handover) {
    error_t error = ERR_OK;
    struct slab_record record;
    for (uint32_t index = 0; error == ERR_OK && page_slab(index, &record.memory, &record.used); index++)
        if (record.memory != 0)
            error = handover_put(handover, CLASS_SLAB, VERSION, index, &record, sizeof(record));
    for (struct tree *tree = file_server_active->trees; tree != NULL && error == ERR_OK; tree = tree->next)
        error = give_tree(handover, tree->own);
    return error;
}

// --- taking ---

// Nodes by inode, while sessions and names look for them; empty otherwise.
enum { BUCKETS = 1024 };
static struct tmp_node *buckets[BUCKETS];

static void node_enter(struct tmp_node *node) {
    node->same_bucket = buckets[node->inode % BUCKETS];
    buckets[node->inode % BUCKETS] = node;
}

static struct tmp_node *node_numbered(const struct tmp_tree *tree, uint64_t inode) {
    struct tmp_node *node = buckets[inode % BUCKETS];
    while (node != NULL && (node->inode != inode || node->tree != tree))
        node = node->same_bucket;
    return node;
}

uint64_t tmpfs_identity(const struct tree_node *node) {
    return ((const struct tmp_node *)node)->inode;
}

error_t tmpfs_find(struct tree *tree, uint64_t identity, struct tree_node **result) {
    struct tmp_node *node = node_numbered(tree->own, identity);
    if (node == NULL)
        return ERR_NOT_FOUND;
    node->references++;
    *result = (struct tree_node *)node;
    return ERR_OK;
}

static struct tmp_tree *tree_of(uint64_t device) {
    struct tree *tree = file_server_active->trees;
    while (tree != NULL && tree->device != device)
        tree = tree->next;
    return tree != NULL ? tree->own : NULL;
}

static error_t take_tree(uint64_t device, const struct tree_record *record) {
    struct tmp_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return ERR_NO_MEMORY;
    tree->page_limit = record->page_limit;
    tree->node_limit = record->node_limit;
    tree->tree = (struct tree){.ops = &tmpfs_ops, .own = tree, .flags = record->flags, .type = "tmpfs"};
    file_server_enter_tree(&tree->tree, device);
    return ERR_OK;
}

static error_t take_node(uint64_t inode, const struct node_record *record, const char *text) {
    struct tmp_tree *tree = tree_of(record->device);
    struct tmp_node *node;
    if (tree == NULL)
        return ERR_CORRUPT;
    tree->last_inode = inode - 1;
    error_t error = node_make(tree, record->kind, record->mode, &node);
    if (error != ERR_OK)
        return error;
    node_enter(node);
    node->references = 0;
    node->links = record->links;
    node->size = record->size;
    node->represents = record->represents;
    node->accessed = record->accessed;
    node->modified = record->modified;
    node->changed = record->changed;
    node->user = record->user;
    node->group = record->group;
    if (record->kind != FILE_KIND_SYMLINK)
        return ERR_OK;
    node->link.text = malloc(record->text_length);
    if (node->link.text == NULL && record->text_length != 0)
        return ERR_NO_MEMORY;
    node->link.length = record->text_length;
    memcpy(node->link.text, text, record->text_length);
    return ERR_OK;
}

// Parents and cookies, when all nodes and names are there.
static error_t take_directory(uint64_t inode, const struct node_record *record) {
    struct tmp_tree *tree = tree_of(record->device);
    struct tmp_node *node = node_numbered(tree, inode);
    node->directory.parent = record->parent != 0 ? node_numbered(tree, record->parent) : NULL;
    node->directory.last_cookie = record->last_cookie;
    return record->parent != 0 && node->directory.parent == NULL ? ERR_CORRUPT : ERR_OK;
}

static error_t take_leaf(uint64_t inode, const struct leaf_record *record) {
    struct tmp_tree *tree = tree_of(record->device);
    struct tmp_node *node = tree != NULL ? node_numbered(tree, inode) : NULL;
    return node != NULL && node->kind == FILE_KIND_REGULAR ? content_restore(node, record->leaf, record->pages) : ERR_CORRUPT;
}

static error_t take_name(uint64_t inode, const struct name_record *record) {
    struct tmp_tree *tree = tree_of(record->device);
    struct tmp_node *directory = tree != NULL ? node_numbered(tree, inode) : NULL;
    struct tmp_node *node = tree != NULL ? node_numbered(tree, record->inode) : NULL;
    if (directory == NULL || node == NULL || directory->kind != FILE_KIND_DIRECTORY)
        return ERR_CORRUPT;
    directory->directory.last_cookie = record->cookie - 1;
    return entry_add(directory, record->name, record->length, node);
}

static error_t take_slab(uint64_t index, const struct slab_record *record) {
    handover_claim((cap_t)record->memory);
    return page_slab_restore((uint32_t)index, (cap_t)record->memory, record->used);
}

// One record of each class, whose bytes fit into `record`.
union any_record {
    struct slab_record slab;
    struct tree_record tree;
    struct {
        struct node_record head;
        char text[4096];
    } node;
    struct leaf_record leaf;
    struct name_record name;
};

static error_t take_one(uint32_t class, uint64_t key, const union any_record *record) {
    switch (class) {
    case CLASS_SLAB:
        return take_slab(key, &record->slab);
    case CLASS_TREE:
        return take_tree(key, &record->tree);
    case CLASS_NODE:
        return take_node(key, &record->node.head, record->node.text);
    case CLASS_LEAF:
        return take_leaf(key, &record->leaf);
    default:
        return take_name(key, &record->name);
    }
}

static error_t take_class(struct handover *handover, uint32_t class,
                          error_t (*one)(uint32_t, uint64_t, const union any_record *)) {
    static union any_record record;
    struct handover_view view = {0};
    while (handover_next(handover, class, &view) == ERR_OK) {
        memset(&record, 0, sizeof(record));
        if (view.view.length > sizeof(record))
            return ERR_CORRUPT;
        error_t error = handover_read(&view, VERSION, &record, view.view.length);
        if (error == ERR_OK)
            error = one(class, view.view.key, &record);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static error_t finish_directory(uint32_t class, uint64_t key, const union any_record *record) {
    (void)class;
    return record->node.head.kind == FILE_KIND_DIRECTORY ? take_directory(key, &record->node.head) : ERR_OK;
}

static error_t finish_tree(uint32_t class, uint64_t key, const union any_record *record) {
    (void)class;
    struct tmp_tree *tree = tree_of(key);
    struct tmp_node *root = node_numbered(tree, record->tree.root);
    if (root == NULL)
        return ERR_CORRUPT;
    root->references++;
    tree->tree.root = (struct tree_node *)root;
    tree->last_inode = record->tree.last_inode;
    return ERR_OK;
}

error_t tmpfs_take(struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t class = CLASS_SLAB; class <= CLASS_NAME && error == ERR_OK; class ++)
        error = take_class(handover, class, take_one);
    if (error == ERR_OK)
        error = take_class(handover, CLASS_NODE, finish_directory);
    if (error == ERR_OK)
        error = take_class(handover, CLASS_TREE, finish_tree);
    return error;
}

// Nodes without a name that nobody opened again, because their session went meanwhile.
void tmpfs_taken(void) {
    for (struct tree *tree = file_server_active->trees; tree != NULL; tree = tree->next) {
        struct tmp_tree *own = tree->own;
        for (struct tmp_node *node = own->first, *next; node != NULL; node = next) {
            next = node->next;
            node_free_if_unused(node);
        }
    }
    memset(buckets, 0, sizeof(buckets));
}
