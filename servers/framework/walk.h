// Walking a path inside one tree, as directory.idl demands: it stops where only vfs can go on. Called by the
// handlers of `directory`.
#pragma once

#include "servers/framework/path.h"
#include "servers/framework/tree.h"

struct tree_walk {
    struct tree *tree;
    struct tree_node *node;    // in: where to start, borrowed; out: where it ended, held (on ERR_OK)
    bool is_lent;              // in: somebody else holds it as long as the walk takes, as a session does for who asks it
    struct tree_node *ceiling; // '..' stops here; NULL: at the root only
    const char *path;
    size_t length;
    // Results. `consumed` counts bytes of the path: up to the end of the link's or the covered directory's
    // name, up to where the
    // '..' begins that leads above, up to the last name with PATH_FLAG_PARENT, all of it if it is done.
    size_t consumed;
    uint64_t stop;  // enum walk_stop
    uint64_t mount; // COVERED
};

// `flags`: enum path_flag. The name at which it stopped for SYMLINK is the last of path[0..consumed).
MUST_USE error_t tree_walk(struct tree_walk *walk, uint64_t flags);
