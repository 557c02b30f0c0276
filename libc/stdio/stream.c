// The moving parts of every stream: filling and emptying the buffer, and changing between the two. The
// functions of <stdio.h> are built on these.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/result.h"
#include "libc/internal/stream.h"
#include "libc/internal/system.h"

static bool stream_fail(FILE *stream, error_t error) {
    stream->failed = true;
    result_of(error);
    return false;
}

static void choose_mode(FILE *stream) {
    stream->mode_chosen = true;
    struct termios settings;
    // Only the standard streams are worth the question; a program that opens a terminal itself can say
    // setvbuf.
    if (stream->fd >= 0 && stream->fd <= 2 && stream->mode == _IOFBF && system_terminal_get(stream->fd, &settings) == ERR_OK)
        stream->mode = _IOLBF;
}

static bool buffer_prepare(FILE *stream) {
    if (stream->buffer != NULL)
        return true;
    if (!stream->mode_chosen)
        choose_mode(stream);
    unsigned char *memory = NULL;
    if (stream->mode != _IONBF)
        memory = malloc(UNGET_ROOM + BUFSIZ);
    stream->buffer_owned = memory != NULL;
    stream->capacity = memory != NULL ? BUFSIZ : sizeof stream->small - UNGET_ROOM;
    if (memory == NULL) // a small buffer is slow but works
        memory = stream->small;
    stream->buffer = stream->read_at = stream->read_end = memory + UNGET_ROOM;
    return true;
}

static error_t write_all(FILE *stream, const unsigned char *bytes, size_t size, size_t *written) {
    *written = 0;
    while (*written < size) {
        size_t done = 0;
        error_t error = stream->operations->write(stream, bytes + *written, size - *written, &done);
        if (error != ERR_OK)
            return error;
        *written += done;
    }
    return ERR_OK;
}

bool stream_flush(FILE *stream) {
    if (stream->pending == 0)
        return true;
    size_t written;
    error_t error = write_all(stream, stream->buffer, stream->pending, &written);
    // What could not be written is lost: keeping it would make every later call fail with it.
    stream->pending = 0;
    return error == ERR_OK || stream_fail(stream, error);
}

void stream_drop_unread(FILE *stream) {
    off_t position, unread = stream->read_end - stream->read_at;
    if (unread > 0 && stream->operations->seek != NULL)
        (void)!stream->operations->seek(stream, -unread, SEEK_CUR, &position);
    stream->read_at = stream->read_end = stream->buffer;
}

bool stream_start_writing(FILE *stream) {
    if (!stream->writable)
        return stream_fail(stream, ERR_BAD_DESCRIPTOR);
    if (!buffer_prepare(stream))
        return false;
    if (stream->read_at != stream->read_end)
        stream_drop_unread(stream);
    stream->read_at = stream->read_end = stream->buffer;
    stream->end_seen = false;
    return true;
}

bool stream_fill(FILE *stream) {
    if (!stream->readable)
        return stream_fail(stream, ERR_BAD_DESCRIPTOR);
    if (!buffer_prepare(stream) || !stream_flush(stream))
        return false;
    if (stdout->mode == _IOLBF && stdout->pending > 0) // a prompt is seen before its answer is awaited
        stream_flush(stdout);
    stream->read_at = stream->read_end = stream->buffer;
    size_t done = 0;
    error_t error = stream->operations->read(stream, stream->buffer, stream->capacity, &done);
    if (error != ERR_OK)
        return stream_fail(stream, error);
    stream->read_end += done;
    stream->end_seen = done == 0;
    return done > 0;
}

static size_t write_around_buffer(FILE *stream, const unsigned char *bytes, size_t size) {
    size_t written = 0;
    if (!stream_flush(stream))
        return 0;
    error_t error = write_all(stream, bytes, size, &written);
    if (error != ERR_OK)
        stream_fail(stream, error);
    return written;
}

// Into the buffer, emptying it whenever it is full.
static size_t write_buffered(FILE *stream, const unsigned char *bytes, size_t size) {
    size_t taken = 0;
    while (taken < size) {
        size_t room = stream->capacity - stream->pending, part = size - taken;
        if (stream->pending == 0 && part >= stream->capacity)
            return taken + write_around_buffer(stream, bytes + taken, part);
        if (part > room)
            part = room;
        memcpy(stream->buffer + stream->pending, bytes + taken, part);
        stream->pending += part;
        taken += part;
        if (stream->pending == stream->capacity && !stream_flush(stream))
            return taken - part;
    }
    return taken;
}

size_t stream_write(FILE *stream, const void *bytes, size_t size) {
    if (!stream_start_writing(stream) || size == 0)
        return 0;
    if (stream->mode == _IONBF)
        return write_around_buffer(stream, bytes, size);
    size_t whole_lines = 0;
    if (stream->mode == _IOLBF) {
        const unsigned char *last = memrchr(bytes, '\n', size);
        whole_lines = last != NULL ? (size_t)(last - (const unsigned char *)bytes) + 1 : 0;
    }
    size_t taken = write_buffered(stream, bytes, whole_lines);
    if (taken < whole_lines || (whole_lines > 0 && !stream_flush(stream)))
        return taken;
    return taken + write_buffered(stream, (const unsigned char *)bytes + whole_lines, size - whole_lines);
}
