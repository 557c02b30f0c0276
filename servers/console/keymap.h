// A keyboard layout: which characters the keys give. Keys are named by their USB HID usage (HID Usage Tables,
// page 7), as in input.idl, so a layout knows nothing of scan codes. The layouts that console is built with
// come from packages (keymaps/convert.py), and as files of the same form.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYMAP_KEYS = 104, KEYMAP_LEVELS = 4, KEYMAP_NAME = 12 };
// Characters from here on are dead keys: the number of an accent is added.
enum { KEYMAP_DEAD = 0xe000, KEYMAP_DEAD_MOST = 0xe0ff };

// Unicode; 0: the key gives no character at this level. Levels: alone, with shift, with AltGr, with both.
// Little endian in files, as here.
struct keymap {
    char magic[4]; // "KKM1"
    char name[KEYMAP_NAME];
    uint8_t capitals[16]; // bit per key: caps lock is shift for it
    uint16_t characters[KEYMAP_KEYS][KEYMAP_LEVELS];
};
_Static_assert(sizeof(struct keymap) == 32 + 2 * KEYMAP_KEYS * KEYMAP_LEVELS, "as in files");

extern const struct keymap keymaps[];
extern const uint32_t keymap_count;

// What two characters make: an accent's number and a letter, or those typed after the compose key.
struct keymap_pair {
    uint16_t first, second, result;
};
extern const struct keymap_pair keymap_accents[], keymap_composed[];
extern const uint32_t keymap_accent_count, keymap_composed_count;

// The layout in `bytes`: a file, or the name of one that is built in. NULL: neither.
const struct keymap *keymap_find(const void *bytes, size_t count);
// The result of a pair, 0: it makes nothing.
uint16_t keymap_combine(const struct keymap_pair *pairs, uint32_t count, uint32_t first, uint32_t second);
