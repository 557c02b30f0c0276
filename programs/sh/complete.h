// Completion of the word before the cursor: commands, files or variables.
#pragma once

#include "programs/common/buffer.h"
#include "programs/sh/shell.h"

struct completion {
    struct buffer insert; // what can be added at the cursor without a doubt
    char **names;         // all candidates, sorted, as they are shown
    size_t count;
    size_t capacity;
};

void complete(struct shell *shell, const char *text, size_t cursor, struct completion *completion);
void completion_free(struct completion *completion);
