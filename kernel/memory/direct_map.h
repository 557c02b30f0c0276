// The window through which the kernel reaches all RAM: physical address p is seen at direct_map_base + p. The kernel
// touches user memory only here, page by page after a walk, so it never takes a page fault of its own.
#pragma once

#include <stdint.h>

extern uint64_t direct_map_base;

static inline void *direct_map(uint64_t physical) {
    return (void *)(direct_map_base + physical); // NOLINT(performance-no-int-to-ptr)
}
static inline uint64_t direct_map_physical(const void *address) {
    return (uint64_t)address - direct_map_base;
}
