// Terminals: struct termios and the protocol's attributes have the same meaning, field by field.
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/protocols/task.h"
#include "libipc/protocols/terminal.h"

// A file that is no terminal does not know the protocol.
static error_t terminal_error(error_t error) {
    return error == ERR_BAD_METHOD ? ERR_NOT_TERMINAL : error;
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
    static const uint64_t whens[] = {[TCSANOW] = ATTRIBUTE_WHEN_NOW,
                                     [TCSADRAIN] = ATTRIBUTE_WHEN_DRAIN,
                                     [TCSAFLUSH] = ATTRIBUTE_WHEN_FLUSH};
    memcpy(attributes.characters, settings->c_cc, sizeof(settings->c_cc) < 32 ? sizeof(settings->c_cc) : 32);
    if (when < 0 || when >= (int)(sizeof(whens) / sizeof(whens[0])))
        return ERR_INVALID;
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : terminal_error(terminal_set_attributes(descriptor->file, whens[when], &attributes));
}

error_t system_terminal_flush(int fd, int queue) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    uint64_t which = queue == TCIFLUSH   ? TERMINAL_QUEUE_INPUT
                     : queue == TCOFLUSH ? TERMINAL_QUEUE_OUTPUT
                                         : TERMINAL_QUEUE_BOTH;
    return error ? error : terminal_error(terminal_flush(descriptor->file, which));
}

error_t system_terminal_drain(int fd) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    return error ? error : terminal_error(terminal_drain(descriptor->file));
}

error_t system_terminal_size_get(int fd, struct winsize *size) {
    struct descriptor *descriptor;
    struct window_size window;
    error_t error = descriptor_get(fd, &descriptor);
    if (!error)
        error = terminal_error(terminal_window(descriptor->file, &window));
    if (!error)
        *size = (struct winsize){.ws_row = window.rows,
                                 .ws_col = window.columns,
                                 .ws_xpixel = window.width,
                                 .ws_ypixel = window.height};
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
