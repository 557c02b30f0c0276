// An ordered tree of nodes embedded in their owners, keyed by a 64-bit number: mappings by address, timers by deadline.
// A treap: shaped like a random binary tree whatever the order of insertion, so every operation is O(log n) and none
// allocates. Equal keys are allowed and keep their order of insertion.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    struct tree_node *left, *right, *parent;
    uint64_t key;
    uint32_t weight;
    bool linked;
};

struct tree {
    struct tree_node *root;
};

void tree_insert(struct tree *tree, struct tree_node *node, uint64_t key);
void tree_remove(struct tree *tree, struct tree_node *node); // does nothing if it is in no tree
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_at_or_below(const struct tree *tree, uint64_t key); // the greatest key <= key, or NULL
struct tree_node *tree_at_or_above(const struct tree *tree, uint64_t key); // the least key >= key, or NULL
