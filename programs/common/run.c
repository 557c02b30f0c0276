// Running another program with posix_spawnp().
#include "programs/common/run.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

extern char **environ;

int program_run(char *const *arguments) {
    pid_t pid;
    fflush(stdout);
    int error = posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environ);
    if (error) {
        program_error(arguments[0], "%s", error == ENOENT ? "not found" : error_text(error));
        return error == ENOENT ? 127 : 126;
    }
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            program_errno(arguments[0]);
            return 126;
        }
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int is_program(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_mode & 0111;
}

char *program_find(const char *name) {
    if (strchr(name, '/'))
        return is_program(name) ? string_copy(name) : NULL;
    const char *path = getenv("PATH");
    if (!path)
        path = "/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        char *directory = memory_allocate(length + 2);
        memcpy(directory, length ? path : ".", length ? length : 1);
        directory[length ? length : 1] = 0;
        char *file = path_join(directory, name);
        free(directory);
        if (is_program(file))
            return file;
        free(file);
        if (!path[length])
            return NULL;
        path += length + 1;
    }
}
