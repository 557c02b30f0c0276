// Control sequences: which final byte does what (ECMA-48, VT220 Programmer Reference, xterm's ctlseqs).
#include "servers/console/engine/operations.h"

// Counts and coordinates: left out and 0 both mean 1.
static int64_t count_of(const struct parser *parser, uint32_t index) {
    int32_t value = parser_parameter(parser, index, 1);
    return value < 1 ? 1 : value;
}

static void erase_display(struct engine *engine, int32_t what) {
    uint32_t row = engine->cursor.row, column = engine->cursor.column;
    switch (what) {
    case 0:
        engine_erase(engine, row, column, engine->columns);
        engine_erase_rows(engine, row + 1, engine->rows);
        break;
    case 1:
        engine_erase_rows(engine, 0, row);
        engine_erase(engine, row, 0, column + 1);
        break;
    case 2:
        engine_erase_rows(engine, 0, engine->rows);
        break;
    default:
        break;
    }
    engine->cursor.wrap_next = false;
}

static void erase_line(struct engine *engine, int32_t what) {
    uint32_t row = engine->cursor.row, column = engine->cursor.column;
    if (what == 0)
        engine_erase(engine, row, column, engine->columns);
    else if (what == 1)
        engine_erase(engine, row, 0, column + 1);
    else if (what == 2)
        engine_erase(engine, row, 0, engine->columns);
    engine->cursor.wrap_next = false;
}

// DECSTBM: at least two rows, or nothing happens.
static void set_region(struct engine *engine, const struct parser *parser) {
    int64_t top = count_of(parser, 0) - 1, bottom = parser_parameter(parser, 1, 0);
    if (bottom == 0 || bottom > engine->rows)
        bottom = engine->rows;
    if (top >= bottom - 1)
        return;
    engine->top = (uint32_t)top;
    engine->bottom = (uint32_t)bottom - 1;
    engine_move_in_region(engine, 0, 0);
}

static void insert_delete_lines(struct engine *engine, uint32_t count, bool insert) {
    uint32_t row = engine->cursor.row;
    if (row < engine->top || row > engine->bottom)
        return;
    if (insert)
        engine_scroll_down(engine, row, engine->bottom, count);
    else
        engine_scroll_up(engine, row, engine->bottom, count);
    engine_move_to(engine, row, 0);
}

// Up and down stop at the scroll region's edge if they began inside.
static void move_vertically(struct engine *engine, int64_t by, bool to_first_column) {
    int64_t row = engine->cursor.row, target = row + by;
    if (by < 0 && row >= engine->top && target < engine->top)
        target = engine->top;
    if (by > 0 && row <= engine->bottom && target > engine->bottom)
        target = engine->bottom;
    engine_move_to(engine, target, to_first_column ? 0 : engine->cursor.column);
}

static void move_horizontally(struct engine *engine, int64_t by) {
    engine_move_to(engine, engine->cursor.row, engine->cursor.column + by);
}

static void repeat(struct engine *engine, int64_t count) {
    if (engine->last_printed == 0)
        return;
    int64_t limit = (int64_t)engine->rows * engine->columns;
    for (count = count < limit ? count : limit; count > 0; count--)
        engine_print(engine, engine->last_printed);
}

static void clear_tabs(struct engine *engine, int32_t what) {
    if (what == 0)
        engine->tabs[engine->cursor.column] = false;
    else if (what == 3)
        for (uint32_t i = 0; i < ENGINE_COLUMNS_MAX; i++)
            engine->tabs[i] = false;
}

static bool move(struct engine *engine, const struct parser *parser, uint8_t final) {
    int64_t count = count_of(parser, 0), row = engine->cursor.row;
    switch (final) {
    case 'A':
        move_vertically(engine, -count, false);
        break;
    case 'B':
    case 'e':
        move_vertically(engine, count, false);
        break;
    case 'C':
    case 'a':
        move_horizontally(engine, count);
        break;
    case 'D':
        move_horizontally(engine, -count);
        break;
    case 'E':
        move_vertically(engine, count, true);
        break;
    case 'F':
        move_vertically(engine, -count, true);
        break;
    case 'G':
    case '`':
        engine_move_to(engine, row, count - 1);
        break;
    case 'H':
    case 'f':
        engine_move_in_region(engine, count - 1, count_of(parser, 1) - 1);
        break;
    case 'd':
        engine_move_in_region(engine, count - 1, engine->cursor.column);
        break;
    case 'I':
        engine_tab_forward(engine, (uint32_t)count);
        break;
    case 'Z':
        engine_tab_back(engine, (uint32_t)count);
        break;
    case 's':
        engine_save_cursor(engine);
        break;
    case 'u':
        engine_restore_cursor(engine);
        break;
    default:
        return false;
    }
    return true;
}

static void change(struct engine *engine, const struct parser *parser, uint8_t final) {
    uint32_t count = (uint32_t)count_of(parser, 0);
    int32_t what = parser_parameter(parser, 0, 0);
    switch (final) {
    case 'J':
        erase_display(engine, what);
        break;
    case 'K':
        erase_line(engine, what);
        break;
    case 'L':
    case 'M':
        insert_delete_lines(engine, count, final == 'L');
        break;
    case '@':
        engine_insert_cells(engine, count);
        engine->cursor.wrap_next = false;
        break;
    case 'P':
        engine_delete_cells(engine, count);
        engine->cursor.wrap_next = false;
        break;
    case 'X':
        engine_erase(engine, engine->cursor.row, engine->cursor.column, engine->cursor.column + count);
        engine->cursor.wrap_next = false;
        break;
    case 'S':
        engine_scroll_up(engine, engine->top, engine->bottom, count);
        break;
    case 'T':
        if (parser->parameter_count <= 1)
            engine_scroll_down(engine, engine->top, engine->bottom, count);
        break;
    case 'b':
        repeat(engine, count);
        break;
    case 'c':
        engine_report_device(engine, parser);
        break;
    case 'g':
        clear_tabs(engine, what);
        break;
    case 'h':
    case 'l':
        engine_set_modes(engine, parser, final == 'h');
        break;
    case 'm':
        engine_select_style(engine, parser);
        break;
    case 'n':
        engine_report_status(engine, parser);
        break;
    case 'r':
        set_region(engine, parser);
        break;
    case 't':
        engine_report_window(engine, parser);
        break;
    default:
        break;
    }
}

// Sequences with a mark in front or intermediates behind the parameters.
static void marked(struct engine *engine, const struct parser *parser, uint8_t final) {
    char intermediate = parser->intermediate_count > 0 ? parser->intermediates[0] : 0;
    if (parser->mark == '?' && intermediate == 0) {
        switch (final) {
        case 'h':
        case 'l':
            engine_set_modes(engine, parser, final == 'h');
            break;
        case 'J':
            erase_display(engine, parser_parameter(parser, 0, 0));
            break;
        case 'K':
            erase_line(engine, parser_parameter(parser, 0, 0));
            break;
        case 'n':
            engine_report_status(engine, parser);
            break;
        default:
            break;
        }
    } else if (parser->mark == '>' && intermediate == 0 && final == 'c') {
        engine_report_device(engine, parser);
    } else if (intermediate == '$' && final == 'p') {
        engine_report_mode(engine, parser);
    } else if (parser->mark == 0 && intermediate == '!' && final == 'p') {
        engine_reset(engine, false);
    } else if (parser->mark == 0 && intermediate == ' ' && final == 'q') {
        int32_t shape = parser_parameter(parser, 0, 0);
        if (shape >= 0 && shape <= 6)
            engine->cursor_shape = (uint32_t)shape;
        engine->dirty[engine->cursor.row] = true;
    }
}

void engine_csi(void *context, const struct parser *parser, uint8_t final) {
    struct engine *engine = context;
    if (parser->mark != 0 || parser->intermediate_count > 0)
        marked(engine, parser, final);
    else if (!move(engine, parser, final))
        change(engine, parser, final);
}
