// Pseudo-terminals (BSD's openpty; POSIX's posix_openpt needs names, and these have none).
#pragma once

#include <sys/ioctl.h>
#include <termios.h>

// Descriptors of both ends. `name` must be NULL; settings and size may be.
int openpty(int *master, int *terminal, char *name, const struct termios *settings, const struct winsize *size);
