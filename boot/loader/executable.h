// Loading a static position-independent ELF executable, linked at 0: the kernel, and init (System V ABI,
// gABI 4.1, chapters 4 and 5; x86-64 supplement, 4.4). Nothing outside the file is read, and nothing outside
// the image written.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/errors.h"

struct executable {
    const uint8_t *file;
    uint64_t bytes;          // whole pages from the first to the last segment
    uint64_t constant_bytes; // of them, from the start: those that are not writable
    uint64_t physical;       // where it goes: chosen by the caller
    uint64_t entry;          // offset
    struct {
        uint64_t offset, bytes; // whole pages
        uint32_t access;        // enum boot_access
        uint32_t skip;          // bytes before the content, which is file_bytes from file_offset on, and zeros
        uint64_t file_offset, file_bytes;
    } segments[BOOT_SEGMENTS];
    uint32_t segment_count;
    uint64_t relocations, relocation_bytes; // offset and length of the table
};

// Reads the headers. ERR_NOT_EXECUTABLE.
error_t executable_open(struct executable *executable, const void *file, uint64_t length) MUST_USE;
// Copies the segments to executable->physical.
void executable_load(const struct executable *executable);
// Makes what was loaded fit for `base`. False: a relocation is not one of ours.
bool executable_relocate(const struct executable *executable, uint64_t base) MUST_USE;
// The same by a table. `image` is where offset 0 lies, `bytes` its size.
bool relocations_apply(uint8_t *image, uint64_t bytes, const uint8_t *table, uint64_t table_bytes, uint64_t base);
