// Cells: erasing, scrolling, inserting, deleting. Everything marks what it changed.
#include <string.h>

#include "servers/console/engine/operations.h"

struct cell *engine_row(const struct engine *engine, uint32_t row) {
    return engine->screen->cells + (size_t)engine->screen->line[row] * engine->columns;
}

struct cell engine_blank(const struct engine *engine) {
    return (struct cell){.character = ' ', .background = engine->cursor.style.background};
}

void engine_dirty(struct engine *engine) {
    memset(engine->dirty, true, engine->rows);
}

void engine_fix_wide(struct engine *engine, uint32_t row, uint32_t column) {
    struct cell *cells = engine_row(engine, row);
    if (column >= engine->columns)
        return;
    if ((cells[column].attributes & CELL_TAIL) && column > 0) {
        cells[column - 1].character = ' ';
        cells[column - 1].attributes &= CELL_STYLE;
    }
    if ((cells[column].attributes & CELL_WIDE) && column + 1 < engine->columns) {
        cells[column + 1].character = ' ';
        cells[column + 1].attributes &= CELL_STYLE;
    }
    if (cells[column].attributes & (CELL_WIDE | CELL_TAIL)) {
        cells[column].character = ' ';
        cells[column].attributes &= CELL_STYLE;
    }
}

// A cut between two columns must not go through a wide character.
static void fix_cut(struct engine *engine, uint32_t row, uint32_t column) {
    if (column > 0 && column < engine->columns && (engine_row(engine, row)[column].attributes & CELL_TAIL))
        engine_fix_wide(engine, row, column);
}

void engine_erase(struct engine *engine, uint32_t row, uint32_t first, uint32_t end) {
    struct cell *cells = engine_row(engine, row), blank = engine_blank(engine);
    if (end > engine->columns)
        end = engine->columns;
    if (first >= end)
        return;
    fix_cut(engine, row, first);
    fix_cut(engine, row, end);
    for (uint32_t column = first; column < end; column++)
        cells[column] = blank;
    engine->dirty[row] = true;
}

void engine_erase_rows(struct engine *engine, uint32_t first, uint32_t end) {
    for (uint32_t row = first; row < end && row < engine->rows; row++)
        engine_erase(engine, row, 0, engine->columns);
}

void engine_scroll_up(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count) {
    uint16_t *line = engine->screen->line, gone[ENGINE_ROWS_MAX];
    uint32_t height = bottom - top + 1;
    if (count > height)
        count = height;
    memcpy(gone, line + top, count * sizeof(*line));
    memmove(line + top, line + top + count, (height - count) * sizeof(*line));
    memcpy(line + bottom + 1 - count, gone, count * sizeof(*line));
    engine_erase_rows(engine, bottom + 1 - count, bottom + 1);
    memset(engine->dirty + top, true, height);
}

void engine_scroll_down(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count) {
    uint16_t *line = engine->screen->line, gone[ENGINE_ROWS_MAX];
    uint32_t height = bottom - top + 1;
    if (count > height)
        count = height;
    memcpy(gone, line + bottom + 1 - count, count * sizeof(*line));
    memmove(line + top + count, line + top, (height - count) * sizeof(*line));
    memcpy(line + top, gone, count * sizeof(*line));
    engine_erase_rows(engine, top, top + count);
    memset(engine->dirty + top, true, height);
}

void engine_insert_cells(struct engine *engine, uint32_t count) {
    uint32_t row = engine->cursor.row, column = engine->cursor.column, left = engine->columns - column;
    struct cell *cells = engine_row(engine, row) + column;
    if (count > left)
        count = left;
    fix_cut(engine, row, column);
    fix_cut(engine, row, engine->columns - count);
    memmove(cells + count, cells, (left - count) * sizeof(*cells));
    for (uint32_t i = 0; i < count; i++)
        cells[i] = engine_blank(engine);
    engine->dirty[row] = true;
}

void engine_delete_cells(struct engine *engine, uint32_t count) {
    uint32_t row = engine->cursor.row, column = engine->cursor.column, left = engine->columns - column;
    struct cell *cells = engine_row(engine, row) + column;
    if (count > left)
        count = left;
    fix_cut(engine, row, column);
    fix_cut(engine, row, column + count);
    memmove(cells, cells + count, (left - count) * sizeof(*cells));
    for (uint32_t i = left - count; i < left; i++)
        cells[i] = engine_blank(engine);
    engine->dirty[row] = true;
}
