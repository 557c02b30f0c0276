// The kernel's formatter: writes into the caller's buffer only, never past its end, and keeps no state.
// Called by the log and by panic.
#include "kernel/debug/format.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
    char *at, *end; // end: the place of the last NUL
};

struct directive {
    bool zero, left;
    int length; // -2 hh, -1 h, 0 none, 1 l, 2 ll, 3 z
    size_t width, precision;
};

static void put(struct output *out, char c) {
    if (out->at < out->end)
        *out->at++ = c;
}

static void put_padded(struct output *out, const struct directive *d, const char *text, size_t length) {
    size_t padding = d->width > length ? d->width - length : 0;
    for (size_t i = 0; !d->left && i < padding; i++)
        put(out, ' ');
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    for (size_t i = 0; d->left && i < padding; i++)
        put(out, ' ');
}

static void put_number(struct output *out, const struct directive *d, uint64_t value, unsigned base,
                       bool negative) {
    char digits[72];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    size_t sign = negative ? 1 : 0;
    while (d->zero && !d->left && sizeof digits - at + sign < d->width && at > 1)
        digits[--at] = '0';
    if (negative)
        digits[--at] = '-';
    put_padded(out, d, digits + at, sizeof digits - at);
}

static void put_string(struct output *out, const struct directive *d, const char *text) {
    if (!text)
        text = "(null)";
    size_t length = 0;
    while (length < d->precision && text[length])
        length++;
    put_padded(out, d, text, length);
}

static int64_t signed_argument(int length, va_list *arguments) {
    if (length == 1)
        return va_arg(*arguments, long);
    if (length == 2)
        return va_arg(*arguments, long long);
    if (length == 3)
        return (int64_t)va_arg(*arguments, size_t);
    int value = va_arg(*arguments, int);
    return length == -2 ? (signed char)value : length == -1 ? (short)value : value;
}

static uint64_t unsigned_argument(int length, va_list *arguments) {
    if (length == 1)
        return va_arg(*arguments, unsigned long);
    if (length == 2)
        return va_arg(*arguments, unsigned long long);
    if (length == 3)
        return va_arg(*arguments, size_t);
    unsigned value = va_arg(*arguments, unsigned);
    return length == -2 ? (unsigned char)value : length == -1 ? (unsigned short)value : value;
}

static size_t read_count(const char **at, va_list *arguments) {
    size_t count = 0;
    if (**at == '*') {
        int value = va_arg(*arguments, int);
        (*at)++;
        return value < 0 ? 0 : (size_t)value;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (count < 100000)
            count = count * 10 + (size_t)(**at - '0');
    return count;
}

// Reads flags, width, precision and length; leaves *at on the conversion's letter.
static struct directive read_directive(const char **at, va_list *arguments) {
    struct directive d = {.precision = SIZE_MAX};
    for (; **at == '0' || **at == '-'; (*at)++) {
        d.zero |= **at == '0';
        d.left |= **at == '-';
    }
    d.width = read_count(at, arguments);
    if (**at == '.') {
        (*at)++;
        d.precision = read_count(at, arguments);
    }
    for (; **at == 'l' && d.length < 2; (*at)++)
        d.length++;
    for (; **at == 'h' && d.length > -2 && d.length <= 0; (*at)++)
        d.length--;
    if (**at == 'z' && d.length == 0) {
        d.length = 3;
        (*at)++;
    }
    return d;
}

static void put_pointer(struct output *out, struct directive *d, const void *pointer) {
    put(out, '0');
    put(out, 'x');
    put_number(out, d, (uintptr_t)pointer, 16, false);
}

// One conversion; false if its letter is unknown.
static bool put_directive(struct output *out, char letter, struct directive *d, va_list *arguments) {
    char c;
    int64_t number;
    switch (letter) {
    case 'd':
    case 'i':
        number = signed_argument(d->length, arguments);
        put_number(out, d, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0);
        return true;
    case 'u':
        put_number(out, d, unsigned_argument(d->length, arguments), 10, false);
        return true;
    case 'x':
        put_number(out, d, unsigned_argument(d->length, arguments), 16, false);
        return true;
    case 'c':
        c = (char)va_arg(*arguments, int);
        put_padded(out, d, &c, 1);
        return true;
    case 's':
        put_string(out, d, va_arg(*arguments, const char *));
        return true;
    case 'p':
        put_pointer(out, d, va_arg(*arguments, const void *));
        return true;
    default:
        return false;
    }
}

size_t format_text_va(char *out, size_t size, const char *format, va_list arguments) {
    if (size == 0)
        return 0;
    struct output output = {out, out + size - 1};
    va_list copy;
    va_copy(copy, arguments);
    while (*format) {
        const char *start = format;
        if (*format++ != '%') {
            put(&output, *start);
            continue;
        }
        struct directive d = read_directive(&format, &copy);
        if (*format && put_directive(&output, *format, &d, &copy)) {
            format++;
            continue;
        }
        if (*format == '%')
            start = format++; // "%%" is one
        while (start < format)
            put(&output, *start++);
    }
    va_end(copy);
    *output.at = '\0';
    return (size_t)(output.at - out);
}

size_t format_text(char *out, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_text_va(out, size, format, arguments);
    va_end(arguments);
    return length;
}
