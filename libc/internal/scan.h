// The scanf engine: reads characters from a source as a format asks.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { SCAN_END = -1, SCAN_NUMBER_BYTES = 512 };

struct scan_source {
    int (*next)(struct scan_source *source);         // the next byte, or SCAN_END
    void (*back)(struct scan_source *source, int c); // gives back the byte that was taken last
    size_t taken;                                    // bytes taken and not given back
};

enum scan_length { SCAN_INT, SCAN_CHAR, SCAN_SHORT, SCAN_LONG, SCAN_LONG_DOUBLE };

struct scan_spec {
    bool suppress, allocate; // '*' and 'm'
    size_t width;            // SIZE_MAX: none given
    enum scan_length length;
    char conversion;
};

struct scan_arguments {
    va_list list;
};

// The number of items stored, or EOF if the input ended before the first.
int scan_run(struct scan_source *source, const char *format, va_list arguments);

int scan_next(struct scan_source *source);
void scan_back(struct scan_source *source, int c);

enum scan_result { SCAN_STORED, SCAN_SUPPRESSED, SCAN_MISMATCH, SCAN_INPUT_ENDED };

// %e %f %g %a. In libc_general a version that has no floating point takes its place.
enum scan_result scan_float(struct scan_source *source, const struct scan_spec *spec, struct scan_arguments *arguments);
