// See cpu_features.h. Bits: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
#include "kernel/x86_64/cpu_features.h"

#include "kernel/debug/log.h"
#include "kernel/x86_64/registers.h"

enum { MSR_ARCH_CAPABILITIES = 0x10a, RDCL_NO = 1 };
enum { VENDOR_AMD = 0x68747541, VENDOR_HYGON = 0x6f677948, HYPERVISOR_TCG = 0x54474354 }; // the first four letters

struct cpu_features cpu_features;

// A leaf that the CPU does not have is all zeros.
static struct cpuid_result leaf(uint32_t number, uint32_t subleaf) {
    bool there = number <= cpuid(number & 0x80000000, 0).eax;
    return there ? cpuid(number, subleaf) : (struct cpuid_result){0};
}

// AMD's and Hygon's never did; others say so when they do not.
static bool kernel_pages_leak(bool emulated, bool tells) {
    uint32_t vendor = cpuid(0, 0).ebx;
    if (emulated || vendor == VENDOR_AMD || vendor == VENDOR_HYGON)
        return false;
    return !tells || !(msr_read(MSR_ARCH_CAPABILITIES) & RDCL_NO);
}

void cpu_features_detect(void) {
    struct cpuid_result one = leaf(1, 0), seven = leaf(7, 0);
    bool hypervisor = one.ecx >> 31, emulated = hypervisor && cpuid(0x40000000, 0).ebx == HYPERVISOR_TCG;
    cpu_features = (struct cpu_features){
        .xsave = one.ecx >> 26 & 1,
        .xsaveopt = leaf(0xd, 1).eax & 1,
        .rdrand = one.ecx >> 30 & 1,
        .rdseed = seven.ebx >> 18 & 1,
        .smep = seven.ebx >> 7 & 1,
        .smap = seven.ebx >> 20 & 1,
        .umip = seven.ecx >> 2 & 1,
        .tsc_is_steady = hypervisor || leaf(0x80000007, 0).edx >> 8 & 1,
        .leaks_kernel_pages = kernel_pages_leak(emulated, seven.edx >> 29 & 1),
    };
    log_write(LOG_INFO, "cpu: SMEP %u, SMAP %u, UMIP %u, RDSEED %u%s", cpu_features.smep, cpu_features.smap, cpu_features.umip,
              cpu_features.rdseed, cpu_features.leaks_kernel_pages ? ", leaks kernel pages" : "");
}
