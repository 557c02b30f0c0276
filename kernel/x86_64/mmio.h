// Access to device registers in memory.
#pragma once

#include <stdint.h>

static inline uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    return *(const volatile uint32_t *)((const volatile uint8_t *)base + offset);
}
static inline void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    *(volatile uint32_t *)((volatile uint8_t *)base + offset) = value;
}
