// What the terminal answers: who it is, where the cursor is, what is set (VT220 Programmer Reference chapter
// 4, VT420's DECRQM and DECRQSS, xterm's ctlseqs). Answers are like typed input: what a program could make a
// terminal type (titles, say) is answered empty.
#include <string.h>

#include "servers/console/engine/operations.h"

enum { NUMBERS_MAX = 8, CELL_WIDTH = 8, CELL_HEIGHT = 16 };

char *engine_put_number(char *at, uint32_t number) {
    char digits[10];
    uint32_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *put_text(char *at, const char *text) {
    while (*text)
        *at++ = *text++;
    return at;
}

void engine_reply(struct engine *engine, const char *bytes, size_t count) {
    if (engine->events->reply)
        engine->events->reply(engine->context, bytes, count);
}

void engine_reply_numbers(struct engine *engine, const char *start, const uint32_t *numbers, uint32_t count, const char *end) {
    char buffer[16 + 11 * NUMBERS_MAX + 8], *at = put_text(buffer, start);
    for (uint32_t i = 0; i < count && i < NUMBERS_MAX; i++) {
        if (i > 0)
            *at++ = ';';
        at = engine_put_number(at, numbers[i]);
    }
    at = put_text(at, end);
    engine_reply(engine, buffer, (size_t)(at - buffer));
}

// DA: a VT220 with selective erase and colour; secondary: terminal type 1, a version of xterm's that programs
// look for; tertiary: no unit number.
void engine_report_device(struct engine *engine, const struct parser *parser) {
    static const uint32_t primary[] = {62, 6, 22}, secondary[] = {1, 95, 0};
    if (parser_parameter(parser, 0, 0) != 0)
        return;
    if (parser->mark == '>')
        engine_reply_numbers(engine, "\033[>", secondary, 3, "c");
    else if (parser->mark == '=')
        engine_reply(engine, "\033P!|00000000\033\\", 14);
    else
        engine_reply_numbers(engine, "\033[?", primary, 3, "c");
}

// DSR. With a question mark also: no printer (13), no user-defined keys (20), an unknown keyboard (27;0).
void engine_report_status(struct engine *engine, const struct parser *parser) {
    const struct engine_cursor *cursor = &engine->cursor;
    uint32_t row = cursor->row - (engine->modes & MODE_ORIGIN ? engine->top : 0);
    uint32_t column = cursor->column - (engine->modes & MODE_ORIGIN ? engine->left : 0);
    const uint32_t position[] = {row + 1, column + 1};
    int32_t what = parser_parameter(parser, 0, 0);
    if (parser->mark == 0 && what == 5)
        engine_reply(engine, "\033[0n", 4);
    else if (what == 6)
        engine_reply_numbers(engine, parser->mark == '?' ? "\033[?" : "\033[", position, 2, "R");
    else if (parser->mark == '?' && what == 15)
        engine_reply(engine, "\033[?13n", 6);
    else if (parser->mark == '?' && what == 25)
        engine_reply(engine, "\033[?20n", 6);
    else if (parser->mark == '?' && what == 26)
        engine_reply(engine, "\033[?27;0;0;0n", 12);
}

void engine_report_mode(struct engine *engine, const struct parser *parser) {
    int32_t number = parser_parameter(parser, 0, 0);
    const uint32_t answer[] = {(uint32_t)number, engine_mode_state(engine, (char)parser->mark, number)};
    engine_reply_numbers(engine, parser->mark == '?' ? "\033[?" : "\033[", answer, 2, "$y");
}

// DECREQTPARM: no parity, eight bits, speeds that mean nothing.
void engine_report_parameters(struct engine *engine, const struct parser *parser) {
    int32_t what = parser_parameter(parser, 0, 0);
    const uint32_t answer[] = {(uint32_t)what + 2, 1, 1, 128, 128, 1, 0};
    if (what == 0 || what == 1)
        engine_reply_numbers(engine, "\033[", answer, 7, "x");
}

// XTVERSION.
void engine_report_version(struct engine *engine) {
    engine_reply(engine, "\033P>|Keelson\033\\", 13);
}

static void set_title(struct engine *engine, const char *text, uint32_t length) {
    memmove(engine->title, text, length);
    engine->title_length = (uint16_t)length;
    if (engine->events->title)
        engine->events->title(engine->context, engine->title, length);
}

static void title_stack(struct engine *engine, bool push) {
    struct engine_rare *rare = &engine->rare;
    engine_announce(engine, rare, sizeof(*rare));
    if (push && engine->title_count < ENGINE_TITLES) {
        memcpy(rare->titles[engine->title_count], engine->title, ENGINE_TITLE);
        rare->title_lengths[engine->title_count++] = engine->title_length;
    } else if (!push && engine->title_count > 0) {
        uint32_t last = --engine->title_count;
        set_title(engine, rare->titles[last], rare->title_lengths[last] & (ENGINE_TITLE - 1));
    }
}

// XTWINOPS: what asks for sizes, and the stack of titles. Others would move windows.
void engine_window(struct engine *engine, const struct parser *parser) {
    const uint32_t pixels[] = {4, engine->rows * CELL_HEIGHT, engine->columns * CELL_WIDTH},
                   cell[] = {6, CELL_HEIGHT, CELL_WIDTH}, size[] = {8, engine->rows, engine->columns},
                   screen[] = {9, engine->rows, engine->columns};
    switch (parser_parameter(parser, 0, 0)) {
    case 14:
        engine_reply_numbers(engine, "\033[", pixels, 3, "t");
        break;
    case 16:
        engine_reply_numbers(engine, "\033[", cell, 3, "t");
        break;
    case 18:
        engine_reply_numbers(engine, "\033[", size, 3, "t");
        break;
    case 19:
        engine_reply_numbers(engine, "\033[", screen, 3, "t");
        break;
    case 20:
        engine_reply(engine, "\033]L\033\\", 5);
        break;
    case 21:
        engine_reply(engine, "\033]l\033\\", 5);
        break;
    case 22:
    case 23:
        title_stack(engine, parser_parameter(parser, 0, 0) == 22);
        break;
    default:
        break;
    }
}

static uint32_t put_colour(uint32_t colour, uint32_t base, uint32_t *numbers) {
    if (colour == COLOUR_DEFAULT)
        return 0;
    if (colour & COLOUR_TRUE) {
        numbers[0] = base + 8;
        numbers[1] = 2;
        numbers[2] = colour >> 16 & 0xff;
        numbers[3] = colour >> 8 & 0xff;
        numbers[4] = colour & 0xff;
        return 5;
    }
    if (colour - 1 < 16) {
        numbers[0] = colour - 1 < 8 ? base + colour - 1 : base + 60 + colour - 9;
        return 1;
    }
    numbers[0] = base + 8;
    numbers[1] = 5;
    numbers[2] = colour - 1;
    return 3;
}

static void report_style(struct engine *engine) {
    static const struct {
        uint16_t attribute, code;
    } codes[] = {{CELL_BOLD, 1},    {CELL_FAINT, 2},     {CELL_ITALIC, 3}, {CELL_UNDERLINE, 4},         {CELL_BLINK, 5},
                 {CELL_INVERSE, 7}, {CELL_INVISIBLE, 8}, {CELL_STRUCK, 9}, {CELL_UNDERLINE_DOUBLE, 21}, {CELL_OVERLINE, 53}};
    const struct engine_style *style = &engine->cursor.style;
    char buffer[160], *at = put_text(buffer, "\033P1$r0");
    uint32_t numbers[10], count;
    for (uint32_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (!(style->attributes & codes[i].attribute))
            continue;
        *at++ = ';';
        at = engine_put_number(at, codes[i].code);
    }
    count = put_colour(style->foreground, 30, numbers);
    count += put_colour(style->background, 40, numbers + count);
    for (uint32_t i = 0; i < count; i++) {
        *at++ = ';';
        at = engine_put_number(at, numbers[i]);
    }
    at = put_text(at, "m\033\\");
    engine_reply(engine, buffer, (size_t)(at - buffer));
}

static bool is_text(const char *string, size_t length, const char *text) {
    return length == strlen(text) && memcmp(string, text, length) == 0;
}

// DECRQSS, and XTGETTCAP, which is answered with "not known". Other device control strings are for printers,
// fonts and graphics.
void engine_dcs(void *context, const char *string, size_t length) {
    struct engine *engine = context;
    const uint32_t region[] = {engine->top + 1, engine->bottom + 1}, columns[] = {engine->left + 1, engine->right + 1},
                   shape = engine->cursor_shape, protection = engine->cursor.style.attributes & CELL_PROTECTED ? 1 : 0,
                   level[] = {62, 1};
    if (length >= 2 && string[0] == '+' && string[1] == 'q') {
        engine_reply(engine, "\033P0+r\033\\", 7);
        return;
    }
    if (length < 2 || string[0] != '$' || string[1] != 'q')
        return;
    string += 2;
    length -= 2;
    if (is_text(string, length, "m"))
        report_style(engine);
    else if (is_text(string, length, "r"))
        engine_reply_numbers(engine, "\033P1$r", region, 2, "r\033\\");
    else if (is_text(string, length, "s"))
        engine_reply_numbers(engine, "\033P1$r", columns, 2, "s\033\\");
    else if (is_text(string, length, " q"))
        engine_reply_numbers(engine, "\033P1$r", &shape, 1, " q\033\\");
    else if (is_text(string, length, "\"q"))
        engine_reply_numbers(engine, "\033P1$r", &protection, 1, "\"q\033\\");
    else if (is_text(string, length, "\"p"))
        engine_reply_numbers(engine, "\033P1$r", level, 2, "\"p\033\\");
    else
        engine_reply(engine, "\033P0$r\033\\", 7);
}
