// Making and ending one tmpfs; called by the framework.
#pragma once

#include "servers/framework/file_server.h"

// Options: size=BYTES with an optional k, m or g (default: a half of the machine's memory, or of the
// account's if that is less).
MUST_USE error_t tmpfs_attach(struct request *request, const char *source, const char *options,
                              uint64_t flags, cap_t device, struct tree **tree);
MUST_USE error_t tmpfs_detach(struct tree *tree);
