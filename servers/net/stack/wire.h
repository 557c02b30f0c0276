// Numbers in network byte order (RFC 9293 and all others: most significant byte first) at any alignment, and
// arithmetic on sequence numbers, on machines of the other order. Pure; used by every file of the stack.
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t load16(const uint8_t *from) {
    uint16_t value;
    __builtin_memcpy(&value, from, sizeof(value));
    return __builtin_bswap16(value);
}

static inline uint32_t load32(const uint8_t *from) {
    uint32_t value;
    __builtin_memcpy(&value, from, sizeof(value));
    return __builtin_bswap32(value);
}

static inline void store16(uint8_t *to, uint32_t value) {
    uint16_t swapped = __builtin_bswap16((uint16_t)value);
    __builtin_memcpy(to, &swapped, sizeof(swapped));
}

static inline void store32(uint8_t *to, uint32_t value) {
    uint32_t swapped = __builtin_bswap32(value);
    __builtin_memcpy(to, &swapped, sizeof(swapped));
}

// RFC 9293 section 3.4: comparisons modulo 2^32.
static inline bool sequence_before(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) < 0;
}

static inline bool sequence_at_most(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) <= 0;
}

static inline uint32_t sequence_later(uint32_t a, uint32_t b) {
    return sequence_before(a, b) ? b : a;
}

static inline uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static inline uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}
