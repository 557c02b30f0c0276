// Copying and removing files and trees, for cp and mv.
#pragma once

#include <stdbool.h>

struct copy_options {
    bool recursive;
    bool preserve; // mode, owner and times
    bool ask;      // before overwriting
    bool force;    // remove what can't be overwritten
    bool verbose;
    bool links; // symbolic links are copied as links
};

// Copies a file, or with `recursive` a tree, to the path `target`. False after messages; what could be copied
// was.
bool copy_path(const char *source, const char *target, const struct copy_options *options);

// Removes a file or a whole tree; false after messages.
bool remove_tree(const char *path);
