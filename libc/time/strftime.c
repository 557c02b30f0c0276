// strftime (C17 7.27.3.5, POSIX), with the names and orders of the C locale. The flags '-', '_' and '0'
// before a conversion choose the padding of numbers, as GNU's do.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libc/internal/calendar.h"
#include "libc/internal/time_names.h"

const char *const time_day_names[7] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
const char *const time_month_names[12] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};

struct time_text {
    char *at;
    size_t room; // the NUL included; 0 once it did not fit
    const struct tm *time;
    char flag;
};

static void put(struct time_text *text, const char *bytes, size_t size) {
    if (size >= text->room) {
        text->room = 0;
        return;
    }
    memcpy(text->at, bytes, size);
    text->at += size;
    text->room -= size;
}

static void put_string(struct time_text *text, const char *string) {
    put(text, string, strlen(string));
}

// pad: '0' or ' ', to that many places.
static void put_number(struct time_text *text, long value, int places, char pad) {
    char digits[24];
    if (text->flag == '_')
        pad = ' ';
    else if (text->flag == '0')
        pad = '0';
    else if (text->flag == '-')
        places = 0;
    int length = pad == '0' ? snprintf(digits, sizeof digits, "%0*ld", places, value)
                            : snprintf(digits, sizeof digits, "%*ld", places, value);
    put(text, digits, (size_t)length);
}

static void put_name(struct time_text *text, const char *const *names, int index, int count, size_t letters) {
    const char *name = index >= 0 && index < count ? names[index] : "?";
    put(text, name, letters != 0 && strlen(name) > letters ? letters : strlen(name));
}

static void put_format(struct time_text *text, const char *format);

static int twelve_hour(const struct tm *time) {
    return time->tm_hour % 12 == 0 ? 12 : time->tm_hour % 12;
}

// The ISO 8601 week, and the year that it belongs to: week 1 is the one with the year's first Thursday.
static int iso_week(const struct tm *time, long *year) {
    *year = 1900L + time->tm_year;
    int from_monday = (time->tm_wday + 6) % 7;
    int week = (time->tm_yday - from_monday + 10) / 7;
    if (week < 1) {
        --*year;
        int yday = time->tm_yday + (calendar_is_leap(*year) ? 366 : 365);
        return (yday - from_monday + 10) / 7;
    }
    int last = calendar_is_leap(*year) ? 366 : 365;
    if (week == 53 && last - time->tm_yday - 1 < 3 - from_monday) {
        ++*year;
        return 1;
    }
    return week;
}

static void put_iso(struct time_text *text, char conversion) {
    long year;
    int week = iso_week(text->time, &year);
    if (conversion == 'V')
        put_number(text, week, 2, '0');
    else if (conversion == 'G')
        put_number(text, year, 0, '0');
    else
        put_number(text, (year % 100 + 100) % 100, 2, '0');
}

static void put_zone(struct time_text *text) {
    long minutes = text->time->tm_gmtoff / 60;
    put(text, minutes < 0 ? "-" : "+", 1);
    minutes = minutes < 0 ? -minutes : minutes;
    put_number(text, minutes / 60 * 100 + minutes % 60, 4, '0');
}

// Conversions that are a number or a name.
static int put_field(struct time_text *text, char conversion) {
    const struct tm *time = text->time;
    long year = 1900L + time->tm_year;
    switch (conversion) {
    case 'a':
        put_name(text, time_day_names, time->tm_wday, 7, 3);
        return 1;
    case 'A':
        put_name(text, time_day_names, time->tm_wday, 7, 0);
        return 1;
    case 'b':
    case 'h':
        put_name(text, time_month_names, time->tm_mon, 12, 3);
        return 1;
    case 'B':
        put_name(text, time_month_names, time->tm_mon, 12, 0);
        return 1;
    case 'C':
        put_number(text, year / 100 - (year % 100 < 0), 2, '0');
        return 1;
    case 'd':
        put_number(text, time->tm_mday, 2, '0');
        return 1;
    case 'e':
        put_number(text, time->tm_mday, 2, ' ');
        return 1;
    case 'H':
        put_number(text, time->tm_hour, 2, '0');
        return 1;
    case 'I':
        put_number(text, twelve_hour(time), 2, '0');
        return 1;
    case 'j':
        put_number(text, time->tm_yday + 1, 3, '0');
        return 1;
    case 'k':
        put_number(text, time->tm_hour, 2, ' ');
        return 1;
    case 'l':
        put_number(text, twelve_hour(time), 2, ' ');
        return 1;
    case 'm':
        put_number(text, time->tm_mon + 1, 2, '0');
        return 1;
    case 'M':
        put_number(text, time->tm_min, 2, '0');
        return 1;
    case 'S':
        put_number(text, time->tm_sec, 2, '0');
        return 1;
    case 'u':
        put_number(text, time->tm_wday == 0 ? 7 : time->tm_wday, 1, '0');
        return 1;
    case 'U':
        put_number(text, (time->tm_yday + 7 - time->tm_wday) / 7, 2, '0');
        return 1;
    case 'w':
        put_number(text, time->tm_wday, 1, '0');
        return 1;
    case 'W':
        put_number(text, (time->tm_yday + 7 - (time->tm_wday + 6) % 7) / 7, 2, '0');
        return 1;
    case 'y':
        put_number(text, (year % 100 + 100) % 100, 2, '0');
        return 1;
    case 'Y':
        put_number(text, year, 0, '0');
        return 1;
    default:
        return 0;
    }
}

static void put_seconds(struct time_text *text) {
    struct tm copy = *text->time;
    put_number(text, timegm(&copy) - text->time->tm_gmtoff, 0, '0');
}

// Conversions that are made of others, or of text.
static void put_composed(struct time_text *text, char conversion) {
    static const struct {
        char conversion;
        const char *format;
    } composed[] = {{'c', "%a %b %e %H:%M:%S %Y"},
                    {'D', "%m/%d/%y"},
                    {'F', "%Y-%m-%d"},
                    {'r', "%I:%M:%S %p"},
                    {'R', "%H:%M"},
                    {'T', "%H:%M:%S"},
                    {'x', "%m/%d/%y"},
                    {'X', "%H:%M:%S"},
                    {'n', "\n"},
                    {'t', "\t"}};
    for (size_t i = 0; i < sizeof composed / sizeof composed[0]; i++)
        if (composed[i].conversion == conversion) {
            text->flag = '\0';
            put_format(text, composed[i].format);
            return;
        }
    switch (conversion) {
    case 'g':
    case 'G':
    case 'V':
        put_iso(text, conversion);
        break;
    case 'p':
        put_string(text, text->time->tm_hour < 12 ? "AM" : "PM");
        break;
    case 'P':
        put_string(text, text->time->tm_hour < 12 ? "am" : "pm");
        break;
    case 's':
        put_seconds(text);
        break;
    case 'z':
        put_zone(text);
        break;
    case 'Z':
        put_string(text, text->time->tm_zone != NULL ? text->time->tm_zone : "");
        break;
    case '%':
        put(text, "%", 1);
        break;
    default: // unknown: shown as it stands
        put(text, "%", 1);
        put(text, &conversion, 1);
        break;
    }
}

static void put_format(struct time_text *text, const char *format) {
    for (; *format != '\0' && text->room > 0; format++) {
        if (*format != '%') {
            put(text, format, 1);
            continue;
        }
        format++;
        text->flag = '\0';
        if (*format == '-' || *format == '_' || *format == '0')
            text->flag = *format++;
        if (*format == 'E' || *format == 'O') // alternative forms, which this locale does not have
            format++;
        if (*format == '\0') {
            put(text, "%", 1);
            return;
        }
        if (!put_field(text, *format))
            put_composed(text, *format);
    }
}

size_t strftime(char *restrict buffer, size_t size, const char *restrict format, const struct tm *restrict time) {
    struct time_text text = {buffer, size, time, '\0'};
    put_format(&text, format);
    if (text.room == 0)
        return 0;
    *text.at = '\0';
    return (size_t)(text.at - buffer);
}
