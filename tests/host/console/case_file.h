// Cases of the terminal engine as text: what is sent, and the screen that must come of it. Read by the test
// of the engine and by the judge, which sends the same to another terminal. The format is described in
// cases/README.md.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CASE_STEPS = 16, CASE_BYTES = 4096, CASE_TEXT = 16384, CASE_ROWS = 6, CASE_COLUMNS = 10 };

struct case_step {
    bool is_resize;
    size_t start, length; // in `bytes`
    unsigned rows, columns;
};

struct terminal_case {
    char name[128];
    unsigned line; // of the file
    unsigned rows, columns;
    struct case_step steps[CASE_STEPS];
    unsigned step_count;
    char bytes[CASE_BYTES];
    char expected[CASE_TEXT]; // lines as in the file
    char differs[256];        // why the judge's terminal shows something else; empty: it must not
};

// The next case of the file. false: there is none, or it is malformed (*error then says how).
bool case_read(FILE *file, unsigned *line, struct terminal_case *out, const char **error);

// A screen, told in the lines of the format.
enum case_attribute {
    CASE_BOLD = 1 << 0,
    CASE_FAINT = 1 << 1,
    CASE_ITALIC = 1 << 2,
    CASE_UNDERLINE = 1 << 3,
    CASE_DOUBLE = 1 << 4,
    CASE_CURLY = 1 << 5,
    CASE_BLINK = 1 << 6,
    CASE_INVERSE = 1 << 7,
    CASE_INVISIBLE = 1 << 8,
    CASE_STRUCK = 1 << 9,
    CASE_OVERLINE = 1 << 10,
    CASE_PROTECTED = 1 << 11,
};

struct case_cell {
    uint32_t characters[8]; // the base and what combines with it, 0: no more; none: the right half of a wide one
    unsigned attributes;
    char foreground[16], background[16]; // "1" or "#0a0b0c"; empty: the default
};

struct case_screen {
    unsigned rows, columns, cursor_row, cursor_column; // from 0
    void (*cell)(void *context, unsigned row, unsigned column, struct case_cell *out);
    void *context;
};

// Appends to `text` (CASE_TEXT bytes).
void case_tell_screen(const struct case_screen *screen, char *text);
// "NAME BYTES" with escapes.
void case_tell_bytes(const char *name, const char *bytes, size_t count, char *text);
void case_tell_row(const struct case_screen *screen, char mark, unsigned row, char *text);
