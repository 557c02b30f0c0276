// The queues of ready threads, one for each processor; see struct run_queue in cpu.h. Choice is O(1) by the bit set of
// priorities in use. Invariant: a thread with `in_queue` stands in the queue of the processor thread->cpu.
#pragma once

#include "kernel/sched/cpu.h"
#include "kernel/sched/thread.h"

#define TIME_SLICE_NS UINT64_C(10000000)

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
