// Builtins that change where control goes: exit, return, break, eval, ".", exec, trap. They set shell->flow;
// what runs the trees looks at it.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/execute.h"
#include "programs/sh/lexer.h"
#include "programs/sh/spawn.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

// Leaves with the status given, or that of the last command.
static int leave(struct shell *shell, int argc, char **argv, enum flow flow) {
    long status = shell->last_status;
    if (argc > 1 && !builtin_number(argv[0], argv[1], &status)) {
        shell_abort(shell, STATUS_SYNTAX);
        return STATUS_SYNTAX;
    }
    shell->last_status = (int)(status & 255);
    shell->flow = flow;
    return shell->last_status;
}

int builtin_exit(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    return leave(shell, argc, argv, FLOW_EXIT);
}

int builtin_return(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    if (!shell->function_depth && !shell->source_depth) {
        // Outside of a function it ends a script, as other shells do.
        return leave(shell, argc, argv, shell->interactive ? FLOW_ABORT : FLOW_EXIT);
    }
    return leave(shell, argc, argv, FLOW_RETURN);
}

int builtin_break(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    long levels = 1;
    if (argc > 1 && (!builtin_number(argv[0], argv[1], &levels) || levels == 0)) {
        if (levels == 0)
            shell_error(argv[0], "not a count: 0");
        shell_abort(shell, STATUS_SYNTAX);
        return STATUS_SYNTAX;
    }
    if (!shell->loop_depth)
        return 0;
    shell->flow = strcmp(argv[0], "break") == 0 ? FLOW_BREAK : FLOW_CONTINUE;
    shell->flow_levels = levels < shell->loop_depth ? (int)levels : shell->loop_depth;
    return 0;
}

int builtin_eval(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    struct buffer text;
    buffer_init(&text);
    for (int i = 1; i < argc; i++)
        buffer_format(&text, "%s%s", i > 1 ? " " : "", argv[i]);
    int status = shell_run_text(shell, text.data);
    buffer_free(&text);
    return status;
}

// A file without a slash is looked for along PATH; it need not be executable.
static const char *source_path(struct shell *shell, const char *name) {
    const char *path = variable_get(shell, "PATH");
    if (strchr(name, '/') || !path)
        return name;
    while (*path) {
        size_t length = strcspn(path, ":");
        char *file = region_allocate(&shell->temporary, length + strlen(name) + 3);
        memcpy(file, path, length);
        strcat(file, length ? "/" : "./");
        strcat(file, name);
        struct stat info;
        if (stat(file, &info) == 0 && S_ISREG(info.st_mode))
            return file;
        path += length + (path[length] == ':');
    }
    return name;
}

int builtin_dot(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    if (argc < 2) {
        shell_error(".", "file name missing");
        shell_abort(shell, STATUS_SYNTAX);
        return STATUS_SYNTAX;
    }
    struct buffer text;
    buffer_init(&text);
    int descriptor = open(source_path(shell, argv[1]), O_RDONLY | O_CLOEXEC);
    bool done = descriptor >= 0 && buffer_read_all(&text, descriptor);
    if (!done)
        shell_error(".", "%s: %s", argv[1], error_text(errno));
    if (descriptor >= 0)
        close(descriptor);
    int status = STATUS_SYNTAX;
    if (done) {
        shell->source_depth++;
        status = shell_run_text(shell, text.data);
        shell->source_depth--;
        if (shell->flow == FLOW_RETURN) {
            shell->flow = FLOW_NONE;
            status = shell->last_status;
        }
    } else {
        shell_abort(shell, status);
    }
    buffer_free(&text);
    return status;
}

int builtin_exec(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    if (argc == 1)
        return 0; // the redirections, which stay, were the purpose
    // There is no exec: the program runs as a child, and the shell ends with its status.
    struct job *job = job_new(shell, string_copy(argv[1]), false);
    program_spawn(shell, job, argv + 1);
    shell->last_status = job_wait(shell, job);
    trap_set(shell, 0, NULL);
    shell->flow = FLOW_EXIT;
    return shell->last_status;
}

static void traps_list(const struct shell *shell, struct buffer *out) {
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        if (!shell->traps[signal])
            continue;
        buffer_append_text(out, "trap -- ");
        value_quote(out, shell->traps[signal]);
        buffer_format(out, " %s\n", signal_name(signal));
    }
}

int builtin_trap(struct shell *shell, int argc, char **argv, struct buffer *out) {
    int index = 1;
    if (index < argc && strcmp(argv[index], "--") == 0)
        index++;
    if (index >= argc) {
        traps_list(shell, out);
        return 0;
    }
    // `trap 2 15` and `trap - INT` both mean the default.
    const char *action = NULL;
    if (index + 1 < argc && !(argv[index][0] >= '0' && argv[index][0] <= '9')) {
        action = strcmp(argv[index], "-") == 0 ? NULL : argv[index];
        index++;
    }
    int status = 0;
    for (; index < argc; index++) {
        int signal = signal_parse(argv[index]);
        if (signal < 0) {
            shell_error("trap", "not a signal: %s", argv[index]);
            status = 1;
            continue;
        }
        trap_set(shell, signal, action);
    }
    return status;
}
