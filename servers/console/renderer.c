// See renderer.h. A row of eight pixels is written as four pairs, each looked up by two bits of the glyph: no
// multiplication, no reading of the framebuffer, which is slow where it is write-combining.
#include "servers/console/renderer.h"

#include <string.h>

#include "servers/console/font.h"
#include "servers/console/palette.h"

enum {
    UNDERLINE_ROW = 14,
    SECOND_UNDERLINE_ROW = 12,
    STRIKE_ROW = 8,
    BAR_PIXELS = 0xc0,
    REPLACEMENT = 0xfffd,
};

// The glyph's 16 rows for one column of cells; the second of a wide one if `tail`.
static void glyph_rows(uint32_t character, bool tail, uint8_t rows[FONT_HEIGHT]) {
    uint32_t entry = 0;
    if (character / FONT_PAGE_GLYPHS < FONT_PAGES)
        entry = font_index[font_pages[character / FONT_PAGE_GLYPHS]][character % FONT_PAGE_GLYPHS];
    if (entry == 0 && character > ' ') // a box is better than nothing
        entry = font_index[font_pages[REPLACEMENT / FONT_PAGE_GLYPHS]][REPLACEMENT % FONT_PAGE_GLYPHS];
    bool wide = entry & 1;
    if (entry == 0 || (tail && !wide)) {
        memset(rows, 0, FONT_HEIGHT);
        return;
    }
    const uint8_t *glyph = font_glyphs + (entry & ~1u) - 2;
    for (uint32_t i = 0; i < FONT_HEIGHT; i++)
        rows[i] = wide ? glyph[2 * i + tail] : glyph[i];
}

static void decorate(const struct cell *cell, uint8_t rows[FONT_HEIGHT]) {
    if (cell->attributes & (CELL_UNDERLINE | CELL_UNDERLINE_DOUBLE))
        rows[UNDERLINE_ROW] = 0xff;
    if (cell->attributes & CELL_UNDERLINE_DOUBLE)
        rows[SECOND_UNDERLINE_ROW] = 0xff;
    if (cell->attributes & CELL_STRUCK)
        rows[STRIKE_ROW] = 0xff;
    if (cell->attributes & CELL_OVERLINE)
        rows[0] = 0xff;
}

// DECSCUSR: 0 to 2 a block, 3 and 4 a line below, 5 and 6 a bar.
static void add_cursor(uint32_t shape, uint8_t rows[FONT_HEIGHT]) {
    if (shape <= 2) {
        for (uint32_t i = 0; i < FONT_HEIGHT; i++)
            rows[i] = (uint8_t)~rows[i];
    } else if (shape <= 4) {
        rows[UNDERLINE_ROW] = rows[UNDERLINE_ROW + 1] = 0xff;
    } else {
        for (uint32_t i = 0; i < FONT_HEIGHT; i++)
            rows[i] |= BAR_PIXELS;
    }
}

static uint32_t pixel(const struct renderer *renderer, uint32_t rgb) {
    return (rgb >> 16 & 0xff) << renderer->red_position | (rgb >> 8 & 0xff) << renderer->green_position |
           (rgb & 0xff) << renderer->blue_position;
}

struct look {
    struct cell cell;
    uint32_t character; // of the wide character, if the cell is its tail
    bool reverse, cursor;
    uint32_t cursor_shape;
};

static void draw_pixels(const struct renderer *renderer, uint32_t row, uint32_t column,
                        const struct look *look) {
    uint8_t rows[FONT_HEIGHT];
    uint32_t foreground, background;
    glyph_rows(look->character, look->cell.attributes & CELL_TAIL, rows);
    decorate(&look->cell, rows);
    if (look->cursor)
        add_cursor(look->cursor_shape, rows);
    palette_cell(&look->cell, look->reverse, &foreground, &background);
    uint64_t front = pixel(renderer, foreground), back = pixel(renderer, background);
    const uint64_t pairs[4] = {back | back << 32, back | front << 32, front | back << 32,
                               front | front << 32};
    volatile uint8_t *line = (volatile uint8_t *)renderer->memory +
                             (uint64_t)row * FONT_HEIGHT * renderer->pitch +
                             (uint64_t)column * FONT_WIDTH * sizeof(uint32_t);
    for (uint32_t i = 0; i < FONT_HEIGHT; i++, line += renderer->pitch) {
        volatile uint64_t *to = (volatile uint64_t *)line;
        to[0] = pairs[rows[i] >> 6];
        to[1] = pairs[rows[i] >> 4 & 3];
        to[2] = pairs[rows[i] >> 2 & 3];
        to[3] = pairs[rows[i] & 3];
    }
}

// Code page 437, for what the hardware's font has beyond ASCII.
static uint8_t text_character(uint32_t character) {
    static const struct {
        uint16_t unicode;
        uint8_t byte;
    } known[] = {
        {0x2500, 0xc4}, {0x2502, 0xb3}, {0x250c, 0xda}, {0x2510, 0xbf}, {0x2514, 0xc0}, {0x2518, 0xd9},
        {0x251c, 0xc3}, {0x2524, 0xb4}, {0x252c, 0xc2}, {0x2534, 0xc1}, {0x253c, 0xc5}, {0x2550, 0xcd},
        {0x2551, 0xba}, {0x2554, 0xc9}, {0x2557, 0xbb}, {0x255a, 0xc8}, {0x255d, 0xbc}, {0x2588, 0xdb},
        {0x2591, 0xb0}, {0x2592, 0xb1}, {0x2593, 0xb2}, {0x00e4, 0x84}, {0x00f6, 0x94}, {0x00fc, 0x81},
        {0x00c4, 0x8e}, {0x00d6, 0x99}, {0x00dc, 0x9a}, {0x00df, 0xe1}, {0x00e9, 0x82}, {0x00e8, 0x8a},
        {0x00e0, 0x85}, {0x00e7, 0x87}, {0x00f1, 0xa4}, {0x00b0, 0xf8}, {0x00b1, 0xf1},
    };
    if (character >= ' ' && character < 0x7f)
        return (uint8_t)character;
    for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].unicode == character)
            return known[i].byte;
    return '?';
}

static void draw_text(const struct renderer *renderer, uint32_t row, uint32_t column,
                      const struct look *look) {
    uint32_t foreground, background;
    palette_cell(&look->cell, look->reverse != look->cursor, &foreground, &background);
    uint8_t character = look->cell.attributes & CELL_TAIL ? ' ' : text_character(look->character);
    volatile uint16_t *line =
        (volatile uint16_t *)((volatile uint8_t *)renderer->memory + (uint64_t)row * renderer->pitch);
    line[column] =
        (uint16_t)(character | palette_nearest(foreground) << 8 | (palette_nearest(background) & 7) << 12);
}

static void draw_cell(struct renderer *renderer, const struct engine *engine, uint32_t row, uint32_t column,
                      bool cursor) {
    const struct cell *cells = engine_row(engine, row);
    struct look look = {.cell = cells[column],
                        .character = cells[column].character,
                        .reverse = (engine->modes & MODE_REVERSE) != 0,
                        .cursor = cursor,
                        .cursor_shape = engine->cursor_shape};
    if ((look.cell.attributes & CELL_TAIL) && column > 0)
        look.character = cells[column - 1].character;
    if (renderer->text)
        draw_text(renderer, row, column, &look);
    else
        draw_pixels(renderer, row, column, &look);
}

void renderer_forget(struct renderer *renderer) {
    for (uint64_t i = 0; i < (uint64_t)renderer->rows * renderer->columns; i++)
        renderer->shown[i].character = 0;
    renderer->cursor_shown = false;
}

static void draw_row(struct renderer *renderer, const struct engine *engine, uint32_t row) {
    const struct cell *cells = engine_row(engine, row);
    struct cell *shown = renderer->shown + (uint64_t)row * renderer->columns;
    for (uint32_t column = 0; column < engine->columns; column++) {
        struct cell cell = cells[column];
        cell.reserved = (engine->modes & MODE_REVERSE) != 0;
        if ((cell.attributes & CELL_TAIL) && column > 0)
            cell.character = cells[column - 1].character; // what it shows depends on it
        if (memcmp(&cell, &shown[column], sizeof(cell)) == 0)
            continue;
        shown[column] = cell;
        draw_cell(renderer, engine, row, column, false);
    }
}

void renderer_draw(struct renderer *renderer, struct engine *engine) {
    const struct engine_cursor *cursor = &engine->cursor;
    bool visible = (engine->modes & MODE_CURSOR_VISIBLE) != 0;
    if (renderer->cursor_shown) { // its cell is drawn anew, without it
        renderer->shown[(uint64_t)renderer->cursor_row * renderer->columns + renderer->cursor_column]
            .character = 0;
        engine->dirty[renderer->cursor_row] = true;
    }
    for (uint32_t row = 0; row < engine->rows; row++) {
        if (!engine->dirty[row])
            continue;
        draw_row(renderer, engine, row);
        engine->dirty[row] = false;
    }
    renderer->cursor_shown = visible;
    renderer->cursor_row = cursor->row;
    renderer->cursor_column = cursor->column;
    if (visible)
        draw_cell(renderer, engine, cursor->row, cursor->column, true);
}
