// Choosing and switching: what happens between "the kernel's work is done" and the return to user mode.
#pragma once

#include "kernel/sched/thread.h"

// Counters for kernel.information.
extern uint64_t message_count, switch_count, interrupt_count, idle_time;

// Picks the thread that returns to user mode, makes its space and extras current and arms the timer. Idles while there
// is none.
void schedule(void);
// The timer went off: slices and deadlines.
void schedule_tick(void);

// The current thread gives the rest of its slice to others of its priority.
void schedule_yield(void);
// The thread ends: it is charged what it used, and nothing points at it any more.
void schedule_forget(struct thread *thread);

// Deadlines, ordered by time.
void timer_add(struct tree_node *node, uint64_t time);
void timer_remove(struct tree_node *node);
