// The text being edited, as an array of lines without their newlines.
#include "programs/edit/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "programs/common/program.h"
#include "programs/edit/undo.h"

static void lines_open(struct text *text, size_t at, size_t count) {
    if (text->count + count > text->capacity) {
        text->capacity = (text->count + count) * 2;
        text->lines = memory_resize(text->lines, text->capacity * sizeof(struct buffer));
    }
    memmove(text->lines + at + count, text->lines + at, (text->count - at) * sizeof(struct buffer));
    for (size_t i = 0; i < count; i++)
        buffer_init(&text->lines[at + i]);
    text->count += count;
}

static void lines_close(struct text *text, size_t at, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_free(&text->lines[at + i]);
    memmove(text->lines + at, text->lines + at + count, (text->count - at - count) * sizeof(struct buffer));
    text->count -= count;
}

void text_init(struct text *text) {
    *text = (struct text){.ends_with_newline = true};
    lines_open(text, 0, 1);
}

void text_free(struct text *text) {
    lines_close(text, 0, text->count);
    free(text->lines);
    undo_free(text);
}

struct place text_insert(struct text *text, struct place at, const char *bytes, size_t length) {
    size_t newlines = 0;
    for (size_t i = 0; i < length; i++)
        newlines += bytes[i] == '\n';
    text->changed |= length > 0;
    undo_record(text, at, bytes, length, true);
    if (newlines) {
        // What stood behind the place moves to the last of the new lines.
        lines_open(text, at.line + 1, newlines);
        struct buffer *first = &text->lines[at.line], *last = &text->lines[at.line + newlines];
        buffer_append(last, first->data + at.offset, first->length - at.offset);
        buffer_replace(first, at.offset, first->length - at.offset, NULL, 0);
    }
    for (size_t start = 0;;) {
        const char *newline = memchr(bytes + start, '\n', length - start);
        size_t end = newline ? (size_t)(newline - bytes) : length;
        buffer_replace(&text->lines[at.line], at.offset, 0, bytes + start, end - start);
        at.offset += end - start;
        if (!newline)
            return at;
        at = (struct place){at.line + 1, 0};
        start = end + 1;
    }
}

void text_remove(struct text *text, struct place from, struct place to) {
    struct buffer *first = &text->lines[from.line], *last = &text->lines[to.line];
    text->changed |= from.line != to.line || from.offset != to.offset;
    struct buffer removed;
    buffer_init(&removed);
    text_copy(text, from, to, &removed);
    undo_record(text, from, removed.data, removed.length, false);
    buffer_free(&removed);
    if (from.line == to.line) {
        buffer_replace(first, from.offset, to.offset - from.offset, NULL, 0);
        return;
    }
    buffer_replace(first, from.offset, first->length - from.offset, last->data + to.offset, last->length - to.offset);
    lines_close(text, from.line + 1, to.line - from.line);
}

void text_copy(const struct text *text, struct place from, struct place to, struct buffer *out) {
    for (; from.line < to.line; from = (struct place){from.line + 1, 0}) {
        const struct buffer *line = &text->lines[from.line];
        buffer_append(out, line->data + from.offset, line->length - from.offset);
        buffer_append_byte(out, '\n');
    }
    buffer_append(out, text->lines[to.line].data + from.offset, to.offset - from.offset);
}

static bool line_find(const struct buffer *line, size_t from, const char *needle, size_t *found) {
    size_t length = strlen(needle);
    bool exact = strpbrk(needle, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
    for (size_t i = from; i + length <= line->length; i++) {
        const char *here = line->data + i;
        if (exact ? memcmp(here, needle, length) == 0 : strncasecmp(here, needle, length) == 0) {
            *found = i;
            return true;
        }
    }
    return false;
}

bool text_find(const struct text *text, struct place from, const char *needle, struct place *found) {
    // The first line is looked at twice: behind the place, and, after going round, from its start.
    for (size_t i = 0; i <= text->count; i++) {
        size_t line = (from.line + i) % text->count;
        size_t start = i == 0 ? from.offset + 1 : 0;
        size_t offset;
        if (line_find(&text->lines[line], start, needle, &offset)) {
            *found = (struct place){line, offset};
            return true;
        }
    }
    return false;
}
