// Locks between fibers. A lock is handed over: whoever unlocks grants it to those whose turn it is, so nobody
// has to look again after waking, and nobody overtakes.
#include <stddef.h>

#include "libipc/server/loop.h"

static void wait_turn(struct fiber_lock *lock, bool exclusive) {
    if (loop.running == NULL)
        __builtin_trap(); // the loop itself can't wait
    loop.running->wants_exclusive = exclusive;
    fiber_wait_always(&lock->waiters);
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
        lock->exclusive = true;
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
            lock->exclusive = true;
        else
            return;
        fiber_wake(&lock->waiters);
    }
}
