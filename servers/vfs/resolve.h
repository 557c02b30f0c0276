// Walking a path step by step over several file servers: what PATH_FLAG_WALK asks for, see "How a path is
// walked" in libipc/protocols/README.md. Works by calls from the request's fiber. A resolution is a place
// (mount, node, name) and the path that is left from there.
#pragma once

#include "servers/vfs/state.h"

struct resolution {
    struct directory *root; // absolute links and '..' end here; held
    struct mount *mount;    // a user of it
    cap_t node;
    bool owns_node; // else it is a mount's or a directory's
    unsigned links;
    size_t name_length;
    size_t at, length; // what is left of the path: text[at..length)
    char name[PATH_BYTES_MAX];
    char text[2 * PATH_BYTES_MAX];
    char target[PATH_BYTES_MAX];
};

// At `from`, with a copy of the path. It is on the heap: resolution_free.
MUST_USE error_t resolution_make(struct directory *from, const char *path, size_t length, struct resolution **result);
void resolution_free(struct resolution *resolution);

// Goes on until nothing but, with PARENT, the last name is left. Of `flags`: NO_FOLLOW, PARENT.
MUST_USE error_t resolution_walk(struct resolution *resolution, uint64_t flags);
// One step: one call to one file server. *done: as above.
MUST_USE error_t resolution_step(struct resolution *resolution, uint64_t flags, bool *done);

// The node as a capability of its own, which the caller releases. `flags`: CEILING.
MUST_USE error_t resolution_take_node(struct resolution *resolution, uint64_t flags, cap_t *node);

static inline const char *resolution_rest(const struct resolution *resolution) {
    return resolution->text + resolution->at;
}
static inline size_t resolution_rest_length(const struct resolution *resolution) {
    return resolution->length - resolution->at;
}
