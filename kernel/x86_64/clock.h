// The monotonic clock (nanoseconds since boot), the wall clock beside it, and each CPU's one alarm. Called by
// the scheduler for deadlines and time slices; programs read the same clock from the page that
// clock_page_fill writes.
#pragma once

#include <stdint.h>

#include "kernel/abi/clock_page.h"
#include "kernel/abi/errors.h"
#include "kernel/abi/boot_info.h"

#define CLOCK_NEVER UINT64_MAX

// Once, on the boot CPU, after its local APIC was enabled. Chooses and calibrates: the TSC where it is fit
// for it, else HPET, else PM timer.
void clock_initialize(const struct boot_info *info);

// On each CPU, the boot CPU included, after lapic_enable.
void clock_enable(void);

// Nanoseconds. Where the TSC is unfit, the caller holds the kernel lock.
uint64_t clock_now(void);

// This CPU gets the vector clock_alarm_vector() once, at `deadline` (a clock_now() value; one that is past:
// at once), or before it if it is more than a second (with the PIT, 54 ms) away: the caller looks at the
// clock when it fires, and sets it again if it came early. Setting it replaces it; CLOCK_NEVER stops it,
// though one already raised may still arrive. now: a recent clock_now().
void clock_alarm(uint64_t deadline, uint64_t now);
uint8_t clock_alarm_vector(void);

// Nanoseconds since 1970 UTC at monotonic 0, from the RTC at boot; later set by whoever may.
void clock_wall_set(uint64_t wall_offset);

// Writes or rewrites the page that programs read; readers may be reading it.
void clock_page_fill(struct clock_page *page);
