// Control characters and escape sequences without CSI.
#include "servers/console/engine/operations.h"

void engine_execute(void *context, uint8_t control) {
    struct engine *engine = context;
    struct engine_cursor *cursor = &engine->cursor;
    switch (control) {
    case 0x07:
        if (engine->events->bell)
            engine->events->bell(engine->context);
        break;
    case '\b':
        engine_move_to(engine, cursor->row, (int64_t)cursor->column - 1);
        break;
    case '\t':
        engine_tab_forward(engine, 1);
        break;
    case '\n':
    case '\v':
    case '\f':
        engine_index(engine);
        if (engine->modes & MODE_NEW_LINE)
            engine_move_to(engine, cursor->row, 0);
        break;
    case '\r':
        engine_move_to(engine, cursor->row, 0);
        break;
    case 0x0e:
        cursor->charset = 1;
        break;
    case 0x0f:
        cursor->charset = 0;
        break;
    case 0x84: // IND
        engine_index(engine);
        break;
    case 0x85: // NEL
        engine_index(engine);
        engine_move_to(engine, cursor->row, 0);
        break;
    case 0x88: // HTS
        engine->tabs[cursor->column] = true;
        break;
    case 0x8d: // RI
        engine_reverse_index(engine);
        break;
    default:
        break;
    }
}

// DECALN: the screen full of E.
static void alignment(struct engine *engine) {
    engine->top = 0;
    engine->bottom = engine->rows - 1;
    engine_move_to(engine, 0, 0);
    for (uint32_t row = 0; row < engine->rows; row++) {
        engine_erase(engine, row, 0, engine->columns);
        for (uint32_t column = 0; column < engine->columns; column++)
            engine_row(engine, row)[column] = (struct cell){.character = 'E'};
    }
}

static void single(struct engine *engine, uint8_t final) {
    switch (final) {
    case '7':
        engine_save_cursor(engine);
        break;
    case '8':
        engine_restore_cursor(engine);
        break;
    case '=':
        engine->modes |= MODE_KEYPAD;
        break;
    case '>':
        engine->modes &= ~(uint32_t)MODE_KEYPAD;
        break;
    case 'c':
        engine_reset(engine, true);
        break;
    default:
        break;
    }
}

void engine_escape(void *context, const struct parser *parser, uint8_t final) {
    struct engine *engine = context;
    char intermediate = parser->intermediate_count > 0 ? parser->intermediates[0] : 0;
    if (parser->intermediate_count > 1)
        return;
    switch (intermediate) {
    case 0:
        single(engine, final);
        break;
    case '#':
        if (final == '8')
            alignment(engine);
        break;
    case '(':
    case ')':
        engine->cursor.graphics[intermediate == ')'] = final == '0';
        break;
    default:
        break;
    }
}
