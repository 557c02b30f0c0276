// A small screen for tests: bytes in, text and attributes out.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "servers/console/engine/engine.h"

enum { HARNESS_ROWS = 6, HARNESS_COLUMNS = 10, HARNESS_TEXT = 4096 };

struct harness {
    struct engine engine;
    struct cell *main_cells, *alternate_cells;
    char replies[256];
    size_t reply_length;
    unsigned bells;
    char title[256];
};

void harness_start(struct harness *harness, unsigned rows, unsigned columns);
void harness_end(struct harness *harness);
void harness_write(struct harness *harness, const char *bytes, size_t count);
// Rows joined by '|', each without the blanks at its end, without empty rows at the end. UTF-8.
void harness_text(const struct harness *harness, char *text);
// Halves of wide characters belong together, the cursor lies inside.
bool harness_sound(const struct harness *harness);
