// The privileged instructions as inline functions, one per instruction: control and model-specific registers,
// ports, CPUID and the hardware random numbers. No state and no policy; every file of kernel/x86_64 may use
// them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    MSR_APIC_BASE = 0x1b,
    MSR_PAT = 0x277,
    MSR_EFER = 0xc0000080,
    EFER_SYSCALL = 1 << 0,
    EFER_NX = 1 << 11,
    CR0_TASK_SWITCHED = 1 << 3,
    CR4_GLOBAL_PAGES = 1 << 7,
    CR4_UMIP = 1 << 11,
    CR4_SMEP = 1 << 20,
    CR4_SMAP = 1 << 21,
};
enum { PIT_HZ = 1193182, PIT_CHANNEL_0 = 0x40, PIT_COMMAND = 0x43 };

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid_result r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

// port_read8, port_write8 and so on.
#define PORT_ACCESS(bits, suffix)                                                                                                \
    static inline void port_write##bits(uint16_t port, uint##bits##_t value) {                                                   \
        __asm__ volatile("out" suffix " %0, %1" : : "a"(value), "Nd"(port));                                                     \
    }                                                                                                                            \
    static inline uint##bits##_t port_read##bits(uint16_t port) {                                                                \
        uint##bits##_t value;                                                                                                    \
        __asm__ volatile("in" suffix " %1, %0" : "=a"(value) : "Nd"(port));                                                      \
        return value;                                                                                                            \
    }
PORT_ACCESS(8, "b")
PORT_ACCESS(16, "w")
PORT_ACCESS(32, "l")
#undef PORT_ACCESS

// cr0_read, cr0_write and so on.
#define CONTROL_REGISTER(name)                                                                                                   \
    static inline uint64_t name##_read(void) {                                                                                   \
        uint64_t value;                                                                                                          \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                                                   \
        return value;                                                                                                            \
    }                                                                                                                            \
    static inline void name##_write(uint64_t value) {                                                                            \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                                                          \
    }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
#undef CONTROL_REGISTER

static inline uint64_t msr_read(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t tsc_read(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// One try each: false when the CPU has none ready. The caller has checked CPUID.
static inline bool rdrand_try(uint64_t *value) {
    bool ready;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ready));
    return ready;
}

static inline bool rdseed_try(uint64_t *value) {
    bool ready;
    __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(ready));
    return ready;
}

// Stops this CPU for good.
static inline _Noreturn void cpu_stop(void) {
    for (;;)
        __asm__ volatile("cli\n\thlt");
}
