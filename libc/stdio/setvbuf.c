// How a stream is buffered.
#include <errno.h>
#include <stdlib.h>

#include "libc/internal/stream.h"

// Only before the first use, as C17 7.21.5.6 says. A given buffer holds the bytes pushed back as well; one
// that is too small for that is not used.
int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t size) {
    if (mode != _IOFBF && mode != _IOLBF && mode != _IONBF) {
        errno = EINVAL;
        return -1;
    }
    stream->mode = mode;
    stream->mode_chosen = true;
    if (stream->buffer != NULL) {
        if (mode == _IONBF)
            stream_flush(stream);
        return 0;
    }
    if (mode == _IONBF || size < 2 * UNGET_ROOM)
        return 0;
    unsigned char *memory = (unsigned char *)buffer;
    if (memory == NULL) {
        size += UNGET_ROOM;
        memory = malloc(size);
        if (memory == NULL)
            return -1;
        stream->buffer_owned = true;
    }
    stream->buffer = stream->read_at = stream->read_end = memory + UNGET_ROOM;
    stream->capacity = size - UNGET_ROOM;
    return 0;
}

void setbuf(FILE *restrict stream, char *restrict buffer) {
    setvbuf(stream, buffer, buffer != NULL ? _IOFBF : _IONBF, BUFSIZ);
}

void setlinebuf(FILE *stream) {
    setvbuf(stream, NULL, _IOLBF, 0);
}
