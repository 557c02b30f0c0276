// Loading a program into a new process: a static position-independent ELF file for x86-64, at an address that is chosen at
// random when the file is read. What was read of the programs started last is kept, and used again as long as the file is
// the same: processes of one program share its text, and where it lies. Their stacks and all else lie at random in each.
#pragma once

#include <stdbool.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "libipc/protocols/file.h"

struct executable {
    uint64_t base, length, entry;
};

struct image;

// Whether image_find() may find something: then it is worth to ask for the file's status.
bool image_is_known(const char *path) MUST_USE;
// The image read of this path, if the file is unchanged since; else NULL.
const struct image *image_find(const char *path, const struct file_status *status);
// Reads the segments of the file that was opened at this path. It belongs to the table, until one of the next
// calls. ERR_NOT_EXECUTABLE.
error_t image_read(cap_t file, const char *path, const struct image **image) MUST_USE;
// Maps it into `process`; memory that the process may change is charged to `account`.
error_t image_load(const struct image *image, cap_t process, cap_t account, struct executable *executable) MUST_USE;
