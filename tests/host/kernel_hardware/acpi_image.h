// A piece of physical memory with ACPI tables in it, and firmware_map over it: every mapping is a copy of
// exactly the bytes asked for, so that the sanitizer sees any read beyond them. Shared by the unit test, its
// mutations and the fuzzer.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"

enum { IMAGE_BYTES = 4096 };

extern uint8_t image[IMAGE_BYTES];
extern uint32_t image_used;
extern unsigned image_warnings; // lines that the code under test logged as warnings

void image_clear(void);

// Appends a table (36-byte header made here, checksum right) and returns its address.
uint32_t image_table(const char *signature, uint8_t revision, const void *body, uint32_t length);

// Makes the checksum right again of whatever looks like one of our tables.
void image_checksums_fix(void);

// Fills in the RSDP copy. xsdt 0: revision 0.
void image_rsdp(struct boot_info *info, uint32_t rsdt, uint64_t xsdt);

// A machine that uses every kind of entry; returns the boot information for it.
void image_machine(struct boot_info *info);

void image_mappings_free(void);
