// Clocks and sleeping.
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int clock_gettime(clockid_t clock, struct timespec *time) {
    return result_of(system_clock_get(clock, time));
}

int clock_settime(clockid_t clock, const struct timespec *time) {
    return result_of(system_clock_set(clock, time));
}

int clock_getres(clockid_t clock, struct timespec *resolution) {
    struct timespec ignored;
    return result_of(system_clock_resolution(clock, resolution != NULL ? resolution : &ignored));
}

time_t time(time_t *result) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (result != NULL)
        *result = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *time, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

clock_t clock(void) {
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        return -1;
    return used.tv_sec * CLOCKS_PER_SEC + used.tv_nsec / (1000000000 / CLOCKS_PER_SEC);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone; // zones are TZ's business
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

int settimeofday(const struct timeval *time, const struct timezone *zone) {
    (void)zone;
    struct timespec precise = {time->tv_sec, time->tv_usec * 1000};
    return clock_settime(CLOCK_REALTIME, &precise);
}

int nanosleep(const struct timespec *duration, struct timespec *remaining) {
    return result_of(system_sleep(CLOCK_MONOTONIC, 0, duration, remaining));
}

// Returns the error, unlike nanosleep.
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining) {
    return -system_sleep(clock, flags, time, remaining);
}

// The seconds that are left, if a signal ended the sleep.
unsigned sleep(unsigned seconds) {
    struct timespec duration = {seconds, 0}, remaining = {0, 0};
    if (nanosleep(&duration, &remaining) == 0)
        return 0;
    return (unsigned)remaining.tv_sec + (remaining.tv_nsec > 0);
}

int usleep(useconds_t microseconds) {
    struct timespec duration = {microseconds / 1000000, microseconds % 1000000 * 1000L};
    return nanosleep(&duration, NULL);
}
