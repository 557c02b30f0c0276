// What CPUID says, asked once on the boot CPU before anything else and only read afterwards. Each feature is
// one line of the list below, from which the structure, the detection and the boot message are made.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum cpuid_word {
    CPUID_1_ECX,
    CPUID_1_EDX,
    CPUID_7_EBX,
    CPUID_7_ECX,
    CPUID_7_EDX,
    CPUID_D1_EAX,
    CPUID_80000001_EDX,
    CPUID_80000007_EDX,
    CPUID_WORDS,
};

// Name, register, bit: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.
#define CPU_FEATURE_LIST(X)                                                                                  \
    X(apic, CPUID_1_EDX, 9)                                                                                  \
    X(global_pages, CPUID_1_EDX, 13)                                                                         \
    X(pat, CPUID_1_EDX, 16)                                                                                  \
    X(pcid, CPUID_1_ECX, 17)                                                                                 \
    X(x2apic, CPUID_1_ECX, 21)                                                                               \
    X(tsc_deadline, CPUID_1_ECX, 24)                                                                         \
    X(xsave, CPUID_1_ECX, 26)                                                                                \
    X(avx, CPUID_1_ECX, 28)                                                                                  \
    X(rdrand, CPUID_1_ECX, 30)                                                                               \
    X(hypervisor_present, CPUID_1_ECX, 31)                                                                   \
    X(fsgsbase, CPUID_7_EBX, 0)                                                                              \
    X(smep, CPUID_7_EBX, 7)                                                                                  \
    X(invpcid, CPUID_7_EBX, 10)                                                                              \
    X(avx512, CPUID_7_EBX, 16)                                                                               \
    X(rdseed, CPUID_7_EBX, 18)                                                                               \
    X(smap, CPUID_7_EBX, 20)                                                                                 \
    X(umip, CPUID_7_ECX, 2)                                                                                  \
    X(arch_capabilities, CPUID_7_EDX, 29)                                                                    \
    X(xsaveopt, CPUID_D1_EAX, 0)                                                                             \
    X(no_execute, CPUID_80000001_EDX, 20)                                                                    \
    X(pages_1gib, CPUID_80000001_EDX, 26)                                                                    \
    X(rdtscp, CPUID_80000001_EDX, 27)                                                                        \
    X(invariant_tsc, CPUID_80000007_EDX, 8)

enum hypervisor { HYPERVISOR_NONE, HYPERVISOR_TCG, HYPERVISOR_KVM, HYPERVISOR_OTHER };

struct cpu_features {
#define CPU_FEATURE_FIELD(name, word, bit) bool name;
    CPU_FEATURE_LIST(CPU_FEATURE_FIELD)
#undef CPU_FEATURE_FIELD
    bool leaks_kernel_pages; // Meltdown: needs page-table isolation
    enum hypervisor hypervisor;
    uint32_t family, model, stepping;
    uint32_t physical_address_bits;
    char vendor[13];
    char brand[49];
};

extern struct cpu_features cpu_features;

void cpu_features_detect(void);
void cpu_features_log(void);
