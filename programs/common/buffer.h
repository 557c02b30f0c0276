// A growing string of bytes. `data` is always valid and ends with a zero byte that is not counted, so that it
// can be used as a C string; it belongs to the buffer until buffer_take().
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
};

void buffer_init(struct buffer *buffer);
void buffer_free(struct buffer *buffer);
void buffer_clear(struct buffer *buffer);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_byte(struct buffer *buffer, char byte);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Replaces `removed` bytes at `offset` by `length` bytes of `data`.
void buffer_replace(struct buffer *buffer, size_t offset, size_t removed, const void *data, size_t length);

// Hands the string to the caller, who frees it; the buffer is empty and usable afterwards.
char *buffer_take(struct buffer *buffer);

// The same for the end of a buffer's life: what is left needs no buffer_free().
char *buffer_take_final(struct buffer *buffer);

// Appends everything from a descriptor up to its end; false with errno on failure.
bool buffer_read_all(struct buffer *buffer, int descriptor);

// Writes all bytes, through short writes and interruptions; false with errno on failure.
bool descriptor_write(int descriptor, const void *data, size_t length);
