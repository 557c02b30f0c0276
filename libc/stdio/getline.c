// Lines: fgets into a fixed buffer, getline and getdelim into one that grows.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/stream.h"

// Copies up to `room` bytes of what is buffered, to the delimiter at most. *found: the delimiter was copied.
static size_t take_until(FILE *stream, char *to, size_t room, int delimiter, bool *found) {
    size_t ready = (size_t)(stream->read_end - stream->read_at);
    if (ready > room)
        ready = room;
    const unsigned char *end = memchr(stream->read_at, delimiter, ready);
    *found = end != NULL;
    if (end != NULL)
        ready = (size_t)(end - stream->read_at) + 1;
    memcpy(to, stream->read_at, ready);
    stream->read_at += ready;
    return ready;
}

char *fgets(char *restrict buffer, int size, FILE *restrict stream) {
    if (size <= 0)
        return NULL;
    size_t used = 0, room = (size_t)size - 1;
    bool found = false;
    while (used < room && !found) {
        if (stream->read_at == stream->read_end && !stream_fill(stream)) {
            if (used == 0 || stream->failed)
                return NULL;
            break;
        }
        used += take_until(stream, buffer + used, room - used, '\n', &found);
    }
    buffer[used] = '\0';
    return buffer;
}

ssize_t getdelim(char **restrict line, size_t *restrict capacity, int delimiter, FILE *restrict stream) {
    if (line == NULL || capacity == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (*line == NULL)
        *capacity = 0;
    size_t used = 0;
    bool found = false;
    while (!found) {
        if (stream->read_at == stream->read_end && !stream_fill(stream)) {
            if (used == 0 || stream->failed)
                return -1;
            break;
        }
        size_t ready = (size_t)(stream->read_end - stream->read_at);
        if (used + ready + 1 > *capacity) {
            const unsigned char *end = memchr(stream->read_at, delimiter, ready);
            size_t needed = used + (end != NULL ? (size_t)(end - stream->read_at) + 1 : ready) + 1;
            if (needed > *capacity) {
                size_t larger = needed + needed / 2 + 64;
                char *moved = realloc(*line, larger);
                if (moved == NULL) {
                    stream->failed = true;
                    return -1;
                }
                *line = moved;
                *capacity = larger;
            }
        }
        used += take_until(stream, *line + used, *capacity - used - 1, delimiter, &found);
    }
    (*line)[used] = '\0';
    return (ssize_t)used;
}

ssize_t getline(char **restrict line, size_t *restrict capacity, FILE *restrict stream) {
    return getdelim(line, capacity, '\n', stream);
}
