// Calendar time to seconds. Fields may be out of range and are brought into it.
#include <errno.h>
#include <time.h>

#include "libc/internal/calendar.h"

static time_t make(struct tm *time, const struct zone *zone) {
    int64_t months = (int64_t)time->tm_year * 12 + time->tm_mon;
    int64_t year = months / 12 - (months % 12 < 0);
    int64_t days = calendar_days(year + 1900, (int)(months - year * 12), time->tm_mday);
    int64_t seconds = days * 86400 + time->tm_hour * INT64_C(3600) + time->tm_min * INT64_C(60) + time->tm_sec;
    struct tm result;
    if (calendar_fill(seconds, &result) != 0) {
        errno = EOVERFLOW;
        return -1;
    }
    result.tm_gmtoff = zone->offset;
    result.tm_zone = zone->name;
    *time = result;
    return seconds - zone->offset;
}

time_t timegm(struct tm *time) {
    static const struct zone utc = {0, "UTC"};
    return make(time, &utc);
}

time_t mktime(struct tm *time) {
    return make(time, zone_current());
}
