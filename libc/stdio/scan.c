// The scanf engine (C17 7.21.6.2), with POSIX's 'm' (the string is allocated). Numbers are collected as text,
// as far as they could be a number, and then read by the strto functions. At most one byte is given back.
#include "libc/internal/scan.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int scan_next(struct scan_source *source) {
    int c = source->next(source);
    source->taken += c != SCAN_END;
    return c;
}

void scan_back(struct scan_source *source, int c) {
    if (c == SCAN_END)
        return;
    source->back(source, c);
    source->taken--;
}

static void skip_space(struct scan_source *source) {
    int c;
    do
        c = scan_next(source);
    while (c != SCAN_END && isspace(c));
    scan_back(source, c);
}

static void store_integer(const struct scan_spec *spec, struct scan_arguments *arguments, unsigned long value) {
    void *to = va_arg(arguments->list, void *);
    switch (spec->length) {
    case SCAN_CHAR:
        *(unsigned char *)to = (unsigned char)value;
        break;
    case SCAN_SHORT:
        *(unsigned short *)to = (unsigned short)value;
        break;
    case SCAN_INT:
        *(unsigned *)to = (unsigned)value;
        break;
    default:
        *(unsigned long *)to = value;
        break;
    }
}

struct collected {
    char text[SCAN_NUMBER_BYTES];
    size_t used, limit;
    int c; // the byte under consideration
};

// Keeps the byte and looks at the next one; SCAN_END once the width is used up.
static void collect(struct scan_source *source, struct collected *number) {
    number->text[number->used++] = (char)number->c;
    number->c = number->used < number->limit ? scan_next(source) : SCAN_END;
}

static int base_of(char conversion) {
    switch (conversion) {
    case 'o':
        return 8;
    case 'x':
    case 'X':
    case 'p':
        return 16;
    case 'i':
        return 0;
    default:
        return 10;
    }
}

static bool is_digit_of(int c, int base) {
    if (c == SCAN_END)
        return false;
    return base == 16 ? isxdigit(c) : base == 8 ? c >= '0' && c <= '7' : isdigit(c);
}

static enum scan_result scan_integer(struct scan_source *source, const struct scan_spec *spec, struct scan_arguments *arguments) {
    struct collected number = {.limit = spec->width < SCAN_NUMBER_BYTES - 1 ? spec->width : SCAN_NUMBER_BYTES - 1};
    int base = base_of(spec->conversion);
    bool any = false;
    number.c = scan_next(source);
    if (number.c == SCAN_END)
        return SCAN_INPUT_ENDED;
    if (number.c == '+' || number.c == '-')
        collect(source, &number);
    if (number.c == '0' && (base == 0 || base == 16)) {
        any = true;
        collect(source, &number);
        if (number.c != SCAN_END && (number.c | 0x20) == 'x') {
            any = false;
            base = 16;
            collect(source, &number);
        } else if (base == 0) {
            base = 8;
        }
    } else if (base == 0) {
        base = 10;
    }
    for (; is_digit_of(number.c, base); any = true)
        collect(source, &number);
    scan_back(source, number.c);
    if (!any)
        return SCAN_MISMATCH;
    if (spec->suppress)
        return SCAN_SUPPRESSED;
    number.text[number.used] = '\0';
    bool is_signed = spec->conversion == 'd' || spec->conversion == 'i';
    store_integer(spec, arguments, is_signed ? (unsigned long)strtol(number.text, NULL, base) : strtoul(number.text, NULL, base));
    return SCAN_STORED;
}

// Where the characters of %s, %c and %[ go: the caller's array, one that grows, or nowhere.
struct text_target {
    char *bytes;
    size_t used, capacity;
    bool allocate, failed;
};

static void text_add(struct text_target *target, char c) {
    if (target->bytes == NULL && !target->allocate)
        return;
    if (target->allocate && target->used == target->capacity) {
        size_t capacity = target->capacity * 2 + 32;
        char *larger = realloc(target->bytes, capacity);
        if (larger == NULL) {
            target->failed = true;
            return;
        }
        target->bytes = larger;
        target->capacity = capacity;
    }
    target->bytes[target->used++] = c;
}

struct scan_set {
    uint64_t bits[4];
};

static void set_range(struct scan_set *set, unsigned char from, unsigned char to) {
    for (unsigned c = from; c <= to; c++)
        set->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

// Reads a %[...] set; format is behind the '['. The result is behind the ']'.
static const char *parse_set(const char *format, struct scan_set *set) {
    *set = (struct scan_set){{0}};
    bool inverted = *format == '^';
    const char *first = format += inverted;
    for (; *format != '\0' && (*format != ']' || format == first); format++) {
        if (format[0] == '-' && format != first && format[1] != ']' && format[1] != '\0') {
            set_range(set, (unsigned char)format[-1], (unsigned char)format[1]);
            format++;
        } else {
            set_range(set, (unsigned char)*format, (unsigned char)*format);
        }
    }
    for (int i = 0; inverted && i < 4; i++)
        set->bits[i] = ~set->bits[i];
    return *format == ']' ? format + 1 : format;
}

static bool is_wanted(int c, const struct scan_spec *spec, const struct scan_set *set) {
    switch (spec->conversion) {
    case 'c':
        return true;
    case 's':
        return !isspace(c);
    default:
        return (set->bits[c / 64] >> (c % 64)) & 1;
    }
}

static enum scan_result scan_text(struct scan_source *source, const struct scan_spec *spec, struct scan_arguments *arguments,
                                  const struct scan_set *set) {
    struct text_target target = {.allocate = spec->allocate && !spec->suppress};
    char **result = target.allocate ? va_arg(arguments->list, char **) : NULL;
    if (!spec->suppress && !spec->allocate)
        target.bytes = va_arg(arguments->list, char *);
    size_t limit = spec->width == SIZE_MAX && spec->conversion == 'c' ? 1 : spec->width, count = 0;
    int c = SCAN_END;
    for (; count < limit && (c = scan_next(source)) != SCAN_END; count++) {
        if (!is_wanted(c, spec, set)) {
            scan_back(source, c);
            break;
        }
        text_add(&target, (char)c);
    }
    bool complete = spec->conversion == 'c' ? count == limit : count > 0;
    if (complete && spec->conversion != 'c')
        text_add(&target, '\0');
    if (!complete || target.failed) {
        if (target.allocate)
            free(target.bytes);
        return c == SCAN_END ? SCAN_INPUT_ENDED : SCAN_MISMATCH;
    }
    if (result != NULL)
        *result = target.bytes;
    return spec->suppress ? SCAN_SUPPRESSED : SCAN_STORED;
}

static enum scan_length parse_length(const char **format) {
    switch (**format) {
    case 'h':
        if (*++*format != 'h')
            return SCAN_SHORT;
        ++*format;
        return SCAN_CHAR;
    case 'l':
        if (*++*format == 'l')
            ++*format;
        return SCAN_LONG;
    case 'j':
    case 'z':
    case 't':
        ++*format;
        return SCAN_LONG;
    case 'L':
        ++*format;
        return SCAN_LONG_DOUBLE;
    default:
        return SCAN_INT;
    }
}

// Reads what follows a '%', the set of a '[' included.
static const char *parse_spec(const char *format, struct scan_spec *spec, struct scan_set *set) {
    *spec = (struct scan_spec){.width = SIZE_MAX};
    if (*format == '*') {
        spec->suppress = true;
        format++;
    }
    if (isdigit((unsigned char)*format)) {
        char *end;
        spec->width = strtoul(format, &end, 10);
        format = end;
    }
    if (*format == 'm') {
        spec->allocate = true;
        format++;
    }
    spec->length = parse_length(&format);
    spec->conversion = *format;
    if (*format == '\0')
        return format;
    return *format == '[' ? parse_set(format + 1, set) : format + 1;
}

static enum scan_result scan_conversion(struct scan_source *source, const struct scan_spec *spec,
                                        struct scan_arguments *arguments, const struct scan_set *set) {
    switch (spec->conversion) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        return scan_integer(source, spec, arguments);
    case 'p': {
        struct scan_spec wide = *spec;
        wide.length = SCAN_LONG;
        return scan_integer(source, &wide, arguments);
    }
    case 'c':
    case 's':
    case '[':
        return scan_text(source, spec, arguments, set);
    case 'n':
        if (!spec->suppress)
            store_integer(spec, arguments, source->taken);
        return SCAN_SUPPRESSED;
    case '%': {
        int c = scan_next(source);
        if (c == '%')
            return SCAN_SUPPRESSED;
        scan_back(source, c);
        return c == SCAN_END ? SCAN_INPUT_ENDED : SCAN_MISMATCH;
    }
    default:
        if (spec->conversion != '\0' && strchr("eEfFgGaA", spec->conversion) != NULL)
            return scan_float(source, spec, arguments);
        return SCAN_MISMATCH;
    }
}

int scan_run(struct scan_source *source, const char *format, va_list list) {
    struct scan_arguments arguments;
    va_copy(arguments.list, list);
    int stored = 0;
    bool ended = false;
    while (*format != '\0') {
        if (isspace((unsigned char)*format)) {
            skip_space(source);
            format++;
            continue;
        }
        if (*format != '%') {
            int c = scan_next(source);
            if (c != (unsigned char)*format) {
                scan_back(source, c);
                ended = c == SCAN_END;
                break;
            }
            format++;
            continue;
        }
        struct scan_spec spec;
        struct scan_set set;
        format = parse_spec(format + 1, &spec, &set);
        if (spec.conversion != '\0' && strchr("c[n", spec.conversion) == NULL)
            skip_space(source);
        enum scan_result result = scan_conversion(source, &spec, &arguments, &set);
        stored += result == SCAN_STORED;
        ended = result == SCAN_INPUT_ENDED;
        if (result > SCAN_SUPPRESSED)
            break;
    }
    va_end(arguments.list);
    return ended && stored == 0 ? EOF : stored;
}
