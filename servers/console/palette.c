// See palette.h.
#include "servers/console/palette.h"

// Of EGA text, in the order of ANSI.
static const uint32_t first_sixteen[16] = {
    0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
    0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

static uint32_t resolve(const uint32_t *palette, uint32_t colour, uint32_t missing, bool bold) {
    if (colour & COLOUR_TRUE)
        return colour & 0xffffff;
    if (colour == COLOUR_DEFAULT) // a bold text in the default colour is a bright one
        return bold && palette[missing] == 0xaaaaaa ? 0xffffff : palette[missing];
    return palette[bold && colour - 1 < 8 ? colour + 7 : (colour - 1) & 0xff];
}

void palette_cell(const uint32_t *palette, const struct cell *cell, bool reverse, uint32_t *foreground, uint32_t *background) {
    uint32_t front = resolve(palette, cell->foreground, ENGINE_FOREGROUND, (cell->attributes & CELL_BOLD) != 0);
    uint32_t back = resolve(palette, cell->background, ENGINE_BACKGROUND, false);
    if (cell->attributes & CELL_FAINT)
        front = front >> 1 & 0x7f7f7f;
    if (!(cell->attributes & CELL_INVERSE) != !reverse) {
        uint32_t other = front;
        front = back;
        back = other;
    }
    *foreground = cell->attributes & CELL_INVISIBLE ? back : front;
    *background = back;
}

static uint32_t difference(uint32_t a, uint32_t b) {
    uint32_t sum = 0;
    for (uint32_t shift = 0; shift < 24; shift += 8) {
        int32_t by = (int32_t)(a >> shift & 0xff) - (int32_t)(b >> shift & 0xff);
        sum += (uint32_t)(by * by);
    }
    return sum;
}

// EGA numbers its colours with blue lowest, ANSI with red.
uint8_t palette_nearest(uint32_t rgb) {
    static const uint8_t ega[16] = {0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15};
    uint32_t best = 0;
    for (uint32_t i = 1; i < 16; i++)
        if (difference(rgb, first_sixteen[i]) < difference(rgb, first_sixteen[best]))
            best = i;
    return ega[best];
}
