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
    SLANT_ROWS = 5, // of italics: rows to a step of one pixel
    BAR_PIXELS = 0xc0,
    REPLACEMENT = 0xfffd,
    LOOK_REVERSE = 1 << 14, // in what is shown, beside the attributes of the cell
    LOOK_CURSOR = 1 << 15,
};

// The glyph's 16 rows for one column of cells; the second of a wide one if `tail`.
static void glyph_rows(uint32_t character, bool tail, uint8_t rows[FONT_HEIGHT]) {
    bool wide = false;
    const uint8_t *glyph = font_glyph(character, &wide);
    if (glyph == NULL && character > ' ') // a box is better than nothing
        glyph = font_glyph(REPLACEMENT, &wide);
    if (glyph == NULL || (tail && !wide)) {
        memset(rows, 0, FONT_HEIGHT);
        return;
    }
    for (uint32_t i = 0; i < FONT_HEIGHT; i++)
        rows[i] = wide ? glyph[2 * i + tail] : glyph[i];
}

// Combining glyphs are drawn over their base; a slanted glyph moves to the right towards its top.
static void shape_glyph(const struct cell *cell, bool tail, uint8_t rows[FONT_HEIGHT]) {
    uint8_t mark[FONT_HEIGHT];
    glyph_rows(cell->character, tail, rows);
    for (uint32_t i = 0; i < CELL_MARKS && cell->marks[i] != 0; i++) {
        glyph_rows(cell->marks[i], tail, mark);
        for (uint32_t row = 0; row < FONT_HEIGHT; row++)
            rows[row] |= mark[row];
    }
    for (uint32_t row = 0; (cell->attributes & CELL_ITALIC) && row < FONT_HEIGHT; row++)
        rows[row] = (uint8_t)(row < SLANT_ROWS ? rows[row] >> 1 : row < 2 * SLANT_ROWS ? rows[row] : rows[row] << 1);
}

static void decorate(const struct cell *cell, uint8_t rows[FONT_HEIGHT]) {
    if (cell->attributes & (CELL_UNDERLINE | CELL_UNDERLINE_DOUBLE))
        rows[UNDERLINE_ROW] = 0xff;
    if (cell->attributes & CELL_UNDERLINE_DOUBLE)
        rows[SECOND_UNDERLINE_ROW] = 0xff;
    if (cell->attributes & CELL_UNDERLINE_CURLY) {
        rows[UNDERLINE_ROW - 1] |= 0x66;
        rows[UNDERLINE_ROW] |= 0x99;
    }
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

static void draw_pixels(const struct renderer *renderer, const struct engine *engine, uint32_t row, uint32_t column,
                        const struct cell *look) {
    uint8_t rows[FONT_HEIGHT];
    uint32_t foreground, background;
    shape_glyph(look, look->attributes & CELL_TAIL, rows);
    decorate(look, rows);
    if (look->attributes & LOOK_CURSOR)
        add_cursor(engine->cursor_shape, rows);
    palette_cell(engine->rare.palette, look, look->attributes & LOOK_REVERSE, &foreground, &background);
    uint64_t front = pixel(renderer, foreground), back = pixel(renderer, background);
    const uint64_t pairs[4] = {back | back << 32, back | front << 32, front | back << 32, front | front << 32};
    volatile uint8_t *line = (volatile uint8_t *)renderer->memory + (uint64_t)row * FONT_HEIGHT * renderer->pitch +
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
        {0x2500, 0xc4}, {0x2502, 0xb3}, {0x250c, 0xda}, {0x2510, 0xbf}, {0x2514, 0xc0}, {0x2518, 0xd9}, {0x251c, 0xc3},
        {0x2524, 0xb4}, {0x252c, 0xc2}, {0x2534, 0xc1}, {0x253c, 0xc5}, {0x2550, 0xcd}, {0x2551, 0xba}, {0x2554, 0xc9},
        {0x2557, 0xbb}, {0x255a, 0xc8}, {0x255d, 0xbc}, {0x2588, 0xdb}, {0x2591, 0xb0}, {0x2592, 0xb1}, {0x2593, 0xb2},
        {0x00e4, 0x84}, {0x00f6, 0x94}, {0x00fc, 0x81}, {0x00c4, 0x8e}, {0x00d6, 0x99}, {0x00dc, 0x9a}, {0x00df, 0xe1},
        {0x00e9, 0x82}, {0x00e8, 0x8a}, {0x00e0, 0x85}, {0x00e7, 0x87}, {0x00f1, 0xa4}, {0x00b0, 0xf8}, {0x00b1, 0xf1},
    };
    if (character >= ' ' && character < 0x7f)
        return (uint8_t)character;
    for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].unicode == character)
            return known[i].byte;
    return '?';
}

static void draw_text(const struct renderer *renderer, const struct engine *engine, uint32_t row, uint32_t column,
                      const struct cell *look) {
    uint32_t foreground, background;
    bool reverse = (look->attributes & LOOK_REVERSE) != 0, cursor = (look->attributes & LOOK_CURSOR) != 0;
    palette_cell(engine->rare.palette, look, reverse != cursor, &foreground, &background);
    uint8_t character = look->attributes & CELL_TAIL ? ' ' : text_character(look->character);
    volatile uint16_t *line = (volatile uint16_t *)((volatile uint8_t *)renderer->memory + (uint64_t)row * renderer->pitch);
    line[column] = (uint16_t)(character | palette_nearest(foreground) << 8 | (palette_nearest(background) & 7) << 12);
}

void renderer_forget(struct renderer *renderer) {
    for (uint64_t i = 0; i < (uint64_t)renderer->rows * renderer->columns; i++)
        renderer->shown[i] = (struct cell){0};
    renderer->blinking = 0;
    renderer->engine_rows = 0; // what is around the screen is drawn, too
}

static bool cursor_blinks(const struct engine *engine) { // of DECSCUSR the odd shapes
    return (engine->modes & MODE_CURSOR_VISIBLE) && ((engine->modes & MODE_CURSOR_BLINK) || (engine->cursor_shape & 1));
}

bool renderer_blinks(const struct renderer *renderer, const struct engine *engine) {
    return renderer->blinking > 0 || cursor_blinks(engine);
}

static bool is_selected(const struct renderer_view *view, uint32_t row, uint32_t column) {
    return view->selected && row >= view->first_row && row <= view->last_row &&
           (row > view->first_row || column >= view->first_column) && (row < view->last_row || column <= view->last_column);
}

// What a cell looks like, with all that lies over it.
static struct cell look_of(const struct engine *engine, const struct renderer_view *view, const struct cell *cells, uint32_t row,
                           uint32_t column) {
    struct cell look = cells[column];
    bool reverse = ((engine->modes & MODE_REVERSE) != 0) != view->flash;
    if ((look.attributes & CELL_TAIL) && column > 0) { // it shows the other half
        look.character = cells[column - 1].character;
        memcpy(look.marks, cells[column - 1].marks, sizeof(look.marks));
    }
    if (view->blank)
        return (struct cell){.character = ' ', .background = COLOUR_TRUE};
    if (is_selected(view, row, column))
        reverse = !reverse;
    if (view->pointer && view->pointer_row == row && view->pointer_column == column)
        reverse = !reverse;
    if (view->unlit && (look.attributes & CELL_BLINK))
        look.attributes |= CELL_INVISIBLE;
    if ((engine->modes & MODE_CURSOR_VISIBLE) && !(view->unlit && cursor_blinks(engine)) && column == engine->cursor.column &&
        row == engine->cursor.row + view->back)
        look.attributes |= LOOK_CURSOR;
    if (reverse)
        look.attributes |= LOOK_REVERSE;
    return look;
}

static void draw_row(struct renderer *renderer, const struct engine *engine, const struct renderer_view *view, uint32_t row) {
    const struct cell *cells = row < engine->rows ? engine_view_row(engine, view->back, row, renderer->scratch) : NULL;
    struct cell *shown = renderer->shown + (uint64_t)row * renderer->columns;
    for (uint32_t column = 0; column < renderer->columns; column++) {
        struct cell look = {.character = ' '};
        if (row < engine->rows && column < engine->columns)
            look = look_of(engine, view, cells, row, column);
        if (memcmp(&look, &shown[column], sizeof(look)) == 0)
            continue;
        renderer->blinking += (look.attributes & CELL_BLINK) != 0;
        renderer->blinking -= (shown[column].attributes & CELL_BLINK) != 0;
        shown[column] = look;
        if (renderer->text)
            draw_text(renderer, engine, row, column, &look);
        else
            draw_pixels(renderer, engine, row, column, &look);
    }
}

static bool same_view(const struct renderer_view *a, const struct renderer_view *b) {
    return a->back == b->back && a->flash == b->flash && a->blank == b->blank && a->unlit == b->unlit &&
           a->selected == b->selected && a->first_row == b->first_row && a->last_row == b->last_row &&
           a->first_column == b->first_column && a->last_column == b->last_column;
}

void renderer_draw(struct renderer *renderer, struct engine *engine, const struct renderer_view *view) {
    bool all = view->back != 0 || !same_view(view, &renderer->drawn);
    if (renderer->cursor_shape != engine->cursor_shape || renderer->palette != engine->rare.changes) {
        renderer_forget(renderer);
        all = true;
    }
    bool resized = renderer->engine_rows != engine->rows || renderer->engine_columns != engine->columns;
    for (uint32_t row = 0; row < renderer->rows; row++) {
        bool pointed =
            (view->pointer && row == view->pointer_row) || (renderer->drawn.pointer && row == renderer->drawn.pointer_row);
        bool cursor = row == engine->cursor.row || row == renderer->cursor_row;
        bool inside = row < engine->rows;
        if (!resized && (!inside || (!all && !pointed && !cursor && !engine->dirty[row])))
            continue;
        draw_row(renderer, engine, view, row);
        if (inside)
            engine->dirty[row] = false;
    }
    renderer->engine_rows = engine->rows;
    renderer->engine_columns = engine->columns;
    renderer->drawn = *view;
    renderer->cursor_row = engine->cursor.row;
    renderer->cursor_shape = engine->cursor_shape;
    renderer->palette = engine->rare.changes;
}
