// Who runs: 64 priorities, first come first served within one, round robin for class 0. The running thread is not in the queue. Choice is O(1) by a bit set of
// priorities in use.
#pragma once

#include "kernel/sched/thread.h"

#define TIME_SLICE_NS UINT64_C(10000000)

void run_queue_initialize(void);
// At the front: a thread woken by a message runs before others of its priority (its caller gave it the time).
void run_queue_push(struct thread *thread, bool front);
void run_queue_remove(struct thread *thread);
// The best thread that waits to run, or NULL.
struct thread *run_queue_first(void);
// True if a thread of the same priority waits for its turn.
bool run_queue_has_peer(const struct thread *thread);

// The highest priority in the queue, 0 if it is empty: what the fast path compares.
extern uint8_t run_queue_top;
