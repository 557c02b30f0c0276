// A ticket lock; see lock.h.
#include "kernel/x86_64/lock.h"

#include "kernel/x86_64/processors.h"

struct kernel_lock kernel_lock_state;

void kernel_lock(void) {
    struct kernel_lock *lock = &kernel_lock_state;
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&lock->now, __ATOMIC_ACQUIRE) == ticket)
        return;
    while (__atomic_load_n(&lock->now, __ATOMIC_ACQUIRE) != ticket) {
        processors_answer();
        __builtin_ia32_pause();
    }
    lock->waits++;
}

uint64_t kernel_lock_waits(void) {
    return kernel_lock_state.waits;
}

void kernel_unlock(void) {
    __atomic_store_n(&kernel_lock_state.now, kernel_lock_state.now + 1, __ATOMIC_RELEASE);
}
