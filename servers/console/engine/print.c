// Putting characters on the screen, and the way from bytes to all actions.
#include <string.h>

#include "servers/console/engine/operations.h"
#include "servers/console/engine/width.h"

enum { JUMP_LEAST = 512 }; // bytes: with less it can't pay

// DEC special graphics: what 0x5f to 0x7e show (VT220 Programmer Reference, table 2-4).
static const uint16_t graphics[32] = {
    0x0020, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b,
    0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c,
    0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static void put(struct engine *engine, uint32_t character, uint16_t more) {
    struct engine_cursor *cursor = &engine->cursor;
    struct cell *cell = engine_change(engine, cursor->row) + cursor->column;
    if (cell->attributes & (CELL_WIDE | CELL_TAIL))
        engine_fix_wide(engine, cursor->row, cursor->column);
    *cell = (struct cell){.character = character,
                          .foreground = cursor->style.foreground,
                          .background = cursor->style.background,
                          .attributes = cursor->style.attributes | more};
}

static void wrap(struct engine *engine) {
    if (engine->left == 0 && engine->cursor.column == engine->columns - 1)
        engine_set_wrapped(engine, engine->cursor.row, true);
    engine_index(engine);
    engine->cursor.column = engine->left;
}

static void print_wide(struct engine *engine, uint32_t character) {
    struct engine_cursor *cursor = &engine->cursor;
    if (cursor->column == engine_last_column(engine)) {
        if (!(engine->modes & MODE_WRAP))
            cursor->column--;
        else
            wrap(engine);
    }
    if (engine->modes & MODE_INSERT)
        engine_insert_cells(engine, cursor->row, cursor->column, 2);
    put(engine, character, CELL_WIDE);
    cursor->column++;
    put(engine, ' ', CELL_TAIL);
    struct cell *left = engine_row(engine, cursor->row) + cursor->column - 1;
    left->character = character; // put had to cut what lay there
    left->attributes |= CELL_WIDE;
}

// A combining character joins the one before it, if the cursor is still behind that.
static void combine(struct engine *engine, uint32_t mark) {
    const struct engine_cursor *cursor = &engine->cursor;
    if (engine->mark_row != cursor->row || engine->mark_next != cursor->column || mark > UINT16_MAX)
        return;
    struct cell *cell = engine_change(engine, cursor->row) + engine->mark_column;
    for (uint32_t i = 0; i < CELL_MARKS; i++) {
        if (cell->marks[i] != 0)
            continue;
        cell->marks[i] = (uint16_t)mark;
        return;
    }
}

static uint32_t from_charset(struct engine *engine, uint32_t character) {
    const struct engine_cursor *cursor = &engine->cursor;
    uint32_t number = engine->single_shift != 0 ? engine->single_shift : cursor->charset;
    uint8_t charset = cursor->charsets[number & 3];
    engine->single_shift = 0;
    if (charset == CHARSET_GRAPHICS && character >= 0x5f && character <= 0x7e)
        return graphics[character - 0x5f];
    if (charset == CHARSET_BRITISH && character == '#')
        return 0xa3;
    return character;
}

void engine_print(struct engine *engine, uint32_t character) {
    struct engine_cursor *cursor = &engine->cursor;
    if (character < 0x80)
        character = from_charset(engine, character);
    int width = character < 0x300 ? 1 : character_width(character);
    if (width == 0)
        combine(engine, character);
    if (width <= 0 || (width == 2 && engine->columns < 2))
        return;
    if (cursor->wrap_next && (engine->modes & MODE_WRAP))
        wrap(engine);
    cursor->wrap_next = false;
    if (width == 2) {
        print_wide(engine, character);
    } else {
        if (engine->modes & MODE_INSERT)
            engine_insert_cells(engine, cursor->row, cursor->column, 1);
        put(engine, character, 0);
    }
    engine->last_printed = character;
    engine->mark_row = cursor->row;
    engine->mark_column = cursor->column - (width == 2);
    if (cursor->column == engine_last_column(engine))
        cursor->wrap_next = (engine->modes & MODE_WRAP) != 0; // DEC STD 070, the last column flag
    else
        cursor->column++;
    engine->mark_next = cursor->column;
}

// Plain ASCII up to the end of the row, at once: most of what is ever printed. Returns how many bytes it
// took, 0 if this is not the case.
static size_t print_run(struct engine *engine, const char *bytes, size_t count) {
    struct engine_cursor *cursor = &engine->cursor;
    if (cursor->charsets[cursor->charset] != CHARSET_ASCII || engine->single_shift != 0 || (engine->modes & MODE_INSERT) ||
        cursor->wrap_next)
        return 0;
    size_t room = engine_last_column(engine) + 1 - cursor->column, length = 0;
    struct cell *cells = engine_change(engine, cursor->row) + cursor->column, cell = {.foreground = cursor->style.foreground,
                                                                                      .background = cursor->style.background,
                                                                                      .attributes = cursor->style.attributes};
    for (; length < count && length < room && bytes[length] >= 0x20 && bytes[length] < 0x7f; length++) {
        if (cells[length].attributes & (CELL_WIDE | CELL_TAIL))
            engine_fix_wide(engine, cursor->row, cursor->column + (uint32_t)length);
        cell.character = (uint32_t)bytes[length];
        cells[length] = cell;
    }
    if (length == 0)
        return 0;
    engine->last_printed = (uint32_t)bytes[length - 1];
    engine->mark_row = cursor->row;
    engine->mark_column = cursor->column + (uint32_t)length - 1;
    cursor->wrap_next = length == room && (engine->modes & MODE_WRAP);
    cursor->column += (uint32_t)length - (length == room);
    engine->mark_next = cursor->column;
    return length;
}

static void print(void *context, uint32_t character) {
    engine_print(context, character);
}

void engine_write(struct engine *engine, const char *bytes, size_t count) {
    static const struct parser_actions actions = {.print = print,
                                                  .execute = engine_execute,
                                                  .escape = engine_escape,
                                                  .csi = engine_csi,
                                                  .osc = engine_osc,
                                                  .dcs = engine_dcs};
    memset(engine->announced, false, sizeof(engine->announced));
    engine_announce(engine, engine, offsetof(struct engine, rare));
    for (size_t i = 0, try = 0; i < count;) {
        size_t run = 0, looked;
        bool ground = engine->parser.state == PARSER_GROUND && engine->parser.utf8_left == 0;
        if (ground && i >= try && engine->cursor.column == 0 && count - i >= JUMP_LEAST) {
            run = engine_jump(engine, bytes + i, count - i, &looked);
            try = i + looked;
        }
        if (ground && run == 0)
            run = print_run(engine, bytes + i, count - i);
        if (run == 0) {
            parser_feed(&engine->parser, &actions, engine, (uint8_t)bytes[i]);
            run = 1;
        }
        i += run;
    }
}
