// The table of builtins, and those that are shared with programs or describe commands: echo, printf, test,
// type, command, help.
#include "programs/sh/builtins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"
#include "programs/common/text_commands.h"
#include "programs/sh/execute.h"
#include "programs/sh/spawn.h"
#include "programs/sh/variables.h"

#include "program_list.h"

static int builtin_true(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell, (void)argc, (void)argv, (void)out;
    return 0;
}

static int builtin_false(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell, (void)argc, (void)argv, (void)out;
    return 1;
}

static int builtin_echo(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell;
    return echo_run(argc, argv, out);
}

static int error_pass(const char *name, struct buffer *error, int status) {
    if (error->length)
        shell_error(name, "%s", error->data);
    buffer_free(error);
    return status;
}

static int builtin_printf(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell;
    struct buffer error;
    buffer_init(&error);
    int status = printf_run(argc, argv, out, &error);
    return error_pass(argv[0], &error, status);
}

static int builtin_test(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell, (void)out;
    struct buffer error;
    buffer_init(&error);
    int status = test_run(argc, argv, &error);
    return error_pass(argv[0], &error, status);
}

static const struct builtin builtins[] = {
    {".", builtin_dot, true, "FILE", "run commands from a file in this shell"},
    {":", builtin_true, true, "", "do nothing"},
    {"[", builtin_test, false, "EXPRESSION ]", "test a condition"},
    {"alias", builtin_alias, false, "[NAME[=VALUE]]...", "set or show aliases"},
    {"bg", builtin_bg, false, "[JOB]", "continue a job in the background"},
    {"break", builtin_break, true, "[N]", "leave a loop"},
    {"cd", builtin_cd, false, "[DIRECTORY|-]", "change the working directory"},
    {"command", builtin_command, false, "[-v] NAME [ARGUMENT]...", "run a command, not a function"},
    {"continue", builtin_break, true, "[N]", "start the next round of a loop"},
    {"echo", builtin_echo, false, "[-neE] [WORD]...", "print words"},
    {"eval", builtin_eval, true, "[WORD]...", "run words as a command"},
    {"exec", builtin_exec, true, "[COMMAND]", "redirect the shell itself, or end with a command"},
    {"exit", builtin_exit, true, "[STATUS]", "end the shell"},
    {"export", builtin_export, true, "[-p] [NAME[=VALUE]]...", "pass variables to programs"},
    {"false", builtin_false, false, "", "fail"},
    {"fg", builtin_fg, false, "[JOB]", "continue a job in the foreground"},
    {"getopts", builtin_getopts, false, "OPTIONS NAME [ARGUMENT]...", "take options from arguments"},
    {"help", builtin_help, false, "[NAME]...", "list commands"},
    {"history", builtin_history, false, "", "list the lines that were typed"},
    {"jobs", builtin_jobs, false, "[-lp]", "list jobs"},
    {"kill", builtin_kill, false, "[-SIGNAL] PID|%JOB...", "send a signal"},
    {"local", builtin_local, false, "NAME[=VALUE]...", "make variables local to a function"},
    {"printf", builtin_printf, false, "FORMAT [ARGUMENT]...", "print formatted text"},
    {"pwd", builtin_pwd, false, "[-LP]", "print the working directory"},
    {"read", builtin_read, false, "[-r] [-p PROMPT] NAME...", "read a line into variables"},
    {"readonly", builtin_export, true, "[-p] [NAME[=VALUE]]...", "protect variables"},
    {"return", builtin_return, true, "[STATUS]", "leave a function or a sourced file"},
    {"set", builtin_set, true, "[-efuxC] [+efuxC] [--] [ARGUMENT]...", "set options and arguments"},
    {"shift", builtin_shift, true, "[N]", "drop the first arguments"},
    {"test", builtin_test, false, "EXPRESSION", "test a condition"},
    {"trap", builtin_trap, true, "[ACTION] SIGNAL...", "run a command when a signal comes or at the end"},
    {"true", builtin_true, false, "", "succeed"},
    {"type", builtin_type, false, "NAME...", "tell what a command is"},
    {"umask", builtin_umask, false, "[-S] [MASK]", "permissions that new files do not get"},
    {"unalias", builtin_unalias, false, "[-a] NAME...", "remove aliases"},
    {"unset", builtin_unset, true, "[-fv] NAME...", "remove variables or functions"},
    {"wait", builtin_wait, false, "[PID|%JOB]...", "wait for background jobs"},
};

const struct builtin *builtin_list(size_t *count) {
    *count = sizeof(builtins) / sizeof(builtins[0]);
    return builtins;
}

const struct builtin *builtin_find(const char *name) {
    size_t low = 0, high = sizeof(builtins) / sizeof(builtins[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, builtins[middle].name);
        if (order == 0)
            return &builtins[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool builtin_number(const char *command, const char *text, long *number) {
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    if (end != text && !*end && !errno && *number >= 0)
        return true;
    shell_error(command, "not a number: %s", text);
    return false;
}

static bool is_reserved(const char *name) {
    static const char *const words[] = {"!",   "case", "do", "done", "elif",  "else",  "esac", "fi",
                                        "for", "if",   "in", "then", "until", "while", "{",    "}"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], name) == 0)
            return true;
    }
    return false;
}

// Describes a command in a sentence, or with `brief` as `command -v` does. False if there is none.
static bool describe(struct shell *shell, const char *name, bool brief, struct buffer *out) {
    const char *alias = shell_alias_find(shell, name);
    const struct function *function = function_find(shell, name);
    const struct builtin *builtin = builtin_find(name);
    const char *kind = is_reserved(name) ? "a shell keyword"
                       : function        ? "a function"
                       : builtin         ? (builtin->special ? "a special shell builtin" : "a shell builtin")
                                         : NULL;
    int status;
    if (alias) {
        buffer_format(out, brief ? "alias %s=" : "%s is an alias for ", name);
        value_quote(out, alias);
        buffer_append_byte(out, '\n');
    } else if (kind && brief) {
        buffer_format(out, "%s\n", name);
    } else if (kind) {
        buffer_format(out, "%s is %s\n", name, kind);
        if (function)
            buffer_format(out, "%s\n", function->text);
    } else {
        const char *path = command_path(shell, name, &status);
        if (!path)
            return false;
        if (brief)
            buffer_format(out, "%s\n", path);
        else
            buffer_format(out, "%s is %s\n", name, path);
    }
    return true;
}

int builtin_type(struct shell *shell, int argc, char **argv, struct buffer *out) {
    int status = 0;
    for (int i = 1; i < argc; i++) {
        if (!describe(shell, argv[i], false, out)) {
            shell_error(argv[i], "not found");
            status = STATUS_NOT_FOUND;
        }
    }
    return status;
}

int builtin_command(struct shell *shell, int argc, char **argv, struct buffer *out) {
    int index = 1;
    char letter = 0;
    for (; index < argc && argv[index][0] == '-' && argv[index][1]; index++) {
        if (strcmp(argv[index], "--") == 0) {
            index++;
            break;
        }
        letter = argv[index][1];
        if (argv[index][2] || !strchr("vVp", letter)) {
            shell_error("command", "%s: unknown option", argv[index]);
            return STATUS_SYNTAX;
        }
    }
    if (index >= argc)
        return 0;
    if (letter != 'v' && letter != 'V')
        return execute_words(shell, argc - index, argv + index, false);
    int status = 0;
    for (; index < argc; index++) {
        if (!describe(shell, argv[index], letter == 'v', out))
            status = STATUS_NOT_FOUND;
    }
    return status;
}

int builtin_help(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell;
    static const struct {
        const char *name;
        const char *summary;
    } programs[] = {PROGRAM_LIST};
    size_t program_count = sizeof(programs) / sizeof(programs[0]) - 1;
    size_t builtin_count = sizeof(builtins) / sizeof(builtins[0]);
    int status = 0;
    if (argc == 1) {
        buffer_append_text(out, "Programs (each explains itself with --help):\n");
        for (size_t i = 0; i < program_count; i++) {
            buffer_format(out, "  %-10s %s\n", programs[i].name, programs[i].summary);
        }
        buffer_append_text(out, "\nCommands of the shell:\n");
        for (size_t i = 0; i < builtin_count; i++)
            buffer_format(out, "  %-10s %s\n", builtins[i].name, builtins[i].summary);
    }
    for (int i = 1; i < argc; i++) {
        const struct builtin *builtin = builtin_find(argv[i]);
        bool found = builtin != NULL;
        if (found)
            buffer_format(out, "%s %s\n    %s\n", builtin->name, builtin->usage, builtin->summary);
        for (size_t j = 0; !found && j < program_count; j++) {
            if (strcmp(programs[j].name, argv[i]) == 0) {
                buffer_format(out, "%s: %s (try %s --help)\n", argv[i], programs[j].summary, argv[i]);
                found = true;
            }
        }
        if (!found) {
            shell_error("help", "no such command: %s", argv[i]);
            status = 1;
        }
    }
    return status;
}
