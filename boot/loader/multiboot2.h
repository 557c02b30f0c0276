// Reading the multiboot2 information (specification 2.0, section 3.6) into struct boot_info. The information
// is checked against its own length; nothing outside it is read except the module's length fields. Pure: runs
// on the host in tests.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/errors.h"

// Memory above is left unused. A machine with 64 GiB has up to 4 of them behind the hole that ends at 4 GiB.
enum { BOOT_PHYSICAL_LIMIT_GIB = 68 };

// What only the loader itself needs.
struct boot_input {
    uint64_t kernel_start, kernel_length; // the first module; bytes
    bool has_rsdp;
    uint8_t rsdp[36];
};

// Fills out from the information at address. size_limit: bytes that may be read there. Sets memory (kinds
// FREE, RESERVED, ACPI only: the caller paints the rest), initrd (the second module), command line,
// framebuffer and from_efi. ERR_BAD_MESSAGE: the information is malformed; ERR_NOT_FOUND: it has no memory
// map.
MUST_USE error_t multiboot2_parse(const void *address, uint64_t size_limit, struct boot_info *out, struct boot_input *input);
