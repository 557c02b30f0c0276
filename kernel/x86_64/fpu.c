// See fpu.h. XSAVEOPT came before AVX did: a CPU with plain XSAVE has nothing that FXSAVE would miss.
#include "kernel/x86_64/fpu.h"

#include "kernel/debug/log.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/string.h"

enum { CR0_MONITOR = 1 << 1, CR0_EMULATION = 1 << 2, CR0_NUMERIC_ERROR = 1 << 5 };
enum { CR4_FXSR = 1 << 9, CR4_EXCEPTIONS = 1 << 10, CR4_XSAVE = 1 << 18 };
enum { STATE_X87 = 1 << 0, STATE_SSE = 1 << 1, STATE_AVX = 1 << 2, STATE_AVX512 = 7 << 5 };          // the last: all or none
enum { AREA_BYTES = 4096, CONTROL_WORD_DEFAULT = 0x37f, MXCSR_OFFSET = 24, MXCSR_DEFAULT = 0x1f80 }; // all exceptions masked

static uint32_t state_mask; // XCR0, whose upper half stays 0; 0: FXSAVE

void fpu_initialize(void) {
    if (cpu_features.xsave && cpu_features.xsaveopt) {
        uint32_t possible = cpuid(0xd, 0).eax;
        state_mask = STATE_X87 | STATE_SSE | (possible & STATE_AVX);
        if ((possible & STATE_AVX512) == STATE_AVX512 && (state_mask & STATE_AVX))
            state_mask |= STATE_AVX512;
    }
    log_write(LOG_INFO, "fpu: %s, states %x", state_mask ? "XSAVEOPT" : "FXSAVE", state_mask);
}

void fpu_enable(void) {
    cr0_write((cr0_read() & ~(uint64_t)(CR0_EMULATION | CR0_TASK_SWITCHED)) | CR0_MONITOR | CR0_NUMERIC_ERROR);
    cr4_write(cr4_read() | CR4_FXSR | CR4_EXCEPTIONS | (state_mask ? CR4_XSAVE : 0));
    if (state_mask)
        __asm__ volatile("xsetbv" : : "c"(0), "a"(state_mask), "d"(0) : "memory");
}

// An XSAVE header of zeros means: every component in its initial state. MXCSR and, without XSAVE, the control word are loaded
// from the area all the same.
void fpu_initialize_area(void *area) {
    memset(area, 0, AREA_BYTES);
    *(uint16_t *)area = CONTROL_WORD_DEFAULT;
    *(uint32_t *)(void *)((char *)area + MXCSR_OFFSET) = MXCSR_DEFAULT;
}

void fpu_save(void *area) {
    if (state_mask)
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_restore(const void *area) {
    if (state_mask)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}
