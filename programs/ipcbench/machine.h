// What a figure was measured on, as text for the head of the table.
#pragma once

#include <stddef.h>

// The processor's name as CPUID tells it (brand string, Intel SDM volume 2A, CPUID leaves 80000002h to
// 80000004h), and the hypervisor's (leaf 40000000h) if there is one.
void machine_name(char *name, size_t size);
