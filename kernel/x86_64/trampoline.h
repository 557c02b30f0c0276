// The code by which a processor comes from real mode to the kernel: trampoline.asm, copied to a page below 1 MiB.
#pragma once

#include <stdint.h>

// Copies the code to `to`, which is the physical page `page`, and fills it in: page tables that hold it one to one and the
// kernel, then where to go, on which stack, with which argument.
void trampoline_prepare(void *to, uint64_t page, uint64_t root, uint64_t entry, uint64_t stack, uint64_t argument);
