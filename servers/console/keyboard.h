// From keys to the bytes that a terminal's programs read, as xterm sends them. Pure: knows which modifiers
// are down and which locks are on. Called by keys.c; tested on the host.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/console/keymap.h"

enum { KEYBOARD_BYTES = 16 }; // most that one key gives

enum keyboard_lock { LOCK_SCROLL = 1, LOCK_NUMBER = 2, LOCK_CAPITALS = 4 }; // as enum led of input.idl

struct keyboard {
    const struct keymap *keymap;
    uint8_t modifiers; // bit per usage 0xe0 to 0xe7
    uint8_t locks;     // enum keyboard_lock
};

void keyboard_initialize(struct keyboard *keyboard, const struct keymap *keymap);

// A key (USB HID usage) went down, repeats (`repeated`), or went up. Writes the bytes to send, at most
// KEYBOARD_BYTES; returns how many. `modes`: enum engine_mode, for cursor and keypad keys.
size_t keyboard_key(struct keyboard *keyboard, uint16_t usage, bool down, bool repeated, uint32_t modes,
                    char *out);
