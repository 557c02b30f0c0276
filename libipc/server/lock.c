// Locks between fibers. A lock is handed over: whoever unlocks grants it to those whose turn it is, so nobody
// has to look again after waking, and nobody overtakes. Who waits for each other in a circle would wait for ever: the one that
// closes it ends the actor, and its report shows who and where.
#include <stddef.h>

#include "libipc/server/loop.h"

bool fiber_lock_closes_circle(const struct fiber_lock *lock, const struct fiber *fiber) {
    for (uint32_t step = 0; lock != NULL && lock->exclusive && step < FIBER_MAX; step++) {
        const struct fiber *owner = lock->owner;
        if (owner == fiber)
            return true;
        lock = owner->state == FIBER_WAITING ? owner->lock : NULL;
    }
    return false;
}

__attribute__((noinline)) static void deadlock(void) {
    __builtin_trap();
}

static void wait_turn(struct fiber_lock *lock, bool exclusive) {
    struct fiber *fiber = loop.running;
    if (fiber == NULL)
        __builtin_trap(); // the loop itself can't wait
    if (fiber_lock_closes_circle(lock, fiber))
        deadlock();
    fiber->wants_exclusive = exclusive;
    fiber->lock = lock;
    fiber_wait_always(&lock->waiters);
    fiber->lock = NULL;
}

static void grant(struct fiber_lock *lock, const struct fiber *fiber) {
    lock->exclusive = true;
    lock->owner = fiber;
}

void fiber_lock_shared(struct fiber_lock *lock) {
    if (lock->exclusive || lock->waiters.first != NULL)
        wait_turn(lock, false);
    else
        lock->shared++;
}

void fiber_lock_exclusive(struct fiber_lock *lock) {
    if (lock->exclusive || lock->shared != 0 || lock->waiters.first != NULL)
        wait_turn(lock, true);
    else
        grant(lock, loop.running);
}

void fiber_unlock(struct fiber_lock *lock) {
    if (lock->exclusive)
        lock->exclusive = false;
    else
        lock->shared--;
    while (lock->waiters.first != NULL && !lock->exclusive) {
        if (!lock->waiters.first->wants_exclusive)
            lock->shared++;
        else if (lock->shared == 0)
            grant(lock, lock->waiters.first);
        else
            return;
        fiber_wake(&lock->waiters);
    }
}
