// What a program hears of the mouse (xterm's ctlseqs, "Mouse Tracking").
#include "servers/console/engine/operations.h"

enum { BUTTON_RELEASED = 3, MOTION = 32, X10_OFFSET = 32, X10_MOST = 223 };

static bool is_wanted(const struct engine *engine, enum mouse_event event, uint32_t button) {
    uint32_t modes = engine->modes;
    if (!(modes & MODE_MOUSE))
        return false;
    if (event == MOUSE_MOVE)
        return (modes & MODE_MOUSE_MOTION) || ((modes & MODE_MOUSE_DRAG) && button != MOUSE_NONE);
    if (event == MOUSE_RELEASE)
        return !(modes & MODE_MOUSE_PRESS) && button < MOUSE_WHEEL_UP;
    return !(modes & MODE_MOUSE_PRESS) || button < MOUSE_NONE;
}

// ESC [ < BUTTON ; COLUMN ; ROW M, or m for a release: no limit to the numbers, and the button is named.
static size_t put_sgr(enum mouse_event event, uint32_t code, uint32_t row, uint32_t column, char *out) {
    char *at = out;
    *at++ = '\033';
    *at++ = '[';
    *at++ = '<';
    at = engine_put_number(at, code);
    *at++ = ';';
    at = engine_put_number(at, column + 1);
    *at++ = ';';
    at = engine_put_number(at, row + 1);
    *at++ = event == MOUSE_RELEASE ? 'm' : 'M';
    return (size_t)(at - out);
}

size_t engine_mouse(const struct engine *engine, enum mouse_event event, uint32_t button, uint32_t modifiers, uint32_t row,
                    uint32_t column, char *out) {
    if (!is_wanted(engine, event, button) || row >= engine->rows || column >= engine->columns)
        return 0;
    uint32_t code = button + (event == MOUSE_MOVE ? MOTION : 0);
    if (!(engine->modes & MODE_MOUSE_PRESS))
        code |= modifiers & (MOUSE_SHIFT | MOUSE_META | MOUSE_CONTROL);
    if (engine->modes & MODE_MOUSE_SGR)
        return put_sgr(event, code, row, column, out);
    if (event == MOUSE_RELEASE)
        code = (code & ~3u) | BUTTON_RELEASED;
    if (row >= X10_MOST || column >= X10_MOST) // can't be said in a byte
        return 0;
    const char bytes[] = {
        '\033', '[', 'M', (char)(X10_OFFSET + code), (char)(X10_OFFSET + 1 + column), (char)(X10_OFFSET + 1 + row)};
    for (uint32_t i = 0; i < sizeof(bytes); i++)
        out[i] = bytes[i];
    return sizeof(bytes);
}
