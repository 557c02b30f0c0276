// Reads a descriptor line by line, of any length and with any bytes in it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LINE_READER_SIZE 65536

struct line_reader {
    int descriptor;
    char *block;
    size_t used, length;
    char *line;
    size_t line_capacity;
    bool failed; // a read failed; errno says why
    bool ended_without_newline;
};

void line_reader_init(struct line_reader *reader, int descriptor);
void line_reader_free(struct line_reader *reader);

// The next line without its newline, valid until the next call; null at the end. It ends with a zero byte
// that is not counted.
char *line_reader_next(struct line_reader *reader, size_t *length);
