// Where commands come from: a file, standard input line by line, or the line editor.
#pragma once

#include "programs/sh/lexer.h"
#include "programs/sh/shell.h"

// Standard input without an editor: read byte by byte, since commands may read the rest of it.
void input_init_plain(struct source *source);

// Typed lines with prompts, history and completion.
void input_init_editor(struct source *source, struct shell *shell);

// The prompt as it is shown: parameters expanded, then \w \W \u \h \$ \n \e. In the temporary region.
const char *prompt_text(struct shell *shell, const char *name, const char *fallback);
