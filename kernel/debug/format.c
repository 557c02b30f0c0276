// The kernel's formatter: writes into the caller's buffer only, never past its end, and keeps no state. What it does not know it
// copies. Called by the log and by panic.
#include "kernel/debug/format.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
    char *at, *end; // end: the place of the last NUL
};

static void put(struct output *out, const char *text, size_t length, size_t width) {
    for (size_t i = length; i < width && out->at < out->end; i++)
        *out->at++ = ' ';
    for (size_t i = 0; i < length && out->at < out->end; i++)
        *out->at++ = text[i];
}

static void put_number(struct output *out, uint64_t value, unsigned base, bool negative, size_t width, bool zeros) {
    char digits[72];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    while (zeros && sizeof digits - at + negative < width && at > 1)
        digits[--at] = '0';
    if (negative)
        digits[--at] = '-';
    put(out, digits + at, sizeof digits - at, width);
}

// One conversion, from behind its '%'; where it ends, or NULL if it is not known.
static const char *convert(struct output *out, const char *at, va_list *arguments) {
    size_t width = 0, length = 0;
    bool zeros = *at == '0', wide = false;
    for (; *at >= '0' && *at <= '9'; at++)
        width = width < sizeof(uint64_t) * 8 ? width * 10 + (size_t)(*at - '0') : width;
    for (; *at == 'l' || *at == 'z'; at++)
        wide = true; // long, long long and size_t: all of 64 bits
    if (*at == 'd') {
        int64_t value = wide ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
        put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, width, zeros);
    } else if (*at == 'u' || *at == 'x') {
        uint64_t value = wide ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
        put_number(out, value, *at == 'u' ? 10 : 16, false, width, zeros);
    } else if (*at == 'p') {
        put(out, "0x", 2, 0);
        put_number(out, (uintptr_t)va_arg(*arguments, void *), 16, false, width, zeros);
    } else if (*at == 's') {
        const char *text = va_arg(*arguments, const char *);
        text = text ? text : "(null)";
        while (text[length])
            length++;
        put(out, text, length, width);
    } else if (*at == '%') {
        put(out, "%", 1, width);
    } else {
        return NULL;
    }
    return at + 1;
}

size_t format_text_va(char *out, size_t size, const char *format, va_list arguments) {
    if (size == 0)
        return 0;
    struct output output = {out, out + size - 1};
    va_list copy;
    va_copy(copy, arguments);
    while (*format) {
        const char *end = *format == '%' ? convert(&output, format + 1, &copy) : NULL;
        if (!end)
            put(&output, format, 1, 0);
        format = end ? end : format + 1;
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
