// Locks for fibers: shared or exclusive, fair (first come, first served), built on platform queues. A holder may wait for the
// disk. A fiber never takes the same lock twice; the order of locks is in README.md.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/ext2/platform.h"

struct fiber_lock {
    int32_t holders; // -1: exclusive; else the number of sharers
    uint32_t next_ticket, served_ticket;
    struct platform_queue waiters;
};

void fiber_lock_shared(struct fiber_lock *lock);    // WAITS
void fiber_lock_exclusive(struct fiber_lock *lock); // WAITS
bool fiber_lock_try_exclusive(struct fiber_lock *lock);
void fiber_unlock(struct fiber_lock *lock);
static inline bool fiber_lock_idle(const struct fiber_lock *lock)
{
    return lock->holders == 0 && lock->next_ticket == lock->served_ticket;
}
