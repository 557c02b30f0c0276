// The two entry points of C code that start.asm calls.
#pragma once

#include <stdint.h>

// loader_information: physical address of the multiboot2 information, below 4 GiB.
_Noreturn void boot_start(uint64_t loader_information);
// At the final addresses, on the empty boot stack.
_Noreturn void boot_continue(void);
