// Asks CPUID; see machine.h.
#include "programs/ipcbench/machine.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LEAF_FEATURES = 1, LEAF_HYPERVISOR = 0x40000000, HYPERVISOR_BIT = 31 };
#define LEAF_EXTENDED 0x80000000u
#define LEAF_BRAND    0x80000002u

static void cpuid(uint32_t leaf, uint32_t registers[4]) {
    __asm__("cpuid" : "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3]) : "a"(leaf), "c"(0));
}

void machine_name(char *name, size_t size) {
    uint32_t registers[4], brand[13] = {0}, hypervisor[4] = {0};
    cpuid(LEAF_EXTENDED, registers);
    if (registers[0] >= LEAF_BRAND + 2)
        for (uint32_t i = 0; i < 3; i++)
            cpuid(LEAF_BRAND + i, brand + 4 * i);
    cpuid(LEAF_FEATURES, registers);
    if (registers[2] >> HYPERVISOR_BIT & 1) {
        cpuid(LEAF_HYPERVISOR, registers);
        memcpy(hypervisor, registers + 1, 12);
    }
    const char *text = (const char *)brand;
    while (*text == ' ')
        text++;
    (void)snprintf(name, size, "%s%s%s", *text ? text : "unnamed processor", *(const char *)hypervisor ? ", under " : "",
                   (const char *)hypervisor);
}
