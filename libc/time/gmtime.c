// Seconds to calendar time, in UTC and in the local zone.
#include <errno.h>
#include <time.h>

#include "libc/internal/calendar.h"

static struct tm shared;

static struct tm *fill(int64_t seconds, const struct zone *zone, struct tm *result) {
    if (__builtin_add_overflow(seconds, zone->offset, &seconds) || calendar_fill(seconds, result) != 0) {
        errno = EOVERFLOW;
        return NULL;
    }
    result->tm_gmtoff = zone->offset;
    result->tm_zone = zone->name;
    return result;
}

struct tm *gmtime_r(const time_t *restrict time, struct tm *restrict result) {
    static const struct zone utc = {0, "UTC"};
    return fill(*time, &utc, result);
}

struct tm *localtime_r(const time_t *restrict time, struct tm *restrict result) {
    return fill(*time, zone_current(), result);
}

struct tm *gmtime(const time_t *time) {
    return gmtime_r(time, &shared);
}

struct tm *localtime(const time_t *time) {
    return localtime_r(time, &shared);
}
