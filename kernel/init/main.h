// Where the boot code hands over to the kernel proper.
#pragma once

#include "kernel/abi/boot_info.h"

// Runs on the boot stack, at the kernel's final addresses, interrupts off, with info read-only from here on.
_Noreturn void kernel_main(const struct boot_info *info);
