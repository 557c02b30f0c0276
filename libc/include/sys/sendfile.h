// Bytes of a file to a stream socket, Linux's call of that name.
#pragma once

#include <sys/types.h>

// Sends up to `count` bytes of `in`, from *offset, which moves on, or from its own position if `offset` is NULL. Where the
// network card can, it reads them from the file's pages, and no processor copies them: who changes the file before the peer has
// acknowledged them may change what the peer gets. 0: the end of the file. On EAGAIN, EPIPE ... nothing was sent.
ssize_t sendfile(int out, int in, off_t *offset, size_t count);
