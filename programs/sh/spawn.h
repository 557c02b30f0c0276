// Starts processes: programs found along PATH, and subshells, which are this program again with the shell's
// state.
#pragma once

#include "programs/sh/jobs.h"

// The file for a command: itself if it contains a slash, else the first executable one along PATH. Null with
// a status of 126 or 127 in *status. In the temporary region.
const char *command_path(struct shell *shell, const char *name, int *status);

// Starts a program and adds it to the job; a failure is reported and added as a process that has ended with
// 126 or 127.
void program_spawn(struct shell *shell, struct job *job, char **arguments);

// Starts a subshell that runs `script` and adds it to the job.
void subshell_spawn(struct shell *shell, struct job *job, const char *script);
