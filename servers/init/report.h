// What init says: lines in the kernel's log, which are on the console until a server takes it over.
#pragma once

#include <stdint.h>

#define SECOND UINT64_C(1000000000) // of report_time

void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Nanoseconds of the monotonic clock.
uint64_t report_time(void);
