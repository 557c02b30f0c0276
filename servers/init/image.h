// Programs of the initrd. Each is loaded once, into a template process that never runs and whose pages no pager backs;
// actors are copy-on-write clones of it, so a restart reads nothing and waits for nobody.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

struct image {
    cap_t template;       // process
    uint64_t base, entry; // addresses
    const char *file;     // the ELF file, in the mapped initrd or in a mapped reload
    size_t length;
    cap_t text; // memory of the executable segment
    uint64_t text_address, text_bytes;
    bool is_copy; // the file is in memory of init's own, and goes with the image
};

// Maps the initrd. Once, first.
error_t image_start(void) MUST_USE;
// A file of the initrd, inside the mapping. ERR_NOT_FOUND.
error_t image_find(const char *path, const char **file, size_t *length) MUST_USE;
// Loads an ELF file into a new template. ERR_NOT_EXECUTABLE, ERR_NO_MEMORY, ERR_QUOTA.
error_t image_load(struct image *image, const char *file, size_t length) MUST_USE;
void image_release(struct image *image);
// Maps the program's own text anew in a process made from the image: what was written over it is gone.
error_t image_refresh(const struct image *image, cap_t process) MUST_USE;
// Where an object of that name lies in a process made from the image; 0: nowhere.
uint64_t image_object(const struct image *image, const char *name);
// The function that holds `address` of a process made from the image; NULL if unknown. *offset: bytes into it.
const char *image_symbol(const struct image *image, uint64_t address, uint64_t *offset);
