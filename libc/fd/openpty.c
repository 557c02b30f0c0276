// Pseudo-terminals; see servers/console/pair.c.
#include <pty.h>
#include <stddef.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int openpty(int *master, int *terminal, char *name, const struct termios *settings, const struct winsize *size) {
    error_t error = name != NULL ? ERR_INVALID : system_terminal_pair(master, terminal);
    if (error)
        return result_of(error);
    if (settings != NULL)
        error = system_terminal_set(*terminal, TCSANOW, settings);
    if (!error && size != NULL)
        error = system_terminal_size_set(*terminal, size);
    if (error) {
        (void)close(*master);
        (void)close(*terminal);
    }
    return result_of(error);
}
