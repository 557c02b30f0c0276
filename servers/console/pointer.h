// The mouse on the screens; see pointer.c. Called by keys.c for events and by screens.c.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "libipc/protocols/input.h"
#include "servers/console/renderer.h"

enum { CLIPBOARD_BYTES = 4096 };

void pointer_event(const struct input_event *event);
// Gives what was selected to the program in front, as if typed.
void pointer_paste(void);
// A program set what is pasted (OSC 52).
void pointer_set_clipboard(const char *text, size_t length);
// Somebody types: pointer and selection go away.
void pointer_hide(struct renderer_view *view);

// For another build: where it is, which buttons are down and what is pasted. A selection that is being made ends.
struct pointer_record {
    int32_t x, y; // in pixels
    uint32_t buttons, clipboard_length;
    char clipboard[CLIPBOARD_BYTES];
};
void pointer_describe(struct pointer_record *record);
MUST_USE error_t pointer_restore(const struct pointer_record *record); // ERR_CORRUPT
