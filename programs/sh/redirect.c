// Redirections on the shell's own descriptors, with a list of copies to bring the old ones back in reverse
// order.
#include "programs/sh/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/expand.h"
#include "programs/sh/variables.h"

// A here-document up to this size fits into a pipe without waiting for its reader.
#define HERE_PIPE_MAX 512

static int descriptor_move_up(int descriptor) {
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
    int error = errno;
    close(descriptor);
    errno = error;
    return moved;
}

bool pipe_open(int ends[2]) {
    if (pipe(ends) != 0)
        return false;
    ends[0] = descriptor_move_up(ends[0]);
    ends[1] = descriptor_move_up(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0)
        return true;
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return false;
}

static void descriptor_save(int descriptor, struct saved_descriptor **saved) {
    if (!saved)
        return;
    struct saved_descriptor *item = memory_allocate(sizeof(*item));
    *item = (struct saved_descriptor){*saved, descriptor, fcntl(descriptor, F_DUPFD_CLOEXEC, 10)};
    *saved = item;
}

void redirects_restore(struct saved_descriptor **saved) {
    while (*saved) {
        struct saved_descriptor *item = *saved;
        *saved = item->next;
        if (item->copy < 0) {
            close(item->descriptor);
        } else {
            dup2(item->copy, item->descriptor);
            close(item->copy);
        }
        free(item);
    }
}

bool descriptor_replace(int descriptor, int source, struct saved_descriptor **saved) {
    descriptor_save(descriptor, saved);
    return dup2(source, descriptor) >= 0;
}

// A file without a name that holds the text.
static int here_file(const char *text, size_t length) {
    static unsigned count = 0;
    char path[64];
    snprintf(path, sizeof(path), "/tmp/sh-here-%ld-%u", (long)getpid(), count++);
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return -1;
    unlink(path);
    if (!descriptor_write(descriptor, text, length) || lseek(descriptor, 0, SEEK_SET) != 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

static int here_open(struct shell *shell, const struct redirect *redirect) {
    struct buffer text;
    buffer_init(&text);
    const char *body = redirect->body;
    if (!body || !redirect->body_is_literal)
        body = expand_text(shell, body ? body : redirect->word, body ? EXPAND_HERE : EXPAND_VALUE);
    if (!body) {
        buffer_free(&text);
        errno = 0; // the expansion has said what is wrong
        return -1;
    }
    buffer_append_text(&text, body);
    if (!redirect->body)
        buffer_append_byte(&text, '\n');
    int ends[2];
    int descriptor = -1;
    if (text.length > HERE_PIPE_MAX) {
        descriptor = here_file(text.data, text.length);
    } else if (pipe_open(ends)) {
        descriptor_write(ends[1], text.data, text.length);
        close(ends[1]);
        descriptor = ends[0];
    }
    buffer_free(&text);
    return descriptor;
}

static int file_open(const struct shell *shell, enum redirect_kind kind, const char *path) {
    struct stat info;
    switch (kind) {
    case REDIRECT_INPUT:
        return open(path, O_RDONLY);
    case REDIRECT_READ_WRITE:
        return open(path, O_RDWR | O_CREAT, 0666);
    case REDIRECT_APPEND:
    case REDIRECT_BOTH_APPEND:
        return open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    case REDIRECT_OUTPUT:
        if (shell->noclobber && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            errno = EEXIST;
            return -1;
        }
        return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    default:
        return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    }
}

// >&2, <&-, and >&word as another spelling of &>word.
static bool duplicate(const char *word, int descriptor, struct saved_descriptor **saved) {
    if (strcmp(word, "-") == 0) {
        descriptor_save(descriptor, saved);
        close(descriptor);
        return true;
    }
    char *end;
    long source = strtol(word, &end, 10);
    if (!*word || *end || source < 0 || source > 1000) {
        shell_error(word, "not a descriptor");
        return false;
    }
    if (fcntl((int)source, F_GETFD) < 0 || (source >= 10 && fcntl((int)source, F_GETFD) & FD_CLOEXEC)) {
        shell_error(word, "%s", error_text(EBADF));
        return false;
    }
    if (source == descriptor)
        return true;
    return descriptor_replace(descriptor, (int)source, saved);
}

static bool redirect_apply(struct shell *shell, const struct redirect *redirect, struct saved_descriptor **saved) {
    int descriptor = redirect->descriptor;
    if (redirect->kind == REDIRECT_HERE) {
        errno = 0;
        int source = here_open(shell, redirect);
        if (source < 0) {
            if (errno)
                shell_error("here-document", "%s", error_text(errno));
            return false;
        }
        bool done = descriptor_replace(descriptor, source, saved);
        close(source);
        return done;
    }
    const char *word = expand_text(shell, redirect->word, EXPAND_VALUE);
    if (!word)
        return false;
    if (redirect->kind == REDIRECT_DUPLICATE)
        return duplicate(word, descriptor, saved);
    int opened = file_open(shell, redirect->kind, word);
    if (opened < 0) {
        shell_error(word, "%s", error_text(errno));
        return false;
    }
    bool both = redirect->kind == REDIRECT_BOTH || redirect->kind == REDIRECT_BOTH_APPEND;
    int source = opened;
    if (opened < 10) // out of the way of the descriptor that is being saved
        source = descriptor_move_up(opened);
    bool done = source >= 0 && descriptor_replace(descriptor, source, saved);
    if (done && both)
        done = descriptor_replace(STDERR_FILENO, source, saved);
    close(source);
    return done;
}

bool redirects_apply(struct shell *shell, const struct redirect *redirects, struct saved_descriptor **saved) {
    for (; redirects; redirects = redirects->next) {
        if (!redirect_apply(shell, redirects, saved))
            return false;
    }
    return true;
}
