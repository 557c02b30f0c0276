// What the scheduler keeps for each processor: who runs there, who waits for a turn, whose time it is, and the deadlines
// that were set there. The kernel lock guards it all, its owner's included. kernel/x86_64/processor.h embeds it in what the
// processor's GS points to.
#pragma once

#include "kernel/structure/list.h"
#include "kernel/structure/tree.h"

struct thread;

enum { PRIORITIES = 64, PRIORITY_HIGHEST = 63, CPUS_MAX = 64 };

// Threads that are ready: first come first served within a priority. The running thread is not in it.
struct run_queue {
    uint8_t top;       // the highest priority in it, 0 if it is empty: what the fast path compares
    uint64_t occupied; // a bit for each priority in use
    struct list threads[PRIORITIES];
};

struct cpu {
    struct thread *current; // runs, or entered the kernel last; NULL: idle
    struct run_queue queue;
    struct tree timers;     // struct thread.timer
    struct thread *payer;   // whose turn it is: the current thread, or the caller whose time it was given
    struct thread *spender; // whose account pays for the time: that thread, or one that it set off and that came in between
    uint64_t slice_end;     // when the turn is over, or interrupted
    uint64_t slice_rest;    // what is left of it then
    uint64_t running_since; // when the current thread began to be charged
    uint64_t armed;         // what the alarm is set to; UINT64_MAX: to nothing
    uint64_t idle_time, idle_until; // nanoseconds; when it idled last
    uint64_t messages;              // calls, sends and forwards
    uint32_t index;
    bool slice_over;  // the current thread must let its peers run
    bool budgeted;    // slice_end is when the payer's account has spent its budget: not even alone it runs on
    bool timer_stale; // a deadline was added or the alarm fired: look at it again
};

extern struct cpu *cpus[CPUS_MAX]; // those that run, by index
extern uint32_t cpu_count;
