// The printf engine (C17 7.21.6.1): parses conversions and hands each to its kind. Also knows %m
// (strerror(errno)); does not know numbered arguments (%1$d).
#include "libc/internal/format.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

void format_bytes(struct format_sink *sink, const char *bytes, size_t size) {
    if (size > 0)
        sink->write(sink, bytes, size);
    sink->total += size;
}

void format_fill(struct format_sink *sink, char byte, size_t count) {
    char block[64];
    memset(block, byte, count < sizeof block ? count : sizeof block);
    while (count > 0) {
        size_t part = count < sizeof block ? count : sizeof block;
        format_bytes(sink, block, part);
        count -= part;
    }
}

size_t format_open_field(struct format_sink *sink, const struct format_spec *spec, const char *prefix, size_t body) {
    size_t size = strlen(prefix) + body;
    size_t padding = (size_t)spec->width > size ? (size_t)spec->width - size : 0;
    if (!spec->left && !spec->zero)
        format_fill(sink, ' ', padding);
    format_bytes(sink, prefix, strlen(prefix));
    if (!spec->left && spec->zero)
        format_fill(sink, '0', padding);
    return spec->left ? padding : 0;
}

static int64_t take_signed(const struct format_spec *spec, struct format_arguments *arguments) {
    switch (spec->length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(arguments->list, int);
    case LENGTH_SHORT:
        return (short)va_arg(arguments->list, int);
    case LENGTH_INT:
        return va_arg(arguments->list, int);
    default:
        return va_arg(arguments->list, long);
    }
}

static uint64_t take_unsigned(const struct format_spec *spec, struct format_arguments *arguments) {
    switch (spec->length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(arguments->list, unsigned);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(arguments->list, unsigned);
    case LENGTH_INT:
        return va_arg(arguments->list, unsigned);
    default:
        return va_arg(arguments->list, unsigned long);
    }
}

static void print_integer(struct format_sink *sink, struct format_spec *spec, uint64_t value, const char *prefix) {
    char digits[24], *end = digits + sizeof digits, *first = end;
    unsigned base = spec->conversion == 'o' ? 8 : strchr("xXp", spec->conversion) != NULL ? 16 : 10;
    const char *letters = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; value > 0; value /= base)
        *--first = letters[value % base];
    size_t count = (size_t)(end - first);
    size_t wanted = spec->precision >= 0 ? (size_t)spec->precision : 1;
    if (spec->precision >= 0)
        spec->zero = false;
    if (spec->alternate && base == 8 && wanted <= count)
        wanted = count + 1;
    if (spec->alternate && base == 8 && count == 0)
        wanted = wanted > 1 ? wanted : 1;
    size_t zeros = wanted > count ? wanted - count : 0;
    size_t behind = format_open_field(sink, spec, prefix, zeros + count);
    format_fill(sink, '0', zeros);
    format_bytes(sink, first, count);
    format_fill(sink, ' ', behind);
}

static void print_signed(struct format_sink *sink, struct format_spec *spec, struct format_arguments *arguments) {
    int64_t value = take_signed(spec, arguments);
    const char *prefix = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    print_integer(sink, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, prefix);
}

static void print_unsigned(struct format_sink *sink, struct format_spec *spec, struct format_arguments *arguments) {
    uint64_t value = take_unsigned(spec, arguments);
    const char *prefix = "";
    if (spec->alternate && value != 0)
        prefix = spec->conversion == 'x' ? "0x" : spec->conversion == 'X' ? "0X" : "";
    print_integer(sink, spec, value, prefix);
}

static void print_pointer(struct format_sink *sink, struct format_spec *spec, struct format_arguments *arguments) {
    uintptr_t value = (uintptr_t)va_arg(arguments->list, void *);
    print_integer(sink, spec, value, "0x");
}

static void print_bytes(struct format_sink *sink, struct format_spec *spec, const char *bytes, size_t size) {
    spec->zero = false;
    size_t behind = format_open_field(sink, spec, "", size);
    format_bytes(sink, bytes, size);
    format_fill(sink, ' ', behind);
}

static void print_string(struct format_sink *sink, struct format_spec *spec, const char *string) {
    if (string == NULL)
        string = "(null)";
    print_bytes(sink, spec, string, spec->precision < 0 ? strlen(string) : strnlen(string, (size_t)spec->precision));
}

// The precision counts bytes, and no character is cut.
static void print_wide_string(struct format_sink *sink, struct format_spec *spec, const wchar_t *string) {
    if (string == NULL) {
        print_string(sink, spec, NULL);
        return;
    }
    char bytes[4];
    size_t size = 0, count = 0, limit = spec->precision >= 0 ? (size_t)spec->precision : SIZE_MAX;
    for (;; count++) {
        if (size == limit || string[count] == 0)
            break;
        size_t part = wcrtomb(bytes, string[count], NULL);
        if (part == (size_t)-1) {
            sink->failed = true;
            return;
        }
        if (part > limit - size)
            break;
        size += part;
    }
    spec->zero = false;
    size_t behind = format_open_field(sink, spec, "", size);
    for (size_t i = 0; i < count; i++)
        format_bytes(sink, bytes, wcrtomb(bytes, string[i], NULL));
    format_fill(sink, ' ', behind);
}

static void print_character(struct format_sink *sink, struct format_spec *spec, struct format_arguments *arguments) {
    char bytes[4];
    size_t size = 1;
    if (spec->length == LENGTH_LONG) {
        size = wcrtomb(bytes, va_arg(arguments->list, wchar_t), NULL);
        if (size == (size_t)-1) {
            sink->failed = true;
            return;
        }
    } else {
        bytes[0] = (char)va_arg(arguments->list, int);
    }
    print_bytes(sink, spec, bytes, size);
}

static void store_count(const struct format_sink *sink, const struct format_spec *spec, struct format_arguments *arguments) {
    void *to = va_arg(arguments->list, void *);
    switch (spec->length) {
    case LENGTH_CHAR:
        *(signed char *)to = (signed char)sink->total;
        break;
    case LENGTH_SHORT:
        *(short *)to = (short)sink->total;
        break;
    case LENGTH_INT:
        *(int *)to = (int)sink->total;
        break;
    default:
        *(long *)to = (long)sink->total;
        break;
    }
}

// A decimal number at *format, saturated; 0 if there is none.
static int parse_number(const char **format) {
    int value = 0;
    for (; **format >= '0' && **format <= '9'; ++*format)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, **format - '0', &value))
            value = INT_MAX;
    return value;
}

static void parse_flags(const char **format, struct format_spec *spec) {
    for (;; ++*format) {
        switch (**format) {
        case '-':
            spec->left = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '\'': // there are no thousands separators in this locale
            break;
        default:
            return;
        }
    }
}

static void parse_length(const char **format, struct format_spec *spec) {
    switch (**format) {
    case 'h':
        spec->length = (*format)[1] == 'h' ? LENGTH_CHAR : LENGTH_SHORT;
        *format += spec->length == LENGTH_CHAR ? 2 : 1;
        break;
    case 'l':
        spec->length = LENGTH_LONG;
        *format += (*format)[1] == 'l' ? 2 : 1;
        break;
    case 'j':
    case 'z':
    case 't':
        spec->length = LENGTH_LONG;
        ++*format;
        break;
    case 'L':
        spec->length = LENGTH_LONG_DOUBLE;
        ++*format;
        break;
    }
}

// Reads what follows a '%'. The result is where the format goes on.
static const char *parse_spec(const char *format, struct format_spec *spec, struct format_arguments *arguments) {
    *spec = (struct format_spec){.precision = -1};
    parse_flags(&format, spec);
    if (*format == '*') {
        spec->width = va_arg(arguments->list, int);
        if (spec->width < 0) {
            spec->left = true;
            spec->width = spec->width == INT_MIN ? INT_MAX : -spec->width;
        }
        format++;
    } else {
        spec->width = parse_number(&format);
    }
    if (*format == '.') {
        if (*++format == '*') {
            spec->precision = va_arg(arguments->list, int);
            format++;
        } else {
            spec->precision = parse_number(&format);
        }
        if (spec->precision < 0)
            spec->precision = -1;
    }
    parse_length(&format, spec);
    spec->conversion = *format;
    return *format != '\0' ? format + 1 : format;
}

static void print_conversion(struct format_sink *sink, struct format_spec *spec, struct format_arguments *arguments) {
    switch (spec->conversion) {
    case 'd':
    case 'i':
        print_signed(sink, spec, arguments);
        break;
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        print_unsigned(sink, spec, arguments);
        break;
    case 'p':
        print_pointer(sink, spec, arguments);
        break;
    case 'c':
        print_character(sink, spec, arguments);
        break;
    case 's':
        if (spec->length == LENGTH_LONG)
            print_wide_string(sink, spec, va_arg(arguments->list, const wchar_t *));
        else
            print_string(sink, spec, va_arg(arguments->list, const char *));
        break;
    case 'm':
        print_string(sink, spec, strerror(errno));
        break;
    case 'n':
        store_count(sink, spec, arguments);
        break;
    case '%':
        format_bytes(sink, "%", 1);
        break;
    default:
        if (spec->conversion != '\0' && strchr("eEfFgGaA", spec->conversion) != NULL) {
            format_float(sink, spec, arguments);
        } else { // undefined by C: shown, so that it is found
            format_bytes(sink, "%", 1);
            format_bytes(sink, &spec->conversion, spec->conversion != '\0');
        }
        break;
    }
}

int format_print(struct format_sink *sink, const char *format, va_list list) {
    struct format_arguments arguments;
    va_copy(arguments.list, list);
    while (!sink->failed) {
        size_t plain = (size_t)(strchrnul(format, '%') - format);
        format_bytes(sink, format, plain);
        format += plain;
        if (*format == '\0')
            break;
        struct format_spec spec;
        format = parse_spec(format + 1, &spec, &arguments);
        size_t before = sink->total;
        if ((size_t)spec.width > INT_MAX - 64 || before > INT_MAX) {
            errno = EOVERFLOW;
            sink->failed = true;
            break;
        }
        print_conversion(sink, &spec, &arguments);
    }
    va_end(arguments.list);
    if (!sink->failed && sink->total > INT_MAX) {
        errno = EOVERFLOW;
        sink->failed = true;
    }
    return sink->failed ? -1 : (int)sink->total;
}
