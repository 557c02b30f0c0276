// Paths as text: one name after the other, copying a lent path in, and following a path by its text alone. A
// path is bytes with a length; slashes separate names, several count as one, and those at the end say that a
// directory is meant.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "libipc/server/request.h"

enum { PATH_BYTES_MAX = 4096, PATH_NAME_MAX = 255, PATH_SMALL = 240 };

struct path_step {
    const char *name;
    size_t length;
    size_t name_end;      // offset of the byte after the name
    size_t end;           // offset after the slashes that follow it
    bool is_last;         // no name follows
    bool wants_directory; // a slash follows
};

// The name at or after `offset`; false if only slashes are left.
bool path_next(const char *path, size_t length, size_t offset, struct path_step *step);

static inline bool path_step_is_dot(const struct path_step *step) {
    return step->length == 1 && step->name[0] == '.';
}
static inline bool path_step_is_dots(const struct path_step *step) {
    return step->length == 2 && step->name[0] == '.' && step->name[1] == '.';
}

// Applies `path` to the absolute `name`, which is "/" or has no slash at its end, without looking at any
// file: '..' removes the last name. `name` has room for `size` bytes and is not NUL-terminated.
// ERR_NAME_TOO_LONG: no room; it is changed then.
MUST_USE error_t path_append(char *name, size_t *length, size_t size, const char *path, size_t path_length);

// The text of a lent path, from `start` on.
struct path_text {
    char *text; // NUL-terminated, beyond `length`
    size_t length;
    char small[PATH_SMALL];
};

// ERR_INVALID: `start` lies behind the end, or there is a NUL in it; ERR_NAME_TOO_LONG. path_text_free
// afterwards, also on error.
MUST_USE error_t path_text_copy_in(struct path_text *path, struct request *request, uint64_t start);
// The same for two paths with a NUL between them, which stays: `first` counts up to it. At most 8 KiB.
MUST_USE error_t path_text_copy_in_pair(struct path_text *paths, struct request *request, size_t *first);
void path_text_free(struct path_text *path);
