// The kernel lock: one fair lock, taken at every entry from user mode (and by the idle loop) and given back before the page
// tables are switched. It guards all of the kernel's state. A processor that waits for it answers TLB shootdowns meanwhile, so
// its holder may wait for that.
#pragma once

#include <stdint.h>

struct kernel_lock {
    uint32_t next; // ticket that the next one to come takes
    uint32_t now;  // ticket that holds the lock
    uint64_t waits; // how often it was not free at once
};

extern struct kernel_lock kernel_lock_state;

void kernel_lock(void);
// entry.asm and fastpath.asm do the same by themselves.
void kernel_unlock(void);
uint64_t kernel_lock_waits(void);
