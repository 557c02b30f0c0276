// Backslash escapes as echo, printf and $'...' interpret them; they differ in small ways.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "programs/common/buffer.h"

enum escape_style {
    ESCAPE_DOLLAR, // $'...': \' \" \e \xHH \uHHHH \nnn
    ESCAPE_PRINTF, // a printf format: \nnn
    ESCAPE_ECHO,   // echo -e and printf's %b: \0nnn, and \c, which ends all output
};

// Appends the decoded text; false if \c was met.
bool escape_decode(struct buffer *out, const char *text, size_t length, enum escape_style style);
