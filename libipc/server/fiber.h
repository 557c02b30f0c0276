// Fibers: how a handler waits while its server goes on serving. Each request runs on one, and each piece of
// background work; they switch only where they wait. A wait is for an answer (any client stub), a queue, a
// lock or a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

struct fiber;

// Those who wait for the same thing, first come first served. Zero is an empty queue.
struct fiber_wait_queue {
    struct fiber *first, *last;
};

// Waits until woken. ERR_CANCELLED: the caller of the request being served wants to give it up. Never ERR_OK
// without a wake-up, but what was waited for may be gone again: test it in a loop.
MUST_USE error_t fiber_wait(struct fiber_wait_queue *queue);
// The same with a deadline on the monotonic clock, in nanoseconds: ERR_DEADLINE.
MUST_USE error_t fiber_wait_until(struct fiber_wait_queue *queue, uint64_t deadline);
// The same, but only a wake-up ends it: for steps that can't be left half done.
void fiber_wait_always(struct fiber_wait_queue *queue);

// Wakes the first in the queue; false if nobody waits. For fibers, timers and notification handlers alike.
bool fiber_wake(struct fiber_wait_queue *queue);
void fiber_wake_all(struct fiber_wait_queue *queue);

// ERR_OK at the deadline, ERR_CANCELLED before it.
MUST_USE error_t fiber_sleep_until(uint64_t deadline);

// Lets other fibers that are ready run first.
void fiber_yield(void);

// What was done until now is committed; nobody else runs meanwhile. Before memory that is not noted
// (libipc/kept/undo.h), like a page of a cache, changes its contents. Nothing in the loop's own context, or
// if nothing is kept.
void fiber_commit(void);
// The same if there is much to take back: once a turn in loops that may change more than the log has room for.
void fiber_breathe(void);

// Runs a function on a fiber of its own, soon. ERR_NO_MEMORY: no stack for it.
MUST_USE error_t fiber_start(void (*function)(void *argument), void *argument);

// Asks the server of the call that a fiber waits for to end it; its answer comes as usual. Nothing if there is no such call, or
// if it is not sent yet.
void fiber_cancel_call(const struct fiber *fiber);

// The fiber that runs now; NULL in the loop's own context (notification handlers, timers, before server_run).
struct fiber *fiber_current(void);

// A lock for shared or exclusive use, fair: who comes later waits behind who waits. Zero is an open lock. A wait that would close
// a circle of exclusive locks ends the actor.
struct fiber_lock {
    uint32_t shared;
    bool exclusive;
    const struct fiber *owner; // if exclusive
    struct fiber_wait_queue waiters;
};

void fiber_lock_shared(struct fiber_lock *lock);
void fiber_lock_exclusive(struct fiber_lock *lock);
void fiber_unlock(struct fiber_lock *lock);
