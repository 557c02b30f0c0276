// %e %f %g %a of scanf: collects what could be a number and gives it to strtod.
#include <ctype.h>
#include <stdlib.h>

#include "libc/internal/scan.h"

struct collected {
    struct scan_source *source;
    char text[SCAN_NUMBER_BYTES];
    size_t used, limit;
    int c;
};

static void collect(struct collected *number) {
    number->text[number->used++] = (char)number->c;
    number->c = number->used < number->limit ? scan_next(number->source) : SCAN_END;
}

static bool collect_word(struct collected *number, const char *word) {
    for (; *word != '\0'; word++) {
        if (number->c == SCAN_END || tolower(number->c) != *word)
            return false;
        collect(number);
    }
    return true;
}

static bool collect_digits(struct collected *number, bool hexadecimal) {
    bool any = false;
    for (; number->c != SCAN_END && (hexadecimal ? isxdigit(number->c) : isdigit(number->c)); any = true)
        collect(number);
    return any;
}

static bool collect_number(struct collected *number) {
    bool hexadecimal = false, any = false;
    if (number->c == '+' || number->c == '-')
        collect(number);
    if (number->c != SCAN_END && tolower(number->c) == 'i') {
        if (!collect_word(number, "inf"))
            return false;
        return number->c == SCAN_END || tolower(number->c) != 'i' || collect_word(number, "inity");
    }
    if (number->c != SCAN_END && tolower(number->c) == 'n')
        return collect_word(number, "nan");
    if (number->c == '0') {
        any = true;
        collect(number);
        if (number->c != SCAN_END && tolower(number->c) == 'x') {
            hexadecimal = true;
            any = false;
            collect(number);
        }
    }
    any |= collect_digits(number, hexadecimal);
    if (number->c == '.') {
        collect(number);
        any |= collect_digits(number, hexadecimal);
    }
    if (!any || number->c == SCAN_END || tolower(number->c) != (hexadecimal ? 'p' : 'e'))
        return any;
    collect(number);
    if (number->c == '+' || number->c == '-')
        collect(number);
    return collect_digits(number, false);
}

enum scan_result scan_float(struct scan_source *source, const struct scan_spec *spec, struct scan_arguments *arguments) {
    struct collected number = {.source = source};
    number.limit = spec->width < SCAN_NUMBER_BYTES - 1 ? spec->width : SCAN_NUMBER_BYTES - 1;
    number.c = scan_next(source);
    if (number.c == SCAN_END)
        return SCAN_INPUT_ENDED;
    bool complete = collect_number(&number);
    scan_back(source, number.c);
    if (!complete)
        return SCAN_MISMATCH;
    if (spec->suppress)
        return SCAN_SUPPRESSED;
    number.text[number.used] = '\0';
    void *to = va_arg(arguments->list, void *);
    if (spec->length == SCAN_LONG_DOUBLE)
        *(long double *)to = strtold(number.text, NULL);
    else if (spec->length == SCAN_LONG)
        *(double *)to = strtod(number.text, NULL);
    else
        *(float *)to = strtof(number.text, NULL);
    return SCAN_STORED;
}
