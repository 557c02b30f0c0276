// Clocks, calendar time and its text (C17 7.27, POSIX <time.h>). Zones are fixed offsets, read from TZ
// (XBD 8.3 without the daylight rule); with no TZ local time is UTC.
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <bits/timespec.h>

typedef long clock_t;
typedef int clockid_t;

struct tm {
    int tm_sec; // 0 to 60
    int tm_min;
    int tm_hour;
    int tm_mday; // from 1
    int tm_mon;  // from 0
    int tm_year; // since 1900
    int tm_wday; // from Sunday, 0
    int tm_yday; // from 0
    int tm_isdst;
    long tm_gmtoff; // seconds east of UTC
    const char *tm_zone;
};

#define CLOCKS_PER_SEC ((clock_t)1000000)
#define TIME_UTC       1

#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_BOOTTIME           7
#define TIMER_ABSTIME            1

extern char *tzname[2];
extern long timezone;
extern int daylight;

time_t time(time_t *result);
clock_t clock(void);
double difftime(time_t end, time_t start);
int clock_gettime(clockid_t clock, struct timespec *time);
int clock_settime(clockid_t clock, const struct timespec *time);
int clock_getres(clockid_t clock, struct timespec *resolution);
int nanosleep(const struct timespec *duration, struct timespec *remaining);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining);
int timespec_get(struct timespec *time, int base);

void tzset(void);
struct tm *gmtime(const time_t *time);
struct tm *gmtime_r(const time_t *restrict time, struct tm *restrict result);
struct tm *localtime(const time_t *time);
struct tm *localtime_r(const time_t *restrict time, struct tm *restrict result);
time_t mktime(struct tm *time);
time_t timegm(struct tm *time);
size_t strftime(char *restrict buffer, size_t size, const char *restrict format, const struct tm *restrict time)
    __attribute__((format(strftime, 3, 0)));
char *strptime(const char *restrict string, const char *restrict format, struct tm *restrict time);
char *asctime(const struct tm *time);
char *asctime_r(const struct tm *restrict time, char *restrict buffer);
char *ctime(const time_t *time);
char *ctime_r(const time_t *time, char *buffer);
