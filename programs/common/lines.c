// Reads a descriptor line by line through a block of its own.
#include "programs/common/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"

void line_reader_init(struct line_reader *reader, int descriptor) {
    *reader = (struct line_reader){.descriptor = descriptor};
    reader->block = memory_allocate(LINE_READER_SIZE);
}

void line_reader_free(struct line_reader *reader) {
    free(reader->block);
    free(reader->line);
}

static bool block_fill(struct line_reader *reader) {
    ssize_t count;
    do
        count = read(reader->descriptor, reader->block, LINE_READER_SIZE);
    while (count < 0 && errno == EINTR);
    reader->failed |= count < 0;
    reader->used = 0;
    reader->length = count > 0 ? (size_t)count : 0;
    return count > 0;
}

char *line_reader_next(struct line_reader *reader, size_t *length) {
    size_t size = 0;
    bool any = false;
    for (;;) {
        if (reader->used == reader->length && !block_fill(reader)) {
            if (any)
                reader->ended_without_newline = true;
            break;
        }
        any = true;
        char *start = reader->block + reader->used;
        char *newline = memchr(start, '\n', reader->length - reader->used);
        size_t piece = newline ? (size_t)(newline - start) : reader->length - reader->used;
        if (size + piece + 1 > reader->line_capacity) {
            reader->line_capacity = (size + piece + 1) * 2;
            reader->line = memory_resize(reader->line, reader->line_capacity);
        }
        memcpy(reader->line + size, start, piece);
        size += piece;
        reader->used += piece + (newline != NULL);
        if (newline)
            break;
    }
    if (!any)
        return NULL;
    if (!reader->line_capacity)
        reader->line = memory_resize(reader->line, reader->line_capacity = 64);
    reader->line[size] = 0;
    *length = size;
    return reader->line;
}
