// What processes used, and giving the processor away.
#include <sched.h>
#include <sys/resource.h>
#include <sys/times.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

enum { TICKS_PER_SECOND = 100 };

int getrusage(int who, struct rusage *usage) {
    return result_of(system_usage(who, usage));
}

static clock_t ticks_of(struct timeval time) {
    return time.tv_sec * TICKS_PER_SECOND + time.tv_usec / (1000000 / TICKS_PER_SECOND);
}

clock_t times(struct tms *buffer) {
    struct rusage own, children;
    struct timespec now;
    if (getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &children) != 0 ||
        result_of(system_clock_get(CLOCK_MONOTONIC, &now)) != 0)
        return -1;
    *buffer =
        (struct tms){ticks_of(own.ru_utime), ticks_of(own.ru_stime), ticks_of(children.ru_utime), ticks_of(children.ru_stime)};
    return now.tv_sec * TICKS_PER_SECOND + now.tv_nsec / (1000000000 / TICKS_PER_SECOND);
}

int sched_yield(void) {
    system_yield();
    return 0;
}
