// Terminals: struct termios and the protocol's attributes have the same meaning, field by field.
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/task.h"
#include "libipc/protocols/terminal.h"

// A file that is no terminal does not know the protocol.
static error_t terminal_error(error_t error) {
    return error == ERR_BAD_METHOD ? ERR_NOT_TERMINAL : error;
}

error_t layer_terminal_enter(cap_t file, uint64_t use) {
    int signal = use == TERMINAL_USE_READ ? SIGTTIN : SIGTTOU;
    if (use == TERMINAL_USE_CHANGE && layer_signal_is_held(signal))
        return ERR_OK;
    for (;;) {
        error_t error = terminal_enter(file, use, layer_task);
        if (error == ERR_BAD_METHOD || error == ERR_NOT_TERMINAL)
            return use == TERMINAL_USE_CHANGE ? ERR_OK : ERR_NOT_PERMITTED; // what follows says so
        if (error != ERR_NOT_PERMITTED)
            return error;
        if (layer_signal_is_held(signal))
            return use == TERMINAL_USE_READ ? ERR_IO : ERR_OK;
        error = task_kill(layer_task, 0, (uint64_t)signal);
        if (error)
            return error;
        if (layer_signals_run())
            return ERR_INTERRUPTED;
    }
}

error_t system_terminal_get(int fd, struct termios *settings) {
    struct descriptor *descriptor;
    struct terminal_attributes attributes;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_attributes(descriptor->file, &attributes));
    if (error)
        return error;
    memset(settings, 0, sizeof(*settings));
    settings->c_iflag = attributes.input;
    settings->c_oflag = attributes.output;
    settings->c_cflag = attributes.control;
    settings->c_lflag = attributes.local;
    memcpy(settings->c_cc, attributes.characters, sizeof(settings->c_cc) < 32 ? sizeof(settings->c_cc) : 32);
    return ERR_OK;
}

error_t system_terminal_set(int fd, int when, const struct termios *settings) {
    struct descriptor *descriptor;
    struct terminal_attributes attributes = {
        .input = settings->c_iflag,
        .output = settings->c_oflag,
        .control = settings->c_cflag,
        .local = settings->c_lflag,
    };
    static const uint64_t whens[] = {
        [TCSANOW] = ATTRIBUTE_WHEN_NOW, [TCSADRAIN] = ATTRIBUTE_WHEN_DRAIN, [TCSAFLUSH] = ATTRIBUTE_WHEN_FLUSH};
    memcpy(attributes.characters, settings->c_cc, sizeof(settings->c_cc) < 32 ? sizeof(settings->c_cc) : 32);
    if (when < 0 || when >= (int)(sizeof(whens) / sizeof(whens[0])))
        return ERR_INVALID;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = layer_terminal_enter(descriptor->file, TERMINAL_USE_CHANGE);
    return error ? error : terminal_error(terminal_set_attributes(descriptor->file, whens[when], &attributes));
}

error_t system_terminal_flush(int fd, int queue) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    uint64_t which = queue == TCIFLUSH ? TERMINAL_QUEUE_INPUT : queue == TCOFLUSH ? TERMINAL_QUEUE_OUTPUT : TERMINAL_QUEUE_BOTH;
    if (!error)
        error = layer_terminal_enter(descriptor->file, TERMINAL_USE_CHANGE);
    return error ? error : terminal_error(terminal_flush(descriptor->file, which));
}

error_t system_terminal_drain(int fd) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : terminal_error(terminal_drain(descriptor->file));
}

error_t system_terminal_flow(int fd, int action) {
    struct descriptor *descriptor;
    static const uint64_t actions[] = {[TCOOFF] = TERMINAL_FLOW_STOP_OUTPUT,
                                       [TCOON] = TERMINAL_FLOW_START_OUTPUT,
                                       [TCIOFF] = TERMINAL_FLOW_STOP_INPUT,
                                       [TCION] = TERMINAL_FLOW_START_INPUT};
    if (action < 0 || action > TCION)
        return ERR_INVALID;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = layer_terminal_enter(descriptor->file, TERMINAL_USE_CHANGE);
    return error ? error : terminal_error(terminal_flow(descriptor->file, actions[action]));
}

// Any terminal can make one; the console is always there.
error_t system_terminal_pair(int *master, int *terminal) {
    const uint32_t flags = (uint32_t)O_RDWR << DESCRIPTOR_ACCESS_SHIFT;
    struct descriptor *console;
    cap_t ends[2];
    int fd;
    error_t error = system_open(AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC, 0, &fd);
    if (error)
        return error;
    error = descriptor_get(fd, &console);
    if (!error)
        error = terminal_error(terminal_pair(console->file, &ends[0], &ends[1]));
    error_t ignored = system_close(fd);
    (void)ignored;
    if (error)
        return error;
    error = descriptor_add(ends[0], flags, 0, master);
    if (error) {
        slot_release(ends[1]);
        return error;
    }
    error = descriptor_add(ends[1], flags, 0, terminal);
    if (error) {
        ignored = system_close(*master);
        (void)ignored;
    }
    return error;
}

error_t system_terminal_layout_get(int fd, void *layout, size_t size, size_t *count) {
    struct descriptor *descriptor;
    uint64_t got = 0;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_keymap(descriptor->file, layout, size, &got));
    *count = got;
    return error;
}

error_t system_terminal_layout_set(int fd, const void *layout, size_t size) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : terminal_error(terminal_set_keymap(descriptor->file, layout, size));
}

error_t system_terminal_picture(int fd, uint64_t line, void *pixels, size_t size, uint64_t *width, uint64_t *height,
                                size_t *count) {
    struct descriptor *descriptor;
    uint64_t got = 0;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_picture(descriptor->file, line, pixels, size, width, height, &got));
    *count = got;
    return error;
}

error_t system_terminal_cells(int fd, struct screen_cells *row) {
    struct descriptor *descriptor;
    uint64_t rows, columns, cursor_row, cursor_column, count;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_cells(descriptor->file, row->row, row->cells, row->count * sizeof(*row->cells), &rows,
                                              &columns, &cursor_row, &cursor_column, &count));
    if (error)
        return error;
    row->rows = rows;
    row->columns = columns;
    row->cursor_row = cursor_row;
    row->cursor_column = cursor_column;
    row->count = count;
    return ERR_OK;
}

error_t system_terminal_size_get(int fd, struct winsize *size) {
    struct descriptor *descriptor;
    struct window_size window;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_window(descriptor->file, &window));
    if (!error)
        *size = (struct winsize){
            .ws_row = window.rows, .ws_col = window.columns, .ws_xpixel = window.width, .ws_ypixel = window.height};
    return error;
}

error_t system_terminal_size_set(int fd, const struct winsize *size) {
    struct descriptor *descriptor;
    struct window_size window = {size->ws_row, size->ws_col, size->ws_xpixel, size->ws_ypixel};
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : terminal_error(terminal_set_window(descriptor->file, &window));
}

error_t system_terminal_group_get(int fd, pid_t *group) {
    struct descriptor *descriptor;
    uint64_t found;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_foreground(descriptor->file, &found));
    if (!error)
        *group = (pid_t)found;
    return error;
}

error_t system_terminal_group_set(int fd, pid_t group) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = layer_terminal_enter(descriptor->file, TERMINAL_USE_CHANGE);
    return error ? error : terminal_error(terminal_set_foreground(descriptor->file, (uint64_t)group, layer_task));
}

error_t system_terminal_take(int fd) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : terminal_error(terminal_attach(descriptor->file, layer_task));
}

error_t system_terminal_session(int fd, pid_t *session) {
    struct task_information information;
    struct termios settings;
    error_t error = system_terminal_get(fd, &settings);
    if (!error)
        error = task_information(layer_task, 0, &information);
    if (!error)
        *session = (pid_t)information.session;
    return error;
}

error_t system_bytes_ready(int fd, size_t *count) {
    struct descriptor *descriptor;
    uint64_t bytes;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_available(descriptor->file, &bytes));
    if (!error)
        *count = bytes;
    return error;
}
