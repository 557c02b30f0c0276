// The local zone: a fixed offset from TZ, as in "CET-1" or "<+0530>-5:30" (POSIX XBD 8.3). What follows the
// offset, the daylight rule, is not followed: local time is standard time all year. An unset or unreadable TZ
// is UTC.
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/calendar.h"

static struct zone zone = {0, "UTC"};

char *tzname[2] = {zone.name, zone.name};
long timezone;
int daylight;

// A number of at most `limit` at *at; false if there is none.
static bool take_number(const char **at, int limit, int *number) {
    if (!isdigit((unsigned char)**at))
        return false;
    for (*number = 0; isdigit((unsigned char)**at); ++*at)
        if ((*number = *number * 10 + (**at - '0')) > limit)
            return false;
    return true;
}

static bool parse_name(const char **at, char *name, size_t size) {
    bool quoted = **at == '<';
    const char *from = *at += quoted;
    while (quoted ? **at != '>' && **at != '\0' : isalpha((unsigned char)**at))
        ++*at;
    size_t length = (size_t)(*at - from);
    if (length < 3 || length >= size || (quoted && **at != '>'))
        return false;
    memcpy(name, from, length);
    name[length] = '\0';
    *at += quoted;
    return true;
}

// Seconds west of UTC, as POSIX writes it.
static bool parse_offset(const char **at, long *seconds) {
    int sign = **at == '-' ? -1 : 1, hours, minutes = 0, rest = 0;
    if (**at == '-' || **at == '+')
        ++*at;
    if (!take_number(at, 24, &hours))
        return false;
    if (**at == ':') {
        ++*at;
        if (!take_number(at, 59, &minutes))
            return false;
        if (**at == ':') {
            ++*at;
            if (!take_number(at, 59, &rest))
                return false;
        }
    }
    *seconds = sign * (hours * 3600L + minutes * 60 + rest);
    return true;
}

void tzset(void) {
    struct zone parsed;
    long west;
    const char *text = getenv("TZ");
    if (text != NULL && *text == ':')
        text++;
    if (text != NULL && parse_name(&text, parsed.name, sizeof parsed.name) && parse_offset(&text, &west))
        parsed.offset = -west;
    else
        parsed = (struct zone){0, "UTC"};
    zone = parsed;
    timezone = -zone.offset;
}

const struct zone *zone_current(void) {
    tzset();
    return &zone;
}
