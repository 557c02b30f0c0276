// Putting characters on the screen, and the way from bytes to all actions.
#include "servers/console/engine/operations.h"
#include "servers/console/engine/width.h"

// DEC special graphics: what 0x60 to 0x7e show (VT220 Programmer Reference, table 2-4).
static const uint16_t graphics[31] = {
    0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518,
    0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524,
    0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static void put(struct engine *engine, uint32_t character, uint16_t more) {
    struct engine_cursor *cursor = &engine->cursor;
    struct cell *cell = engine_row(engine, cursor->row) + cursor->column;
    if (cell->attributes & (CELL_WIDE | CELL_TAIL))
        engine_fix_wide(engine, cursor->row, cursor->column);
    *cell = (struct cell){.character = character,
                          .foreground = cursor->style.foreground,
                          .background = cursor->style.background,
                          .attributes = cursor->style.attributes | more};
}

static void wrap(struct engine *engine) {
    engine->cursor.column = 0;
    engine_index(engine);
}

static void print_wide(struct engine *engine, uint32_t character) {
    struct engine_cursor *cursor = &engine->cursor;
    if (engine->columns < 2)
        return;
    if (cursor->column == engine->columns - 1) {
        if (!(engine->modes & MODE_WRAP)) {
            cursor->column--;
        } else {
            engine_erase(engine, cursor->row, cursor->column, engine->columns);
            wrap(engine);
        }
    }
    if (engine->modes & MODE_INSERT)
        engine_insert_cells(engine, 2);
    put(engine, character, CELL_WIDE);
    cursor->column++;
    put(engine, ' ', CELL_TAIL);
    engine_row(engine, cursor->row)[cursor->column - 1].character =
        character; // put had to cut what lay there
    engine_row(engine, cursor->row)[cursor->column - 1].attributes |= CELL_WIDE;
}

void engine_print(struct engine *engine, uint32_t character) {
    struct engine_cursor *cursor = &engine->cursor;
    if (cursor->graphics[cursor->charset] && character >= 0x60 && character <= 0x7e)
        character = graphics[character - 0x60];
    int width = character < 0x300 ? 1 : character_width(character);
    if (width <= 0)
        return; // combining characters are not shown yet
    if (cursor->wrap_next && (engine->modes & MODE_WRAP))
        wrap(engine);
    cursor->wrap_next = false;
    if (width == 2) {
        print_wide(engine, character);
    } else {
        if (engine->modes & MODE_INSERT)
            engine_insert_cells(engine, 1);
        put(engine, character, 0);
    }
    engine->dirty[cursor->row] = true;
    engine->last_printed = character;
    if (cursor->column == engine->columns - 1)
        cursor->wrap_next = true;
    else
        cursor->column++;
}

static void print(void *context, uint32_t character) {
    engine_print(context, character);
}

// "2;TITLE": icon name and titles (xterm, OSC 0 to 2).
static void osc(void *context, const char *string, size_t length) {
    struct engine *engine = context;
    if (length >= 2 && string[0] >= '0' && string[0] <= '2' && string[1] == ';' && engine->events->title)
        engine->events->title(engine->context, string + 2, length - 2);
}

void engine_write(struct engine *engine, const char *bytes, size_t count) {
    static const struct parser_actions actions = {
        .print = print, .execute = engine_execute, .escape = engine_escape, .csi = engine_csi, .osc = osc};
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)bytes[i];
        if (engine->parser.state == PARSER_GROUND && engine->parser.utf8_left == 0 && byte >= 0x20 &&
            byte < 0x7f)
            engine_print(engine, byte);
        else
            parser_feed(&engine->parser, &actions, engine, byte);
    }
}
