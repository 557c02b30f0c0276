// Tests on eight bytes at a time, for the string functions. An aligned word never crosses a page, so reading
// one whole is safe even if the string ends inside it; AddressSanitizer must be told so (READS_WORDS).
#pragma once

#include <stdint.h>

#define READS_WORDS __attribute__((no_sanitize("address")))

enum { WORD_BYTES = 8 };

typedef uint64_t __attribute__((may_alias)) word_t;
typedef uint64_t __attribute__((may_alias, aligned(1))) unaligned_word_t;
typedef uint32_t __attribute__((may_alias, aligned(1))) unaligned_half_word_t;
typedef uint16_t __attribute__((may_alias, aligned(1))) unaligned_short_t;

// The byte in all eight places.
static inline uint64_t word_fill(unsigned char byte) {
    return 0x0101010101010101u * byte;
}

// The top bit of the lowest zero byte is the lowest bit set in the result; 0 if no byte is zero.
static inline uint64_t word_zeros(uint64_t word) {
    return (word - word_fill(1)) & ~word & word_fill(0x80);
}

// Where in memory order the lowest byte that word_zeros marked lies: 0 to 7.
static inline unsigned word_first(uint64_t marks) {
    return (unsigned)__builtin_ctzll(marks) / 8;
}
