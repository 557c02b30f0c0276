// Moving the cursor, tabs, saving and resetting; and the engine's beginning.
#include <string.h>

#include "servers/console/engine/operations.h"

enum { TAB_COLUMNS = 8 };

static void mark_cursor(struct engine *engine) {
    engine->dirty[engine->cursor.row] = true;
}

static uint32_t clamp(int64_t value, int64_t first, int64_t last) {
    return (uint32_t)(value < first ? first : value > last ? last : value);
}

void engine_move_to(struct engine *engine, int64_t row, int64_t column) {
    mark_cursor(engine);
    engine->cursor.row = clamp(row, 0, engine->rows - 1);
    engine->cursor.column = clamp(column, 0, engine->columns - 1);
    engine->cursor.wrap_next = false;
    engine->mark_row = ENGINE_ROWS_MAX;
    mark_cursor(engine);
}

void engine_move_in_region(struct engine *engine, int64_t row, int64_t column) {
    if (engine->modes & MODE_ORIGIN)
        engine_move_to(engine, clamp(row + engine->top, engine->top, engine->bottom),
                       clamp(column + engine->left, engine->left, engine->right));
    else
        engine_move_to(engine, row, column);
}

// To the region's first column, or to the screen's from the left of that.
void engine_carriage_return(struct engine *engine) {
    bool inside = engine->cursor.column >= engine->left || (engine->modes & MODE_ORIGIN);
    engine_move_to(engine, engine->cursor.row, inside ? engine->left : 0);
}

// Beside the region's columns nothing scrolls, and the cursor stays.
void engine_index(struct engine *engine) {
    if (engine->cursor.row != engine->bottom)
        engine_move_to(engine, (int64_t)engine->cursor.row + 1, engine->cursor.column);
    else if (engine_in_columns(engine))
        engine_scroll_up(engine, engine->top, engine->bottom, 1);
    engine->cursor.wrap_next = false;
}

void engine_reverse_index(struct engine *engine) {
    if (engine->cursor.row != engine->top)
        engine_move_to(engine, (int64_t)engine->cursor.row - 1, engine->cursor.column);
    else if (engine_in_columns(engine))
        engine_scroll_down(engine, engine->top, engine->bottom, 1);
    engine->cursor.wrap_next = false;
}

static bool in_region(const struct engine *engine) {
    return engine->cursor.row >= engine->top && engine->cursor.row <= engine->bottom && engine_in_columns(engine);
}

void engine_back_index(struct engine *engine) {
    if (engine->cursor.column != engine->left)
        engine_move_to(engine, engine->cursor.row, (int64_t)engine->cursor.column - 1);
    else if (in_region(engine))
        for (uint32_t row = engine->top; row <= engine->bottom; row++)
            engine_insert_cells(engine, row, engine->left, 1);
    engine->cursor.wrap_next = false;
}

void engine_forward_index(struct engine *engine) {
    if (engine->cursor.column != engine->right)
        engine_move_to(engine, engine->cursor.row, (int64_t)engine->cursor.column + 1);
    else if (in_region(engine))
        for (uint32_t row = engine->top; row <= engine->bottom; row++)
            engine_delete_cells(engine, row, engine->left, 1);
    engine->cursor.wrap_next = false;
}

// With reverse wrap (mode 45) from the first column to the end of the row above.
void engine_back(struct engine *engine) {
    const struct engine_cursor *cursor = &engine->cursor;
    const uint32_t both = MODE_WRAP | MODE_REVERSE_WRAP;
    bool first = cursor->column == 0 || cursor->column == engine->left;
    if (first && cursor->row > 0 && (engine->modes & both) == both)
        engine_move_to(engine, (int64_t)cursor->row - 1, engine->right);
    else
        engine_move_to(engine, cursor->row, (int64_t)cursor->column - !first);
}

void engine_tab_forward(struct engine *engine, uint32_t count) {
    uint32_t column = engine->cursor.column, last = engine_last_column(engine);
    for (; count > 0 && column < last; count--)
        do
            column++;
        while (column < last && !engine->tabs[column]);
    engine_move_to(engine, engine->cursor.row, column);
}

void engine_tab_back(struct engine *engine, uint32_t count) {
    uint32_t column = engine->cursor.column;
    for (; count > 0 && column > 0; count--)
        do
            column--;
        while (column > 0 && !engine->tabs[column]);
    engine_move_to(engine, engine->cursor.row, column);
}

void engine_default_tabs(struct engine *engine) {
    for (uint32_t i = 0; i < ENGINE_COLUMNS_MAX; i++)
        engine->tabs[i] = i % TAB_COLUMNS == 0;
}

void engine_save_cursor(struct engine *engine) {
    engine->cursor.origin = (engine->modes & MODE_ORIGIN) != 0;
    engine->screen->saved = engine->cursor;
}

void engine_restore_cursor(struct engine *engine) {
    mark_cursor(engine);
    engine->cursor = engine->screen->saved;
    engine->modes = (engine->modes & ~(uint32_t)MODE_ORIGIN) | (engine->cursor.origin ? MODE_ORIGIN : 0);
    engine->mark_row = ENGINE_ROWS_MAX;
    mark_cursor(engine);
}

static void reset_colours(struct engine *engine) {
    engine_announce(engine, &engine->rare, sizeof(engine->rare));
    for (uint32_t i = 0; i < ENGINE_COLOURS; i++)
        engine->rare.palette[i] = engine_default_colour(i);
    engine->rare.changes++;
    engine->title_count = 0;
}

void engine_reset_region(struct engine *engine) {
    engine->top = engine->left = 0;
    engine->bottom = engine->rows - 1;
    engine->right = engine->columns - 1;
}

// DECSTR (VT220 Programmer Reference, table 4-10) or RIS. The cursor stays where it is in the first.
void engine_reset(struct engine *engine, bool hard) {
    mark_cursor(engine);
    uint32_t row = engine->cursor.row, column = engine->cursor.column;
    uint32_t kept = MODE_ALTERNATE | MODE_MOUSE | MODE_MOUSE_SGR | MODE_FOCUS | MODE_BRACKETED_PASTE | MODE_ALTERNATE_WHEEL |
                    MODE_REVERSE | MODE_NEW_LINE | MODE_BACKSPACE;
    engine_reset_region(engine);
    engine->modes = (hard ? 0 : engine->modes & kept) | MODE_WRAP | MODE_CURSOR_VISIBLE;
    engine->cursor = (struct engine_cursor){.row = hard ? 0 : row, .column = hard ? 0 : column};
    engine->cursor_shape = 0;
    engine->last_printed = 0;
    engine->single_shift = 0;
    engine->mark_row = ENGINE_ROWS_MAX;
    engine->screens[0].saved = engine->screens[1].saved = (struct engine_cursor){0};
    if (!hard)
        return;
    engine->saved_modes = engine->modes;
    engine->title_length = 0;
    reset_colours(engine);
    engine_default_tabs(engine);
    for (uint32_t i = 2; i-- > 0;) {
        engine->screen = &engine->screens[i];
        engine_erase_rows(engine, 0, engine->rows, false);
    }
}

static void lines_in_order(struct engine_screen *screen) {
    for (uint32_t i = 0; i < ENGINE_ROWS_MAX; i++)
        screen->line[i] = (uint16_t)i;
    memset(screen->wrapped, false, sizeof(screen->wrapped));
}

void engine_initialize(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells, uint32_t rows,
                       uint32_t columns, void *history, uint32_t history_bytes, const struct engine_events *events,
                       void *context) {
    memset(engine, 0, sizeof(*engine));
    engine->events = events;
    engine->context = context;
    engine->rows = rows < ENGINE_ROWS_MAX ? rows : ENGINE_ROWS_MAX;
    engine->columns = columns < ENGINE_COLUMNS_MAX ? columns : ENGINE_COLUMNS_MAX;
    engine->screens[0].cells = main_cells;
    engine->screens[1].cells = alternate_cells;
    lines_in_order(&engine->screens[0]);
    lines_in_order(&engine->screens[1]);
    parser_initialize(&engine->parser);
    history_initialize(&engine->history, history, history_bytes);
    engine_reset(engine, true);
}

// A permutation of the rows, or cells would be read outside.
static bool lines_sound(const struct engine_screen *screen, uint32_t rows) {
    bool seen[ENGINE_ROWS_MAX] = {false};
    for (uint32_t i = 0; i < rows; i++) {
        if (screen->line[i] >= rows || seen[screen->line[i]])
            return false;
        seen[screen->line[i]] = true;
    }
    return true;
}

static bool cursor_sound(const struct engine *engine, const struct engine_cursor *cursor) {
    return cursor->row < engine->rows && cursor->column < engine->columns && cursor->charset < 4;
}

bool engine_attach(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells, void *history,
                   const struct engine_events *events, void *context) {
    engine->events = events;
    engine->context = context;
    engine->screens[0].cells = main_cells;
    engine->screens[1].cells = alternate_cells;
    engine->screen = &engine->screens[engine->modes & MODE_ALTERNATE ? 1 : 0];
    engine->history.bytes = history;
    if (engine->rows == 0 || engine->rows > ENGINE_ROWS_MAX || engine->columns == 0 || engine->columns > ENGINE_COLUMNS_MAX ||
        engine->top > engine->bottom || engine->bottom >= engine->rows || engine->left > engine->right ||
        engine->right >= engine->columns || engine->title_length > ENGINE_TITLE || engine->title_count > ENGINE_TITLES ||
        (engine->mark_row != ENGINE_ROWS_MAX && engine->mark_column >= engine->columns) || !parser_sound(&engine->parser) ||
        !history_sound(&engine->history))
        return false;
    engine_dirty(engine);
    return lines_sound(&engine->screens[0], engine->rows) && lines_sound(&engine->screens[1], engine->rows) &&
           cursor_sound(engine, &engine->cursor) && cursor_sound(engine, &engine->screens[0].saved) &&
           cursor_sound(engine, &engine->screens[1].saved);
}
