// What each processor has for itself (reached through GS while in the kernel) and the instructions that C has no words
// for. layout.c tells the assembler its offsets.
#pragma once

#include <stdint.h>

struct thread;

enum { KERNEL_STACK_BYTES = 16384 };

struct processor {
    struct processor *self;
    struct thread *current;
    uint64_t kernel_stack; // its top
    uint64_t user_stack;   // scratch for system call entry
    uint64_t space_root;   // what CR3 holds
    uint64_t fs_base, gs_base; // user bases as loaded
    const void *fs_owner;      // process whose FS base is loaded
    struct thread *fpu_owner;  // whose state the FPU registers hold
    struct process *ports_owner; // whose ports the I/O permission map shows
    uint8_t fpu_trapped;         // CR0.TS is set
    uint32_t index;
};

extern struct processor boot_processor;

static inline struct processor *processor_self(void) {
    struct processor *self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    return self;
}
static inline uint64_t processor_space_root(void) {
    return processor_self()->space_root;
}
static inline void processor_load_space(uint64_t root) {
    processor_self()->space_root = root;
    __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}
static inline void processor_invalidate_page(uint64_t address) {
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
static inline void processor_write_msr(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}
static inline uint64_t processor_fault_address(void) {
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}
