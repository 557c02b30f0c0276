// asctime and ctime: the text "Thu Jan  1 00:00:00 1970\n" that C fixed.
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "libc/internal/time_names.h"

enum { TEXT_SIZE = 26 }; // what callers of the _r functions give

char *asctime_r(const struct tm *restrict time, char *restrict buffer) {
    if (time->tm_wday < 0 || time->tm_wday > 6 || time->tm_mon < 0 || time->tm_mon > 11) {
        errno = EINVAL;
        return NULL;
    }
    int length =
        snprintf(buffer, TEXT_SIZE, "%.3s %.3s%3d %.2d:%.2d:%.2d %ld\n", time_day_names[time->tm_wday],
                 time_month_names[time->tm_mon], time->tm_mday, time->tm_hour, time->tm_min, time->tm_sec, 1900L + time->tm_year);
    if (length < TEXT_SIZE)
        return buffer;
    errno = EOVERFLOW;
    return NULL;
}

char *asctime(const struct tm *time) {
    static char text[TEXT_SIZE];
    return asctime_r(time, text);
}

char *ctime_r(const time_t *time, char *buffer) {
    struct tm local;
    return localtime_r(time, &local) != NULL ? asctime_r(&local, buffer) : NULL;
}

char *ctime(const time_t *time) {
    const struct tm *local = localtime(time);
    return local != NULL ? asctime(local) : NULL;
}
