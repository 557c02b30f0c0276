// Choosing and switching: what happens between "the kernel's work is done" and the return to user mode; and the queues of ready
// threads, one for each processor. Choice is O(1) by the bit set of priorities in use. Invariant: a thread with `in_queue` stands
// in the queue of the processor thread->cpu.
#pragma once

#include "kernel/sched/cpu.h"
#include "kernel/sched/thread.h"

// Counters for kernel.information. Switches are the scheduler's own: those of the fast path are two for each message.
extern uint64_t switch_count, interrupt_count;

// Picks the thread that returns to user mode on this processor, makes its space and extras current and arms the timer.
// Idles, without the kernel lock, while there is none.
void schedule(void);
// The thread, which has just entered the kernel here, may go on. False if it was ended or stopped from another processor
// meanwhile: then its call is not made, and schedule() is next.
bool schedule_admit(struct thread *thread, bool by_call);
// The timer went off: slices and deadlines.
void schedule_tick(void);

// The current thread gives the rest of its slice to others of its priority.
void schedule_yield(void);
// The thread ends: it is charged what it used, and nothing points at it any more.
void schedule_forget(struct thread *thread);
// The thread, which woke up and waits in its queue, has the priority of the one that runs there: that one's turn is interrupted
// soon.
void schedule_hurry(const struct thread *thread);
// The thread, of class 2, has woken up: true if this processor was busy for PATIENCE_NS, and the thread is out of the queue until
// nothing else would run here, or for as long.
bool schedule_gather(struct thread *thread);
// The thread's extras or affinity changed: the processor that runs it looks at it again.
void schedule_review(struct thread *thread);

// Wakes the thread from its wait or call at `time`; it replaces an earlier one.
void timer_add(struct thread *thread, uint64_t time);
void timer_remove(struct thread *thread);

// Run queues.
#define TIME_SLICE_NS UINT64_C(10000000)
#define PATIENCE_NS   UINT64_C(1000000) // what a turn may still take when a peer has woken up

// The processor takes part from now on.
void cpu_register(struct cpu *cpu);
// At the front: a thread woken by a message runs before others of its priority (its caller gave it the time). It waits for
// this processor if it may run here: a woken server runs where its caller did. Otherwise it waits for the one that holds its
// FPU state, or for one that idles.
void run_queue_push(struct thread *thread, bool front);
void run_queue_remove(struct thread *thread);
// The best thread that waits to run on this processor, or NULL.
struct thread *run_queue_first(void);
// True if a thread of the same priority waits here for its turn.
bool run_queue_has_peer(const struct thread *thread);
// Moves a thread that waits for another processor to this one; false if there is none that may run here.
bool run_queue_steal(void);
