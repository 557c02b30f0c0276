// The text of a screen; see text.c.
#pragma once

#include "programs/common/buffer.h"

// Appends the lines of the terminal at the path, which must be a screen. Ends the program if it is none.
void text_read(const char *path, struct buffer *text);
