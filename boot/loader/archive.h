// Finding a file in the initrd, a cpio archive in the "newc" format (headers of ASCII hexadecimal digits).
// The archive comes from the loader and may be damaged: nothing outside its bounds is touched.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

// The bytes of the file called `name`, inside the archive. ERR_NOT_FOUND, ERR_CORRUPT.
error_t archive_find(const void *archive, uint64_t length, const char *name, const void **file, uint64_t *file_length) MUST_USE;
