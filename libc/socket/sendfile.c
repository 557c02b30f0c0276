// sendfile: by the card where it can read the file's pages (socket.send_file), else through a buffer. What was sent before an
// error counts.
#include <sys/sendfile.h>

#include <stdlib.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

enum { BUFFER_BYTES = 64 * 1024 };

// Until all is sent, the file ends, or one of both sides takes or gives less.
static error_t copy(int out, int in, off_t at, size_t count, size_t *done) {
    char *buffer = malloc(BUFFER_BYTES);
    error_t error = buffer != NULL ? ERR_OK : ERR_NO_MEMORY;
    *done = 0;
    while (error == ERR_OK && *done < count) {
        size_t wanted = count - *done < BUFFER_BYTES ? count - *done : BUFFER_BYTES, got = 0, sent = 0;
        error = system_read_at(in, buffer, wanted, at + (off_t)*done, &got);
        if (error != ERR_OK || got == 0)
            break;
        error = system_write(out, buffer, got, &sent);
        if (error == ERR_OK)
            *done += sent;
        if (sent < got)
            break;
    }
    free(buffer);
    return *done != 0 ? ERR_OK : error;
}

static error_t send_pages(int out, int in, off_t at, size_t count, size_t *done) {
    error_t error = ERR_OK;
    *done = 0;
    while (error == ERR_OK && *done < count) {
        size_t sent = 0;
        error = system_socket_send_file(out, in, at + (off_t)*done, count - *done, &sent);
        *done += sent;
    }
    return error;
}

ssize_t sendfile(int out, int in, off_t *offset, size_t count) {
    off_t at = 0;
    size_t done = 0, rest = 0;
    error_t error = ERR_OK;
    if (offset != NULL)
        at = *offset;
    else
        error = system_seek(in, 0, SEEK_CUR, &at);
    if (error == ERR_OK && at < 0)
        error = ERR_INVALID;
    if (error != ERR_OK || count == 0)
        return result_of(error);
    error = send_pages(out, in, at, count, &done);
    if (error == ERR_NOT_SUPPORTED) { // all of it, or what is too small
        error = copy(out, in, at + (off_t)done, count - done, &rest);
        done += rest;
    }
    if (done == 0)
        return result_of(error);
    at += (off_t)done;
    if (offset != NULL)
        *offset = at;
    else
        error = system_seek(in, at, SEEK_SET, &at);
    return (ssize_t)done;
}
