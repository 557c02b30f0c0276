// Locks for fibers: shared or exclusive, fair (first come, first served), built on platform queues; they can
// also be asked whether they are idle, which decides what a cache may drop. A holder may wait for the disk. A
// fiber never takes the same lock twice; the order of locks is in README.md.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/ext2/platform.h"

struct core_lock {
    struct platform_queue waiters;
    int32_t holders;                     // -1: exclusive; else the number of sharers
    uint16_t next_ticket, served_ticket; // modulo 2^16, which is more than fibers can be
};

void core_lock_shared(struct core_lock *lock);    // WAITS
void core_lock_exclusive(struct core_lock *lock); // WAITS
bool core_lock_try_exclusive(struct core_lock *lock);
void core_unlock(struct core_lock *lock);
static inline bool core_lock_idle(const struct core_lock *lock) {
    return lock->holders == 0 && lock->next_ticket == lock->served_ticket;
}
