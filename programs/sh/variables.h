// The shell's variables. Values belong to the table until the next change of that variable.
#pragma once

#include "programs/sh/shell.h"

#define VARIABLE_EXPORTED 1u
#define VARIABLE_READONLY 2u

struct variable {
    struct variable *next;
    char *value; // null: unset, but has flags
    unsigned flags;
    char name[];
};

const char *variable_get(const struct shell *shell, const char *name); // null if unset
bool variable_set(struct shell *shell, const char *name,
                  const char *value); // false after a message: it is read-only
bool variable_unset(struct shell *shell, const char *name);
struct variable *variable_mark(struct shell *shell, const char *name, unsigned flags);

// All variables in order of their names, in the temporary region; ends with null.
struct variable **variables_sorted(struct shell *shell);

// The environment for a program, in the temporary region.
char **variables_environment(struct shell *shell);

// Remembers a variable so that variables_restore() brings it back: for `local` and for `x=1 command`.
void variable_save(struct shell *shell, const char *name);
struct saved_variable *variables_mark(const struct shell *shell);
void variables_restore(struct shell *shell, struct saved_variable *mark);

// Takes the variables of the environment that the shell was started with.
void variables_import(struct shell *shell, char **environment);

// Text that, read by a shell, gives exactly this value.
void value_quote(struct buffer *out, const char *value);
