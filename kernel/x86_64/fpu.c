// See fpu.h.
#include "kernel/debug/log.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/string.h"

enum { CR0_MONITOR = 1 << 1, CR0_EMULATION = 1 << 2, CR0_TASK_SWITCHED = 1 << 3, CR0_NUMERIC_ERROR = 1 << 5 };
enum { CR4_FXSR = 1 << 9, CR4_EXCEPTIONS = 1 << 10, CR4_XSAVE = 1 << 18 };
enum {
    STATE_X87 = 1 << 0,
    STATE_SSE = 1 << 1,
    STATE_AVX = 1 << 2,
    STATE_AVX512 = 7 << 5
}; // the last: all or none
enum { FXSAVE_BYTES = 512, MXCSR_OFFSET = 24 };
enum { CONTROL_WORD_DEFAULT = 0x37f, MXCSR_DEFAULT = 0x1f80 }; // all exceptions masked

enum save_kind { SAVE_FX, SAVE_X, SAVE_X_OPTIMIZED };

static enum save_kind save_kind;
static uint32_t area_size = FXSAVE_BYTES;
static uint32_t state_mask; // XCR0; its upper half stays 0

// Size of the standard form: the furthest end of any component (CPUID leaf 0xD).
static uint32_t area_size_find(void) {
    uint32_t size = FXSAVE_BYTES + 64; // legacy region and header
    for (uint32_t component = 2; component < 32; component++) {
        struct cpuid_result result = cpuid(0xd, component);
        if ((state_mask >> component & 1) && result.ebx + result.eax > size)
            size = result.ebx + result.eax;
    }
    return size;
}

void fpu_initialize(void) {
    static const char *const names[] = {"FXSAVE", "XSAVE", "XSAVEOPT"};
    if (cpu_features.xsave) {
        uint32_t possible = cpuid(0xd, 0).eax;
        state_mask = STATE_X87 | STATE_SSE | (possible & STATE_AVX);
        if ((possible & STATE_AVX512) == STATE_AVX512 && (state_mask & STATE_AVX))
            state_mask |= STATE_AVX512;
        area_size = area_size_find();
        save_kind = cpu_features.xsaveopt ? SAVE_X_OPTIMIZED : SAVE_X;
    }
    log_write(LOG_INFO, "fpu: %s, states %x, %u bytes per thread", names[save_kind], state_mask, area_size);
}

void fpu_enable(void) {
    uint64_t cr0;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    cr0 &= ~(uint64_t)(CR0_EMULATION | CR0_TASK_SWITCHED);
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_MONITOR | CR0_NUMERIC_ERROR) : "memory");
    cr4_write(cr4_read() | CR4_FXSR | CR4_EXCEPTIONS | (save_kind == SAVE_FX ? 0 : CR4_XSAVE));
    if (save_kind != SAVE_FX)
        __asm__ volatile("xsetbv" : : "c"(0), "a"(state_mask), "d"(0) : "memory");
}

uint32_t fpu_area_size(void) {
    return area_size;
}

// An XSAVE header of zeros means: every component in its initial state. MXCSR and, without XSAVE, the control
// word are loaded from the area all the same.
void fpu_initialize_area(void *area) {
    const uint16_t control_word = CONTROL_WORD_DEFAULT;
    const uint32_t mxcsr = MXCSR_DEFAULT;
    memset(area, 0, area_size);
    memcpy(area, &control_word, sizeof control_word);
    memcpy((uint8_t *)area + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
}

void fpu_save(void *area) {
    switch (save_kind) {
    case SAVE_X_OPTIMIZED:
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
        break;
    case SAVE_X:
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
        break;
    case SAVE_FX:
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
        break;
    }
}

void fpu_restore(const void *area) {
    if (save_kind == SAVE_FX)
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    else
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
}
