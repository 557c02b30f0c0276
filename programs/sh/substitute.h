// Command substitution: runs commands and puts what they print into an expansion.
#pragma once

#include "programs/sh/expand.h"

// Runs the script and emits its output without the trailing newlines; false if it could not be run.
bool substitute(struct shell *shell, const char *script, size_t length, struct expansion *expansion, bool quoted);
