// Reads one line from the terminal, with editing, history, search and completion.
#pragma once

#include "programs/sh/shell.h"

enum line_result { LINE_READ, LINE_END, LINE_INTERRUPTED };

// The line, without its newline, is the caller's to free. If standard input is no terminal the line is read
// plainly.
enum line_result line_edit(struct shell *shell, const char *prompt, char **line);
