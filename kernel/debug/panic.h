// The end of the kernel: says which invariant is broken and where, and stops this CPU. User input never leads
// here.
#pragma once

#include <stdint.h>

extern uint64_t __stack_chk_guard; // set once, before the first function that checks it

// The invariant that does not hold, as a sentence with its numbers. Prints the stack of the caller.
_Noreturn void panic(const char *invariant, ...) __attribute__((format(printf, 1, 2)));
// The same for an exception in the kernel: its instruction pointer and frame pointer (RBP) are where the
// stack starts.
_Noreturn void panic_at(uintptr_t instruction, uintptr_t frame, const char *invariant, ...)
    __attribute__((format(printf, 3, 4)));
