// The state of the shell, which every part of it is handed. Each member is changed by the part named beside
// it; a subshell is another process that starts with a copy (state.c).
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "programs/common/signals.h"
#include "programs/sh/ast.h"
#include "programs/sh/region.h"

struct buffer;
struct job;
struct source;

// Exit statuses that the standard fixes.
#define STATUS_SYNTAX         2
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127
#define STATUS_SIGNAL         128

#define VARIABLE_BUCKETS 64

// Why commands are being left without being finished.
enum flow {
    FLOW_NONE,
    FLOW_BREAK,
    FLOW_CONTINUE,
    FLOW_RETURN,
    FLOW_EXIT,
    FLOW_ABORT, // an error or ^C: back to the prompt; in a script, exit
};

struct function {
    struct function *next;
    int users; // calls that are running; freed when dropped and unused
    bool dropped;
    char *name;
    char *text; // as tree_print writes it
    struct node *tree;
    struct region region;
};

struct alias {
    struct alias *next;
    char *name;
    char *value;
};

struct shell {
    char *name;       // $0
    char **arguments; // $1...: allocated one by one (arguments.c)
    int argument_count;
    int last_status;         // $?
    int substitution_status; // of the last $() in the command being run, or -1
    pid_t pid;               // $$: of the first shell, also in subshells
    pid_t last_background;   // $!
    int line;                // $LINENO

    bool errexit, nounset, xtrace, noglob, noclobber; // set -e -u -x -f -C
    bool interactive, job_control, is_subshell, reads_standard_input;

    enum flow flow;
    int flow_levels; // loops that break or continue still has to leave
    int loop_depth, function_depth, source_depth;
    int errexit_suspended; // in conditions, where a failure is an answer

    struct variable *variables[VARIABLE_BUCKETS]; // variables.c
    struct saved_variable *saved_variables;
    struct function *functions;
    struct alias *aliases;
    struct region temporary; // strings of the commands being run, used as a stack
    struct buffer *capture;  // builtins write here instead of descriptor 1

    struct job *jobs;          // jobs.c
    int terminal;              // descriptor of the controlling terminal, or -1
    pid_t group;               // the shell's own process group
    char *traps[SIGNAL_COUNT]; // trap.c; index 0 is EXIT
};

// `sh: reason` or `sh: subject: reason` on standard error.
void shell_error(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

// An error that ends a script: in an interactive shell it leads back to the prompt. Sets the flow; `status`
// becomes $?.
void shell_abort(struct shell *shell, int status);

// Runs text as commands until it ends or control leaves it; returns the last status. Used by eval, ".",
// traps, -c.
int shell_run_text(struct shell *shell, const char *text);
int shell_run_source(struct shell *shell, struct source *source);

// Looks an alias up; for parser_init().
const char *shell_alias_find(void *context, const char *name);

const struct function *function_find(const struct shell *shell, const char *name);
void function_define(struct shell *shell, const struct node *node);
void function_release(struct function *function); // a call has ended
bool function_remove(struct shell *shell, const char *name);

// Replaces $1...; copies the strings.
void shell_set_arguments(struct shell *shell, char **arguments, int count);
