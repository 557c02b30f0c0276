// Redirections are applied to the shell's own descriptors and taken back afterwards; children simply inherit
// them. The shell keeps its other descriptors at 10 and above, closed on exec.
#pragma once

#include "programs/sh/shell.h"

struct saved_descriptor {
    struct saved_descriptor *next;
    int descriptor;
    int copy; // -1: it was closed
};

// Applies all; on failure returns false after a message, and the caller restores what was done so far. With a
// null `saved` the change is permanent, as for `exec`.
bool redirects_apply(struct shell *shell, const struct redirect *redirects, struct saved_descriptor **saved);
void redirects_restore(struct saved_descriptor **saved);

// Makes `descriptor` a copy of `source`, remembering what it was.
bool descriptor_replace(int descriptor, int source, struct saved_descriptor **saved);

// A pipe whose ends are at 10 and above and closed on exec; false with errno.
bool pipe_open(int ends[2]);
