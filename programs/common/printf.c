// printf: the format is used again as long as arguments are left. Numbers may be written 'c for a character's
// code.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/escape.h"
#include "programs/common/text_commands.h"
#include "programs/common/utf8.h"

struct formatter {
    char **next; // arguments not used yet
    struct buffer *out;
    struct buffer *error;
    int status;
    bool ended; // by \c
};

struct conversion {
    bool left, plus, space, alternate, zero;
    long width;
    long precision; // -1: none
    char letter;
};

static void complain(struct formatter *formatter, const char *argument, const char *reason) {
    if (formatter->error->length == 0)
        buffer_format(formatter->error, "%s: %s", argument, reason);
    formatter->status = 1;
}

static const char *argument_take(struct formatter *formatter) {
    return *formatter->next ? *formatter->next++ : NULL;
}

// A number in C's notation as two's complement, with its sign in *negative.
static uint64_t number_take(struct formatter *formatter, bool is_signed, bool *negative) {
    const char *text = argument_take(formatter);
    *negative = false;
    if (!text || !*text)
        return 0;
    if (*text == '\'' || *text == '"') {
        uint32_t code = 0;
        if (text[1])
            utf8_decode(text + 1, strlen(text + 1), &code);
        return code;
    }
    char *end;
    errno = 0;
    uint64_t value = is_signed ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
    if (end == text || *end)
        complain(formatter, text, "not a number");
    else if (errno == ERANGE)
        complain(formatter, text, "number too large");
    *negative = is_signed && (int64_t)value < 0;
    return *negative ? 0 - value : value;
}

static void pad(struct formatter *formatter, char c, long count) {
    for (; count > 0; count--)
        buffer_append_byte(formatter->out, c);
}

static void put_string(struct formatter *formatter, const struct conversion *conversion, const char *text, size_t length) {
    if (conversion->precision >= 0 && (size_t)conversion->precision < length)
        length = (size_t)conversion->precision;
    long filling = conversion->width - (long)length;
    if (!conversion->left)
        pad(formatter, ' ', filling);
    buffer_append(formatter->out, text, length);
    if (conversion->left)
        pad(formatter, ' ', filling);
}

static void put_number(struct formatter *formatter, const struct conversion *conversion) {
    char letter = conversion->letter;
    bool is_signed = letter == 'd' || letter == 'i';
    bool negative;
    uint64_t value = number_take(formatter, is_signed, &negative);
    unsigned base = letter == 'o' ? 8 : letter == 'x' || letter == 'X' ? 16 : 10;
    const char *digits = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[32];
    size_t start = sizeof(text);
    for (uint64_t rest = value; rest; rest /= base)
        text[--start] = digits[rest % base];
    long count = (long)(sizeof(text) - start);
    long minimum = conversion->precision >= 0 ? conversion->precision : 1;
    const char *prefix = negative ? "-" : !is_signed ? "" : conversion->plus ? "+" : conversion->space ? " " : "";
    if (conversion->alternate && base == 16 && value)
        prefix = letter == 'x' ? "0x" : "0X";
    if (conversion->alternate && base == 8 && minimum <= count)
        minimum = count + 1;
    long zeroes = minimum > count ? minimum - count : 0;
    long filling = conversion->width - (long)strlen(prefix) - zeroes - count;
    if (conversion->zero && !conversion->left && conversion->precision < 0 && filling > 0) {
        zeroes += filling;
        filling = 0;
    }
    if (!conversion->left)
        pad(formatter, ' ', filling);
    buffer_append_text(formatter->out, prefix);
    pad(formatter, '0', zeroes);
    buffer_append(formatter->out, text + start, (size_t)count);
    if (conversion->left)
        pad(formatter, ' ', filling);
}

static long count_read(struct formatter *formatter, const char **format) {
    if (**format == '*') {
        (*format)++;
        bool negative;
        uint64_t value = number_take(formatter, true, &negative);
        long count = value > 4096 ? 4096 : (long)value;
        return negative ? -count : count;
    }
    long count = 0;
    while (**format >= '0' && **format <= '9') {
        count = count * 10 + (*(*format)++ - '0');
        if (count > 4096)
            count = 4096;
    }
    return count;
}

// From behind the percent sign; returns what follows the conversion, or null if it is none.
static const char *convert(struct formatter *formatter, const char *format) {
    struct conversion conversion = {.precision = -1};
    for (;; format++) {
        if (*format == '-')
            conversion.left = true;
        else if (*format == '+')
            conversion.plus = true;
        else if (*format == ' ')
            conversion.space = true;
        else if (*format == '#')
            conversion.alternate = true;
        else if (*format == '0')
            conversion.zero = true;
        else
            break;
    }
    conversion.width = count_read(formatter, &format);
    if (conversion.width < 0) {
        conversion.left = true;
        conversion.width = -conversion.width;
    }
    if (*format == '.') {
        format++;
        conversion.precision = count_read(formatter, &format);
    }
    conversion.letter = *format;
    if (!*format || !strchr("diouxXcsb%", *format)) {
        buffer_format(formatter->error, "%%%c: unknown conversion", *format ? *format : ' ');
        formatter->status = 1;
        return NULL;
    }
    const char *text;
    struct buffer decoded;
    switch (*format) {
    case '%':
        buffer_append_byte(formatter->out, '%');
        break;
    case 'c':
        text = argument_take(formatter);
        put_string(formatter, &conversion, text ? text : "", text && *text ? 1 : 0);
        break;
    case 's':
        text = argument_take(formatter);
        put_string(formatter, &conversion, text ? text : "", text ? strlen(text) : 0);
        break;
    case 'b':
        text = argument_take(formatter);
        buffer_init(&decoded);
        formatter->ended = text && !escape_decode(&decoded, text, strlen(text), ESCAPE_ECHO);
        put_string(formatter, &conversion, decoded.data, decoded.length);
        buffer_free(&decoded);
        break;
    default:
        put_number(formatter, &conversion);
    }
    return format + 1;
}

// One pass over the format; false if it ended early.
static bool format_run(struct formatter *formatter, const char *format) {
    while (*format) {
        if (*format == '%') {
            format = convert(formatter, format + 1);
            if (!format || formatter->ended)
                return false;
        } else {
            size_t length = strcspn(format, "%");
            if (!escape_decode(formatter->out, format, length, ESCAPE_PRINTF))
                return false;
            format += length;
        }
    }
    return true;
}

int printf_run(int argc, char **argv, struct buffer *out, struct buffer *error) {
    if (argc > 1 && strcmp(argv[1], "--") == 0) {
        argv++;
        argc--;
    }
    if (argc < 2) {
        buffer_append_text(error, "format missing");
        return 2;
    }
    struct formatter formatter = {.next = argv + 2, .out = out, .error = error};
    char **before;
    do {
        before = formatter.next;
    } while (format_run(&formatter, argv[1]) && *formatter.next && formatter.next != before);
    return formatter.status;
}
