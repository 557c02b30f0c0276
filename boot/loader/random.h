// Random numbers for placing the kernel, and the seed that the kernel's own generator starts from.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct boot_random {
    uint64_t state;
    bool repeatable;   // made from the option seed=N alone
    bool has_hardware; // RDSEED or RDRAND answered
};

// seed: text of the option, or a null pointer to gather from RDSEED, RDRAND and the TSC.
void boot_random_start(struct boot_random *random, const char *seed);
uint64_t boot_random_next(struct boot_random *random);
