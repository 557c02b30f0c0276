// One character position of a screen. Colours: 0 the default, 1 to 256 an entry of the palette plus one, or a
// true colour.
#pragma once

#include <stdint.h>

#define COLOUR_DEFAULT 0u
#define COLOUR_TRUE    0x01000000u // with the colour as 0xRRGGBB below

static inline uint32_t colour_indexed(uint32_t index) {
    return 1 + (index & 0xff);
}
static inline uint32_t colour_rgb(uint32_t red, uint32_t green, uint32_t blue) {
    return COLOUR_TRUE | (red & 0xff) << 16 | (green & 0xff) << 8 | (blue & 0xff);
}

enum cell_attribute {
    CELL_BOLD = 1 << 0,
    CELL_FAINT = 1 << 1,
    CELL_ITALIC = 1 << 2,
    CELL_UNDERLINE = 1 << 3,
    CELL_BLINK = 1 << 4,
    CELL_INVERSE = 1 << 5,
    CELL_INVISIBLE = 1 << 6,
    CELL_STRUCK = 1 << 7,
    CELL_UNDERLINE_DOUBLE = 1 << 8,
    CELL_OVERLINE = 1 << 9,
    CELL_UNDERLINE_CURLY = 1 << 10,
    CELL_PROTECTED = 1 << 11, // DECSCA: selective erasing leaves it
    CELL_WIDE = 1 << 12,      // the left half of a wide character
    CELL_TAIL = 1 << 13,      // its right half
    CELL_STYLE = CELL_WIDE - 1,
};

enum { CELL_MARKS = 3 };

struct cell {
    uint32_t character; // Unicode; ' ' where nothing was written
    uint32_t foreground, background;
    uint16_t attributes;        // enum cell_attribute
    uint16_t marks[CELL_MARKS]; // combining characters, in the order in which they came; 0: no more
};
_Static_assert(sizeof(struct cell) == 20, "compared as bytes: no holes");
