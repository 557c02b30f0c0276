// Bitmaps of little-endian 64-bit words, as ext2's are when read on a little-endian machine. Limits are in
// bits; bitmaps are whole blocks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool bit_test(const uint8_t *bits, uint32_t index) {
    return bits[index / 8] >> (index % 8) & 1;
}
static inline void bit_set(uint8_t *bits, uint32_t index) {
    bits[index / 8] = (uint8_t)(bits[index / 8] | 1u << (index % 8));
}
static inline void bit_clear(uint8_t *bits, uint32_t index) {
    bits[index / 8] = (uint8_t)(bits[index / 8] & ~(1u << (index % 8)));
}

// First index >= from whose bit is `value`, or limit.
static inline uint32_t bits_find(const uint8_t *bits, uint32_t from, uint32_t limit, bool value) {
    const uint64_t *words = (const uint64_t *)(const void *)bits;
    uint64_t invert = value ? 0 : ~0ull;
    while (from < limit) {
        uint64_t word = (words[from / 64] ^ invert) & (~0ull << (from % 64));
        if (word) {
            uint32_t index = (from & ~63u) + (uint32_t)__builtin_ctzll(word);
            return index < limit ? index : limit;
        }
        from = (from & ~63u) + 64;
    }
    return limit;
}

static inline uint32_t bits_count_clear(const uint8_t *bits, uint32_t limit) {
    uint32_t clear = 0;
    for (uint32_t at = bits_find(bits, 0, limit, false); at < limit; at = bits_find(bits, at, limit, false)) {
        uint32_t end = bits_find(bits, at, limit, true);
        clear += end - at;
        at = end;
    }
    return clear;
}
