// A keyboard layout: which characters the keys give. Keys are named by their USB HID usage (HID Usage Tables,
// page 7), as in input.idl, so a layout knows nothing of scan codes.
#pragma once

#include <stdint.h>

enum { KEYMAP_KEYS = 104, KEYMAP_LEVELS = 4 };

// Unicode; 0: the key gives no character at this level. Levels: alone, with shift, with AltGr, with both.
struct keymap {
    const char *name;
    uint16_t characters[KEYMAP_KEYS][KEYMAP_LEVELS];
};

extern const struct keymap keymap_us;
