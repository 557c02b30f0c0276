// The methods of `terminal`: settings, size, and whom the keys reach. Who a caller is says the server
// `process`, asked with the identity that the caller hands over.
#include <string.h>
#include <termios.h>

#include "libipc/protocols/task.h"
#include "servers/console/state.h"

static error_t op_attributes(struct request *request, const struct terminal_attributes_in *in,
                             struct terminal_attributes_out *out) {
    (void)in;
    const struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    out->attributes = terminal->state->line.settings;
    return ERR_OK;
}

static error_t drain(struct terminal *terminal) {
    while (!terminal_is_drained(terminal)) {
        error_t error = fiber_wait(&terminal->drained);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static error_t op_set_attributes(struct request *request, const struct terminal_set_attributes_in *in,
                                 struct terminal_set_attributes_out *out) {
    (void)out;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    if (in->when > ATTRIBUTE_WHEN_FLUSH)
        return ERR_INVALID;
    if (in->when != ATTRIBUTE_WHEN_NOW) {
        error_t error = drain(terminal);
        if (error != ERR_OK)
            return error;
    }
    struct line_discipline *line = &terminal->state->line;
    if (in->when == ATTRIBUTE_WHEN_FLUSH)
        line_flush_input(line);
    line_set(line, &in->attributes);
    fiber_wake_all(&terminal->readers); // what they wait for may be another thing now
    stream_notify(&console.state->streams, terminal->unit);
    return ERR_OK;
}

static error_t op_window(struct request *request, const struct terminal_window_in *in, struct terminal_window_out *out) {
    (void)in;
    const struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    out->size = terminal->state->window;
    return ERR_OK;
}

static error_t op_set_window(struct request *request, const struct terminal_set_window_in *in,
                             struct terminal_set_window_out *out) {
    (void)out;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    return terminal_resize(terminal, &in->size);
}

static error_t op_foreground(struct request *request, const struct terminal_foreground_in *in,
                             struct terminal_foreground_out *out) {
    (void)in;
    const struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    out->group = terminal->state->foreground;
    return ERR_OK;
}

static error_t identify(cap_t task, struct task_information *information) {
    error_t error = task_identify(console.task, task, information);
    return error == ERR_OK ? ERR_OK : ERR_NOT_PERMITTED;
}

static bool session_lives(uint32_t session) {
    struct task_information information;
    return session != 0 && task_information(console.task, session, &information) == ERR_OK &&
           information.state != TASK_STATE_ENDED;
}

static error_t op_set_foreground(struct request *request, const struct terminal_set_foreground_in *in,
                                 struct terminal_set_foreground_out *out) {
    (void)out;
    struct task_information information;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    error_t error = identify(in->task, &information);
    if (error != ERR_OK)
        return error;
    if (terminal->state->session != information.session || in->group > UINT32_MAX)
        return ERR_NOT_PERMITTED;
    if (terminal->state->foreground != (uint32_t)in->group)
        terminal_interrupt(terminal); // who reads may be in the background now
    terminal->state->foreground = (uint32_t)in->group;
    return terminal_settle(terminal); // the caller can tell what still went to the group before
}

// Nobody is in the background of a session whose leader has ended: who would bring it back?
static error_t op_enter(struct request *request, const struct terminal_enter_in *in, struct terminal_enter_out *out) {
    (void)out;
    struct task_information information;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    const struct terminal_state *state = terminal->state;
    if (in->what == TERMINAL_USE_WRITE && !(state->line.settings.local & TOSTOP))
        return ERR_OK;
    error_t error = identify(in->task, &information);
    if (error != ERR_OK)
        return error;
    bool background = information.session == state->session && state->foreground != 0 && information.group != state->foreground;
    return background && session_lives(state->session) ? ERR_NOT_PERMITTED : ERR_OK;
}

static error_t op_own(struct request *request, const struct terminal_own_in *in, struct terminal_own_out *out) {
    struct task_information information;
    if (terminal_of(request) == NULL)
        return ERR_NOT_TERMINAL;
    error_t error = identify(in->task, &information);
    if (error != ERR_OK)
        return error;
    for (uint32_t unit = 0; unit < TERMINALS; unit++)
        if (console.state->terminals[unit].session == information.session)
            return stream_make(&console.state->streams, unit, &out->file);
    return ERR_NOT_FOUND;
}

static error_t op_attach(struct request *request, const struct terminal_attach_in *in, struct terminal_attach_out *out) {
    (void)out;
    struct task_information information;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    error_t error = identify(in->task, &information);
    if (error != ERR_OK)
        return error;
    if (information.id != information.session)
        return ERR_NOT_PERMITTED;
    struct terminal_state *state = terminal->state;
    if (state->session != information.session && session_lives(state->session))
        return ERR_BUSY;
    state->session = information.session;
    state->foreground = information.group;
    terminal_show(terminal);
    if (terminal->unit == TERMINAL_SERIAL)
        serial_ask_size();
    return ERR_OK;
}

static error_t op_flush(struct request *request, const struct terminal_flush_in *in, struct terminal_flush_out *out) {
    (void)out;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    if (in->queue & TERMINAL_QUEUE_INPUT)
        line_flush_input(&terminal->state->line);
    if (in->queue & TERMINAL_QUEUE_OUTPUT)
        terminal_flush_output(terminal);
    return ERR_OK;
}

static error_t op_drain(struct request *request, const struct terminal_drain_in *in, struct terminal_drain_out *out) {
    (void)in;
    (void)out;
    struct terminal *terminal = terminal_of(request);
    return terminal == NULL ? ERR_NOT_TERMINAL : drain(terminal);
}

static error_t op_pair(struct request *request, const struct terminal_pair_in *in, struct terminal_pair_out *out) {
    (void)request;
    (void)in;
    return pair_open(&out->master, &out->terminal);
}

static error_t op_keymap(struct request *request, const struct terminal_keymap_in *in, struct terminal_keymap_out *out) {
    const struct keymap *keymap = &console.state->keyboard.keymap;
    if (terminal_of(request) == NULL)
        return ERR_NOT_TERMINAL;
    out->count = sizeof(*keymap) < in->layout_size ? sizeof(*keymap) : in->layout_size;
    return request_copy_out(request, 0, keymap, out->count);
}

static error_t op_set_keymap(struct request *request, const struct terminal_set_keymap_in *in,
                             struct terminal_set_keymap_out *out) {
    (void)out;
    struct keyboard *keyboard = &console.state->keyboard;
    struct keymap layout;
    if (terminal_of(request) == NULL)
        return ERR_NOT_TERMINAL;
    if (in->layout_size > sizeof(layout))
        return ERR_NOT_FOUND;
    error_t error = request_copy_in(request, 0, &layout, in->layout_size);
    if (error != ERR_OK)
        return error;
    const struct keymap *found = keymap_find(&layout, in->layout_size);
    if (found == NULL)
        return ERR_NOT_FOUND;
    keyboard->keymap = *found;
    keyboard->pending = 0;
    keyboard->composing = false;
    return ERR_OK;
}

static error_t op_picture(struct request *request, const struct terminal_picture_in *in, struct terminal_picture_out *out) {
    static uint8_t line[3 * ENGINE_COLUMNS_MAX * 8];
    if (terminal_of(request) == NULL)
        return ERR_NOT_TERMINAL;
    if (!screen_picture_size(&out->width, &out->height))
        return ERR_NO_DEVICE;
    uint64_t bytes = 3 * out->width;
    for (uint64_t at = in->line; at < out->height && out->count + bytes <= in->pixels_size; at++) {
        screen_picture_line(at, line);
        error_t error = request_copy_out(request, out->count, line, bytes);
        if (error != ERR_OK)
            return error;
        out->count += bytes;
    }
    return ERR_OK;
}

static error_t op_cells(struct request *request, const struct terminal_cells_in *in, struct terminal_cells_out *out) {
    const struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    const struct engine *engine = unit_is_screen(terminal->unit) ? screens_engine(terminal->unit) : NULL;
    if (engine == NULL)
        return ERR_NO_DEVICE;
    if (in->row >= engine->rows)
        return ERR_INVALID;
    out->rows = engine->rows;
    out->columns = engine->columns;
    out->cursor_row = engine->cursor.row;
    out->cursor_column = engine->cursor.column;
    out->count = in->cells_size / sizeof(struct cell) < engine->columns ? in->cells_size / sizeof(struct cell) : engine->columns;
    return request_copy_out(request, 0, engine_row(engine, (uint32_t)in->row), out->count * sizeof(struct cell));
}

static error_t op_flow(struct request *request, const struct terminal_flow_in *in, struct terminal_flow_out *out) {
    (void)out;
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    struct line_discipline *line = &terminal->state->line;
    char key;
    switch (in->action) {
    case TERMINAL_FLOW_STOP_OUTPUT:
    case TERMINAL_FLOW_START_OUTPUT:
        line->stopped = in->action == TERMINAL_FLOW_STOP_OUTPUT;
        line->events->flow(line->context, line->stopped);
        return ERR_OK;
    case TERMINAL_FLOW_STOP_INPUT:
    case TERMINAL_FLOW_START_INPUT:
        key = in->action == TERMINAL_FLOW_STOP_INPUT ? 0x13 : 0x11; // DC3, DC1
        terminal_put(terminal, &key, 1);
        return ERR_OK;
    default:
        return ERR_INVALID;
    }
}

static error_t op_available(struct request *request, const struct terminal_available_in *in, struct terminal_available_out *out) {
    (void)in;
    const struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_NOT_TERMINAL;
    out->count = line_available(&terminal->state->line);
    return ERR_OK;
}

const struct terminal_ops console_terminal_ops = {
    .attributes = op_attributes,
    .set_attributes = op_set_attributes,
    .window = op_window,
    .set_window = op_set_window,
    .foreground = op_foreground,
    .set_foreground = op_set_foreground,
    .attach = op_attach,
    .enter = op_enter,
    .own = op_own,
    .flush = op_flush,
    .drain = op_drain,
    .flow = op_flow,
    .available = op_available,
    .pair = op_pair,
    .keymap = op_keymap,
    .set_keymap = op_set_keymap,
    .picture = op_picture,
    .cells = op_cells,
};
