// What processes used (POSIX <sys/resource.h>, the part that wait4 and getrusage fill).
#pragma once

#include <sys/types.h>
#include <sys/time.h>

struct rusage {
    struct timeval ru_utime, ru_stime;
    long ru_maxrss; // KiB
    long ru_minflt, ru_majflt;
    long ru_inblock, ru_oublock;
    long ru_nvcsw, ru_nivcsw;
};

#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)

int getrusage(int who, struct rusage *usage);
