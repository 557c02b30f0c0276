// Copies of descriptors, pipes, and fcntl, whose commands are calls of their own below.
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

static int duplicate(int fd, int minimum, int flags) {
    int copy = -1;
    error_t error = system_duplicate(fd, minimum, flags, &copy);
    return (int)result_with(error, copy);
}

int dup(int fd) {
    return duplicate(fd, 0, 0);
}

int dup2(int fd, int new_fd) {
    int flags;
    if (fd == new_fd) // nothing happens, but only to an open descriptor
        return (int)result_with(system_descriptor_flags_get(fd, &flags), fd);
    return (int)result_with(system_duplicate_to(fd, new_fd, 0), new_fd);
}

int dup3(int fd, int new_fd, int flags) {
    if (fd == new_fd)
        return result_of(ERR_INVALID);
    return (int)result_with(system_duplicate_to(fd, new_fd, flags), new_fd);
}

int pipe2(int fds[2], int flags) {
    int read_end, write_end;
    if (result_of(system_pipe(flags, &read_end, &write_end)) != 0)
        return -1;
    fds[0] = read_end;
    fds[1] = write_end;
    return 0;
}

int pipe(int fds[2]) {
    return pipe2(fds, 0);
}

int fcntl(int fd, int command, ...) {
    int argument, flags = 0;
    va_list arguments;
    va_start(arguments, command);
    argument = command == F_GETFD || command == F_GETFL ? 0 : va_arg(arguments, int);
    va_end(arguments);
    error_t error;
    switch (command) {
    case F_DUPFD:
        return duplicate(fd, argument, 0);
    case F_DUPFD_CLOEXEC:
        return duplicate(fd, argument, O_CLOEXEC);
    case F_GETFD:
        error = system_descriptor_flags_get(fd, &flags);
        return (int)result_with(error, flags);
    case F_SETFD:
        return result_of(system_descriptor_flags_set(fd, argument));
    case F_GETFL:
        error = system_file_flags_get(fd, &flags);
        return (int)result_with(error, flags);
    case F_SETFL:
        return result_of(system_file_flags_set(fd, argument));
    default:
        return result_of(ERR_INVALID);
    }
}
