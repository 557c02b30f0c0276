// Reading: bytes, blocks, and pushing back.
#include <string.h>

#include "libc/internal/result.h"
#include "libc/internal/stream.h"

int getc_unlocked(FILE *stream) {
    if (stream->read_at == stream->read_end && !stream_fill(stream))
        return EOF;
    return *stream->read_at++;
}

int fgetc(FILE *stream) {
    return getc_unlocked(stream);
}

int getc(FILE *stream) {
    return getc_unlocked(stream);
}

int getchar(void) {
    return getc_unlocked(stdin);
}

int getchar_unlocked(void) {
    return getc_unlocked(stdin);
}

int ungetc(int c, FILE *stream) {
    if (c == EOF || !stream->readable)
        return EOF;
    if (stream->buffer == NULL) // the first fill makes the buffer; what it reads is kept
        stream_fill(stream);
    if (stream->buffer == NULL || stream->pending > 0 || stream->read_at == stream->buffer - UNGET_ROOM)
        return EOF;
    *--stream->read_at = (unsigned char)c;
    stream->end_seen = false;
    return (unsigned char)c;
}

size_t fread(void *restrict buffer, size_t size, size_t count, FILE *restrict stream) {
    unsigned char *to = buffer;
    size_t wanted = size * count, taken = 0;
    while (taken < wanted) {
        size_t ready = (size_t)(stream->read_end - stream->read_at), part = wanted - taken;
        if (ready == 0 && part >= BUFSIZ && stream->readable && stream->pending == 0) {
            // Big reads go past the buffer.
            size_t done = 0;
            error_t error = stream->operations->read(stream, to + taken, part, &done);
            if (result_of(error) != 0)
                stream->failed = true;
            else if (done == 0)
                stream->end_seen = true;
            if (done == 0)
                break;
            taken += done;
            continue;
        }
        if (ready == 0) {
            if (!stream_fill(stream))
                break;
            continue;
        }
        if (part > ready)
            part = ready;
        memcpy(to + taken, stream->read_at, part);
        stream->read_at += part;
        taken += part;
    }
    return size != 0 ? taken / size : 0;
}
