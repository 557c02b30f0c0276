// strtod, strtof, strtold (C17 7.22.1.3): correctly rounded, half to even, by exact decimal arithmetic; short
// numbers, which are most, take one multiplication. A long double text of more than 1,278 digits that lies
// within its last bits of a tie may round wrongly.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libc/internal/decimal.h"
#include "libc/internal/float_parts.h"

static const struct float_format single_format = {24, -149, 128};
static const struct float_format double_format = {53, -1074, 1024};
static const struct float_format extended_format = {64, -16445, 16384};

enum { EXPONENT_LIMIT = 100000 }; // beyond every format; further digits are ignored

// The text of a number, before it has a value.
struct number_text {
    const char *digits; // first digit or point
    const char *end;
    int exponent; // as written
    bool hexadecimal;
};

static int parse_exponent(const char **at) {
    const char *from = *at + 1;
    bool negative = *from == '-';
    if (*from == '-' || *from == '+')
        from++;
    if (!isdigit((unsigned char)*from))
        return 0;
    int value = 0;
    for (; isdigit((unsigned char)*from); from++)
        if (value < EXPONENT_LIMIT)
            value = value * 10 + (*from - '0');
    *at = from;
    return negative ? -value : value;
}

// Finds the extent of a number at `at`; false if there is none.
static bool scan_number(const char *at, struct number_text *text) {
    *text = (struct number_text){.digits = at};
    if (at[0] == '0' && (at[1] | 0x20) == 'x' &&
        (isxdigit((unsigned char)at[2]) || (at[2] == '.' && isxdigit((unsigned char)at[3])))) {
        text->hexadecimal = true;
        at += 2;
        text->digits = at;
    }
    bool any = false, point = false;
    for (;; at++) {
        if (text->hexadecimal ? isxdigit((unsigned char)*at) : isdigit((unsigned char)*at))
            any = true;
        else if (*at == '.' && !point)
            point = true;
        else
            break;
    }
    if (!any)
        return false;
    if ((*at | 0x20) == (text->hexadecimal ? 'p' : 'e'))
        text->exponent = parse_exponent(&at);
    text->end = at;
    return true;
}

// Rounds by what lies below the mantissa's last bit, and notes what leaves the format's range.
static void round_binary(struct float_parts *parts, const struct float_format *format, bool above_half, bool at_half,
                         bool inexact) {
    bool up = above_half || (at_half && (parts->mantissa & 1));
    parts->mantissa += up;
    bool wrapped = format->bits == 64 ? parts->mantissa == 0 && up : parts->mantissa >> format->bits != 0;
    if (wrapped) {
        parts->mantissa = UINT64_C(1) << (format->bits - 1);
        parts->exponent++;
    }
    parts->kind = parts->mantissa != 0 ? FLOAT_NUMBER : FLOAT_ZERO;
    bool subnormal = parts->mantissa >> (format->bits - 1) == 0;
    if (subnormal && inexact)
        errno = ERANGE;
    if (!subnormal && parts->exponent + format->bits > format->limit) {
        parts->kind = FLOAT_INFINITE;
        errno = ERANGE;
    }
}

static void hexadecimal_value(const struct number_text *text, const struct float_format *format, struct float_parts *parts) {
    uint64_t mantissa = 0;
    bool point = false, more = false;
    long exponent = text->exponent;
    for (const char *at = text->digits; at < text->end && (*at | 0x20) != 'p'; at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        unsigned digit = isdigit((unsigned char)*at) ? (unsigned)(*at - '0') : (unsigned)((*at | 0x20) - 'a' + 10);
        if (mantissa >> 60 == 0) {
            mantissa = mantissa << 4 | digit;
            exponent -= point ? 4 : 0;
        } else {
            more |= digit != 0;
            exponent += point ? 0 : 4;
        }
    }
    parts->kind = FLOAT_ZERO;
    if (mantissa == 0)
        return;
    int shift = __builtin_clzll(mantissa);
    mantissa <<= shift;
    exponent -= shift;
    int drop = 64 - format->bits; // bits below the mantissa
    if (exponent + drop < format->lowest_exponent)
        drop = format->lowest_exponent - exponent < 66 ? (int)(format->lowest_exponent - exponent) : 66;
    if (exponent > format->limit)
        exponent = format->limit;
    uint64_t rest = drop == 0 ? 0 : drop < 64 ? mantissa << (64 - drop) : drop == 64 ? mantissa : 1;
    uint64_t half = UINT64_C(1) << 63;
    parts->mantissa = drop < 64 ? mantissa >> drop : 0;
    parts->exponent = (int)exponent + drop;
    if (drop == 66)
        parts->exponent = format->lowest_exponent;
    bool can_round = drop > 0 && drop <= 64;
    if (drop == 0)
        rest = 0;
    round_binary(parts, format, can_round && (rest > half || (rest == half && more)), can_round && rest == half && !more,
                 rest != 0 || more);
}

// The digits as a decimal; *leading is the decimal exponent of the first one that is not zero. False for
// zero.
static bool decimal_read(struct decimal *decimal, const struct number_text *text, long *leading) {
    const char *at = text->digits;
    long exponent = text->exponent, places = 0; // places: digits before the point
    bool point = false, started = false;
    int kept = 0;
    // First pass: where the first digit that is not zero stands.
    for (const char *look = at; look < text->end && (*look | 0x20) != 'e'; look++) {
        if (*look == '.') {
            point = true;
            continue;
        }
        started |= *look != '0';
        if (started && !point)
            places++;
        if (!started && point)
            places--;
    }
    if (!started)
        return false;
    *leading = places + exponent - 1;
    if (*leading > EXPONENT_LIMIT || *leading < -EXPONENT_LIMIT)
        return true;
    // The first word holds as many digits as make the rest of the words whole.
    long point_words = (*leading >= 0 ? *leading : *leading - 8) / 9 + 1;
    int in_word = 9 - 1 - (int)(*leading - (point_words - 1) * 9);
    decimal->first = DECIMAL_FRONT;
    decimal->end = DECIMAL_FRONT;
    decimal->point = (int)point_words;
    decimal->more = false;
    uint32_t word = 0;
    started = false;
    for (; at < text->end && (*at | 0x20) != 'e'; at++) {
        started |= *at != '0' && *at != '.';
        if (*at == '.' || !started)
            continue;
        if (kept++ >= DECIMAL_INPUT_DIGITS) {
            decimal->more |= *at != '0';
            continue;
        }
        word = word * 10 + (uint32_t)(*at - '0');
        if (++in_word == 9) {
            decimal->words[decimal->end++] = word;
            word = 0;
            in_word = 0;
        }
    }
    if (in_word > 0) {
        for (; in_word < 9; in_word++)
            word *= 10;
        decimal->words[decimal->end++] = word;
    }
    while (decimal->end > decimal->first && decimal->words[decimal->end - 1] == 0)
        decimal->end--;
    return true;
}

static void decimal_value(const struct number_text *text, const struct float_format *format, struct float_parts *parts) {
    struct decimal decimal;
    long leading;
    parts->kind = FLOAT_ZERO;
    if (!decimal_read(&decimal, text, &leading))
        return;
    if (leading > 5000 || leading < -5000) {
        parts->kind = leading > 0 ? FLOAT_INFINITE : FLOAT_ZERO;
        errno = ERANGE;
        return;
    }
    // The value is below 2^top, so the integer part, scaled thus, fits the mantissa; up to four bits may be
    // missing.
    int top = (int)((leading + 1) * 33220 / 10000) + 1;
    int exponent = top - format->bits;
    if (exponent < format->lowest_exponent)
        exponent = format->lowest_exponent;
    decimal_scale(&decimal, -exponent);
    uint64_t whole = decimal_whole(&decimal);
    int missing = format->bits - (whole != 0 ? 64 - __builtin_clzll(whole) : 0);
    if (missing > exponent - format->lowest_exponent)
        missing = exponent - format->lowest_exponent;
    if (missing > 0) {
        decimal_scale(&decimal, missing);
        exponent -= missing;
        whole = decimal_whole(&decimal);
    }
    bool exact;
    int half = decimal_compare_half(&decimal, &exact);
    parts->mantissa = whole;
    parts->exponent = exponent;
    round_binary(parts, format, half > 0, half == 0, !exact);
}

// Reads a number of the format. Returns where it ends: the string itself if there is none.
static const char *parse_parts(const char *string, const struct float_format *format, struct float_parts *parts,
                               struct number_text *text) {
    const char *at = string;
    *parts = (struct float_parts){0};
    while (isspace((unsigned char)*at))
        at++;
    if (*at == '-' || *at == '+')
        parts->negative = *at++ == '-';
    if (strncasecmp(at, "inf", 3) == 0) {
        parts->kind = FLOAT_INFINITE;
        return at + (strncasecmp(at, "infinity", 8) == 0 ? 8 : 3);
    }
    if (strncasecmp(at, "nan", 3) == 0) {
        parts->kind = FLOAT_NAN;
        at += 3;
        const char *end = at + (*at == '(');
        while (isalnum((unsigned char)*end) || *end == '_')
            end++;
        return *at == '(' && *end == ')' ? end + 1 : at;
    }
    if (!scan_number(at, text)) {
        parts->negative = false;
        return string;
    }
    if (text->hexadecimal)
        hexadecimal_value(text, format, parts);
    else
        decimal_value(text, format, parts);
    return text->end;
}

// Up to 15 digits and a power of ten up to 22 are exact in a double, so one operation rounds once (Clinger
// 1990).
static bool short_value(const char *string, const char **end, double *result) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at = string;
    while (isspace((unsigned char)*at))
        at++;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    struct number_text text;
    if (!scan_number(at, &text) || text.hexadecimal)
        return false;
    long value = 0;
    int digits = 0, exponent = text.exponent;
    bool point = false;
    for (at = text.digits; at < text.end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        if (++digits > 15)
            return false;
        value = value * 10 + (*at - '0');
        exponent -= point;
    }
    if (exponent < -22 || exponent > 22)
        return false;
    double exact = (double)value;
    exact = exponent < 0 ? exact / powers[-exponent] : exact * powers[exponent];
    *result = negative ? -exact : exact;
    *end = text.end;
    return true;
}

double strtod(const char *restrict string, char **restrict end) {
    const char *stop;
    double result;
    if (!short_value(string, &stop, &result)) {
        struct float_parts parts;
        struct number_text text;
        stop = parse_parts(string, &double_format, &parts, &text);
        uint64_t bits = (uint64_t)parts.negative << 63;
        if (parts.kind == FLOAT_INFINITE || parts.kind == FLOAT_NAN)
            bits |= UINT64_C(0x7ff) << 52 | (parts.kind == FLOAT_NAN ? UINT64_C(1) << 51 : 0);
        else if (parts.kind == FLOAT_NUMBER && parts.mantissa >> 52 != 0)
            bits |= (uint64_t)(parts.exponent + 52 + 1023) << 52 | (parts.mantissa & 0xfffffffffffff);
        else if (parts.kind == FLOAT_NUMBER)
            bits |= parts.mantissa;
        memcpy(&result, &bits, sizeof result);
    }
    if (end != NULL)
        *end = (char *)(uintptr_t)stop;
    return result;
}

float strtof(const char *restrict string, char **restrict end) {
    struct float_parts parts;
    struct number_text text;
    const char *stop = parse_parts(string, &single_format, &parts, &text);
    uint32_t bits = (uint32_t)parts.negative << 31;
    float result;
    if (parts.kind == FLOAT_INFINITE || parts.kind == FLOAT_NAN)
        bits |= UINT32_C(0xff) << 23 | (parts.kind == FLOAT_NAN ? UINT32_C(1) << 22 : 0);
    else if (parts.kind == FLOAT_NUMBER && parts.mantissa >> 23 != 0)
        bits |= (uint32_t)(parts.exponent + 23 + 127) << 23 | ((uint32_t)parts.mantissa & 0x7fffff);
    else if (parts.kind == FLOAT_NUMBER)
        bits |= (uint32_t)parts.mantissa;
    memcpy(&result, &bits, sizeof result);
    if (end != NULL)
        *end = (char *)(uintptr_t)stop;
    return result;
}

long double strtold(const char *restrict string, char **restrict end) {
    struct float_parts parts;
    struct number_text text;
    const char *stop = parse_parts(string, &extended_format, &parts, &text);
    uint64_t mantissa = 0;
    uint16_t head = (uint16_t)(parts.negative ? 0x8000 : 0);
    long double result = 0;
    if (parts.kind == FLOAT_INFINITE || parts.kind == FLOAT_NAN) {
        head |= 0x7fff;
        mantissa = UINT64_C(1) << 63 | (parts.kind == FLOAT_NAN ? UINT64_C(1) << 62 : 0);
    } else if (parts.kind == FLOAT_NUMBER) {
        mantissa = parts.mantissa;
        if (mantissa >> 63 != 0)
            head |= (uint16_t)(parts.exponent + 63 + 16383);
    }
    memcpy(&result, &mantissa, 8);
    memcpy((char *)&result + 8, &head, 2);
    if (end != NULL)
        *end = (char *)(uintptr_t)stop;
    return result;
}

double atof(const char *string) {
    return strtod(string, NULL);
}
