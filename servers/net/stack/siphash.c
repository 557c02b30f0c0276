// See siphash.h.
#include "servers/net/stack/siphash.h"

#include <string.h>

static inline uint64_t rotate(uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
}

// In its callers, so that the words stay in registers.
__attribute__((always_inline)) static inline void mix(uint64_t v[4], int rounds) {
#pragma unroll
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t siphash(const struct siphash_key *key, const void *data, uint32_t length) {
    const uint8_t *at = data;
    uint64_t v[4] = {key->words[0] ^ 0x736f6d6570736575, key->words[1] ^ 0x646f72616e646f6d, key->words[0] ^ 0x6c7967656e657261,
                     key->words[1] ^ 0x7465646279746573};
    uint32_t left = length;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        v[3] ^= word;
        mix(v, 2);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)length << 56;
    for (uint32_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    mix(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
