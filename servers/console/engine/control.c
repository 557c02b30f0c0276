// Control characters and escape sequences without CSI (ECMA-48 8.3, VT220 Programmer Reference chapter 4).
// C1 controls arrive here as the escape sequences that they are short for.
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
        engine_back(engine);
        break;
    case '\t':
        engine_tab_forward(engine, 1);
        break;
    case '\n':
    case '\v':
    case '\f':
        engine_index(engine);
        if (engine->modes & MODE_NEW_LINE)
            engine_carriage_return(engine);
        break;
    case '\r':
        engine_carriage_return(engine);
        break;
    case 0x0e:
        cursor->charset = 1;
        break;
    case 0x0f:
        cursor->charset = 0;
        break;
    default:
        break;
    }
}

// DECALN: the screen full of E.
static void alignment(struct engine *engine) {
    engine_reset_region(engine);
    engine->modes &= ~(uint32_t)MODE_ORIGIN;
    engine_move_to(engine, 0, 0);
    for (uint32_t row = 0; row < engine->rows; row++) {
        engine_erase(engine, row, 0, engine->columns, false);
        for (uint32_t column = 0; column < engine->columns; column++)
            engine_row(engine, row)[column] = (struct cell){.character = 'E'};
    }
}

static void single(struct engine *engine, const struct parser *parser, uint8_t final) {
    struct engine_cursor *cursor = &engine->cursor;
    switch (final) {
    case '6': // DECBI
        engine_back_index(engine);
        break;
    case '7':
        engine_save_cursor(engine);
        break;
    case '8':
        engine_restore_cursor(engine);
        break;
    case '9': // DECFI
        engine_forward_index(engine);
        break;
    case '=':
        engine->modes |= MODE_KEYPAD;
        break;
    case '>':
        engine->modes &= ~(uint32_t)MODE_KEYPAD;
        break;
    case 'D': // IND
        engine_index(engine);
        break;
    case 'E': // NEL
        engine_index(engine);
        engine_carriage_return(engine);
        break;
    case 'H': // HTS
        engine->tabs[cursor->column] = true;
        break;
    case 'M': // RI
        engine_reverse_index(engine);
        break;
    case 'N': // SS2
    case 'O': // SS3
        engine->single_shift = (uint8_t)(2 + final - 'N');
        break;
    case 'Z': // DECID
        engine_report_device(engine, parser);
        break;
    case 'c':
        engine_reset(engine, true);
        break;
    case 'n': // LS2
    case 'o': // LS3
        cursor->charset = (uint8_t)(2 + final - 'n');
        break;
    default:
        break;
    }
}

static void designate(struct engine *engine, uint32_t number, uint8_t final) {
    engine->cursor.charsets[number] = final == '0' ? CHARSET_GRAPHICS : final == 'A' ? CHARSET_BRITISH : CHARSET_ASCII;
}

void engine_escape(void *context, const struct parser *parser, uint8_t final) {
    struct engine *engine = context;
    char intermediate = parser->intermediate_count > 0 ? parser->intermediates[0] : 0;
    if (parser->intermediate_count > 1)
        return;
    switch (intermediate) {
    case 0:
        single(engine, parser, final);
        break;
    case '#':
        if (final == '8')
            alignment(engine);
        break;
    case '(':
    case ')':
    case '*':
    case '+':
        designate(engine, (uint32_t)(intermediate - '('), final);
        break;
    default:
        break;
    }
}
