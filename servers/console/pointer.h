// The mouse on the screens; see pointer.c. Called by keys.c for events and by screens.c.
#pragma once

#include <stddef.h>

#include "libipc/protocols/input.h"
#include "servers/console/renderer.h"

void pointer_event(const struct input_event *event);
// Gives what was selected to the program in front, as if typed.
void pointer_paste(void);
// A program set what is pasted (OSC 52).
void pointer_set_clipboard(const char *text, size_t length);
// Somebody types: pointer and selection go away.
void pointer_hide(struct renderer_view *view);
