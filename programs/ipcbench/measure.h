// Reading the processor's counter and making figures of many readings. Everything here uses general registers
// only, so that the threads that are measured own no FPU state. Called by the cases; the overhead of the
// harness itself is measured once and taken off every sample.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum measure_unit { MEASURE_TICKS = 0, MEASURE_NANOSECONDS = 1, MEASURE_INSTRUCTIONS = 2 };

struct clock_page;

// How samples are read and what they count.
struct measure {
    uint64_t overhead; // ticks that an empty measurement takes
    enum measure_unit unit;
    uint64_t multiplier; // nanoseconds = ticks * multiplier >> shift, if the unit is nanoseconds
    uint32_t shift;
};

// The samples of one case. Those before `warm_up` measurements are dropped.
struct series {
    uint64_t *samples; // in the unit of the measure once the case is over
    uint32_t capacity; // samples that are wanted
    uint32_t warm_up;
    uint32_t taken;    // measurements made, warm-up included
    uint64_t excluded; // ticks to be taken off each sample: bytes moved, which are reported apart
};

struct summary {
    uint32_t count;
    uint64_t min, median, p99, p999, max;
};

// The counter, read when everything before it is done. QEMU counts instructions here under -icount shift=0.
static inline uint64_t measure_now(void) {
    uint64_t now;
    __asm__ volatile("lfence\n\trdtsc\n\tshl $32, %%rdx\n\tor %%rdx, %%rax" : "=a"(now) : : "rdx", "memory", "cc");
    return now;
}

static inline bool series_wants(const struct series *series) {
    return series->taken < series->capacity + series->warm_up;
}

static inline void series_add(struct series *series, uint64_t start, uint64_t end) {
    if (series->taken >= series->warm_up)
        series->samples[series->taken - series->warm_up] = end - start;
    series->taken++;
}

// Finds the overhead and the unit. `page` may be NULL: then the unit is ticks, unless instructions are
// counted.
void measure_calibrate(struct measure *measure, const volatile struct clock_page *page);

const char *measure_unit_name(const struct measure *measure);

// Takes overhead and excluded ticks off the samples, turns them into the measure's unit.
void series_finish(struct series *series, const struct measure *measure);

// Sorts `samples` (count of them, at least one).
void summary_make(struct summary *summary, uint64_t *samples, uint32_t count);
