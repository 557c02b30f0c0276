// popen and pclose: a stream to or from a shell command.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libc/internal/stream.h"

static pid_t shell_start(const char *command, int fd, int at) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    char shell[] = "sh", option[] = "-c";
    char *argv[] = {shell, option, (char *)(uintptr_t)command, NULL};
    pid_t pid = -1;
    int error = posix_spawn_file_actions_adddup2(&actions, fd, at);
    if (error == 0)
        error = posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0)
        return pid;
    errno = error;
    return -1;
}

FILE *popen(const char *command, const char *mode) {
    int fds[2];
    bool reading = mode[0] == 'r';
    if (!reading && mode[0] != 'w') {
        errno = EINVAL;
        return NULL;
    }
    if (pipe2(fds, O_CLOEXEC) != 0)
        return NULL;
    FILE *stream = fdopen(fds[reading ? 0 : 1], reading ? "r" : "w");
    if (stream == NULL)
        goto fail;
    stream->child = shell_start(command, fds[reading ? 1 : 0], reading ? STDOUT_FILENO : STDIN_FILENO);
    close(fds[reading ? 1 : 0]);
    if (stream->child >= 0)
        return stream;
    fclose(stream);
    return NULL;

fail:
    close(fds[0]);
    close(fds[1]);
    return NULL;
}

int pclose(FILE *stream) {
    pid_t child = stream->child;
    int status;
    fclose(stream);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}
