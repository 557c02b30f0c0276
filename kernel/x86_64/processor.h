// What each processor has for itself (reached through GS while in the kernel) and the instructions that C has no words
// for. layout.c tells the assembler its offsets.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/sched/cpu.h"
#include "kernel/x86_64/registers.h"

struct process;

enum { KERNEL_STACK_BYTES = 16384 };

struct processor {
    struct cpu cpu; // first: the two have one address
    struct processor *self;
    uint64_t kernel_stack;       // its top
    uint64_t user_stack;         // scratch for system call entry
    uint64_t space_root;         // what CR3 holds, or will when `load_root` was loaded
    uint64_t load_root;          // loaded on the way out, after the lock was given back; 0: nothing
    uint64_t mailbox;            // a root that another processor wants loaded now: see processors.h; 0: read
    uint64_t fs_base, gs_base;   // user bases as loaded
    const void *fs_owner;        // process whose FS base is loaded
    struct thread *fpu_owner;    // whose state the FPU registers hold
    struct process *ports_owner; // whose ports the I/O permission map shows
    uint8_t fpu_trapped;         // CR0.TS is set
    uint8_t kicked;              // a reschedule interrupt is on its way
    uint32_t apic_id;
    struct tables *tables; // descriptors.c
};

extern struct processor boot_processor;

static inline struct processor *processor_self(void) {
    struct processor *self;
    __asm__("mov %%gs:%c1, %0" : "=r"(self) : "i"(offsetof(struct processor, self)));
    return self;
}
static inline struct processor *processor_at(uint32_t index) {
    return (struct processor *)cpus[index];
}
static inline struct cpu *cpu_self(void) {
    return &processor_self()->cpu;
}
static inline uint64_t processor_space_root(void) {
    return processor_self()->space_root;
}
static inline void processor_load_space(uint64_t root) {
    processor_self()->space_root = root;
    cr3_write(root);
}
static inline void processor_invalidate_page(uint64_t address) {
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
static inline uint64_t processor_fault_address(void) {
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}
