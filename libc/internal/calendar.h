// Dates of the proleptic Gregorian calendar, counted in days from 1970-01-01.
#pragma once

#include <stdint.h>
#include <time.h>

// month: 0 to 11; day: from 1, any value (it carries on into other months).
int64_t calendar_days(int64_t year, int month, int64_t day);
// Fills the date and the time of day, for that many seconds since 1970. -1 if the year does not fit.
int calendar_fill(int64_t seconds, struct tm *result);
int calendar_is_leap(int64_t year);

// The zone that TZ names (time/tzset.c): seconds east of UTC, and its abbreviation.
struct zone {
    long offset;
    char name[16];
};
const struct zone *zone_current(void);
