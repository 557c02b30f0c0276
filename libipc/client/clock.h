// Time without a system call, from the clock page that a program finds mapped at its start.
#pragma once

#include <stdint.h>

#include "kernel/abi/clock_page.h"

// Set by libipc/start; NULL: no clock page, time reads as 0.
extern const volatile struct clock_page *ipc_clock_page;

// Nanoseconds of the monotonic clock, on which all deadlines lie; 0 if the page can't tell.
uint64_t clock_monotonic(void);

// Nanoseconds since 1970; 0 if unknown.
uint64_t clock_wall(void);
