// Writing: bytes, strings and blocks.
#include <string.h>

#include "libc/internal/stream.h"

int putc_unlocked(int c, FILE *stream) {
    unsigned char byte = (unsigned char)c;
    if (stream->pending > 0 && stream->pending + 1 < stream->capacity && stream->mode == _IOFBF) {
        stream->buffer[stream->pending++] = byte;
        return byte;
    }
    return stream_write(stream, &byte, 1) == 1 ? byte : EOF;
}

int fputc(int c, FILE *stream) {
    return putc_unlocked(c, stream);
}

int putc(int c, FILE *stream) {
    return putc_unlocked(c, stream);
}

int putchar(int c) {
    return putc_unlocked(c, stdout);
}

int putchar_unlocked(int c) {
    return putc_unlocked(c, stdout);
}

size_t fwrite(const void *restrict buffer, size_t size, size_t count, FILE *restrict stream) {
    size_t wanted = size * count;
    size_t taken = stream_write(stream, buffer, wanted);
    return taken == wanted ? (size != 0 ? count : 0) : taken / size;
}

int fputs(const char *restrict string, FILE *restrict stream) {
    size_t length = strlen(string);
    return stream_write(stream, string, length) == length ? 0 : EOF;
}

int puts(const char *string) {
    return fputs(string, stdout) == 0 && putchar('\n') != EOF ? 0 : EOF;
}
