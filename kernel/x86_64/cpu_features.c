// See cpu_features.h.
#include <stddef.h>

#include "kernel/debug/log.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/registers.h"

enum { MSR_ARCH_CAPABILITIES = 0x10a, ARCH_CAPABILITIES_RDCL_NO = 1 };

struct cpu_features cpu_features;

static void word_store(char *destination, uint32_t word) {
    for (int index = 0; index < 4; index++)
        destination[index] = (char)(word >> 8 * index);
}

static bool text_equal(const char *left, const char *right) {
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

static void names_read(uint32_t extended_max) {
    struct cpuid_result result = cpuid(0, 0);
    word_store(cpu_features.vendor, result.ebx);
    word_store(cpu_features.vendor + 4, result.edx);
    word_store(cpu_features.vendor + 8, result.ecx);
    for (uint32_t leaf = 0x80000002; leaf <= 0x80000004 && leaf <= extended_max; leaf++) {
        char *part = cpu_features.brand + 16 * (leaf - 0x80000002);
        result = cpuid(leaf, 0);
        word_store(part, result.eax);
        word_store(part + 4, result.ebx);
        word_store(part + 8, result.ecx);
        word_store(part + 12, result.edx);
    }
}

static enum hypervisor hypervisor_find(void) {
    char name[13] = {0};
    if (!cpu_features.hypervisor_present)
        return HYPERVISOR_NONE;
    struct cpuid_result result = cpuid(0x40000000, 0);
    word_store(name, result.ebx);
    word_store(name + 4, result.ecx);
    word_store(name + 8, result.edx);
    if (text_equal(name, "TCGTCGTCGTCG"))
        return HYPERVISOR_TCG;
    return text_equal(name, "KVMKVMKVM") ? HYPERVISOR_KVM : HYPERVISOR_OTHER;
}

// AMD's and Hygon's never did; others say so when they do not.
static bool kernel_pages_leak(void) {
    if (cpu_features.hypervisor == HYPERVISOR_TCG || text_equal(cpu_features.vendor, "AuthenticAMD") ||
        text_equal(cpu_features.vendor, "HygonGenuine"))
        return false;
    return !cpu_features.arch_capabilities || !(msr_read(MSR_ARCH_CAPABILITIES) & ARCH_CAPABILITIES_RDCL_NO);
}

void cpu_features_detect(void) {
    uint32_t words[CPUID_WORDS] = {0};
    uint32_t basic_max = cpuid(0, 0).eax;
    uint32_t extended_max = cpuid(0x80000000, 0).eax;
    struct cpuid_result signature = cpuid(1, 0);

    words[CPUID_1_ECX] = signature.ecx;
    words[CPUID_1_EDX] = signature.edx;
    if (basic_max >= 7) {
        struct cpuid_result result = cpuid(7, 0);
        words[CPUID_7_EBX] = result.ebx;
        words[CPUID_7_ECX] = result.ecx;
        words[CPUID_7_EDX] = result.edx;
    }
    if (basic_max >= 0xd)
        words[CPUID_D1_EAX] = cpuid(0xd, 1).eax;
    words[CPUID_80000001_EDX] = cpuid(0x80000001, 0).edx;
    if (extended_max >= 0x80000007)
        words[CPUID_80000007_EDX] = cpuid(0x80000007, 0).edx;
#define CPU_FEATURE_DETECT(name, word, bit) cpu_features.name = words[word] >> (bit)&1;
    CPU_FEATURE_LIST(CPU_FEATURE_DETECT)
#undef CPU_FEATURE_DETECT

    uint32_t family = signature.eax >> 8 & 0xf;
    cpu_features.model = (signature.eax >> 4 & 0xf) | (signature.eax >> 12 & 0xf0);
    cpu_features.family = family == 0xf ? family + (signature.eax >> 20 & 0xff) : family;
    cpu_features.stepping = signature.eax & 0xf;
    uint32_t bits = extended_max >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
    cpu_features.physical_address_bits = bits < 36 ? 36 : bits > 52 ? 52 : bits;
    names_read(extended_max);
    cpu_features.hypervisor = hypervisor_find();
    cpu_features.leaks_kernel_pages = kernel_pages_leak();
}

void cpu_features_log(void) {
    static const char *const hypervisors[] = {"no hypervisor", "tcg", "kvm", "unknown hypervisor"};
    char line[240];
    size_t used = 0;
#define CPU_FEATURE_NAME(name, word, bit)                                                                    \
    for (const char *from = cpu_features.name ? " " #name : ""; *from && used < sizeof line - 1; from++)     \
        line[used++] = *from;
    CPU_FEATURE_LIST(CPU_FEATURE_NAME)
#undef CPU_FEATURE_NAME
    line[used] = 0;
    log_write(LOG_INFO, "cpu: %s (%s, family %u model %u stepping %u), %s, %u address bits",
              cpu_features.brand, cpu_features.vendor, cpu_features.family, cpu_features.model,
              cpu_features.stepping, hypervisors[cpu_features.hypervisor],
              cpu_features.physical_address_bits);
    log_write(LOG_INFO, "cpu:%s%s", line, cpu_features.leaks_kernel_pages ? ", leaks kernel pages" : "");
}
