// From keys to the bytes that a terminal's programs read, as xterm sends them. Pure: knows which modifiers
// are down, which locks are on, the layout, and what of a dead or compose sequence was typed. Called by
// keys.c; tested on the host.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/console/keymap.h"

enum { KEYBOARD_BYTES = 16 }; // most that one key gives

enum keyboard_lock { LOCK_SCROLL = 1, LOCK_NUMBER = 2, LOCK_CAPITALS = 4 }; // as enum led of input.idl

// What a key means for the console itself. It gives no bytes then.
enum keyboard_action {
    ACTION_NONE,
    ACTION_SCREEN, // `value`: which, from 0
    ACTION_NEXT,   // the screen behind, before this one
    ACTION_PREVIOUS,
    ACTION_PAGE_UP, // look back, and forth again
    ACTION_PAGE_DOWN,
    ACTION_PASTE,
};

struct keyboard {
    struct keymap keymap;
    uint8_t modifiers; // bit per usage 0xe0 to 0xe7
    uint8_t locks;     // enum keyboard_lock
    uint8_t action;    // of the last key, enum keyboard_action
    uint8_t value;
    bool composing;
    uint16_t pending; // a dead key, or the first after compose; 0: none
};

void keyboard_initialize(struct keyboard *keyboard, const struct keymap *keymap);

// A key (USB HID usage) went down, repeats (`repeated`), or went up. Writes the bytes to send, at most
// KEYBOARD_BYTES; returns how many. `modes`: enum engine_mode, for cursor and keypad keys.
size_t keyboard_key(struct keyboard *keyboard, uint16_t usage, bool down, bool repeated, uint32_t modes, char *out);
// MOUSE_SHIFT and its like (engine.h) for the modifiers that are down.
uint32_t keyboard_mouse_modifiers(const struct keyboard *keyboard);
