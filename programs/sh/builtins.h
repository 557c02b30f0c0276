// The commands that the shell runs itself. They print into `out`, which their caller writes to descriptor 1
// or collects; messages go to standard error by shell_error().
#pragma once

#include "programs/common/buffer.h"
#include "programs/sh/shell.h"

struct builtin {
    const char *name;
    int (*run)(struct shell *shell, int argc, char **argv, struct buffer *out);
    bool special; // XCU 2.14: found before functions; assignments before it stay; its errors end a script
    const char *usage;
    const char *summary;
};

const struct builtin *builtin_find(const char *name);
const struct builtin *builtin_list(size_t *count);

void alias_set(struct shell *shell, const char *name, const char *value);

// A count argument of break, shift, exit...; false after a message.
bool builtin_number(const char *command, const char *text, long *number);

int builtin_alias(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_bg(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_break(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_cd(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_command(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_dot(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_eval(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_exec(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_exit(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_export(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_fg(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_getopts(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_help(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_history(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_jobs(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_kill(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_local(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_pwd(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_read(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_return(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_set(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_shift(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_trap(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_type(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_umask(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_unalias(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_unset(struct shell *shell, int argc, char **argv, struct buffer *out);
int builtin_wait(struct shell *shell, int argc, char **argv, struct buffer *out);
