// A text that grows while a file of /proc is made: built once when the file is opened, then only read.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOCUMENT_BYTES_MAX = 1 << 20 };

// Zero is an empty document. When memory runs out it stops growing, and says so.
struct document {
    char *bytes;
    size_t length, capacity;
    bool is_cut;
};

void document_format(struct document *document, const char *format, ...) __attribute__((format(printf, 2, 3)));
// At most `length` bytes up to a NUL, as one word: blanks and control characters become '_', nothing becomes
// "-".
void document_word(struct document *document, const void *text, size_t length);
// The same as the rest of a line: only control characters are replaced, by blanks.
void document_rest(struct document *document, const void *text, size_t length);
void document_append(struct document *document, const void *bytes, size_t length);
void document_free(struct document *document);
