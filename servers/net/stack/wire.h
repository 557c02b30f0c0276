// Numbers in network byte order (RFC 9293 and all others: most significant byte first) at any alignment, and
// arithmetic on sequence numbers. Pure; used by every file of the stack.
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t load16(const uint8_t *from) {
    return (uint16_t)(from[0] << 8 | from[1]);
}

static inline uint32_t load32(const uint8_t *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline void store16(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline void store32(uint8_t *to, uint32_t value) {
    store16(to, value >> 16);
    store16(to + 2, value);
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
