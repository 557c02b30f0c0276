// Where the loader hands over to the kernel.
#pragma once

#include "kernel/abi/boot_info.h"

// Called by start.asm, interrupts off. The structure is in memory that counts as free: it is copied first.
_Noreturn void kernel_main(const struct boot_info *given);
