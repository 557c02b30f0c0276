// Making and ending one tmpfs; called by the framework.
#pragma once

#include "servers/framework/file_server.h"

// Options: size=BYTES with an optional k, m or g (default: a half of the machine's memory, or of the
// account's if that is less).
MUST_USE error_t tmpfs_attach(struct request *request, const char *source, const char *options, uint64_t flags, cap_t device,
                              struct tree **tree);
MUST_USE error_t tmpfs_detach(struct tree *tree);

// handover.c: everything to another build, and from it.
MUST_USE error_t tmpfs_give(struct handover *handover);
MUST_USE error_t tmpfs_take(struct handover *handover);
void tmpfs_taken(void);
uint64_t tmpfs_identity(const struct tree_node *node);
MUST_USE error_t tmpfs_find(struct tree *tree, uint64_t identity, struct tree_node **result);
