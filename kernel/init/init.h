// The kernel's start.
#pragma once

#include "kernel/abi/boot_info.h"

// What the loader found, for those who ask for it later. Not changed after kernel_main began.
extern struct boot_info boot_info;

// Called by start.asm, interrupts off. The structure is in memory that counts as free: it is copied first.
_Noreturn void kernel_main(const struct boot_info *given);
// Makes the first process, init, with capabilities to all that the kernel has to give.
void first_process_start(const struct boot_info *info);
