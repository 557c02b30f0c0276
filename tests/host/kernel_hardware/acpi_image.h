// A piece of physical memory with ACPI tables in it, and firmware_map over it: every mapping is a copy of
// exactly the bytes asked for, so that the sanitizer sees any read beyond them. Shared by the unit test, its
// mutations and the fuzzer.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { IMAGE_BYTES = 4096 };

extern uint8_t image[IMAGE_BYTES];
extern uint32_t image_used;

void image_clear(void);

// Appends a table (36-byte header made here, checksum right) and returns its address.
uint32_t image_table(const char *signature, uint8_t revision, const void *body, uint32_t length);

// Makes the checksum right again of whatever looks like one of our tables.
void image_checksums_fix(void);

// Fills in the RSDP, 36 bytes. xsdt 0: revision 0.
void image_rsdp(uint8_t *rsdp, uint32_t rsdt, uint64_t xsdt);

// A machine that uses every kind of entry; fills in the RSDP for it.
void image_machine(uint8_t *rsdp);

void image_mappings_free(void);
