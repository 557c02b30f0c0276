// Modes, ANSI and DEC private (xterm's ctlseqs, "Set Mode" and "DEC Private Mode Set").
#include "servers/console/engine/operations.h"

static const struct {
    int32_t number;
    uint32_t mode;
} private_modes[] = {
    {1, MODE_CURSOR_KEYS},        {5, MODE_REVERSE},         {6, MODE_ORIGIN},       {7, MODE_WRAP},
    {12, MODE_CURSOR_BLINK},      {25, MODE_CURSOR_VISIBLE}, {66, MODE_KEYPAD},      {1000, MODE_MOUSE_CLICK},
    {1002, MODE_MOUSE_DRAG},      {1003, MODE_MOUSE_MOTION}, {1004, MODE_FOCUS},     {1006, MODE_MOUSE_SGR},
    {2004, MODE_BRACKETED_PASTE}, {47, MODE_ALTERNATE},      {1047, MODE_ALTERNATE}, {1049, MODE_ALTERNATE},
};

enum { MODES = sizeof(private_modes) / sizeof(private_modes[0]) };

static uint32_t mode_of(const struct parser *parser, int32_t number) {
    if (parser->mark != '?')
        return number == 4 ? MODE_INSERT : number == 20 ? MODE_NEW_LINE : 0;
    for (uint32_t i = 0; i < MODES; i++)
        if (private_modes[i].number == number)
            return private_modes[i].mode;
    return 0;
}

// The cursor's place is common to both screens.
static void show_screen(struct engine *engine, bool alternate) {
    engine->screen = &engine->screens[alternate];
    engine->modes = (engine->modes & ~(uint32_t)MODE_ALTERNATE) | (alternate ? MODE_ALTERNATE : 0);
    engine_dirty(engine);
}

static void switch_screen(struct engine *engine, int32_t number, bool on) {
    bool shown = (engine->modes & MODE_ALTERNATE) != 0;
    if (number == 1049 && on && !shown)
        engine_save_cursor(engine);
    if (number == 1047 && !on && shown)
        engine_erase_rows(engine, 0, engine->rows);
    if (on != shown)
        show_screen(engine, on);
    if (number == 1049 && on && !shown)
        engine_erase_rows(engine, 0, engine->rows);
    if (number == 1049 && !on && shown)
        engine_restore_cursor(engine);
}

static void set_mode(struct engine *engine, const struct parser *parser, int32_t number, bool on) {
    uint32_t mode = mode_of(parser, number);
    if (parser->mark == '?' && number == 1048) {
        if (on)
            engine_save_cursor(engine);
        else
            engine_restore_cursor(engine);
        return;
    }
    if (mode == MODE_ALTERNATE) {
        switch_screen(engine, number, on);
        return;
    }
    engine->modes = on ? engine->modes | mode : engine->modes & ~mode;
    if (mode == MODE_ORIGIN)
        engine_move_in_region(engine, 0, 0);
    if (mode == MODE_WRAP && !on)
        engine->cursor.wrap_next = false;
    if (mode == MODE_REVERSE)
        engine_dirty(engine);
    engine->dirty[engine->cursor.row] = true;
}

void engine_set_modes(struct engine *engine, const struct parser *parser, bool on) {
    for (uint32_t i = 0; i < parser->parameter_count; i++)
        set_mode(engine, parser, parser_parameter(parser, i, 0), on);
}

static char *put_number(char *at, uint32_t number) {
    char digits[10];
    uint32_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static void reply(struct engine *engine, const char *bytes, size_t count) {
    if (engine->events->reply)
        engine->events->reply(engine->context, bytes, count);
}

// CSI, a mark, numbers with semicolons, an ending.
static void reply_numbers(struct engine *engine, const char *start, const uint32_t *numbers, uint32_t count,
                          const char *end) {
    char buffer[64], *at = buffer;
    while (*start)
        *at++ = *start++;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ';';
        at = put_number(at, numbers[i]);
    }
    while (*end)
        *at++ = *end++;
    reply(engine, buffer, (size_t)(at - buffer));
}

// DA: a VT220 with colour; secondary: terminal type 1, version of xterm's that programs look for.
void engine_report_device(struct engine *engine, const struct parser *parser) {
    static const uint32_t primary[] = {62, 22}, secondary[] = {1, 95, 0};
    if (parser_parameter(parser, 0, 0) != 0)
        return;
    if (parser->mark == '>')
        reply_numbers(engine, "\033[>", secondary, 3, "c");
    else
        reply_numbers(engine, "\033[?", primary, 2, "c");
}

void engine_report_status(struct engine *engine, const struct parser *parser) {
    const struct engine_cursor *cursor = &engine->cursor;
    uint32_t row = cursor->row - (engine->modes & MODE_ORIGIN ? engine->top : 0);
    const uint32_t position[] = {row + 1, cursor->column + 1};
    int32_t what = parser_parameter(parser, 0, 0);
    if (what == 5 && parser->mark == 0)
        reply(engine, "\033[0n", 4);
    else if (what == 6)
        reply_numbers(engine, parser->mark == '?' ? "\033[?" : "\033[", position, 2, "R");
}

// DECRQM: 1 set, 2 reset, 0 not known.
void engine_report_mode(struct engine *engine, const struct parser *parser) {
    int32_t number = parser_parameter(parser, 0, 0);
    uint32_t mode = mode_of(parser, number);
    const uint32_t answer[] = {(uint32_t)number, mode == 0 ? 0 : engine->modes & mode ? 1 : 2};
    reply_numbers(engine, parser->mark == '?' ? "\033[?" : "\033[", answer, 2, "$y");
}

// XTWINOPS: 18 asks for the size in characters. Others would move windows.
void engine_report_window(struct engine *engine, const struct parser *parser) {
    const uint32_t size[] = {8, engine->rows, engine->columns};
    if (parser_parameter(parser, 0, 0) == 18)
        reply_numbers(engine, "\033[", size, 3, "t");
}
