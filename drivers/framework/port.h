// x86 port instructions, for a driver that has attached the ports (driver_attach_ports). Host tests put a
// header of the same path in front of this one, which asks a model of the device instead.
#pragma once

#include <stdint.h>

static inline uint8_t port_read8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t port_read16(uint16_t port) {
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t port_read32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_write16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_write32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

// `count` 16-bit words from the port to memory, or back.
static inline void port_read_words(uint16_t port, void *to, uint32_t count) {
    uint64_t left = count;
    __asm__ volatile("rep insw" : "+D"(to), "+c"(left) : "d"(port) : "memory");
}

static inline void port_write_words(uint16_t port, const void *from, uint32_t count) {
    uint64_t left = count;
    __asm__ volatile("rep outsw" : "+S"(from), "+c"(left) : "d"(port) : "memory");
}
