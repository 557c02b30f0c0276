// Making a thread the one that returns to user mode: its space, its segment bases, its FPU state and I/O ports. The
// scheduler decides, this does.
#pragma once

#include <stdint.h>

#include "kernel/memory/space.h"
#include "kernel/sched/thread.h"

// Loads what the thread needs; 1 if the address space changes, else 0.
uint32_t switch_to(struct thread *thread);
// Its FPU state is in its memory, if it was in this processor's registers.
void switch_save_fpu(struct thread *thread);
// Nothing of the thread may stay loaded: it ends.
void switch_forget(struct thread *thread);
// No processor may use this space any more: it is being taken apart.
void switch_leave_space(struct space *space);
// The I/O ports of the process changed.
void switch_ports_changed(struct process *process);
// Lets interrupts in, without the kernel lock; sleeps until one was taken, or not.
void switch_idle(bool sleep);
// Makes another processor look at its queue and its current thread.
void switch_kick(struct cpu *cpu);
// Every processor chooses its entry for system calls anew; this one at once, the others when they take the
// interrupt.
void switch_choose_entries(void);
