// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for what an attacker must not guess: initial
// sequence numbers (RFC 6528), SYN cookies, ephemeral ports. Pure.
#pragma once

#include <stdint.h>

struct siphash_key {
    uint64_t words[2];
};

// Two words into one by a multiplication, for buckets: as long as an attacker sees neither the key that was mixed in before nor
// what comes of it, he can't choose what falls together. An eighth of what a SipHash costs.
static inline uint64_t hash_mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t siphash(const struct siphash_key *key, const void *data, uint32_t length);
