// How fast the processor's counters run: measured once, so that the kernel need not know what they are measured by.
#pragma once

#include "kernel/abi/boot_info.h"

// Fills tsc_frequency and, where there is a local APIC, lapic_address and lapic_frequency; info->acpi is filled.
void clock_calibrate(struct boot_info *info);
// Lets so many nanoseconds go by, by the TSC. After clock_calibrate.
void clock_wait(const struct boot_info *info, uint64_t nanoseconds);
