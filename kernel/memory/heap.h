// Memory for kernel objects: slabs of power-of-two sizes, cut from single frames. Invariant: a slab's frame goes back
// as soon as its last object is freed, so what is not in use is free memory again.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

enum { HEAP_LARGEST = 2048 }; // bytes

// `bytes` zeroed bytes, aligned to 16. ERR_NO_MEMORY.
error_t heap_allocate(size_t bytes, void **memory) MUST_USE;
void heap_free(void *memory);
// What an object of this size takes from its account.
size_t heap_charge(size_t bytes);
// Bytes in partly used slabs that no object uses.
uint64_t heap_slack_bytes(void);
