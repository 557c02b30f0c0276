// The kernel's random numbers: ChaCha20 (RFC 8439) with fast key erasure, so that what was given out cannot
// be computed from what the kernel holds afterwards. Seeded at boot, reseeded from interrupt timing and the
// CPU's generator. Called under the kernel lock.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"

// With a seed given at boot (info->repeatable) the CPU's generator and timing are ignored for ever.
void entropy_initialize(const struct boot_info *info);

// Adds something hard to guess, such as the TSC at an interrupt: a few instructions.
void entropy_stir(uint64_t value);

void entropy_fill(void *destination, size_t length);

// One block of key stream: RFC 8439, 2.3. Here for the tests against the RFC's vectors.
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t output[64]);
