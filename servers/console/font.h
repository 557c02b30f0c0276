// The console's glyphs, 8x16 pixels, or 16x16 for characters that take two columns: a byte is eight pixels, the leftmost in its
// highest bit. Two fonts that font.py makes when the system is built: a small one, part of the program, and one of the whole
// Basic Multilingual Plane but ideographs and Yi, a file that is mapped where it lies. Of two glyphs the small font's counts. Called by
// renderer.c and screen.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };

// The font's file (font.py), which stays where it is; its pointer is a multiple of 4. ERR_CORRUPT.
MUST_USE error_t font_use(const void *file, size_t bytes);

// FONT_HEIGHT bytes, or twice as many with *wide, two for each row; NULL: there is none.
const uint8_t *font_glyph(uint32_t character, bool *wide);
