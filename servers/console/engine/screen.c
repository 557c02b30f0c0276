// Cells: erasing, scrolling, inserting, deleting. Everything marks and announces what it changes.
#include <string.h>

#include "servers/console/engine/operations.h"

struct cell *engine_row(const struct engine *engine, uint32_t row) {
    return engine->screen->cells + (size_t)engine->screen->line[row] * engine->columns;
}

void engine_announce(struct engine *engine, const void *memory, size_t bytes) {
    if (engine->events->changing)
        engine->events->changing(engine->context, memory, bytes);
}

struct cell *engine_change(struct engine *engine, uint32_t row) {
    struct cell *cells = engine_row(engine, row);
    bool *announced = &engine->announced[engine->screen == &engine->screens[1]][engine->screen->line[row]];
    engine->dirty[row] = true;
    if (!*announced) {
        engine_announce(engine, cells, engine->columns * sizeof(*cells));
        *announced = true;
    }
    return cells;
}

struct cell engine_blank(const struct engine *engine) {
    return (struct cell){.character = ' ', .background = engine->cursor.style.background};
}

void engine_dirty(struct engine *engine) {
    memset(engine->dirty, true, engine->rows);
}

void engine_set_wrapped(struct engine *engine, uint32_t row, bool wrapped) {
    engine->screen->wrapped[engine->screen->line[row]] = wrapped;
}

static void make_blank(struct cell *cell) {
    cell->character = ' ';
    cell->attributes &= CELL_STYLE;
    memset(cell->marks, 0, sizeof(cell->marks));
}

void engine_fix_wide(struct engine *engine, uint32_t row, uint32_t column) {
    struct cell *cells = engine_row(engine, row);
    if (column >= engine->columns)
        return;
    if ((cells[column].attributes & CELL_TAIL) && column > 0)
        make_blank(&cells[column - 1]);
    if ((cells[column].attributes & CELL_WIDE) && column + 1 < engine->columns)
        make_blank(&cells[column + 1]);
    if (cells[column].attributes & (CELL_WIDE | CELL_TAIL))
        make_blank(&cells[column]);
}

// A cut between two columns must not go through a wide character.
static void fix_cut(struct engine *engine, uint32_t row, uint32_t column) {
    if (column > 0 && column < engine->columns && (engine_row(engine, row)[column].attributes & CELL_TAIL))
        engine_fix_wide(engine, row, column);
}

void engine_erase(struct engine *engine, uint32_t row, uint32_t first, uint32_t end, bool selective) {
    struct cell blank = engine_blank(engine);
    if (end > engine->columns)
        end = engine->columns;
    if (first >= end)
        return;
    struct cell *cells = engine_change(engine, row);
    if (!selective) {
        fix_cut(engine, row, first);
        fix_cut(engine, row, end);
    }
    for (uint32_t column = first; column < end; column++) {
        if (!selective) {
            cells[column] = blank;
        } else if (!(cells[column].attributes & CELL_PROTECTED)) {
            engine_fix_wide(engine, row, column);
            cells[column].character = ' '; // its look stays (VT220 Programmer Reference, DECSEL)
            memset(cells[column].marks, 0, sizeof(cells[column].marks));
        }
    }
    if (end == engine->columns)
        engine_set_wrapped(engine, row, false);
}

void engine_erase_rows(struct engine *engine, uint32_t first, uint32_t end, bool selective) {
    for (uint32_t row = first; row < end && row < engine->rows; row++)
        engine_erase(engine, row, 0, engine->columns, selective);
}

void engine_push_rows(struct engine *engine, uint32_t count) {
    const struct history_announce announce = {.changing = engine->events->changing, .context = engine->context};
    for (uint32_t row = 0; row < count; row++)
        history_push(&engine->history, &announce, engine_row(engine, row), engine->columns,
                     engine->screen->wrapped[engine->screen->line[row]]);
}

static bool full_width(const struct engine *engine) {
    return engine->left == 0 && engine->right == engine->columns - 1;
}

// With margins, cells have to move: those of row `from` to row `to`, or blanks if there is none.
static void move_part(struct engine *engine, uint32_t to, int64_t from, uint32_t top, uint32_t bottom) {
    uint32_t left = engine->left, width = engine->right + 1 - left;
    if (from < top || from > bottom)
        engine_erase(engine, to, left, left + width, false);
    else
        memcpy(engine_row(engine, to) + left, engine_row(engine, (uint32_t)from) + left, width * sizeof(struct cell));
}

static void scroll_part(struct engine *engine, uint32_t top, uint32_t bottom, int64_t up) {
    for (uint32_t row = top; row <= bottom; row++) {
        engine_change(engine, row);
        fix_cut(engine, row, engine->left);
        fix_cut(engine, row, engine->right + 1);
        engine_set_wrapped(engine, row, false);
    }
    for (uint32_t i = 0; i <= bottom - top; i++) {
        uint32_t row = up > 0 ? top + i : bottom - i;
        move_part(engine, row, row + up, top, bottom);
    }
}

void engine_scroll_up(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count) {
    uint16_t *line = engine->screen->line, gone[ENGINE_ROWS_MAX];
    uint32_t height = bottom - top + 1;
    engine->mark_row = ENGINE_ROWS_MAX;
    if (count > height)
        count = height;
    if (!full_width(engine)) {
        scroll_part(engine, top, bottom, count);
        return;
    }
    if (top == 0 && !(engine->modes & MODE_ALTERNATE))
        engine_push_rows(engine, count);
    memcpy(gone, line + top, count * sizeof(*line));
    memmove(line + top, line + top + count, (height - count) * sizeof(*line));
    memcpy(line + bottom + 1 - count, gone, count * sizeof(*line));
    engine_erase_rows(engine, bottom + 1 - count, bottom + 1, false);
    memset(engine->dirty + top, true, height);
}

void engine_scroll_down(struct engine *engine, uint32_t top, uint32_t bottom, uint32_t count) {
    uint16_t *line = engine->screen->line, gone[ENGINE_ROWS_MAX];
    uint32_t height = bottom - top + 1;
    engine->mark_row = ENGINE_ROWS_MAX;
    if (count > height)
        count = height;
    if (!full_width(engine)) {
        scroll_part(engine, top, bottom, -(int64_t)count);
        return;
    }
    memcpy(gone, line + bottom + 1 - count, count * sizeof(*line));
    memmove(line + top + count, line + top, (height - count) * sizeof(*line));
    memcpy(line + top, gone, count * sizeof(*line));
    engine_erase_rows(engine, top, top + count, false);
    memset(engine->dirty + top, true, height);
}

static uint32_t end_of(const struct engine *engine, uint32_t column) {
    return column <= engine->right ? engine->right + 1 : engine->columns;
}

void engine_insert_cells(struct engine *engine, uint32_t row, uint32_t column, uint32_t count) {
    uint32_t end = end_of(engine, column), left = end - column;
    struct cell *cells = engine_change(engine, row) + column, blank = engine_blank(engine);
    if (count > left)
        count = left;
    fix_cut(engine, row, column);
    fix_cut(engine, row, end - count);
    fix_cut(engine, row, end);
    memmove(cells + count, cells, (left - count) * sizeof(*cells));
    for (uint32_t i = 0; i < count; i++)
        cells[i] = blank;
}

void engine_delete_cells(struct engine *engine, uint32_t row, uint32_t column, uint32_t count) {
    uint32_t end = end_of(engine, column), left = end - column;
    struct cell *cells = engine_change(engine, row) + column, blank = engine_blank(engine);
    if (count > left)
        count = left;
    fix_cut(engine, row, column);
    fix_cut(engine, row, column + count);
    fix_cut(engine, row, end);
    memmove(cells, cells + count, (left - count) * sizeof(*cells));
    for (uint32_t i = left - count; i < left; i++)
        cells[i] = blank;
    engine_set_wrapped(engine, row, false);
}
