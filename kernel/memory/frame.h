// Physical memory by the page ("frame"): who may use which, and how many share it. A buddy allocator over every free
// range of the boot map; blocks of 2^order frames, naturally aligned. Invariant: a frame is free (in one free list,
// count 0) or has count users.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/errors.h"

enum { PAGE_SHIFT = 12, PAGE_BYTES = 4096, FRAME_ORDERS = 19 }; // up to 1 GiB

#define FRAME_ANYWHERE UINT64_MAX
#define FRAME_BELOW_4G UINT64_C(0x100000000)

void frame_initialize(const struct boot_info *info);

// A block of 2^order frames that lies below `limit`, contents undefined, count 1. ERR_NO_MEMORY.
error_t frame_allocate(uint32_t order, uint64_t limit, uint64_t *physical) MUST_USE;
// One zeroed frame.
error_t frame_allocate_zeroed(uint64_t *physical) MUST_USE;
// Gives a whole block back, whatever its count.
void frame_free(uint64_t physical, uint32_t order);

// Sharing, of single frames. frame_release frees the frame with its last user.
void frame_share(uint64_t physical);
bool frame_is_shared(uint64_t physical);
void frame_release(uint64_t physical);

// True if the kernel manages this address as RAM.
bool frame_is_managed(uint64_t physical);
uint64_t frame_total_bytes(void);
// What the kernel holds for itself since boot: its image, first tables and frame records.
uint64_t frame_kernel_bytes(void);
uint64_t frame_free_bytes(void);
