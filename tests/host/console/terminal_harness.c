// See terminal_harness.h.
#include "terminal_harness.h"

#include <stdlib.h>
#include <string.h>

static void reply(void *context, const char *bytes, size_t count) {
    struct harness *harness = context;
    if (harness->reply_length + count >= sizeof(harness->replies))
        return;
    memcpy(harness->replies + harness->reply_length, bytes, count);
    harness->reply_length += count;
    harness->replies[harness->reply_length] = 0;
}

static void bell(void *context) {
    ((struct harness *)context)->bells++;
}

static void title(void *context, const char *text, size_t length) {
    struct harness *harness = context;
    memcpy(harness->title, text, length);
    harness->title[length] = 0;
}

void harness_start(struct harness *harness, unsigned rows, unsigned columns) {
    static const struct engine_events events = {.reply = reply, .bell = bell, .title = title};
    memset(harness, 0, sizeof(*harness));
    harness->main_cells = malloc((size_t)rows * columns * sizeof(struct cell));
    harness->alternate_cells = malloc((size_t)rows * columns * sizeof(struct cell));
    engine_initialize(&harness->engine, harness->main_cells, harness->alternate_cells, rows, columns, &events,
                      harness);
}

void harness_end(struct harness *harness) {
    free(harness->main_cells);
    free(harness->alternate_cells);
}

void harness_write(struct harness *harness, const char *bytes, size_t count) {
    engine_write(&harness->engine, bytes, count);
}

static char *encode(char *at, unsigned value) {
    if (value < 0x80) {
        *at++ = (char)value;
    } else if (value < 0x800) {
        *at++ = (char)(0xc0 | value >> 6);
        *at++ = (char)(0x80 | (value & 0x3f));
    } else {
        if (value >= 0x10000)
            *at++ = (char)(0xf0 | value >> 18);
        *at++ = (char)(value >= 0x10000 ? 0x80 | (value >> 12 & 0x3f) : 0xe0 | value >> 12);
        *at++ = (char)(0x80 | (value >> 6 & 0x3f));
        *at++ = (char)(0x80 | (value & 0x3f));
    }
    return at;
}

void harness_text(const struct harness *harness, char *text) {
    const struct engine *engine = &harness->engine;
    char *at = text, *end = text;
    for (unsigned row = 0; row < engine->rows; row++) {
        const struct cell *cells = engine_row(engine, row);
        unsigned last = engine->columns;
        while (last > 0 && cells[last - 1].character == ' ' && !(cells[last - 1].attributes & CELL_TAIL))
            last--;
        for (unsigned column = 0; column < last; column++)
            if (!(cells[column].attributes & CELL_TAIL))
                at = encode(at, cells[column].character);
        if (last > 0)
            end = at;
        *at++ = '|';
    }
    *end = 0;
}

bool harness_sound(const struct harness *harness) {
    const struct engine *engine = &harness->engine;
    if (engine->cursor.row >= engine->rows || engine->cursor.column >= engine->columns ||
        engine->top > engine->bottom || engine->bottom >= engine->rows)
        return false;
    for (unsigned row = 0; row < engine->rows; row++) {
        const struct cell *cells = engine_row(engine, row);
        for (unsigned column = 0; column < engine->columns; column++) {
            bool wide = cells[column].attributes & CELL_WIDE;
            bool tail_next = column + 1 < engine->columns && (cells[column + 1].attributes & CELL_TAIL);
            if (wide != tail_next || (column == 0 && (cells[0].attributes & CELL_TAIL)))
                return false;
        }
    }
    return true;
}
