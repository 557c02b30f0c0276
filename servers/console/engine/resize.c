// Another size, and the view back into the history.
#include <string.h>

#include "servers/console/engine/operations.h"

// Copies what fits, and cuts a wide character at the right edge.
static void copy_row(struct cell *to, uint32_t columns, const struct cell *from, uint32_t old_columns) {
    uint32_t common = columns < old_columns ? columns : old_columns;
    memcpy(to, from, common * sizeof(*to));
    for (uint32_t i = common; i < columns; i++)
        to[i] = (struct cell){.character = ' '};
    if (to[common - 1].attributes & CELL_WIDE)
        to[common - 1] = (struct cell){.character = ' '};
}

static void push_rows(struct engine *engine, const struct engine_screen *screen, uint32_t count) {
    const struct history_announce announce = {.changing = engine->events->changing, .context = engine->context};
    for (uint32_t row = 0; row < count; row++)
        history_push(&engine->history, &announce, screen->cells + (size_t)screen->line[row] * engine->columns, engine->columns,
                     screen->wrapped[screen->line[row]]);
}

static void move_cursor(struct engine_cursor *cursor, uint32_t gone, uint32_t came, uint32_t rows, uint32_t columns) {
    uint32_t row = cursor->row + came > gone ? cursor->row + came - gone : 0;
    cursor->row = row < rows ? row : rows - 1;
    if (cursor->column >= columns)
        cursor->column = columns - 1;
    cursor->wrap_next = false;
}

// One screen into new cells; rows [gone, ...) of it begin at row `came`.
static void move_screen(struct engine *engine, struct engine_screen *screen, struct cell *cells, uint32_t rows, uint32_t columns,
                        uint32_t gone, uint32_t came) {
    bool wrapped[ENGINE_ROWS_MAX] = {false};
    for (uint32_t row = came; row < rows; row++) {
        uint32_t from = row - came + gone;
        struct cell *to = cells + (size_t)row * columns;
        if (from < engine->rows) {
            copy_row(to, columns, screen->cells + (size_t)screen->line[from] * engine->columns, engine->columns);
            wrapped[row] = screen->wrapped[screen->line[from]] && columns == engine->columns;
        } else {
            for (uint32_t i = 0; i < columns; i++)
                to[i] = (struct cell){.character = ' '};
        }
    }
    for (uint32_t row = 0; row < ENGINE_ROWS_MAX; row++)
        screen->line[row] = (uint16_t)row;
    for (uint32_t row = came; row-- > 0;)
        if (!history_pop(&engine->history, cells + (size_t)row * columns, columns, &wrapped[row]))
            break;
    memcpy(screen->wrapped, wrapped, sizeof(wrapped));
    screen->cells = cells;
    move_cursor(&screen->saved, gone, came, rows, columns);
}

void engine_resize(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells, uint32_t rows,
                   uint32_t columns) {
    struct engine_screen *main = &engine->screens[0];
    bool alternate = (engine->modes & MODE_ALTERNATE) != 0;
    rows = rows < ENGINE_ROWS_MAX ? rows : ENGINE_ROWS_MAX;
    columns = columns < ENGINE_COLUMNS_MAX ? columns : ENGINE_COLUMNS_MAX;
    engine_announce(engine, engine, offsetof(struct engine, rare));
    uint32_t anchor = alternate ? main->saved.row : engine->cursor.row;
    uint32_t gone = anchor >= rows ? anchor - rows + 1 : 0, came = 0;
    if (rows > engine->rows) {
        came = rows - engine->rows;
        if (came > engine->history.lines)
            came = engine->history.lines;
    }
    uint32_t cut = engine->cursor.row >= rows ? engine->cursor.row - rows + 1 : 0;
    push_rows(engine, main, gone);
    move_screen(engine, main, main_cells, rows, columns, gone, came);
    move_screen(engine, &engine->screens[1], alternate_cells, rows, columns, alternate ? cut : 0, 0);
    move_cursor(&engine->cursor, alternate ? cut : gone, alternate ? 0 : came, rows, columns);
    engine->rows = rows;
    engine->columns = columns;
    engine_reset_region(engine);
    engine->mark_row = ENGINE_ROWS_MAX;
    engine_dirty(engine);
}

const struct cell *engine_view_row(const struct engine *engine, uint32_t back, uint32_t row, struct cell *scratch) {
    bool wrapped;
    if (engine->modes & MODE_ALTERNATE)
        back = 0;
    if (row >= back)
        return engine_row(engine, row - back);
    if (!history_line(&engine->history, back - row, scratch, engine->columns, &wrapped))
        for (uint32_t i = 0; i < engine->columns; i++)
            scratch[i] = (struct cell){.character = ' '};
    return scratch;
}
