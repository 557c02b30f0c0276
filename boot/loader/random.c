// A small mixing generator (splitmix64) over what the CPU offers. With a seed the sequence depends on the
// seed alone, so that a run can be repeated; without, fresh hardware entropy enters at every step. Called by
// loader_main only.
#include "boot/loader/random.h"

#include "kernel/x86_64/registers.h"

enum { TRIES = 32, CPUID_RDRAND = 1 << 30, CPUID_RDSEED = 1 << 18 };

static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static bool hardware_random(uint64_t *value) {
    uint32_t leaves = cpuid(0, 0).eax;
    if (leaves >= 7 && (cpuid(7, 0).ebx & CPUID_RDSEED))
        for (int i = 0; i < TRIES; i++)
            if (rdseed_try(value))
                return true;
    if (leaves >= 1 && (cpuid(1, 0).ecx & CPUID_RDRAND))
        for (int i = 0; i < TRIES; i++)
            if (rdrand_try(value))
                return true;
    return false;
}

static void gather(struct boot_random *random) {
    uint64_t value = 0;
    if (hardware_random(&value))
        random->has_hardware = true;
    random->state = mix(random->state ^ value) ^ tsc_read();
}

void boot_random_start(struct boot_random *random, const char *seed) {
    *random = (struct boot_random){.repeatable = seed != 0};
    if (!seed) {
        gather(random);
        return;
    }
    for (; *seed; seed++) // any text is a seed, numbers included
        random->state = mix(random->state * 257 + (uint8_t)*seed + 1);
}

uint64_t boot_random_next(struct boot_random *random) {
    if (!random->repeatable)
        gather(random);
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(random->state);
}
