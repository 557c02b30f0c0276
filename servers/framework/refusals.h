// Methods of `file` that what is no file on a disk (a pipe, a socket, a terminal) refuses, for its table of operations; by POSIX
// (XSH lseek, ftruncate, fsync).
#pragma once

#include <stdbool.h>

#include "libipc/protocols/file_server.h"

MUST_USE error_t refuse_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out);
MUST_USE error_t refuse_truncate(struct request *request, const struct file_truncate_in *in, struct file_truncate_out *out);
MUST_USE error_t refuse_sync(struct request *request, const struct file_sync_in *in, struct file_sync_out *out);

// Whether these are flags that file.set_flags may set.
static inline bool file_flags_are_known(uint64_t flags) {
    return (flags & ~(uint64_t)(FILE_FLAG_APPEND | FILE_FLAG_NON_BLOCKING)) == 0;
}
