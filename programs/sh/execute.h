// Runs syntax trees.
#pragma once

#include "programs/sh/jobs.h"
#include "programs/sh/redirect.h"

// Runs a tree and returns its status, which is also $?. Look at shell->flow afterwards: commands may have
// been left.
int execute(struct shell *shell, const struct node *node);

// A simple command's words are known: calls the function or builtin, or runs the program in the foreground.
// `look_in_functions` is false for `command`.
int execute_words(struct shell *shell, int count, char **words, bool look_in_functions);

// Starts a tree without waiting, as a part of a job: a program directly, anything else in a subshell.
// Descriptors 0 and 1 are set already.
void execute_start(struct shell *shell, const struct node *node, struct job *job);

// In pipeline.c.
int execute_pipeline(struct shell *shell, const struct node *node);
void execute_background(struct shell *shell, const struct node *node);

// The tree as one line of text, for the job list; the caller frees it.
char *node_text(const struct node *node);

// The tree as a script; the caller frees it.
char *node_script(const struct node *node);
