// The treap behind tree.h. Invariant: keys in order from left to right, no child heavier than its parent.
#include "kernel/structure/tree.h"

static uint32_t next_weight(void) {
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static void replace_child(struct tree *tree, struct tree_node *parent, struct tree_node *old, struct tree_node *new) {
    if (!parent)
        tree->root = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
    if (new)
        new->parent = parent;
}

// Turns the edge between a node and its parent: the node moves up.
static void rotate_up(struct tree *tree, struct tree_node *node) {
    struct tree_node *parent = node->parent;
    replace_child(tree, parent->parent, parent, node);
    if (parent->left == node) {
        parent->left = node->right;
        if (node->right)
            node->right->parent = parent;
        node->right = parent;
    } else {
        parent->right = node->left;
        if (node->left)
            node->left->parent = parent;
        node->left = parent;
    }
    parent->parent = node;
}

void tree_insert(struct tree *tree, struct tree_node *node, uint64_t key) {
    struct tree_node *parent = NULL, **link = &tree->root;
    while (*link) {
        parent = *link;
        link = key < parent->key ? &parent->left : &parent->right;
    }
    *node = (struct tree_node){.parent = parent, .key = key, .weight = next_weight(), .linked = true};
    *link = node;
    while (node->parent && node->parent->weight < node->weight)
        rotate_up(tree, node);
}

void tree_remove(struct tree *tree, struct tree_node *node) {
    if (!node->linked)
        return;
    while (node->left && node->right)
        rotate_up(tree, node->left->weight > node->right->weight ? node->left : node->right);
    replace_child(tree, node->parent, node, node->left ? node->left : node->right);
    node->linked = false;
}

struct tree_node *tree_first(const struct tree *tree) {
    struct tree_node *node = tree->root;
    while (node && node->left)
        node = node->left;
    return node;
}

struct tree_node *tree_next(const struct tree_node *node) {
    if (node->right) {
        struct tree_node *next = node->right;
        while (next->left)
            next = next->left;
        return next;
    }
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct tree_node *tree_at_or_below(const struct tree *tree, uint64_t key) {
    struct tree_node *found = NULL;
    for (struct tree_node *node = tree->root; node;) {
        if (node->key <= key) {
            found = node;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return found;
}

struct tree_node *tree_at_or_above(const struct tree *tree, uint64_t key) {
    struct tree_node *found = NULL;
    for (struct tree_node *node = tree->root; node;) {
        if (node->key >= key) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}
