// Draws an engine's screen, or a view back into its history, on a linear framebuffer of 32-bit pixels, or as
// EGA text. Keeps what it has drawn in `shown` and draws only cells that differ. Pure but for the memory it
// writes to. Called by screen.c; tested on the host.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/console/engine/engine.h"

// What lies over the engine's screen. Rows are those that are seen.
struct renderer_view {
    uint32_t back; // lines further up
    bool flash;    // the bell: all of it reversed
    bool blank;    // nothing is shown
    bool unlit;    // what blinks is off now
    bool pointer;  // of the mouse
    uint32_t pointer_row, pointer_column;
    bool selected; // from the first to the last of these places, both included
    int64_t first_row, last_row;
    uint32_t first_column, last_column;
};

struct renderer {
    volatile void *memory; // of the framebuffer, or of the EGA text page
    uint32_t pitch;        // bytes per line
    bool text;             // EGA text: 16-bit cells
    uint8_t red_position, green_position, blue_position;
    uint32_t rows, columns;
    struct cell *shown;         // rows * columns; character 0: nothing drawn yet
    struct renderer_view drawn; // what lay over it then
    uint32_t cursor_row, cursor_shape;
    uint32_t blinking;                       // cells that blink among those that are shown
    uint32_t engine_rows, engine_columns;    // of the screen that was drawn: around it nothing is shown
    uint32_t palette;                        // changes of the palette that are drawn
    struct cell scratch[ENGINE_COLUMNS_MAX]; // a line of the history
};

// What was drawn is not known any more.
void renderer_forget(struct renderer *renderer);
// Whether something would look different with `unlit`.
bool renderer_blinks(const struct renderer *renderer, const struct engine *engine);
// Brings the framebuffer up to the engine's state and clears its dirty marks.
void renderer_draw(struct renderer *renderer, struct engine *engine, const struct renderer_view *view);
