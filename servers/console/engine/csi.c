// Control sequences: which final byte does what (ECMA-48, VT220 Programmer Reference, xterm's ctlseqs).
#include "servers/console/engine/operations.h"

// Counts and coordinates: left out and 0 both mean 1.
static int64_t count_of(const struct parser *parser, uint32_t index) {
    int32_t value = parser_parameter(parser, index, 1);
    return value < 1 ? 1 : value;
}

static void erase_display(struct engine *engine, int32_t what, bool selective) {
    uint32_t row = engine->cursor.row, column = engine->cursor.column;
    switch (what) {
    case 0:
        engine_erase(engine, row, column, engine->columns, selective);
        engine_erase_rows(engine, row + 1, engine->rows, selective);
        break;
    case 1:
        engine_erase_rows(engine, 0, row, selective);
        engine_erase(engine, row, 0, column + 1, selective);
        break;
    case 2:
        engine_erase_rows(engine, 0, engine->rows, selective);
        break;
    case 3: // what has scrolled away (xterm)
        if (!selective)
            history_clear(&engine->history);
        return;
    default:
        return;
    }
    engine->cursor.wrap_next = false;
}

static void erase_line(struct engine *engine, int32_t what, bool selective) {
    uint32_t row = engine->cursor.row, column = engine->cursor.column;
    if (what == 0)
        engine_erase(engine, row, column, engine->columns, selective);
    else if (what == 1)
        engine_erase(engine, row, 0, column + 1, selective);
    else if (what == 2)
        engine_erase(engine, row, 0, engine->columns, selective);
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

// DECSLRM: at least two columns.
static void set_columns(struct engine *engine, const struct parser *parser) {
    int64_t left = count_of(parser, 0) - 1, right = parser_parameter(parser, 1, 0);
    if (right == 0 || right > engine->columns)
        right = engine->columns;
    if (left >= right - 1)
        return;
    engine->left = (uint32_t)left;
    engine->right = (uint32_t)right - 1;
    engine_move_in_region(engine, 0, 0);
}

static bool in_region(const struct engine *engine) {
    return engine->cursor.row >= engine->top && engine->cursor.row <= engine->bottom && engine_in_columns(engine);
}

static void insert_delete_lines(struct engine *engine, uint32_t count, bool insert) {
    uint32_t row = engine->cursor.row;
    if (!in_region(engine))
        return;
    if (insert)
        engine_scroll_down(engine, row, engine->bottom, count);
    else
        engine_scroll_up(engine, row, engine->bottom, count);
    engine_move_to(engine, row, engine->left);
}

// Columns of all rows of the region: at the cursor (DECIC, DECDC), or at the left edge (SL, SR).
static void insert_delete_columns(struct engine *engine, uint32_t column, uint32_t count, bool insert) {
    if (!in_region(engine))
        return;
    for (uint32_t row = engine->top; row <= engine->bottom; row++) {
        if (insert)
            engine_insert_cells(engine, row, column, count);
        else
            engine_delete_cells(engine, row, column, count);
    }
    engine->cursor.wrap_next = false;
}

// Up and down stop at the scroll region's edge if they began inside.
static void move_vertically(struct engine *engine, int64_t by, bool to_first_column) {
    int64_t row = engine->cursor.row, target = row + by;
    if (by < 0 && row >= engine->top && target < engine->top)
        target = engine->top;
    if (by > 0 && row <= engine->bottom && target > engine->bottom)
        target = engine->bottom;
    engine_move_to(engine, target, engine->cursor.column);
    if (to_first_column)
        engine_carriage_return(engine);
}

// So do left and right.
static void move_horizontally(struct engine *engine, int64_t by) {
    int64_t column = engine->cursor.column, target = column + by;
    if (by < 0 && column >= engine->left && target < engine->left)
        target = engine->left;
    if (by > 0 && column <= engine->right && target > engine->right)
        target = engine->right;
    engine_move_to(engine, engine->cursor.row, target);
}

// To another row or column by number, counted from the region in origin mode only.
static void move_by_number(struct engine *engine, int64_t row, int64_t column) {
    bool origin = (engine->modes & MODE_ORIGIN) != 0;
    engine_move_in_region(engine, row - (origin ? engine->top : 0), column - (origin ? engine->left : 0));
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
    int64_t count = count_of(parser, 0), row = engine->cursor.row, column = engine->cursor.column;
    int64_t top = engine->modes & MODE_ORIGIN ? engine->top : 0, left = engine->modes & MODE_ORIGIN ? engine->left : 0;
    switch (final) {
    case 'A':
    case 'k':
        move_vertically(engine, -count, false);
        break;
    case 'B':
        move_vertically(engine, count, false);
        break;
    case 'C':
        move_horizontally(engine, count);
        break;
    case 'D':
    case 'j':
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
        move_by_number(engine, row, left + count - 1);
        break;
    case 'a':
        move_by_number(engine, row, column + count);
        break;
    case 'e':
        move_by_number(engine, row + count, column);
        break;
    case 'H':
    case 'f':
        engine_move_in_region(engine, count - 1, count_of(parser, 1) - 1);
        break;
    case 'd':
        move_by_number(engine, top + count - 1, column);
        break;
    case 'I':
        engine_tab_forward(engine, (uint32_t)count);
        break;
    case 'Z':
        engine_tab_back(engine, (uint32_t)count);
        break;
    case 's': // SCOSC, or DECSLRM
        if (engine->modes & MODE_MARGINS)
            set_columns(engine, parser);
        else
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

static bool change(struct engine *engine, const struct parser *parser, uint8_t final) {
    struct engine_cursor *cursor = &engine->cursor;
    uint32_t count = (uint32_t)count_of(parser, 0);
    switch (final) {
    case 'L':
    case 'M':
        insert_delete_lines(engine, count, final == 'L');
        return true;
    case '@':
        if (engine_in_columns(engine))
            engine_insert_cells(engine, cursor->row, cursor->column, count);
        break;
    case 'P':
        if (engine_in_columns(engine))
            engine_delete_cells(engine, cursor->row, cursor->column, count);
        break;
    case 'X':
        engine_erase(engine, cursor->row, cursor->column, cursor->column + count, false);
        break;
    case 'S':
        engine_scroll_up(engine, engine->top, engine->bottom, count);
        return true;
    case 'T': // with five parameters it would track the mouse
    case '^':
        if (parser->parameter_count <= 1)
            engine_scroll_down(engine, engine->top, engine->bottom, count);
        return true;
    case 'b':
        repeat(engine, count);
        return true;
    default:
        return false;
    }
    cursor->wrap_next = false;
    return true;
}

static void set(struct engine *engine, const struct parser *parser, uint8_t final) {
    int32_t what = parser_parameter(parser, 0, 0);
    switch (final) {
    case 'J':
        erase_display(engine, what, false);
        break;
    case 'K':
        erase_line(engine, what, false);
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
        engine_window(engine, parser);
        break;
    case 'x':
        engine_report_parameters(engine, parser);
        break;
    default:
        break;
    }
}

// DEC's private sequences: a question mark in front.
static void private(struct engine *engine, const struct parser *parser, uint8_t final) {
    int32_t what = parser_parameter(parser, 0, 0);
    switch (final) {
    case 'h':
    case 'l':
        engine_set_modes(engine, parser, final == 'h');
        break;
    case 's':
        engine_save_modes(engine, parser);
        break;
    case 'r':
        engine_restore_modes(engine, parser);
        break;
    case 'J':
        erase_display(engine, what, true);
        break;
    case 'K':
        erase_line(engine, what, true);
        break;
    case 'n':
        engine_report_status(engine, parser);
        break;
    case 'W': // DECST8C
        if (what == 5)
            engine_default_tabs(engine);
        break;
    default:
        break;
    }
}

// DECSCA: 1 protects what is written from selective erasing.
static void protect(struct engine *engine, int32_t what) {
    uint16_t *attributes = &engine->cursor.style.attributes;
    if (what == 1)
        *attributes |= CELL_PROTECTED;
    else if (what == 0 || what == 2)
        *attributes &= (uint16_t)~CELL_PROTECTED;
}

static void set_cursor_shape(struct engine *engine, int32_t shape) {
    if (shape >= 0 && shape <= 6)
        engine->cursor_shape = (uint32_t)shape;
    engine->dirty[engine->cursor.row] = true;
}

// Intermediates behind the parameters.
static void with_intermediate(struct engine *engine, const struct parser *parser, char intermediate, uint8_t final) {
    uint32_t count = (uint32_t)count_of(parser, 0), column = engine->cursor.column;
    int32_t what = parser_parameter(parser, 0, 0);
    switch ((uint32_t)intermediate << 8 | final) {
    case '!' << 8 | 'p':
        engine_reset(engine, false);
        break;
    case '"' << 8 | 'q':
        protect(engine, what);
        break;
    case '$' << 8 | 'p':
        engine_report_mode(engine, parser);
        break;
    case ' ' << 8 | 'q':
        set_cursor_shape(engine, what);
        break;
    case ' ' << 8 | '@':
    case ' ' << 8 | 'A':
        insert_delete_columns(engine, engine->left, count, final == 'A');
        break;
    case '\'' << 8 | '}':
    case '\'' << 8 | '~':
        insert_delete_columns(engine, column, count, final == '}');
        break;
    default:
        break;
    }
}

void engine_csi(void *context, const struct parser *parser, uint8_t final) {
    struct engine *engine = context;
    char intermediate = parser->intermediate_count > 0 ? parser->intermediates[0] : 0;
    if (parser->intermediate_count > 1)
        return;
    if (parser->mark == '?' && intermediate == '$' && final == 'p')
        engine_report_mode(engine, parser);
    else if (parser->mark == '?' && intermediate == 0)
    private(engine, parser, final);
    else if ((parser->mark == '>' || parser->mark == '=') && intermediate == 0 && final == 'c')
        engine_report_device(engine, parser);
    else if (parser->mark == '>' && intermediate == 0 && final == 'q') engine_report_version(engine);
    else if (parser->mark == 0 && intermediate != 0) with_intermediate(engine, parser, intermediate, final);
    else if (parser->mark == 0 && !move(engine, parser, final) && !change(engine, parser, final)) set(engine, parser, final);
}
