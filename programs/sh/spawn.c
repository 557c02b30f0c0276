// Starts processes by posix_spawn(). Descriptors are ready when it is called: the child inherits 0 to 9.
// Under job control each job is a process group, and a foreground job gets the terminal.
#include "programs/sh/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/redirect.h"
#include "programs/sh/state.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

#ifndef SHELL_PATH
#define SHELL_PATH "/bin/sh"
#endif

// The descriptor on which a subshell reads its state: out of reach of redirections.
#define STATE_DESCRIPTOR      63
#define STATE_DESCRIPTOR_TEXT "63"

static bool is_executable(const char *path, int *status) {
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    if (S_ISREG(info.st_mode) && info.st_mode & 0111)
        return true;
    *status = STATUS_NOT_EXECUTABLE;
    return false;
}

const char *command_path(struct shell *shell, const char *name, int *status) {
    *status = STATUS_NOT_FOUND;
    if (strchr(name, '/'))
        return is_executable(name, status) ? name : NULL;
    const char *path = variable_get(shell, "PATH");
    if (!path || !*name)
        return NULL;
    for (;;) {
        size_t length = strcspn(path, ":");
        char *file = region_allocate(&shell->temporary, length + strlen(name) + 3);
        if (length)
            snprintf(file, length + strlen(name) + 3, "%.*s/%s", (int)length, path, name);
        else
            snprintf(file, strlen(name) + 3, "./%s", name);
        if (is_executable(file, status))
            return file;
        if (!path[length])
            return NULL;
        path += length + 1;
    }
}

// Without job control a background job must not be ended by ^C: it starts with these signals ignored.
static void background_signals(struct sigaction old[2], bool restore) {
    static const int signals[] = {SIGINT, SIGQUIT};
    for (int i = 0; i < 2; i++) {
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigemptyset(&ignore.sa_mask);
        sigaction(signals[i], restore ? &old[i] : &ignore, restore ? NULL : &old[i]);
    }
}

static int spawn_attributes(struct shell *shell, const struct job *job, posix_spawnattr_t *attributes) {
    int error = posix_spawnattr_init(attributes);
    if (error)
        return error;
    short flags = 0;
    sigset_t defaults;
    trap_default_set(shell, &defaults);
    if (shell->interactive && !posix_spawnattr_setsigdefault(attributes, &defaults))
        flags |= POSIX_SPAWN_SETSIGDEF;
    if (shell->job_control && !posix_spawnattr_setpgroup(attributes, job->group))
        flags |= POSIX_SPAWN_SETPGROUP;
    return posix_spawnattr_setflags(attributes, flags);
}

// 0 or an errno value.
static int spawn(struct shell *shell, struct job *job, const char *path, char **arguments, char **environment,
                 const posix_spawn_file_actions_t *actions) {
    posix_spawnattr_t attributes;
    pid_t pid;
    int error = spawn_attributes(shell, job, &attributes);
    if (error)
        return error;
    struct sigaction old[2];
    bool shielded = job->background && !shell->job_control;
    if (shielded)
        background_signals(old, false);
    error = posix_spawn(&pid, path, actions, &attributes, arguments, environment);
    if (shielded)
        background_signals(old, true);
    posix_spawnattr_destroy(&attributes);
    if (error)
        return error;
    if (shell->job_control && !job->group) {
        job->group = pid;
        if (!job->background) {
            terminal_give(shell, pid);
            // It may have asked for the terminal before it had it, and been stopped for that.
            kill(-pid, SIGCONT);
        }
    }
    if (shell->job_control && !job->background && trap_interrupt_came())
        kill(-job->group, SIGINT); // ^C came before the terminal knew of the job, and went to the shell
    job_add(job, pid, 0);
    return 0;
}

// The interpreter of a script that starts with "#!", else the shell; the new arguments are in the temporary
// region.
static const char *script_interpreter(struct shell *shell, const char *path, char ***arguments) {
    char line[256];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor >= 0 ? read(descriptor, line, sizeof(line) - 1) : -1;
    if (descriptor >= 0)
        close(descriptor);
    if (length < 0)
        return NULL;
    line[length] = 0;
    if (memchr(line, 0, (size_t)length))
        return NULL; // a binary of another kind
    const char *interpreter = SHELL_PATH;
    const char *option = NULL;
    if (strncmp(line, "#!", 2) == 0) {
        line[strcspn(line, "\n")] = 0;
        char *start = line + 2 + strspn(line + 2, " \t");
        size_t size = strcspn(start, " \t");
        option = start + size + strspn(start + size, " \t");
        interpreter = region_copy(&shell->temporary, start, size);
        option = *option ? region_copy(&shell->temporary, option, strlen(option)) : NULL;
    }
    int count = 0;
    while ((*arguments)[count])
        count++;
    char **changed = region_allocate(&shell->temporary, (size_t)(count + 3) * sizeof(char *));
    int used = 0;
    changed[used++] = region_copy(&shell->temporary, interpreter, strlen(interpreter));
    if (option)
        changed[used++] = (char *)(uintptr_t)option;
    changed[used++] = region_copy(&shell->temporary, path, strlen(path));
    for (int i = 1; i < count; i++)
        changed[used++] = (*arguments)[i];
    *arguments = changed;
    return interpreter;
}

void program_spawn(struct shell *shell, struct job *job, char **arguments) {
    int status;
    const char *path = command_path(shell, arguments[0], &status);
    if (!path) {
        bool slash = strchr(arguments[0], '/') != NULL;
        struct stat info;
        bool directory = slash && stat(arguments[0], &info) == 0 && S_ISDIR(info.st_mode);
        if (status == STATUS_NOT_FOUND)
            shell_error(arguments[0], slash ? "no such file or directory" : "not found");
        else
            shell_error(arguments[0], directory ? "is a directory" : "permission denied");
        job_add(job, 0, status);
        return;
    }
    char **environment = variables_environment(shell);
    int error = spawn(shell, job, path, arguments, environment, NULL);
    if (error == ENOEXEC) {
        const char *interpreter = script_interpreter(shell, path, &arguments);
        if (interpreter)
            error = spawn(shell, job, interpreter, arguments, environment, NULL);
    }
    if (error) {
        shell_error(path, "%s", error_text(error));
        job_add(job, 0, STATUS_NOT_EXECUTABLE);
    }
}

void subshell_spawn(struct shell *shell, struct job *job, const char *script) {
    static char program[] = "sh", option[] = "--state", descriptor[] = STATE_DESCRIPTOR_TEXT;
    char *arguments[] = {program, option, descriptor, NULL};
    int ends[2];
    posix_spawn_file_actions_t actions;
    int error = pipe_open(ends) ? 0 : errno;
    if (!error) {
        error = posix_spawn_file_actions_init(&actions);
        if (!error) {
            error = posix_spawn_file_actions_adddup2(&actions, ends[0], STATE_DESCRIPTOR);
            if (!error)
                error = spawn(shell, job, SHELL_PATH, arguments, variables_environment(shell), &actions);
            posix_spawn_file_actions_destroy(&actions);
        }
        close(ends[0]);
    }
    if (!error) {
        // The child reads all of it before it does anything else, so this can't wait for long.
        struct buffer state;
        buffer_init(&state);
        state_write(shell, &state, script);
        struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
        sigemptyset(&ignore.sa_mask);
        sigaction(SIGPIPE, &ignore, &old);
        descriptor_write(ends[1], state.data, state.length); // if it fails, the child says so
        sigaction(SIGPIPE, &old, NULL);
        buffer_free(&state);
        close(ends[1]);
        return;
    }
    shell_error("subshell", "%s", error_text(error));
    job_add(job, 0, STATUS_NOT_EXECUTABLE);
}
