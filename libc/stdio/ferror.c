// What a stream remembers, and perror.
#include <errno.h>
#include <string.h>

#include "libc/internal/stream.h"

int feof(FILE *stream) {
    return stream->end_seen;
}

int ferror(FILE *stream) {
    return stream->failed;
}

void clearerr(FILE *stream) {
    stream->end_seen = stream->failed = false;
}

int fileno(FILE *stream) {
    if (stream->fd < 0)
        errno = EBADF;
    return stream->fd;
}

void perror(const char *prefix) {
    const char *sentence = strerror(errno);
    if (prefix != NULL && *prefix != '\0')
        fprintf(stderr, "%s: %s\n", prefix, sentence);
    else
        fprintf(stderr, "%s\n", sentence);
}
