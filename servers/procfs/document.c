// See document.h.
#include "servers/procfs/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 1024, FORMAT_BYTES = 512 };

static bool grow(struct document *document, size_t wanted) {
    if (document->length + wanted <= document->capacity)
        return true;
    size_t capacity = document->capacity == 0 ? CAPACITY_FIRST : document->capacity;
    while (capacity < document->length + wanted)
        capacity *= 2;
    char *bytes = !document->is_cut && capacity <= DOCUMENT_BYTES_MAX ? realloc(document->bytes, capacity) : NULL;
    if (bytes == NULL) {
        document->is_cut = true;
        return false;
    }
    document->bytes = bytes;
    document->capacity = capacity;
    return true;
}

void document_append(struct document *document, const void *bytes, size_t length) {
    if (length == 0 || document->is_cut || !grow(document, length))
        return;
    memcpy(document->bytes + document->length, bytes, length);
    document->length += length;
}

void document_format(struct document *document, const char *format, ...) {
    char text[FORMAT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    document_append(document, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

static void add_clean(struct document *document, const void *text, size_t length, bool is_word) {
    const unsigned char *bytes = text;
    for (size_t i = 0; i < length && bytes[i] != '\0'; i++) {
        char byte = (char)bytes[i];
        bool is_control = bytes[i] < ' ' || bytes[i] == 0x7f;
        if (is_word && (is_control || byte == ' '))
            byte = '_';
        else if (is_control)
            byte = ' ';
        document_append(document, &byte, 1);
    }
}

void document_word(struct document *document, const void *text, size_t length) {
    size_t before = document->length;
    add_clean(document, text, length, true);
    if (document->length == before)
        document_append(document, "-", 1);
}

void document_rest(struct document *document, const void *text, size_t length) {
    add_clean(document, text, length, false);
}

void document_free(struct document *document) {
    free(document->bytes);
    *document = (struct document){0};
}
