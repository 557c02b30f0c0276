// Kernel options: NAME=VALUE words of the command line that the loader passed.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/abi/boot_info.h"

// The text is not copied: it must stay. Words are split at blanks; double quotes keep blanks together.
void options_start(const char *command_line);
// Copies the value of the option, NUL-terminated and cut to size, quotes taken off. The last one on the line
// wins; a word without '=' has an empty value. False, and an empty string, if it isn't there.
bool options_get(const char *name, char *value, size_t size);
// What the kernel itself wants to know: log level (loglevel=error, warning, info, debug, or 1 to 4), console (console=serial or
// screen: the other is left out), page-table isolation (isolation=on or off; without it, as the CPU needs).
void options_read(struct boot_info *info);
