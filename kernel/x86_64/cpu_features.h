// What this CPU can do, of what the kernel makes a difference for. Found once, on the boot CPU; the others are taken to be the
// same.
#pragma once

#include <stdbool.h>

struct cpu_features {
    bool xsave, xsaveopt, rdrand, rdseed, smep, smap, umip;
    bool tsc_is_steady;      // it runs at one speed, whatever the CPU does to save power
    bool leaks_kernel_pages; // Meltdown: needs page-table isolation
};

extern struct cpu_features cpu_features;

void cpu_features_detect(void);
