// Fair shared/exclusive locks for fibers. Invariant: tickets are served in order, so a waiting writer is not
// starved by readers that come later. Called by the whole core.
#include "servers/ext2/lock.h"

static void ticket_wait(struct core_lock *lock, bool exclusive) {
    uint16_t ticket = lock->next_ticket++;
    while (lock->served_ticket != ticket || (exclusive ? lock->holders != 0 : lock->holders < 0))
        platform_queue_wait(&lock->waiters);
    lock->served_ticket++;
    lock->holders = exclusive ? -1 : lock->holders + 1;
    if (lock->next_ticket != lock->served_ticket)
        platform_queue_wake_all(&lock->waiters); // the next may share
}

void core_lock_shared(struct core_lock *lock) {
    if (lock->holders >= 0 && lock->next_ticket == lock->served_ticket) {
        lock->holders++;
        return;
    }
    ticket_wait(lock, false);
}

void core_lock_exclusive(struct core_lock *lock) {
    if (!core_lock_try_exclusive(lock))
        ticket_wait(lock, true);
}

bool core_lock_try_exclusive(struct core_lock *lock) {
    if (!core_lock_idle(lock))
        return false;
    lock->holders = -1;
    return true;
}

void core_unlock(struct core_lock *lock) {
    lock->holders = lock->holders < 0 ? 0 : lock->holders - 1;
    if (lock->next_ticket != lock->served_ticket)
        platform_queue_wake_all(&lock->waiters);
}
