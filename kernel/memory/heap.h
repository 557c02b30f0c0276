// Memory for kernel objects: slabs of a few sizes, cut from single frames. Each account has slabs of its own and pays for them
// whole, so nobody holds memory that nobody pays for. Invariant: a slab's frame goes back as soon as its last object is freed.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

struct account;

enum { HEAP_CLASSES = 8 }; // of sizes, up to 2,016 bytes

// `bytes` zeroed bytes, aligned to 16, of the account's (NULL: the kernel's own), which outlives them. ERR_QUOTA, ERR_NO_MEMORY.
error_t heap_allocate(struct account *account, size_t bytes, void **memory) MUST_USE;
void heap_free(void *memory);
