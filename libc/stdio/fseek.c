// The position of a stream: that of the file below, less what was read ahead, plus what waits to be written.

#include "libc/internal/result.h"
#include "libc/internal/stream.h"

off_t ftello(FILE *stream) {
    off_t position;
    if (stream->operations->seek == NULL)
        return result_of(ERR_NOT_SEEKABLE);
    // What is pending of an appending stream will land at the end.
    int whence = stream->append && stream->pending > 0 ? SEEK_END : SEEK_CUR;
    if (result_of(stream->operations->seek(stream, 0, whence, &position)) != 0)
        return -1;
    return position - (stream->read_end - stream->read_at) + (off_t)stream->pending;
}

long ftell(FILE *stream) {
    return ftello(stream);
}

int fseeko(FILE *stream, off_t offset, int whence) {
    off_t position;
    if (!stream_flush(stream))
        return -1;
    if (stream->operations->seek == NULL)
        return result_of(ERR_NOT_SEEKABLE);
    if (whence == SEEK_CUR)
        offset -= stream->read_end - stream->read_at;
    if (result_of(stream->operations->seek(stream, offset, whence, &position)) != 0)
        return -1;
    stream->read_at = stream->read_end = stream->buffer;
    stream->end_seen = false;
    return 0;
}

int fseek(FILE *stream, long offset, int whence) {
    return fseeko(stream, offset, whence);
}

void rewind(FILE *stream) {
    fseeko(stream, 0, SEEK_SET);
    stream->failed = false;
}

int fgetpos(FILE *restrict stream, fpos_t *restrict position) {
    off_t now = ftello(stream);
    if (now < 0)
        return -1;
    *position = now;
    return 0;
}

int fsetpos(FILE *stream, const fpos_t *position) {
    return fseeko(stream, *position, SEEK_SET);
}
