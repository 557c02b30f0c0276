// strptime (POSIX): reads what strftime writes. Conversions that it does not know end the parse with null.
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "libc/internal/calendar.h"
#include "libc/internal/time_names.h"

struct time_parse {
    const char *at; // null once something did not match
    struct tm *time;
    int afternoon;  // -1: not said
    int date_given; // day, month and year make the weekday
};

static const char *take_number(const char *at, int low, int high, int places, int *result) {
    int value = 0, digits = 0;
    while (isspace((unsigned char)*at))
        at++;
    for (; digits < places && isdigit((unsigned char)*at); digits++)
        value = value * 10 + (*at++ - '0');
    if (digits == 0 || value < low || value > high)
        return NULL;
    *result = value;
    return at;
}

static const char *take_name(const char *at, const char *const *names, int count, int *result) {
    for (int i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(at, names[i], length) != 0)
            length = 3;
        if (strncasecmp(at, names[i], length) == 0) {
            *result = i;
            return at + length;
        }
    }
    return NULL;
}

static const char *take_zone(const char *at, struct tm *time) {
    if (*at == 'Z') {
        time->tm_gmtoff = 0;
        return at + 1;
    }
    int sign = *at == '-' ? -1 : 1, hours, minutes;
    if (*at != '-' && *at != '+')
        return NULL;
    at = take_number(at + 1, 0, 14, 2, &hours);
    if (at == NULL)
        return NULL;
    at = take_number(at + (*at == ':'), 0, 59, 2, &minutes);
    time->tm_gmtoff = sign * (hours * 3600L + minutes * 60L);
    return at;
}

static const char *take_seconds(const char *at, struct tm *time) {
    time_t seconds = 0;
    if (!isdigit((unsigned char)*at))
        return NULL;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(seconds, 10, &seconds) || __builtin_add_overflow(seconds, *at - '0', &seconds))
            return NULL;
    return localtime_r(&seconds, time) != NULL ? at : NULL;
}

static void parse(struct time_parse *state, const char *format);

static const char *take_year(struct time_parse *state, int places) {
    int year;
    const char *at = take_number(state->at, 0, places == 2 ? 99 : 9999, places, &year);
    if (at == NULL)
        return NULL;
    state->time->tm_year = places == 4 ? year - 1900 : year < 69 ? year + 100 : year;
    state->date_given = 1;
    return at;
}

static const char *take_half(struct time_parse *state) {
    if (strncasecmp(state->at, "am", 2) == 0)
        state->afternoon = 0;
    else if (strncasecmp(state->at, "pm", 2) == 0)
        state->afternoon = 1;
    else
        return NULL;
    return state->at + 2;
}

static void parse_conversion(struct time_parse *state, char conversion) {
    struct tm *time = state->time;
    const char *at = state->at;
    switch (conversion) {
    case 'a':
    case 'A':
        state->at = take_name(at, time_day_names, 7, &time->tm_wday);
        break;
    case 'b':
    case 'B':
    case 'h':
        state->at = take_name(at, time_month_names, 12, &time->tm_mon);
        state->date_given = 1;
        break;
    case 'd':
    case 'e':
        state->at = take_number(at, 1, 31, 2, &time->tm_mday);
        state->date_given = 1;
        break;
    case 'H':
    case 'k':
        state->at = take_number(at, 0, 23, 2, &time->tm_hour);
        break;
    case 'I':
    case 'l':
        state->at = take_number(at, 1, 12, 2, &time->tm_hour);
        break;
    case 'j':
        state->at = take_number(at, 1, 366, 3, &time->tm_yday);
        time->tm_yday--;
        break;
    case 'm':
        state->at = take_number(at, 1, 12, 2, &time->tm_mon);
        time->tm_mon--;
        state->date_given = 1;
        break;
    case 'M':
        state->at = take_number(at, 0, 59, 2, &time->tm_min);
        break;
    case 'n':
    case 't':
        while (isspace((unsigned char)*state->at))
            state->at++;
        break;
    case 'p':
        state->at = take_half(state);
        break;
    case 's':
        state->at = take_seconds(at, time);
        break;
    case 'S':
        state->at = take_number(at, 0, 60, 2, &time->tm_sec);
        break;
    case 'y':
        state->at = take_year(state, 2);
        break;
    case 'Y':
        state->at = take_year(state, 4);
        break;
    case 'z':
        state->at = take_zone(at, time);
        break;
    case 'c':
        parse(state, "%a %b %e %H:%M:%S %Y");
        break;
    case 'D':
    case 'x':
        parse(state, "%m/%d/%y");
        break;
    case 'F':
        parse(state, "%Y-%m-%d");
        break;
    case 'R':
        parse(state, "%H:%M");
        break;
    case 'T':
    case 'X':
        parse(state, "%H:%M:%S");
        break;
    default:
        state->at = conversion == '%' && *at == '%' ? at + 1 : NULL;
        break;
    }
}

static void parse(struct time_parse *state, const char *format) {
    for (; *format != '\0' && state->at != NULL; format++) {
        if (isspace((unsigned char)*format)) {
            while (isspace((unsigned char)*state->at))
                state->at++;
        } else if (*format == '%' && format[1] != '\0') {
            parse_conversion(state, *++format);
        } else if (*format == *state->at) {
            state->at++;
        } else {
            state->at = NULL;
        }
    }
}

char *strptime(const char *restrict string, const char *restrict format, struct tm *restrict time) {
    struct time_parse state = {string, time, -1, 0};
    parse(&state, format);
    if (state.at == NULL)
        return NULL;
    if (state.afternoon >= 0)
        time->tm_hour = time->tm_hour % 12 + 12 * state.afternoon;
    if (state.date_given) {
        int64_t year = 1900 + (int64_t)time->tm_year, days = calendar_days(year, time->tm_mon, time->tm_mday);
        time->tm_wday = (int)(((days + 4) % 7 + 7) % 7);
        time->tm_yday = (int)(days - calendar_days(year, 0, 1));
    }
    return (char *)(uintptr_t)state.at;
}
