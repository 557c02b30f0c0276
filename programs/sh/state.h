// Hands the shell's state to a subshell: variables, functions, aliases, arguments, options and the script to
// run, as records of a letter and strings with their length. Exported variables travel in the environment.
#pragma once

#include "programs/sh/shell.h"

void state_write(struct shell *shell, struct buffer *out, const char *script);

// Takes over a state read from the descriptor; the script (which the caller frees) or null if it is damaged.
char *state_read(struct shell *shell, int descriptor);
