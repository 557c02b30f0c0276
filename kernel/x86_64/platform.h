// Brings up the machine's own devices in the one order that works: what the CPU can do, interrupt controllers, FPU, clock; and
// turns the machine off. Called by kernel_main and, per CPU, by processors.c.
#pragma once

#include "kernel/abi/boot_info.h"

// Boot CPU, interrupts off, kernel_map_page usable. Afterwards irq_controller is chosen, every line masked, the clock runs.
void platform_initialize(const struct boot_info *info);
// Every other CPU, before it takes an interrupt.
void platform_enable_cpu(void);
// action: enum power_action of kernel/abi/methods.h. Returns only if the machine has no way to do it.
void platform_power(uint64_t action);
