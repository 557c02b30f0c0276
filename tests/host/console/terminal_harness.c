// See terminal_harness.h.
#include "terminal_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/console/case_file.h"

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

static void clipboard(void *context, const char *text, size_t length) {
    struct harness *harness = context;
    memcpy(harness->clipboard, text, length);
    harness->clipboard[length] = 0;
}

static void changing(void *context, const void *memory, size_t bytes) {
    struct harness *harness = context;
    const unsigned char *first = memory;
    for (size_t i = 0; harness->watching && i < sizeof(harness->watched) / sizeof(harness->watched[0]); i++) {
        struct harness_memory *watched = &harness->watched[i];
        const unsigned char *from = first > watched->memory ? first : watched->memory;
        const unsigned char *to =
            first + bytes < watched->memory + watched->bytes ? first + bytes : watched->memory + watched->bytes;
        if (from < to)
            memset(watched->announced + (from - watched->memory), true, (size_t)(to - from));
    }
}

static struct cell *make_cells(unsigned rows, unsigned columns) {
    return malloc((size_t)rows * columns * sizeof(struct cell));
}

void harness_start(struct harness *harness, unsigned rows, unsigned columns) {
    static const struct engine_events events = {
        .reply = reply, .bell = bell, .title = title, .clipboard = clipboard, .changing = changing};
    memset(harness, 0, sizeof(*harness));
    harness->main_cells = make_cells(rows, columns);
    harness->alternate_cells = make_cells(rows, columns);
    harness->history = malloc(HARNESS_HISTORY);
    engine_initialize(&harness->engine, harness->main_cells, harness->alternate_cells, rows, columns, harness->history,
                      HARNESS_HISTORY, &events, harness);
}

void harness_end(struct harness *harness) {
    free(harness->main_cells);
    free(harness->alternate_cells);
    free(harness->history);
}

void harness_resize(struct harness *harness, unsigned rows, unsigned columns) {
    struct cell *main_cells = make_cells(rows, columns), *alternate_cells = make_cells(rows, columns);
    engine_resize(&harness->engine, main_cells, alternate_cells, rows, columns);
    free(harness->main_cells);
    free(harness->alternate_cells);
    harness->main_cells = main_cells;
    harness->alternate_cells = alternate_cells;
}

void harness_write(struct harness *harness, const char *bytes, size_t count) {
    engine_write(&harness->engine, bytes, count);
}

void harness_write_watched(struct harness *harness, const char *bytes, size_t count) {
    size_t cells = (size_t)harness->engine.rows * harness->engine.columns * sizeof(struct cell);
    harness->watched[0] =
        (struct harness_memory){.memory = (unsigned char *)&harness->engine, .bytes = offsetof(struct engine, announced)};
    harness->watched[1] = (struct harness_memory){.memory = (unsigned char *)harness->main_cells, .bytes = cells};
    harness->watched[2] = (struct harness_memory){.memory = (unsigned char *)harness->alternate_cells, .bytes = cells};
    harness->watched[3] = (struct harness_memory){.memory = harness->history, .bytes = HARNESS_HISTORY};
    for (size_t i = 0; i < 4; i++) {
        struct harness_memory *watched = &harness->watched[i];
        watched->before = malloc(watched->bytes);
        watched->announced = calloc(watched->bytes, sizeof(bool));
        memcpy(watched->before, watched->memory, watched->bytes);
    }
    harness->watching = true;
    engine_write(&harness->engine, bytes, count);
    harness->watching = false;
    for (size_t i = 0; i < 4; i++) {
        struct harness_memory *watched = &harness->watched[i];
        for (size_t at = 0; at < watched->bytes; at++)
            if (watched->memory[at] != watched->before[at] && !watched->announced[at])
                harness->unannounced = true;
        free(watched->before);
        free(watched->announced);
    }
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
    if (engine->cursor.row >= engine->rows || engine->cursor.column >= engine->columns || engine->top > engine->bottom ||
        engine->bottom >= engine->rows)
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

// --- In the format of the cases ---

static void tell_colour(uint32_t colour, char *text) {
    if (colour == COLOUR_DEFAULT)
        text[0] = 0;
    else if (colour & COLOUR_TRUE)
        (void)snprintf(text, 16, "#%06x", colour & 0xffffff);
    else
        (void)snprintf(text, 16, "%u", (colour - 1) & 0xff);
}

static void tell_cell(const struct cell *cell, struct case_cell *out) {
    static const unsigned attributes[][2] = {{CELL_BOLD, CASE_BOLD},           {CELL_FAINT, CASE_FAINT},
                                             {CELL_ITALIC, CASE_ITALIC},       {CELL_UNDERLINE, CASE_UNDERLINE},
                                             {CELL_BLINK, CASE_BLINK},         {CELL_INVERSE, CASE_INVERSE},
                                             {CELL_INVISIBLE, CASE_INVISIBLE}, {CELL_STRUCK, CASE_STRUCK},
                                             {CELL_OVERLINE, CASE_OVERLINE},   {CELL_UNDERLINE_DOUBLE, CASE_DOUBLE},
                                             {CELL_PROTECTED, CASE_PROTECTED}, {CELL_UNDERLINE_CURLY, CASE_CURLY}};
    memset(out, 0, sizeof(*out));
    if (!(cell->attributes & CELL_TAIL)) {
        out->characters[0] = cell->character;
        for (unsigned i = 0; i < CELL_MARKS; i++)
            out->characters[1 + i] = cell->marks[i];
    }
    for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
        if (cell->attributes & attributes[i][0])
            out->attributes |= attributes[i][1];
    tell_colour(cell->foreground, out->foreground);
    tell_colour(cell->background, out->background);
}

static void screen_cell(void *context, unsigned row, unsigned column, struct case_cell *out) {
    tell_cell(engine_row(context, row) + column, out);
}

static void history_cell(void *context, unsigned back, unsigned column, struct case_cell *out) {
    struct cell cells[ENGINE_COLUMNS_MAX];
    const struct engine *engine = context;
    bool wrapped;
    if (history_line(&engine->history, back, cells, engine->columns, &wrapped))
        tell_cell(&cells[column], out);
}

void harness_tell(const struct harness *harness, char *text) {
    const struct engine *engine = &harness->engine;
    struct case_screen screen = {.rows = engine->rows,
                                 .columns = engine->columns,
                                 .cursor_row = engine->cursor.row,
                                 .cursor_column = engine->cursor.column,
                                 .cell = screen_cell,
                                 .context = (void *)(uintptr_t)engine};
    text[0] = 0;
    case_tell_screen(&screen, text);
    screen.cell = history_cell;
    for (unsigned back = engine->history.lines; back > 0; back--)
        case_tell_row(&screen, '^', back, text);
    for (unsigned row = 0; row < engine->rows; row++)
        if (engine->screen->wrapped[engine->screen->line[row]])
            (void)sprintf(text + strlen(text), "wrapped %u\n", row + 1);
    if (harness->title[0] != 0)
        case_tell_bytes("title", harness->title, strlen(harness->title), text);
    if (harness->clipboard[0] != 0)
        case_tell_bytes("clipboard", harness->clipboard, strlen(harness->clipboard), text);
    if (harness->bells > 0)
        (void)sprintf(text + strlen(text), "bells %u\n", harness->bells);
    if (harness->reply_length > 0)
        case_tell_bytes("reply", harness->replies, harness->reply_length, text);
}
