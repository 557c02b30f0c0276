// posix_spawn and posix_spawnp: finding the program, and running scripts by their "#!" line (or by the shell,
// for posix_spawnp).
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/internal/system.h"

enum { SCRIPT_LINE = 256, SCRIPT_DEPTH = 4 };

struct spawning {
    struct spawn_request request;
    pid_t *pid;
    unsigned depth; // scripts whose interpreter is a script
};

static error_t spawn_file(const struct spawning *spawning);

// Starts `interpreter [argument] path argv[1]...`.
static error_t spawn_interpreter(const struct spawning *script, char *interpreter, char *argument) {
    size_t count = 0, used = 0;
    while (script->request.argv[count] != NULL)
        count++;
    char **argv = calloc(count + 4, sizeof *argv);
    if (argv == NULL)
        return ERR_NO_MEMORY;
    argv[used++] = interpreter;
    if (argument != NULL)
        argv[used++] = argument;
    argv[used++] = (char *)(uintptr_t)script->request.path;
    for (size_t i = 1; i < count; i++)
        argv[used++] = script->request.argv[i];
    struct spawning spawning = *script;
    spawning.request.path = interpreter;
    spawning.request.argv = argv;
    spawning.depth++;
    error_t error = spawn_file(&spawning);
    free(argv);
    return error;
}

// The first line of the file, without its end; empty if it is longer than `size` or holds a NUL.
static error_t read_first_line(const char *path, char *line, size_t size) {
    int fd;
    size_t done = 0;
    error_t error = system_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, &fd);
    if (error != ERR_OK)
        return error;
    error = system_read(fd, line, size - 1, &done);
    system_close(fd);
    line[done] = '\0';
    char *end = strchr(line, '\n');
    if (end != NULL)
        *end = '\0';
    else
        line[0] = '\0';
    return error;
}

static error_t spawn_script(const struct spawning *spawning) {
    char line[SCRIPT_LINE];
    error_t error = read_first_line(spawning->request.path, line, sizeof line);
    if (error != ERR_OK)
        return error;
    if (line[0] != '#' || line[1] != '!' || spawning->depth == SCRIPT_DEPTH)
        return ERR_NOT_EXECUTABLE;
    char *interpreter = line + 2 + strspn(line + 2, " \t");
    char *argument = interpreter + strcspn(interpreter, " \t");
    if (*argument != '\0') {
        *argument++ = '\0';
        argument += strspn(argument, " \t");
        // What follows is one argument, blanks at its end cut off.
        for (size_t length = strlen(argument); length > 0 && strchr(" \t", argument[length - 1]) != NULL; length--)
            argument[length - 1] = '\0';
    }
    if (*interpreter == '\0')
        return ERR_NOT_EXECUTABLE;
    return spawn_interpreter(spawning, interpreter, *argument != '\0' ? argument : NULL);
}

static error_t spawn_file(const struct spawning *spawning) {
    pid_t pid;
    error_t error = system_spawn(&spawning->request, &pid);
    if (error == ERR_NOT_EXECUTABLE)
        return spawn_script(spawning);
    if (error == ERR_OK && spawning->pid != NULL)
        *spawning->pid = pid;
    return error;
}

static struct spawning spawning_of(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                                   const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    static char *const nothing[] = {NULL};
    return (struct spawning){.request = {.path = path,
                                         .argv = argv,
                                         .envp = envp != NULL ? envp : nothing,
                                         .actions = actions != NULL ? actions->actions : NULL,
                                         .action_count = actions != NULL ? (size_t)actions->count : 0,
                                         .attributes = attributes},
                             .pid = pid};
}

int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict]) {
    struct spawning spawning = spawning_of(pid, path, actions, attributes, argv, envp);
    return -spawn_file(&spawning);
}

// Tries the file in one directory of PATH; a file without "#!" that is no program is the shell's.
static error_t spawn_in(struct spawning *spawning, const char *directory, size_t length, const char *file) {
    char path[PATH_MAX];
    if (length + 1 + strlen(file) + 1 > sizeof path)
        return ERR_NAME_TOO_LONG;
    memcpy(path, directory, length);
    if (length > 0)
        path[length++] = '/';
    strcpy(path + length, file);
    spawning->request.path = path;
    error_t error = spawn_file(spawning);
    char shell[] = "/bin/sh";
    return error == ERR_NOT_EXECUTABLE ? spawn_interpreter(spawning, shell, NULL) : error;
}

int posix_spawnp(pid_t *restrict pid, const char *restrict file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict]) {
    struct spawning spawning = spawning_of(pid, file, actions, attributes, argv, envp);
    if (*file == '\0')
        return ENOENT;
    if (strchr(file, '/') != NULL)
        return -spawn_in(&spawning, "", 0, file);
    const char *path = getenv("PATH");
    if (path == NULL)
        path = "/bin:/sbin";
    error_t result = ERR_NOT_FOUND;
    for (;; path++) {
        size_t length = strcspn(path, ":");
        error_t error = spawn_in(&spawning, path, length, file);
        // A file that may not be run is worth reporting, if none is found later that may.
        if (error == ERR_ACCESS)
            result = error;
        else if (error != ERR_NOT_FOUND && error != ERR_NOT_DIRECTORY)
            return -error;
        path += length;
        if (*path == '\0')
            return -result;
    }
}
