// strtol and its family: one parser, and the ranges of the types.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "libc/internal/integer_parse.h"

static int digit_value(char c) {
    if (isdigit((unsigned char)c))
        return c - '0';
    if (isalpha((unsigned char)c))
        return (c | 0x20) - 'a' + 10;
    return INT_MAX;
}

bool integer_parse(const char *string, int base, struct parsed_integer *result) {
    *result = (struct parsed_integer){.end = string};
    if (base < 0 || base == 1 || base > 36)
        return false;
    const char *at = string;
    while (isspace((unsigned char)*at))
        at++;
    if (*at == '+' || *at == '-')
        result->negative = *at++ == '-';
    if ((base == 0 || base == 16) && at[0] == '0' && (at[1] | 0x20) == 'x' && digit_value(at[2]) < 16) {
        at += 2;
        base = 16;
    } else if (base == 0) {
        base = *at == '0' ? 8 : 10;
    }
    for (int digit; (digit = digit_value(*at)) < base; at++) {
        if (__builtin_mul_overflow(result->magnitude, (uint64_t)base, &result->magnitude))
            result->overflow = true;
        if (__builtin_add_overflow(result->magnitude, (uint64_t)digit, &result->magnitude))
            result->overflow = true;
        result->end = at + 1;
    }
    if (result->overflow)
        result->magnitude = UINT64_MAX;
    return true;
}

static uint64_t parse_to(const char *string, char **end, int base, struct parsed_integer *parsed) {
    if (!integer_parse(string, base, parsed))
        errno = EINVAL;
    if (end != NULL)
        *end = (char *)(uintptr_t)parsed->end;
    return parsed->magnitude;
}

long strtol(const char *restrict string, char **restrict end, int base) {
    struct parsed_integer parsed;
    uint64_t magnitude = parse_to(string, end, base, &parsed);
    if (magnitude > (uint64_t)LONG_MAX + parsed.negative) {
        errno = ERANGE;
        return parsed.negative ? LONG_MIN : LONG_MAX;
    }
    return (long)(parsed.negative ? -magnitude : magnitude);
}

unsigned long strtoul(const char *restrict string, char **restrict end, int base) {
    struct parsed_integer parsed;
    uint64_t magnitude = parse_to(string, end, base, &parsed);
    if (parsed.overflow) {
        errno = ERANGE;
        return ULONG_MAX;
    }
    return parsed.negative ? -magnitude : magnitude;
}

long long strtoll(const char *restrict string, char **restrict end, int base) {
    return strtol(string, end, base);
}

unsigned long long strtoull(const char *restrict string, char **restrict end, int base) {
    return strtoul(string, end, base);
}

intmax_t strtoimax(const char *restrict string, char **restrict end, int base) {
    return strtol(string, end, base);
}

uintmax_t strtoumax(const char *restrict string, char **restrict end, int base) {
    return strtoul(string, end, base);
}

int atoi(const char *string) {
    return (int)strtol(string, NULL, 10);
}

long atol(const char *string) {
    return strtol(string, NULL, 10);
}

long long atoll(const char *string) {
    return strtol(string, NULL, 10);
}
