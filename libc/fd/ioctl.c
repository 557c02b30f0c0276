// ioctl: each request is a typed call below.
#include <stdarg.h>
#include <sys/ioctl.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

static error_t bytes_ready(int fd, int *result) {
    size_t count;
    error_t error = system_bytes_ready(fd, &count);
    if (error == ERR_OK)
        *result = (int)count;
    return error;
}

static error_t layout_get(int fd, struct keyboard_layout *layout) {
    size_t count;
    error_t error = system_terminal_layout_get(fd, layout->bytes, layout->size, &count);
    layout->size = count;
    return error;
}

static error_t picture(int fd, struct screen_lines *lines) {
    uint64_t width = 0, height = 0;
    size_t count;
    error_t error = system_terminal_picture(fd, lines->line, lines->pixels, lines->size, &width, &height, &count);
    lines->size = count;
    lines->width = width;
    lines->height = height;
    return error;
}

static error_t control(int fd, unsigned long request, void *argument) {
    switch (request) {
    case TIOCGWINSZ:
        return system_terminal_size_get(fd, argument);
    case TIOCSWINSZ:
        return system_terminal_size_set(fd, argument);
    case TIOCGPGRP:
        return system_terminal_group_get(fd, argument);
    case TIOCSPGRP:
        return system_terminal_group_set(fd, *(const pid_t *)argument);
    case TIOCSCTTY:
        return system_terminal_take(fd);
    case FIONREAD:
        return bytes_ready(fd, argument);
    case KDGETLAYOUT:
        return layout_get(fd, argument);
    case KDSETLAYOUT:
        return system_terminal_layout_set(fd, ((const struct keyboard_layout *)argument)->bytes,
                                          ((const struct keyboard_layout *)argument)->size);
    case KDPICTURE:
        return picture(fd, argument);
    case KDCELLS:
        return system_terminal_cells(fd, argument);
    case BLKGETSIZE64:
        return system_device_size(fd, argument);
    default:
        return ERR_NOT_TERMINAL;
    }
}

int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return result_of(control(fd, request, argument));
}
