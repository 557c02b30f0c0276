// Times in microseconds (POSIX <sys/time.h>).
#pragma once

#include <sys/types.h>
#include <sys/select.h>

struct timezone {
    int tz_minuteswest, tz_dsttime;
};

int gettimeofday(struct timeval *restrict time, void *restrict zone);
int settimeofday(const struct timeval *time, const struct timezone *zone);
int utimes(const char *path, const struct timeval times[2]);

#define timerclear(t)        ((t)->tv_sec = (t)->tv_usec = 0)
#define timerisset(t)        ((t)->tv_sec || (t)->tv_usec)
#define timercmp(a, b, test) ((a)->tv_sec == (b)->tv_sec ? (a)->tv_usec test(b)->tv_usec : (a)->tv_sec test(b)->tv_sec)
#define timersub(a, b, r)                                                                                                        \
    do {                                                                                                                         \
        (r)->tv_sec = (a)->tv_sec - (b)->tv_sec;                                                                                 \
        (r)->tv_usec = (a)->tv_usec - (b)->tv_usec;                                                                              \
        if ((r)->tv_usec < 0) {                                                                                                  \
            (r)->tv_sec--;                                                                                                       \
            (r)->tv_usec += 1000000;                                                                                             \
        }                                                                                                                        \
    } while (0)
