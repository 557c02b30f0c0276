// Segment descriptors, task state, interrupt descriptors and stacks: built once for each processor, then only the I/O
// permission maps change. Intel SDM volume 3, chapters 3, 6 and 8.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct process;
struct processor;

enum { SELECTOR_KERNEL_CODE = 0x08, SELECTOR_KERNEL_DATA = 0x10, SELECTOR_USER_DATA = 0x1b, SELECTOR_USER_CODE = 0x23 };

// Another processor, with its tables and stacks; NULL: no memory. The boot processor is there from the start.
struct processor *descriptors_allocate(void);
// On the processor itself: loads the tables, GS, and the registers that lead `syscall` to entry.asm.
void descriptors_load(struct processor *processor);
// Which entry system calls of this processor take: it depends on the number of processors, and on tracing.
void descriptors_choose_entry(void);
void descriptors_allow_ports(struct processor *processor, const struct process *process);
void descriptors_deny_ports(struct processor *processor, const struct process *process);
// Walks the kernel's stack, from the frame at *frame (an RBP) to its caller's: *instruction is the return address. Never faults:
// false at the end, or where the chain leaves the processors' stacks or does not go upwards.
bool stack_trace_next(uintptr_t *frame, uintptr_t *instruction);
