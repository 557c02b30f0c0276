// printf and its family: the engine in format.c with a sink for each kind of destination.
#include <stdio.h>

#include "libc/internal/format.h"
#include "libc/internal/stream.h"

struct stream_sink {
    struct format_sink sink;
    FILE *stream;
};

static void stream_sink_write(struct format_sink *sink, const char *bytes, size_t size) {
    if (stream_write(((struct stream_sink *)sink)->stream, bytes, size) != size)
        sink->failed = true;
}

int vfprintf(FILE *restrict stream, const char *restrict format, va_list arguments) {
    struct stream_sink to = {{.write = stream_sink_write}, stream};
    if (stream->mode != _IONBF)
        return format_print(&to.sink, format, arguments);
    // An unbuffered stream gets short texts in one write, so that messages of several processes do not mix.
    // It borrows a buffer for the time of the call.
    unsigned char block[UNGET_ROOM + 512];
    if (!stream_start_writing(stream))
        return -1;
    unsigned char *own_buffer = stream->buffer;
    size_t own_capacity = stream->capacity;
    stream->buffer = stream->read_at = stream->read_end = block + UNGET_ROOM;
    stream->capacity = sizeof block - UNGET_ROOM;
    stream->mode = _IOFBF;
    int result = format_print(&to.sink, format, arguments);
    if (!stream_flush(stream))
        result = -1;
    stream->buffer = stream->read_at = stream->read_end = own_buffer;
    stream->capacity = own_capacity;
    stream->mode = _IONBF;
    return result;
}

int vprintf(const char *restrict format, va_list arguments) {
    return vfprintf(stdout, format, arguments);
}

int printf(const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vfprintf(stdout, format, arguments);
    va_end(arguments);
    return result;
}

int fprintf(FILE *restrict stream, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vfprintf(stream, format, arguments);
    va_end(arguments);
    return result;
}
