// scanf and its family: the engine in scan.c with a stream or a string as the source.
#include <stdio.h>

#include "libc/internal/scan.h"

struct stream_source {
    struct scan_source source;
    FILE *stream;
};

struct string_source {
    struct scan_source source;
    const char *at;
};

static int stream_next(struct scan_source *source) {
    int c = getc_unlocked(((struct stream_source *)source)->stream);
    return c != EOF ? c : SCAN_END;
}

static void stream_back(struct scan_source *source, int c) {
    ungetc(c, ((struct stream_source *)source)->stream);
}

static int string_next(struct scan_source *source) {
    struct string_source *string = (struct string_source *)source;
    return *string->at != '\0' ? (unsigned char)*string->at++ : SCAN_END;
}

static void string_back(struct scan_source *source, int c) {
    (void)c;
    ((struct string_source *)source)->at--;
}

int vfscanf(FILE *restrict stream, const char *restrict format, va_list arguments) {
    struct stream_source source = {{.next = stream_next, .back = stream_back}, stream};
    return scan_run(&source.source, format, arguments);
}

int vsscanf(const char *restrict string, const char *restrict format, va_list arguments) {
    struct string_source source = {{.next = string_next, .back = string_back}, string};
    return scan_run(&source.source, format, arguments);
}

int vscanf(const char *restrict format, va_list arguments) {
    return vfscanf(stdin, format, arguments);
}

int scanf(const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vfscanf(stdin, format, arguments);
    va_end(arguments);
    return result;
}

int fscanf(FILE *restrict stream, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vfscanf(stream, format, arguments);
    va_end(arguments);
    return result;
}

int sscanf(const char *restrict string, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vsscanf(string, format, arguments);
    va_end(arguments);
    return result;
}
