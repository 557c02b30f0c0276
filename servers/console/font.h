// The console's font, made at build time by font.py: glyphs of 8x16 pixels, and 16x16 for characters that
// take two columns. A byte is eight pixels, the leftmost in its highest bit.
#pragma once

#include <stdint.h>

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16, FONT_PAGES = 512, FONT_PAGE_GLYPHS = 256 };

// Of a character's high bits: its row in font_index, 0 where there is none.
extern const uint8_t font_pages[FONT_PAGES];
// Byte offset in font_glyphs plus 2, with the lowest bit set for wide ones; 0: no glyph. Offsets are even.
extern const uint32_t font_index[][FONT_PAGE_GLYPHS];
extern const uint8_t font_glyphs[];
