// Counters of known frequency beside the TSC (HPET, ACPI PM timer, PIT), and the comparison of any counter
// with the TSC from which the clock and the local APIC timer are calibrated. Used by clock.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/platform_info.h"

struct clock_counter {
    const char *name;
    uint32_t (*read)(void); // counts upwards, wraps after mask
    uint32_t mask;
    uint64_t frequency;    // Hz; 0: not known
    void (*restart)(void); // NULL: counts for ever
    bool (*overrun)(void); // NULL: never; true: it ran off its end since restart, what was read is worthless
};

// What one comparison found: so many TSC ticks went by during so many of the counter's, give or take
// tsc_error.
struct clock_comparison {
    uint64_t tsc_ticks, counter_ticks, tsc_error;
};

// NULL where the machine has none. The PIT is always tried: clock_counter_compare tells whether it counts.
const struct clock_counter *clock_counter_hpet(const struct acpi_information *acpi);
const struct clock_counter *clock_counter_pm_timer(const struct acpi_information *acpi);
const struct clock_counter *clock_counter_pit(void);

// Runs until the error is below 50 parts per million of the time taken, at most 50 ms (of `frequency`, or 50
// million ticks). Where a read costs tens of instructions and the TSC counts those (QEMU's -icount), that is
// about a million instructions. ERR_IO: the counter does not count.
error_t clock_counter_compare(const struct clock_counter *counter, struct clock_comparison *result) MUST_USE;

// left * numerator / denominator to the roundest frequency (whole MHz, else whole 100 kHz) that the error
// allows: crystals are round, and an emulated TSC that counts instructions is then met exactly.
uint64_t clock_frequency_round(uint64_t frequency, const struct clock_comparison *comparison);
