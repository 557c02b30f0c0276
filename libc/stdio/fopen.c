// Streams on files and descriptors: fopen, fdopen, freopen, fclose.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/stream.h"
#include "libc/internal/system.h"

static error_t descriptor_read(FILE *stream, void *buffer, size_t size, size_t *done) {
    return system_read(stream->fd, buffer, size, done);
}

static error_t descriptor_write(FILE *stream, const void *buffer, size_t size, size_t *done) {
    return system_write(stream->fd, buffer, size, done);
}

static error_t descriptor_seek(FILE *stream, off_t offset, int whence, off_t *position) {
    return system_seek(stream->fd, offset, whence, position);
}

static error_t descriptor_close(FILE *stream) {
    return system_close(stream->fd);
}

const struct stream_operations descriptor_operations = {descriptor_read, descriptor_write, descriptor_seek, descriptor_close};

int stream_mode_flags(const char *mode) {
    int flags;
    switch (mode[0]) {
    case 'r':
        flags = O_RDONLY;
        break;
    case 'w':
        flags = O_WRONLY | O_CREAT | O_TRUNC;
        break;
    case 'a':
        flags = O_WRONLY | O_CREAT | O_APPEND;
        break;
    default:
        errno = EINVAL;
        return -1;
    }
    if (strchr(mode, '+') != NULL)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    if (strchr(mode, 'x') != NULL)
        flags |= O_EXCL;
    if (strchr(mode, 'e') != NULL)
        flags |= O_CLOEXEC;
    return flags;
}

FILE *fdopen(int fd, const char *mode) {
    int flags = stream_mode_flags(mode), now;
    if (flags < 0 || result_of(system_file_flags_get(fd, &now)) != 0)
        return NULL;
    if ((flags & O_APPEND) != 0 && (now & O_APPEND) == 0 && result_of(system_file_flags_set(fd, now | O_APPEND)) != 0)
        return NULL;
    FILE *stream = stream_create(&descriptor_operations, flags);
    if (stream != NULL)
        stream->fd = fd;
    return stream;
}

FILE *fopen(const char *restrict path, const char *restrict mode) {
    int flags = stream_mode_flags(mode);
    if (flags < 0)
        return NULL;
    int fd = open(path, flags, 0666);
    if (fd < 0)
        return NULL;
    FILE *stream = stream_create(&descriptor_operations, flags);
    if (stream == NULL)
        close(fd);
    else
        stream->fd = fd;
    return stream;
}

// Ends what the stream stood for; the struct stays.
static int stream_close(FILE *stream) {
    bool flushed = stream_flush(stream);
    if (stream->read_at != stream->read_end)
        stream_drop_unread(stream);
    int result = stream->operations->close != NULL ? result_of(stream->operations->close(stream)) : 0;
    if (stream->buffer_owned)
        free(stream->buffer - UNGET_ROOM);
    stream->buffer = stream->read_at = stream->read_end = NULL;
    stream->buffer_owned = false;
    return flushed && result == 0 ? 0 : EOF;
}

int fclose(FILE *stream) {
    int result = stream_close(stream);
    if (!stream->fixed) {
        stream_list_remove(stream);
        free(stream);
        return result;
    }
    stream->readable = stream->writable = false;
    stream->fd = -1;
    return result;
}

FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream) {
    int flags = stream_mode_flags(mode), old = stream->fd;
    if (path == NULL) { // another mode for the same file is not to be had from the layer below
        errno = EBADF;
        flags = -1;
    }
    int fd = flags >= 0 ? open(path, flags, 0666) : -1;
    if (fd < 0) {
        fclose(stream);
        return NULL;
    }
    // The new file takes the old descriptor, so that a child started later finds it at 0, 1 or 2.
    stream_flush(stream);
    if (stream->read_at != stream->read_end)
        stream_drop_unread(stream);
    if (old >= 0 && fd != old && dup3(fd, old, flags & O_CLOEXEC) >= 0) {
        close(fd);
        fd = old;
    }
    stream->operations = &descriptor_operations;
    stream->fd = fd;
    stream->readable = (flags & O_ACCMODE) != O_WRONLY;
    stream->writable = (flags & O_ACCMODE) != O_RDONLY;
    stream->append = (flags & O_APPEND) != 0;
    stream->end_seen = stream->failed = stream->mode_chosen = false;
    return stream;
}
