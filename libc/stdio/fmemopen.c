// Streams in memory: fmemopen on a block of fixed size, open_memstream on one that grows and that the caller
// frees.
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/stream.h"

struct memory_file {
    char *bytes;
    size_t size, capacity; // size: where reading and SEEK_END find the end
    size_t position;
    bool owned;    // fmemopen made the block itself
    char **result; // open_memstream: where the caller looks, after each flush
    size_t *result_size;
};

static error_t memory_read(FILE *stream, void *buffer, size_t size, size_t *done) {
    struct memory_file *file = stream->memory;
    size_t left = file->position < file->size ? file->size - file->position : 0;
    *done = size < left ? size : left;
    memcpy(buffer, file->bytes + file->position, *done);
    file->position += *done;
    return ERR_OK;
}

static error_t memory_write(FILE *stream, const void *buffer, size_t size, size_t *done) {
    struct memory_file *file = stream->memory;
    if (stream->append)
        file->position = file->size;
    size_t room = file->position < file->capacity ? file->capacity - file->position : 0;
    *done = size < room ? size : room;
    if (*done == 0)
        return ERR_NO_SPACE;
    memcpy(file->bytes + file->position, buffer, *done);
    file->position += *done;
    if (file->position > file->size) {
        file->size = file->position;
        if (file->size < file->capacity)
            file->bytes[file->size] = '\0';
    }
    return ERR_OK;
}

static error_t growing_write(FILE *stream, const void *buffer, size_t size, size_t *done) {
    struct memory_file *file = stream->memory;
    size_t end = file->position + size;
    if (end + 1 > file->capacity) {
        size_t capacity = end + end / 2 + 64;
        char *larger = realloc(file->bytes, capacity);
        if (larger == NULL)
            return ERR_NO_MEMORY;
        file->bytes = larger;
        file->capacity = capacity;
    }
    if (file->position > file->size)
        memset(file->bytes + file->size, 0, file->position - file->size);
    memcpy(file->bytes + file->position, buffer, size);
    file->position = end;
    if (end > file->size)
        file->size = end;
    file->bytes[file->size] = '\0';
    *file->result = file->bytes;
    *file->result_size = file->position;
    *done = size;
    return ERR_OK;
}

static error_t memory_seek(FILE *stream, off_t offset, int whence, off_t *position) {
    struct memory_file *file = stream->memory;
    off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (off_t)file->position : (off_t)file->size;
    off_t limit = file->result != NULL ? LONG_MAX - 1 : (off_t)file->capacity;
    if (offset < -base || offset > limit - base)
        return ERR_INVALID;
    file->position = (size_t)(base + offset);
    if (file->result != NULL)
        *file->result_size = file->position < file->size ? file->position : file->size;
    *position = base + offset;
    return ERR_OK;
}

static error_t memory_close(FILE *stream) {
    struct memory_file *file = stream->memory;
    if (file->owned)
        free(file->bytes);
    free(file);
    return ERR_OK;
}

static const struct stream_operations fixed_operations = {memory_read, memory_write, memory_seek, memory_close};
static const struct stream_operations growing_operations = {NULL, growing_write, memory_seek, memory_close};

FILE *fmemopen(void *restrict buffer, size_t size, const char *restrict mode) {
    int flags = stream_mode_flags(mode);
    if (flags < 0)
        return NULL;
    struct memory_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->owned = buffer == NULL;
    file->bytes = buffer != NULL ? buffer : calloc(1, size + 1);
    file->capacity = size;
    if (file->bytes == NULL)
        goto fail_file;
    if ((flags & O_TRUNC) != 0) {
        if (size > 0)
            file->bytes[0] = '\0';
    } else if ((flags & O_APPEND) != 0) {
        file->size = file->position = strnlen(file->bytes, size);
    } else {
        file->size = buffer != NULL ? size : 0;
    }
    FILE *stream = stream_create(&fixed_operations, flags);
    if (stream == NULL)
        goto fail_bytes;
    stream->memory = file;
    return stream;

fail_bytes:
    if (file->owned)
        free(file->bytes);
fail_file:
    free(file);
    return NULL;
}

FILE *open_memstream(char **buffer, size_t *size) {
    struct memory_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->bytes = calloc(1, 1);
    if (file->bytes == NULL)
        goto fail_file;
    file->capacity = 1;
    file->result = buffer;
    file->result_size = size;
    FILE *stream = stream_create(&growing_operations, O_WRONLY);
    if (stream == NULL)
        goto fail_bytes;
    stream->memory = file;
    *buffer = file->bytes;
    *size = 0;
    return stream;

fail_bytes:
    free(file->bytes);
fail_file:
    free(file);
    return NULL;
}
