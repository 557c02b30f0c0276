// Opening, creating and closing; the file mode creation mask.
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"
#include "libc/internal/umask.h"

static mode_t mask = S_IWGRP | S_IWOTH;

mode_t umask(mode_t new_mask) {
    mode_t old = mask;
    mask = new_mask & 0777;
    return old;
}

mode_t mode_masked(mode_t mode) {
    return mode & ~mask;
}

static int open_with(int directory, const char *path, int flags, mode_t mode) {
    int fd = -1;
    error_t error = system_open(directory, path, flags, mode_masked(mode), &fd);
    return (int)result_with(error, fd);
}

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return open_with(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return open_with(directory, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
    return open_with(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int close(int fd) {
    return result_of(system_close(fd));
}
