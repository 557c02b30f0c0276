// Every write to state memory goes through here, in the order in which it is asked for: what survives a crash
// is a prefix of these stores. Host tests put a header of the same path in front of this one, which cuts the
// sequence anywhere.
#pragma once

#include <stdint.h>

static inline void state_store_bytes(void *to, const void *from, uint64_t length) {
    __builtin_memcpy(to, from, length);
    __asm__ volatile("" : : : "memory");
}

// One aligned store that is seen whole or not at all.
static inline void state_store_word(uint32_t *to, uint32_t value) {
    __atomic_store_n(to, value, __ATOMIC_RELEASE);
    __asm__ volatile("" : : : "memory");
}
