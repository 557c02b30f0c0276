// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for what an attacker must not guess: initial
// sequence numbers (RFC 6528), SYN cookies, ephemeral ports, buckets of hash tables. Pure.
#pragma once

#include <stdint.h>

struct siphash_key {
    uint64_t words[2];
};

uint64_t siphash(const struct siphash_key *key, const void *data, uint32_t length);
