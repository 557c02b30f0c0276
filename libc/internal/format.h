// The printf engine: a format and its arguments become bytes given to a sink. What the bytes are written to
// is the sink's business.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct format_sink {
    void (*write)(struct format_sink *sink, const char *bytes, size_t size);
    size_t total; // bytes given so far
    bool failed;  // set by write: the call returns -1
};

enum format_length {
    LENGTH_INT,
    LENGTH_CHAR,
    LENGTH_SHORT,
    LENGTH_LONG, // and everything else of 64 bits
    LENGTH_LONG_DOUBLE,
};

struct format_spec {
    bool left, plus, space, alternate, zero;
    int width;     // at least 0
    int precision; // -1: none given
    enum format_length length;
    char conversion;
};

// va_list is an array type, which would decay as a parameter.
struct format_arguments {
    va_list list;
};

// The number of bytes, or -1 with errno EOVERFLOW (more than INT_MAX), EILSEQ (a wide character that does not
// exist) or what the sink set.
int format_print(struct format_sink *sink, const char *format, va_list arguments);

void format_bytes(struct format_sink *sink, const char *bytes, size_t size);
void format_fill(struct format_sink *sink, char byte, size_t count);

// A field that is a prefix (sign, 0x), zeros and a body. This writes the spaces before it and the zeros that
// the flag '0' asks for, counting a body of `body` bytes, which the caller writes next; the result is the
// number of spaces to write behind it.
size_t format_open_field(struct format_sink *sink, const struct format_spec *spec, const char *prefix, size_t body);

// %e %f %g %a. In libc_general a version that has no floating point takes its place.
void format_float(struct format_sink *sink, const struct format_spec *spec, struct format_arguments *arguments);
