// The modelled processor: in front of the kernel's header of the same name, whose instructions a host program can't execute.
#pragma once

#include <stdint.h>

#include "kernel/sched/cpu.h"

struct process;

enum { KERNEL_STACK_BYTES = 16384 };

struct processor {
    struct cpu cpu;
    struct processor *self;
    uint64_t kernel_stack, user_stack;
    uint64_t space_root; // what CR3 would hold
    uint64_t fault_address;
};

extern struct processor boot_processor;

static inline struct processor *processor_self(void) {
    return &boot_processor;
}
static inline struct cpu *cpu_self(void) {
    return &boot_processor.cpu;
}
static inline uint64_t processor_space_root(void) {
    return boot_processor.space_root;
}
static inline void processor_load_space(uint64_t root) {
    boot_processor.space_root = root;
}
static inline _Noreturn void cpu_stop(void) {
    __builtin_trap();
}
static inline void processor_invalidate_page(uint64_t address) {
    (void)address;
}
static inline uint64_t processor_fault_address(void) {
    return boot_processor.fault_address;
}
