// One file of the initrd, which is a cpio archive in the form "newc" (cpio(5)).
#pragma once

#include <stddef.h>

#include "kernel/abi/errors.h"

// Where a file's bytes lie in the archive. `name` without leading "/" or "./". ERR_NOT_FOUND.
MUST_USE error_t archive_find(const char *archive, size_t length, const char *name, const char **file, size_t *size);
