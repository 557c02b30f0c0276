// A small screen for tests: bytes in, text and attributes out. It also watches that the engine announces what
// it changes before it does.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "servers/console/engine/engine.h"

enum { HARNESS_ROWS = 6, HARNESS_COLUMNS = 10, HARNESS_TEXT = 4096, HARNESS_HISTORY = 4096 };

struct harness {
    struct engine engine;
    struct cell *main_cells, *alternate_cells;
    unsigned char *history;
    char replies[1024];
    size_t reply_length;
    unsigned bells;
    char title[1024], clipboard[1024];
    struct harness_memory {
        unsigned char *memory, *before;
        bool *announced;
        size_t bytes;
    } watched[4];
    bool watching, unannounced; // `unannounced`: something has changed that was not announced
};

void harness_start(struct harness *harness, unsigned rows, unsigned columns);
void harness_end(struct harness *harness);
void harness_write(struct harness *harness, const char *bytes, size_t count);
// The same, watched: afterwards `unannounced` says.
void harness_write_watched(struct harness *harness, const char *bytes, size_t count);
void harness_resize(struct harness *harness, unsigned rows, unsigned columns);
// Rows joined by '|', each without the blanks at its end, without empty rows at the end. UTF-8.
void harness_text(const struct harness *harness, char *text);
// Screen, history, title, bells, answers in the format of cases/README.md, into CASE_TEXT bytes.
void harness_tell(const struct harness *harness, char *text);
// Halves of wide characters belong together, the cursor lies inside.
bool harness_sound(const struct harness *harness);
