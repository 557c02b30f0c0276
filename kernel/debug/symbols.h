// Names of the kernel's functions, made from the linked kernel by symbols.py and linked in by a second pass.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The table: offsets from the image's start, rising; the name of entry i starts at kernel_symbol_names +
// kernel_symbol_name_offsets[i].
extern const uint32_t kernel_symbol_count;
extern const uint32_t kernel_symbol_offsets[];
extern const uint32_t kernel_symbol_name_offsets[];
extern const char kernel_symbol_names[];

// The function that holds this address: its name, the offset in it, and the address's place in the image.
// False if the address is not in the kernel's text.
bool symbol_find(uintptr_t address, const char **name, uint32_t *offset, uint32_t *place);
