// What the libc tests share: declarations of our functions beside the host's, and repeatable random numbers.
#pragma once

#include "tests/host/cmocka_test.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Declares keelson_NAME with the type that the host gives NAME.
#define OURS(name) extern __typeof__(name) keelson_##name

extern int *keelson___errno_location(void);
#define OUR_ERRNO (*keelson___errno_location())

// xorshift64*: the same numbers in every run.
static uint64_t random_state = 0x9e3779b97f4a7c15;

static inline uint64_t random_word(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
}

// 0 to below - 1.
static inline uint32_t random_below(uint32_t below) {
    return (uint32_t)(random_word() >> 33) % below;
}

static inline int sign_of(long value) {
    return (value > 0) - (value < 0);
}
