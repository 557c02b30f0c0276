// Formatting into memory: snprintf cuts, asprintf allocates, dprintf writes to a descriptor.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/format.h"

struct memory_sink {
    struct format_sink sink;
    char *to;
    size_t room; // without the NUL
};

static void memory_sink_write(struct format_sink *sink, const char *bytes, size_t size) {
    struct memory_sink *memory = (struct memory_sink *)sink;
    size_t part = size < memory->room ? size : memory->room;
    memcpy(memory->to, bytes, part);
    memory->to += part;
    memory->room -= part;
}

int vsnprintf(char *restrict buffer, size_t size, const char *restrict format, va_list arguments) {
    char none;
    struct memory_sink to = {{.write = memory_sink_write}, size > 0 ? buffer : &none, size > 0 ? size - 1 : 0};
    int result = format_print(&to.sink, format, arguments);
    *to.to = '\0';
    return result;
}

int vsprintf(char *restrict buffer, const char *restrict format, va_list arguments) {
    return vsnprintf(buffer, (size_t)INT_MAX + 1, format, arguments);
}

int snprintf(char *restrict buffer, size_t size, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return result;
}

int sprintf(char *restrict buffer, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vsprintf(buffer, format, arguments);
    va_end(arguments);
    return result;
}

int vasprintf(char **restrict result, const char *restrict format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return -1;
    *result = malloc((size_t)length + 1);
    return *result != NULL ? vsnprintf(*result, (size_t)length + 1, format, arguments) : -1;
}

int asprintf(char **restrict result, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(result, format, arguments);
    va_end(arguments);
    return length;
}

struct descriptor_sink {
    struct format_sink sink;
    int fd;
    size_t used;
    char block[256];
};

static void descriptor_sink_flush(struct descriptor_sink *to) {
    for (size_t at = 0; at < to->used && !to->sink.failed;) {
        ssize_t done = write(to->fd, to->block + at, to->used - at);
        if (done < 0)
            to->sink.failed = true;
        else
            at += (size_t)done;
    }
    to->used = 0;
}

static void descriptor_sink_write(struct format_sink *sink, const char *bytes, size_t size) {
    struct descriptor_sink *to = (struct descriptor_sink *)sink;
    while (size > 0) {
        size_t room = sizeof to->block - to->used, part = size < room ? size : room;
        memcpy(to->block + to->used, bytes, part);
        to->used += part;
        bytes += part;
        size -= part;
        if (to->used == sizeof to->block)
            descriptor_sink_flush(to);
    }
}

int vdprintf(int fd, const char *restrict format, va_list arguments) {
    struct descriptor_sink to = {{.write = descriptor_sink_write}, fd, 0, {0}};
    int result = format_print(&to.sink, format, arguments);
    descriptor_sink_flush(&to);
    return to.sink.failed ? -1 : result;
}

int dprintf(int fd, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int result = vdprintf(fd, format, arguments);
    va_end(arguments);
    return result;
}
