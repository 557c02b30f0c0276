// Mappings of device registers into the kernel's space: PML4 slot 509, handed out upwards
// and never taken back. Invariant: no page is mapped executable. Called while the
// machine is set up, by one CPU at a time.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"

// Registers at a physical address (any alignment), uncached and writable. NULL: address beyond what the CPU
// has, or no memory.
void *mmio_map(uint64_t physical, uint64_t length) MUST_USE;

static inline uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    return *(const volatile uint32_t *)((const volatile uint8_t *)base + offset);
}

static inline void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    *(volatile uint32_t *)((volatile uint8_t *)base + offset) = value;
}
