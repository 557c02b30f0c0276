// Brings up the machine's own devices in the one order that works: what the CPU can do, ACPI, interrupt
// controllers, clock, FPU. Called by kernel_main and, per CPU, by the code that starts processors.
#pragma once

#include <stdbool.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/platform_info.h"

// Boot CPU, interrupts off, kernel_map_page usable. deterministic: see entropy_initialize. Afterwards
// irq_controller is chosen, every line masked, the clock runs.
void platform_initialize(const struct boot_info *info, bool deterministic);

// Every other CPU, before it takes an interrupt.
void platform_enable_cpu(void);

const struct acpi_information *platform_acpi(void);
