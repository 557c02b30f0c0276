// A growing string of bytes; grows by doubling, always keeps the zero byte after the last.
#include "programs/common/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"

static void buffer_reserve(struct buffer *buffer, size_t extra) {
    size_t needed = buffer->length + extra + 1;
    if (needed <= buffer->capacity)
        return;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    buffer->data = memory_resize(buffer->data, capacity);
    buffer->capacity = capacity;
}

void buffer_init(struct buffer *buffer) {
    *buffer = (struct buffer){0};
    buffer_reserve(buffer, 0);
    buffer->data[0] = 0;
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer) {
    buffer->length = 0;
    buffer->data[0] = 0;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length) {
    buffer_reserve(buffer, length);
    if (length)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = 0;
}

void buffer_append_text(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_byte(struct buffer *buffer, char byte) {
    buffer_append(buffer, &byte, 1);
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
    va_list list;
    va_start(list, format);
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (length > 0) {
        buffer_reserve(buffer, (size_t)length);
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

void buffer_replace(struct buffer *buffer, size_t offset, size_t removed, const void *data, size_t length) {
    if (length > removed)
        buffer_reserve(buffer, length - removed);
    memmove(buffer->data + offset + length, buffer->data + offset + removed, buffer->length - offset - removed + 1);
    if (length)
        memcpy(buffer->data + offset, data, length);
    buffer->length = buffer->length - removed + length;
}

char *buffer_take(struct buffer *buffer) {
    char *data = buffer->data;
    buffer_init(buffer);
    return data;
}

char *buffer_take_final(struct buffer *buffer) {
    char *data = buffer->data;
    *buffer = (struct buffer){0};
    return data;
}

bool buffer_read_all(struct buffer *buffer, int descriptor) {
    for (;;) {
        buffer_reserve(buffer, 4096);
        ssize_t count = read(descriptor, buffer->data + buffer->length, 4096);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            buffer->data[buffer->length] = 0;
            return count == 0;
        }
        buffer->length += (size_t)count;
    }
}

bool descriptor_write(int descriptor, const void *data, size_t length) {
    const char *bytes = data;
    while (length) {
        ssize_t count = write(descriptor, bytes, length);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}
