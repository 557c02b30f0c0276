// Running another program: for env, time, find -exec and xargs.
#pragma once

// Runs a program found along PATH and waits for it. Returns its exit status, 128 and the signal if it was
// killed, or 127 or 126 after a message if it could not be started.
int program_run(char *const *arguments);

// The file that a command name stands for along PATH, which the caller frees; null if there is none.
char *program_find(const char *name);
