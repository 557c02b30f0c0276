// The open streams, the three that a program starts with among them, and what must happen to all: flushing,
// at fflush(NULL) and at exit.
#include <fcntl.h>
#include <stdlib.h>

#include "libc/internal/stream.h"

static FILE error_stream = {.operations = &descriptor_operations, .fd = 2, .writable = true, .fixed = true, .mode = _IONBF};
static FILE output_stream = {
    .operations = &descriptor_operations, .fd = 1, .writable = true, .fixed = true, .next = &error_stream};
static FILE input_stream = {
    .operations = &descriptor_operations, .fd = 0, .readable = true, .fixed = true, .next = &output_stream};

FILE *const stdin = &input_stream;
FILE *const stdout = &output_stream;
FILE *const stderr = &error_stream;

static FILE *opened; // the streams that the program opened itself; the fixed three are apart

void stream_list_add(FILE *stream) {
    stream->before = NULL;
    stream->next = opened;
    if (opened != NULL)
        opened->before = stream;
    opened = stream;
}

void stream_list_remove(FILE *stream) {
    if (stream->before != NULL)
        stream->before->next = stream->next;
    else
        opened = stream->next;
    if (stream->next != NULL)
        stream->next->before = stream->before;
}

static int flush_list(FILE *stream) {
    int result = 0;
    for (; stream != NULL; stream = stream->next) {
        if (!stream_flush(stream))
            result = EOF;
        if (stream->read_at != stream->read_end)
            stream_drop_unread(stream);
    }
    return result;
}

int fflush(FILE *stream) {
    if (stream == NULL) {
        int result = flush_list(opened);
        return flush_list(stdin) == 0 ? result : EOF;
    }
    if (!stream_flush(stream))
        return EOF;
    if (stream->read_at != stream->read_end)
        stream_drop_unread(stream);
    return 0;
}

void stream_flush_all(void) {
    fflush(NULL);
}

FILE *stream_create(const struct stream_operations *operations, int open_flags) {
    FILE *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->operations = operations;
    stream->fd = -1;
    stream->readable = (open_flags & O_ACCMODE) != O_WRONLY;
    stream->writable = (open_flags & O_ACCMODE) != O_RDONLY;
    stream->append = (open_flags & O_APPEND) != 0;
    stream_list_add(stream);
    return stream;
}
