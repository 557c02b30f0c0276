// The lines that were typed, oldest first, kept in ~/.history between sessions.
#pragma once

#include <stddef.h>

#define HISTORY_MAX 1000

void history_load(const char *home); // may be null: nothing is kept
void history_close(void);
void history_add(const char *line); // blank lines and repetitions are left out

size_t history_count(void);
const char *history_line(size_t index);
