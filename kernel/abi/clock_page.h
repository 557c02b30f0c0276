// The page, read-only to every program, from which time is read without a system call. The kernel writes it
// at boot and when the wall clock is set; a reader sees a consistent copy by the sequence number (odd while
// it is being written). Called by libc's clock functions; kernel/x86_64/clock.c writes it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct clock_page {
    uint32_t sequence;
    uint32_t tsc_usable;     // 0: ask the kernel; the multiplier belongs to a counter that programs cannot read
    uint64_t counter_base;   // TSC value at which the monotonic clock stood at monotonic_base
    uint64_t monotonic_base; // nanoseconds
    uint64_t multiplier;     // nanoseconds = (ticks * multiplier) >> shift, in 128 bits
    uint32_t shift;
    uint32_t reserved;
    uint64_t wall_offset; // nanoseconds since 1970-01-01T00:00:00Z at monotonic 0; 0: not known
    uint64_t frequency;   // of the counter, in Hz, as it was calibrated
};

// ticks to nanoseconds by one 64x64->128 multiplication and a shift. The result is exact if it fits in 64
// bits.
static inline uint64_t clock_scale(uint64_t ticks, uint64_t multiplier, uint32_t shift) {
    return (uint64_t)(((unsigned __int128)ticks * multiplier) >> shift);
}

// Nanoseconds of the monotonic clock and what to add for wall time. false: the caller must ask the kernel.
static inline bool clock_page_read(const volatile struct clock_page *page, uint64_t *monotonic, uint64_t *wall_offset) {
    uint32_t sequence, low, high;
    uint64_t ticks;
    do {
        sequence = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);
        if (!page->tsc_usable)
            return false;
        __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
        ticks = ((uint64_t)high << 32 | low) - page->counter_base;
        *monotonic = page->monotonic_base + clock_scale(ticks, page->multiplier, page->shift);
        *wall_offset = page->wall_offset;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((sequence & 1) || sequence != __atomic_load_n(&page->sequence, __ATOMIC_RELAXED));
    return true;
}
