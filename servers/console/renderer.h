// Draws an engine's screen on a linear framebuffer of 32-bit pixels, or as EGA text. Keeps what it has drawn
// in `shown` and draws only cells that differ. Pure but for the memory it writes to. Called by screen.c;
// tested on the host.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/console/engine/engine.h"

struct renderer {
    volatile void *memory; // of the framebuffer, or of the EGA text page
    uint32_t pitch;        // bytes per line
    bool text;             // EGA text: 16-bit cells
    uint8_t red_position, green_position, blue_position;
    uint32_t rows, columns;
    struct cell *shown; // rows * columns; character 0: nothing drawn yet
    uint32_t cursor_row, cursor_column;
    bool cursor_shown;
};

// What was drawn is not known any more.
void renderer_forget(struct renderer *renderer);
// Brings the framebuffer up to the engine's state and clears its dirty marks.
void renderer_draw(struct renderer *renderer, struct engine *engine);
