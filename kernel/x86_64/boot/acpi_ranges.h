// Finds the pages that hold ACPI tables, so that the direct map covers them even where the firmware calls
// them reserved.
#pragma once

#include "kernel/abi/boot_info.h"

// Marks the root table, every table that it lists, and the FADT's DSDT and FACS as BOOT_MEMORY_ACPI. memory:
// where physical address 0 can be read (below 4 GiB only). Tables with impossible addresses or lengths are
// passed over.
void acpi_ranges_paint(struct boot_info *info, uintptr_t memory);
