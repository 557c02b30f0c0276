// Calibration and order statistics; see measure.h.
#include "programs/ipcbench/measure.h"

#include <stddef.h>

#include "kernel/abi/clock_page.h"

enum { CALIBRATION_RUNS = 64, LOOP_TURNS = 500 };

// Ticks that a loop of 2 * LOOP_TURNS instructions takes.
static uint64_t loop_ticks(void) {
    uint64_t start = measure_now();
    uint64_t turns = LOOP_TURNS;
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
    return measure_now() - start;
}

// Instructions are what the counter counts if a loop of known length takes exactly that many ticks more than
// a loop that is not there, time after time. No clock does that.
static bool counts_instructions(uint64_t overhead) {
    for (int run = 0; run < CALIBRATION_RUNS; run++) {
        uint64_t ticks = loop_ticks() - overhead;
        if (ticks < 2 * LOOP_TURNS || ticks > 2 * LOOP_TURNS + 2) // the loop's counter is set as well
            return false;
    }
    return true;
}

void measure_calibrate(struct measure *measure, const volatile struct clock_page *page) {
    *measure = (struct measure){.overhead = UINT64_MAX};
    for (int run = 0; run < CALIBRATION_RUNS; run++) {
        uint64_t start = measure_now();
        // As a call does: the harness's own values go to the stack meanwhile.
        __asm__ volatile("" : : : "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
        uint64_t end = measure_now();
        if (end - start < measure->overhead)
            measure->overhead = end - start;
    }
    if (counts_instructions(measure->overhead)) {
        measure->unit = MEASURE_INSTRUCTIONS;
    } else if (page != NULL && page->tsc_usable) {
        measure->unit = MEASURE_NANOSECONDS;
        measure->multiplier = page->multiplier;
        measure->shift = page->shift;
    }
}

const char *measure_unit_name(const struct measure *measure) {
    static const char *const names[] = {"ticks", "ns", "instructions"};
    return names[measure->unit];
}

void series_finish(struct series *series, const struct measure *measure) {
    uint64_t less = measure->overhead + series->excluded;
    for (uint32_t i = 0; i < series->capacity; i++) {
        uint64_t ticks = series->samples[i] > less ? series->samples[i] - less : 0;
        series->samples[i] =
            measure->unit == MEASURE_NANOSECONDS ? clock_scale(ticks, measure->multiplier, measure->shift) : ticks;
    }
}

// One step of heap sort: lets the value at `root` sink to its place among the first `count`.
static void sink(uint64_t *values, uint32_t root, uint32_t count) {
    uint64_t value = values[root];
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && values[child + 1] > values[child])
            child++;
        if (values[child] <= value)
            break;
        values[root] = values[child];
    }
    values[root] = value;
}

static void sort(uint64_t *values, uint32_t count) {
    for (uint32_t root = count / 2; root-- > 0;)
        sink(values, root, count);
    while (count-- > 1) {
        uint64_t largest = values[0];
        values[0] = values[count];
        values[count] = largest;
        sink(values, 0, count);
    }
}

// The smallest sample that at least `per_mille` thousandths of all do not exceed (nearest rank).
static uint64_t rank(const uint64_t *sorted, uint32_t count, uint32_t per_mille) {
    uint64_t place = ((uint64_t)count * per_mille + 999) / 1000;
    return sorted[place != 0 ? place - 1 : 0];
}

void summary_make(struct summary *summary, uint64_t *samples, uint32_t count) {
    sort(samples, count);
    *summary = (struct summary){
        .count = count,
        .min = samples[0],
        .median = rank(samples, count, 500),
        .p99 = rank(samples, count, 990),
        .p999 = rank(samples, count, 999),
        .max = samples[count - 1],
    };
}
