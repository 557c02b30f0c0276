// Days and dates. The year is taken to begin in March, so that the leap day comes last and the lengths of
// months follow a line.
#include "libc/internal/calendar.h"

#include <limits.h>
#include <string.h>

enum { DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400, DAYS_TO_1970 = 719468, SECONDS_PER_DAY = 86400 };

static int64_t divide_down(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

int calendar_is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t calendar_days(int64_t year, int month, int64_t day) {
    year -= month < 2;
    int64_t era = divide_down(year, YEARS_PER_ERA), in_era = year - era * YEARS_PER_ERA;
    int64_t from_march = (month + 10) % 12;
    int64_t of_year = (153 * from_march + 2) / 5 + day - 1;
    return era * DAYS_PER_ERA + in_era * 365 + in_era / 4 - in_era / 100 + of_year - DAYS_TO_1970;
}

int calendar_fill(int64_t seconds, struct tm *result) {
    int64_t days = divide_down(seconds, SECONDS_PER_DAY), left = seconds - days * SECONDS_PER_DAY;
    int64_t shifted = days + DAYS_TO_1970, era = divide_down(shifted, DAYS_PER_ERA);
    int64_t of_era = shifted - era * DAYS_PER_ERA;
    int64_t in_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * in_era + in_era / 4 - in_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    int month = (int)((from_march + 2) % 12);
    int64_t year = era * YEARS_PER_ERA + in_era + (month < 2);
    if (year - 1900 > INT_MAX || year - 1900 < INT_MIN)
        return -1;
    memset(result, 0, sizeof *result);
    result->tm_year = (int)(year - 1900);
    result->tm_mon = month;
    result->tm_mday = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    result->tm_hour = (int)(left / 3600);
    result->tm_min = (int)(left / 60 % 60);
    result->tm_sec = (int)(left % 60);
    result->tm_wday = (int)(days + 4 - divide_down(days + 4, 7) * 7);
    result->tm_yday = (int)(days - calendar_days(year, 0, 1));
    return 0;
}
