// Walking the kernel's stack by frame pointers without ever faulting.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"

// Tells where the direct map is; before this no trace can be had.
void stack_trace_start(const struct boot_info *info);
// From the frame at *frame (an RBP) to its caller's: *instruction is the return address. False at the end, or
// where the chain leaves mapped kernel memory or does not go upwards.
bool stack_trace_next(uintptr_t *frame, uintptr_t *instruction);
