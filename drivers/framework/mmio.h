// Registers in memory, for a driver that has mapped them (driver_map_region). Host tests put a header of the
// same path in front of this one, which asks a model of the device instead.
#pragma once

#include <stdint.h>

static inline uint8_t mmio_read8(volatile void *registers, uint32_t offset) {
    return *((volatile uint8_t *)registers + offset);
}

static inline uint16_t mmio_read16(volatile void *registers, uint32_t offset) {
    return *(volatile uint16_t *)(volatile void *)((volatile char *)registers + offset);
}

static inline uint32_t mmio_read32(volatile void *registers, uint32_t offset) {
    return *(volatile uint32_t *)(volatile void *)((volatile char *)registers + offset);
}

static inline void mmio_write8(volatile void *registers, uint32_t offset, uint8_t value) {
    *((volatile uint8_t *)registers + offset) = value;
}

static inline void mmio_write16(volatile void *registers, uint32_t offset, uint16_t value) {
    *(volatile uint16_t *)(volatile void *)((volatile char *)registers + offset) = value;
}

static inline void mmio_write32(volatile void *registers, uint32_t offset, uint32_t value) {
    *(volatile uint32_t *)(volatile void *)((volatile char *)registers + offset) = value;
}
