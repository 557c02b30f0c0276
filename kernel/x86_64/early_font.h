// The early console's font: printable ASCII, converted at build time by early_font.py from a console font
// package.
#pragma once

#include <stdint.h>

enum { EARLY_FONT_FIRST = ' ', EARLY_FONT_LAST = '~', EARLY_FONT_WIDTH = 8, EARLY_FONT_HEIGHT = 16 };

extern const uint8_t early_font[EARLY_FONT_LAST - EARLY_FONT_FIRST + 1]
                               [EARLY_FONT_HEIGHT]; // bit 7 is leftmost
