// Modes, ANSI and DEC private (xterm's ctlseqs, "Set Mode" and "DEC Private Mode Set").
#include "servers/console/engine/operations.h"

static const struct {
    int32_t number;
    uint32_t mode;
} private_modes[] = {
    {1, MODE_CURSOR_KEYS},
    {5, MODE_REVERSE},
    {6, MODE_ORIGIN},
    {7, MODE_WRAP},
    {9, MODE_MOUSE_PRESS},
    {12, MODE_CURSOR_BLINK},
    {25, MODE_CURSOR_VISIBLE},
    {45, MODE_REVERSE_WRAP},
    {47, MODE_ALTERNATE},
    {66, MODE_KEYPAD},
    {67, MODE_BACKSPACE},
    {69, MODE_MARGINS},
    {1000, MODE_MOUSE_CLICK},
    {1002, MODE_MOUSE_DRAG},
    {1003, MODE_MOUSE_MOTION},
    {1004, MODE_FOCUS},
    {1006, MODE_MOUSE_SGR},
    {1007, MODE_ALTERNATE_WHEEL},
    {1047, MODE_ALTERNATE},
    {1049, MODE_ALTERNATE},
    {2004, MODE_BRACKETED_PASTE},
    {2026, MODE_SYNCHRONIZED},
};

enum { MODES = sizeof(private_modes) / sizeof(private_modes[0]) };

static uint32_t mode_of(char mark, int32_t number) {
    if (mark != '?')
        return number == 4 ? MODE_INSERT : number == 20 ? MODE_NEW_LINE : 0;
    for (uint32_t i = 0; i < MODES; i++)
        if (private_modes[i].number == number)
            return private_modes[i].mode;
    return 0;
}

uint32_t engine_mode_state(const struct engine *engine, char mark, int32_t number) {
    uint32_t mode = mode_of(mark, number);
    if (mode != 0)
        return engine->modes & mode ? 1 : 2;
    // What every terminal has and this one never sets: keyboard lock, local echo, 132 columns, smooth
    // scrolling, keys that repeat.
    if (mark != '?')
        return number == 2 || number == 12 ? 4 : 0;
    return number == 3 || number == 4 || number == 40 ? 4 : number == 8 ? 3 : 0;
}

// The cursor's place is common to both screens.
static void show_screen(struct engine *engine, bool alternate) {
    engine->screen = &engine->screens[alternate];
    engine->modes = (engine->modes & ~(uint32_t)MODE_ALTERNATE) | (alternate ? MODE_ALTERNATE : 0);
    engine_dirty(engine);
}

static void switch_screen(struct engine *engine, int32_t number, bool on) {
    bool shown = (engine->modes & MODE_ALTERNATE) != 0;
    if (number == 1049 && on)
        engine_save_cursor(engine);
    if (number == 1047 && !on && shown)
        engine_erase_rows(engine, 0, engine->rows, false);
    if (on != shown)
        show_screen(engine, on);
    if (number == 1049 && on)
        engine_erase_rows(engine, 0, engine->rows, false);
    if (number == 1049 && !on)
        engine_restore_cursor(engine);
}

static void set_mode(struct engine *engine, char mark, int32_t number, bool on) {
    uint32_t mode = mode_of(mark, number);
    if (mark == '?' && number == 1048) {
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
    if (mode & MODE_MOUSE) // one of them at a time
        engine->modes &= ~(uint32_t)MODE_MOUSE;
    engine->modes = on ? engine->modes | mode : engine->modes & ~mode;
    if (mode == MODE_MARGINS) {
        engine->left = 0;
        engine->right = engine->columns - 1;
    }
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
        set_mode(engine, (char)parser->mark, parser_parameter(parser, i, 0), on);
}

void engine_save_modes(struct engine *engine, const struct parser *parser) {
    for (uint32_t i = 0; i < parser->parameter_count; i++) {
        uint32_t mode = mode_of('?', parser_parameter(parser, i, 0));
        engine->saved_modes = (engine->saved_modes & ~mode) | (engine->modes & mode);
    }
}

void engine_restore_modes(struct engine *engine, const struct parser *parser) {
    for (uint32_t i = 0; i < parser->parameter_count; i++) {
        int32_t number = parser_parameter(parser, i, 0);
        set_mode(engine, '?', number, (engine->saved_modes & mode_of('?', number)) != 0);
    }
}
