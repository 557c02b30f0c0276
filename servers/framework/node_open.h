// directory.open in its two steps: finding or making the node, and opening it. For directory_ops.c alone.
#pragma once

#include "servers/framework/walk.h"

// Walks to the node that is to be opened; makes it if CREATE is set and it is missing. walk->node is held on
// ERR_OK.
MUST_USE error_t node_open_find(struct tree_walk *walk, uint64_t flags, uint64_t mode);
// Checks what `flags` (enum open_flag) ask for, truncates, and makes the session.
MUST_USE error_t node_open(struct request *request, struct tree *tree, struct tree_node *node, uint64_t flags, cap_t *file);
