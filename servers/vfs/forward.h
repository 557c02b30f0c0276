// Where a request goes when its path is judged by its text alone. For directory_ops.c and change_ops.c.
#pragma once

#include "servers/vfs/resolve.h"

struct forward_place {
    struct mount *mount;
    cap_t node;
    uint64_t start; // of what is left of the path, in the lent buffer
};

// Looks at the lent path from `start` on. `keep_last`: as in mount_match.
MUST_USE error_t forward_find(struct request *request, struct directory *directory, uint64_t start, bool keep_last,
                              struct forward_place *place);
// The same for a path that was copied; moves place->start on.
MUST_USE error_t forward_match(struct directory *directory, const char *path, size_t length, bool keep_last,
                               struct forward_place *place);
// A resolution of the lent path from `start` on, not yet walked.
MUST_USE error_t resolution_from_request(struct request *request, uint64_t start, struct resolution **result);
