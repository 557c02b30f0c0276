// The shell: starts it for a script, for -c, for a terminal, or as the subshell of another shell.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/history.h"
#include "programs/sh/input.h"
#include "programs/sh/jobs.h"
#include "programs/sh/state.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

extern char **environ;

static struct shell shell;

struct start {
    const char *command; // -c
    bool from_input;     // -s
    bool interactive;    // -i
    bool login;          // -l
};

// The options before the operands; returns the index of the first operand.
static int options_take(int argc, char **argv, struct start *start) {
    int index = 1;
    bool command = false;
    for (; index < argc && (argv[index][0] == '-' || argv[index][0] == '+') && argv[index][1]; index++) {
        if (strcmp(argv[index], "--") == 0) {
            index++;
            break;
        }
        char kept[16];
        size_t used = 1;
        kept[0] = argv[index][0];
        for (const char *letter = argv[index] + 1; *letter; letter++) {
            command |= *letter == 'c';
            start->from_input |= *letter == 's';
            start->interactive |= *letter == 'i';
            start->login |= *letter == 'l';
            if (!strchr("csil", *letter) && used < sizeof(kept) - 1)
                kept[used++] = *letter;
        }
        kept[used] = 0;
        char *words[] = {argv[0], kept, index + 1 < argc ? argv[index + 1] : NULL, NULL};
        bool named = strchr(kept, 'o') != NULL;
        if (used > 1 && builtin_set(&shell, named ? 3 : 2, words, NULL) != 0)
            exit(STATUS_SYNTAX);
        index += named;
    }
    if (command) {
        if (index >= argc)
            program_usage_error("-c: command missing");
        start->command = argv[index++];
    }
    return index;
}

static void file_run(const char *path, bool required) {
    struct buffer text;
    buffer_init(&text);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    bool done = descriptor >= 0 && buffer_read_all(&text, descriptor);
    int error = errno;
    if (descriptor >= 0)
        close(descriptor);
    if (done && memchr(text.data, 0, text.length < 256 ? text.length : 256)) {
        shell_error(path, "not a script");
        shell_abort(&shell, STATUS_NOT_EXECUTABLE);
    } else if (done) {
        shell_run_text(&shell, text.data);
    } else if (required) {
        shell_error(path, "%s", error_text(error));
        shell_abort(&shell, error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
    }
    buffer_free(&text);
}

static void startup_files_run(bool login) {
    if (login || shell.interactive) {
        file_run("/etc/profile", false);
        if (shell.flow == FLOW_ABORT || shell.flow == FLOW_RETURN)
            shell.flow = FLOW_NONE;
    }
    const char *home = variable_get(&shell, "HOME");
    if (!shell.interactive || !home || shell.flow)
        return;
    struct buffer path;
    buffer_init(&path);
    buffer_format(&path, "%s/.shrc", home);
    file_run(path.data, false);
    buffer_free(&path);
    if (shell.flow == FLOW_ABORT || shell.flow == FLOW_RETURN)
        shell.flow = FLOW_NONE;
}

static bool has_stopped_jobs(void) {
    for (const struct job *job = shell.jobs; job; job = job->next) {
        if (job_state(job) == PROCESS_STOPPED)
            return true;
    }
    return false;
}

// Lines from the terminal until ^D or exit.
static void interact(void) {
    struct source source;
    bool warned = false;
    job_control_start(&shell);
    trap_init(&shell);
    history_load(variable_get(&shell, "HOME"));
    input_init_editor(&source, &shell);
    for (;;) {
        shell_run_source(&shell, &source);
        if (shell.flow == FLOW_ABORT || shell.flow == FLOW_BREAK || shell.flow == FLOW_CONTINUE || shell.flow == FLOW_RETURN ||
            trap_interrupted()) {
            shell.flow = FLOW_NONE;
            shell.loop_depth = 0;
            int line = source.line;
            source_free(&source);
            input_init_editor(&source, &shell);
            source.line = line;
            continue;
        }
        if (has_stopped_jobs() && !warned) {
            dprintf(STDERR_FILENO, "sh: there are stopped jobs\n");
            warned = true;
            shell.flow = FLOW_NONE;
            source.ended = false;
            continue;
        }
        break;
    }
    source_free(&source);
}

static void directory_import(void) {
    struct stat named, real;
    const char *path = variable_get(&shell, "PWD");
    if (path && *path == '/' && stat(path, &named) == 0 && stat(".", &real) == 0 && named.st_ino == real.st_ino &&
        named.st_dev == real.st_dev)
        return;
    char buffer[1024];
    if (getcwd(buffer, sizeof(buffer)))
        variable_set(&shell, "PWD", buffer);
}

static int finish(void) {
    int status = trap_run_exit(&shell, shell.last_status);
    if (shell.interactive)
        history_close();
    return status & 255;
}

static int subshell_main(const char *descriptor) {
    shell.is_subshell = true;
    char *script = state_read(&shell, (int)strtol(descriptor, NULL, 10));
    if (!script) {
        shell_error("subshell", "its state was damaged");
        return STATUS_NOT_EXECUTABLE;
    }
    shell_run_text(&shell, script);
    free(script);
    return finish();
}

int main(int argc, char **argv) {
    struct start start = {0};
    program_start(argc, argv, "[-eufxC] [-i] [-c COMMAND [NAME [ARGUMENT]...] | FILE [ARGUMENT]... | -s]",
                  "  -c  run COMMAND      -s  read commands from standard input\n"
                  "  -i  be interactive   -l  be a login shell\n"
                  "  -e  end at the first failure   -u  an unset variable is an error\n"
                  "  -x  show commands              -f  no file name patterns\n"
                  "  -C  > does not overwrite files\n");
    shell.pid = getpid();
    shell.name = string_copy(argc > 0 ? argv[0] : "sh");
    shell.terminal = -1;
    variables_import(&shell, environ);
    variable_set(&shell, "IFS", " \t\n");
    if (!variable_get(&shell, "PATH"))
        variable_set(&shell, "PATH", "/bin");
    variable_set(&shell, "OPTIND", "1");
    directory_import();
    if (argc == 3 && strcmp(argv[1], "--state") == 0)
        return subshell_main(argv[2]);
    int index = options_take(argc, argv, &start);
    bool has_file = !start.command && !start.from_input && index < argc;
    if (start.command ? index < argc : has_file) {
        free(shell.name);
        shell.name = string_copy(argv[index++]);
    }
    shell_set_arguments(&shell, argv + index, argc - index);
    shell.interactive = start.interactive || (!start.command && !has_file && isatty(STDIN_FILENO) && isatty(STDERR_FILENO));
    start.login |= argc > 0 && argv[0][0] == '-';
    startup_files_run(start.login);
    if (shell.flow)
        return finish();
    if (start.command) {
        if (shell.interactive)
            trap_init(&shell);
        shell_run_text(&shell, start.command);
    } else if (has_file) {
        file_run(shell.name, true);
    } else if (shell.interactive) {
        interact();
    } else {
        struct source source;
        input_init_plain(&source);
        shell_run_source(&shell, &source);
        source_free(&source);
    }
    return finish();
}
