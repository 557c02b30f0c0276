// The end of the kernel: says which invariant is broken and where, and stops this CPU. User input never leads
// here.
#pragma once

#include <stdbool.h>
#include <stdint.h>

extern uint64_t __stack_chk_guard; // set once, before the first function that checks it
extern bool panicked;              // from its first word on

// The invariant that does not hold, as a sentence with its numbers. Prints the stack of the caller.
_Noreturn void panic(const char *invariant, ...) __attribute__((format(printf, 1, 2)));
// The same for an exception in the kernel: its instruction pointer and frame pointer (RBP) are where the
// stack starts.
_Noreturn void panic_at(uintptr_t instruction, uintptr_t frame, const char *invariant, ...) __attribute__((format(printf, 3, 4)));

// The names of the kernel's functions: made from the linked kernel by symbols.py, and linked in by a second pass. Offsets from
// the image's start, rising; the name of entry i starts at kernel_symbol_names + kernel_symbol_name_offsets[i].
extern const uint32_t kernel_symbol_count, kernel_symbol_offsets[], kernel_symbol_name_offsets[];
extern const char kernel_symbol_names[];
