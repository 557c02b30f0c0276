// More than one processor: the lock between them, starting them, and telling them that page tables changed. The kernel lock is
// one fair (ticket) lock, taken at every entry from user mode (and by the idle loop) and given back before the page tables are
// switched; it guards all of the kernel's state. A change to a present entry is not over before every processor that uses the
// tables has answered, so a frame is never reused under an old translation; a processor that waits for the lock answers
// meanwhile.
#pragma once

#include <stdint.h>

struct kernel_lock {
    uint32_t next;  // ticket that the next one to come takes
    uint32_t now;   // ticket that holds the lock
    uint64_t waits; // how often it was not free at once
};

extern struct kernel_lock kernel_lock_state;

void kernel_lock(void);
// entry.asm and fastpath.asm do the same by themselves.
void kernel_unlock(void);
uint64_t kernel_lock_waits(void);

struct acpi_information;

// Starts every processor that the tables name, at most CPUS_MAX in all. Called once, with the kernel lock held, before the
// first thread runs; one that does not answer is left out with a message.
void processors_start(const struct acpi_information *acpi);

// The number of the processor that asks, found without GS.
uint32_t processors_own_index(void);

// Every other processor takes an NMI, and stops if the kernel has panicked. GS need not be the kernel's.
void processors_stop(void);

// Every other processor whose CR3 holds `root` loads `instead` (the same root: its translations are forgotten) before this
// returns. The caller holds the kernel lock.
void processors_reload(uint64_t root, uint64_t instead);
// Every other processor forgets what it knows of the kernel's own mappings.
void processors_forget_kernel_mappings(void);
// Answers what another processor wants of this one.
void processors_answer(void);
