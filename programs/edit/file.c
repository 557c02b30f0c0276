// Loading and saving. A file is saved beside the old one and renamed over it, so that a crash leaves one of
// the two; where that would break a link, it is overwritten in place.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/edit/text.h"
#include "programs/edit/undo.h"

bool text_load(struct text *text, const char *path, bool *exists) {
    struct buffer bytes;
    struct stat info;
    *exists = false;
    text_init(text);
    int descriptor = open(path, O_RDONLY);
    if (descriptor < 0)
        return errno == ENOENT;
    if (fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(descriptor);
        errno = EISDIR;
        return false;
    }
    buffer_init(&bytes);
    bool done = buffer_read_all(&bytes, descriptor);
    int error = errno;
    close(descriptor);
    if (done) {
        *exists = true;
        text->ends_with_newline = bytes.length == 0 || bytes.data[bytes.length - 1] == '\n';
        size_t length = bytes.length && text->ends_with_newline ? bytes.length - 1 : bytes.length;
        text_insert(text, (struct place){0, 0}, bytes.data, length);
        text->changed = false;
        undo_free(text); // loading is no change
    }
    buffer_free(&bytes);
    errno = error;
    return done;
}

static bool bytes_write(const struct buffer *bytes, const char *path, int flags, mode_t mode) {
    int descriptor = open(path, O_WRONLY | O_CREAT | flags, mode);
    if (descriptor < 0)
        return false;
    bool done = descriptor_write(descriptor, bytes->data, bytes->length) && fsync(descriptor) == 0;
    int error = errno;
    if (close(descriptor) != 0 && done)
        return false;
    errno = error;
    return done;
}

static bool bytes_replace(const struct buffer *bytes, const char *path, mode_t mode) {
    struct buffer temporary;
    buffer_init(&temporary);
    buffer_format(&temporary, "%s.%ld~", path, (long)getpid());
    bool done = bytes_write(bytes, temporary.data, O_EXCL, mode & 0777) && chmod(temporary.data, mode & 07777) == 0 &&
                rename(temporary.data, path) == 0;
    if (!done) {
        int error = errno;
        unlink(temporary.data);
        errno = error;
    }
    buffer_free(&temporary);
    return done;
}

bool text_save(struct text *text, const char *path) {
    struct buffer bytes;
    struct stat info;
    struct place end = {text->count - 1, text->lines[text->count - 1].length};
    buffer_init(&bytes);
    text_copy(text, (struct place){0, 0}, end, &bytes);
    bool empty = text->count == 1 && end.offset == 0;
    if (text->ends_with_newline && !empty)
        buffer_append_byte(&bytes, '\n');
    bool simple = lstat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1 && info.st_uid == getuid();
    bool done = simple && bytes_replace(&bytes, path, info.st_mode);
    if (!done && (!simple || errno == EACCES || errno == EPERM)) // no right to make files there: in place
        done = bytes_write(&bytes, path, O_TRUNC, 0666);
    int error = errno;
    buffer_free(&bytes);
    if (done)
        text->changed = false;
    errno = error;
    return done;
}
