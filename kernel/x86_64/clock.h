// The monotonic clock (nanoseconds since boot), the wall clock beside it, and each CPU's one alarm. Called by the scheduler for
// deadlines and time slices; programs read the same clock from the page that clock_page_fill writes.
#pragma once

#include <stdint.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/clock_page.h"

#define CLOCK_NEVER UINT64_MAX

// Once, on the boot CPU: the TSC is the clock, at the speed that the loader found.
void clock_initialize(const struct boot_info *info);
// Nanoseconds; 0 before.
uint64_t clock_now(void);
// This CPU gets the vector clock_alarm_vector() once, at `deadline` (a clock_now() value; one that is past: at once), or before
// it if it is more than a second (with the PIT, 54 ms) away: the caller looks at the clock when it fires, and sets it again if it
// came early. Setting it replaces it; CLOCK_NEVER stops it, though one already raised may still arrive. now: a recent
// clock_now().
void clock_alarm(uint64_t deadline, uint64_t now);
uint8_t clock_alarm_vector(void);
// Programs read this page: it is kept up to date from now on.
void clock_page_start(struct clock_page *page);
// Nanoseconds since 1970 UTC at monotonic 0: from the RTC at boot, later from whoever may set it.
void clock_wall_set(uint64_t wall_offset);
