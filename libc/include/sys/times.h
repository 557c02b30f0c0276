// Processor time of a process and its children, in ticks of 1 / sysconf(_SC_CLK_TCK) seconds (POSIX
// <sys/times.h>).
#pragma once

#include <time.h>

struct tms {
    clock_t tms_utime, tms_stime, tms_cutime, tms_cstime;
};

clock_t times(struct tms *buffer);
