// The text being edited: lines of bytes. Every change goes through text_insert() and text_remove(), which
// record it for undo.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/common/buffer.h"

struct place {
    size_t line;
    size_t offset; // in bytes
};

struct text {
    struct buffer *lines; // at least one
    size_t count;
    size_t capacity;
    bool ends_with_newline;
    bool changed;      // since it was loaded or saved
    struct undo *undo; // null: nothing was changed yet
};

void text_init(struct text *text);
void text_free(struct text *text);

// Inserts bytes, newlines included; returns the place behind them.
struct place text_insert(struct text *text, struct place at, const char *bytes, size_t length);

// Removes everything from `from` up to `to`.
void text_remove(struct text *text, struct place from, struct place to);

// Copies a range, newlines included, to `out`.
void text_copy(const struct text *text, struct place from, struct place to, struct buffer *out);

// Finds the next occurrence behind `from`, going round at the end; ignores ASCII case unless `needle` has
// capitals.
bool text_find(const struct text *text, struct place from, const char *needle, struct place *found);

// False with errno. A file that does not exist loads as empty.
bool text_load(struct text *text, const char *path, bool *exists);
bool text_save(struct text *text, const char *path);
