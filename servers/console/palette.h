// Colours of cells as 0xRRGGBB, by the palette of their engine.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/console/engine/engine.h"

// Foreground and background of a cell after bold, faint, inverse and invisible; `reverse`: the screen's mode.
void palette_cell(const uint32_t *palette, const struct cell *cell, bool reverse, uint32_t *foreground, uint32_t *background);
// The nearest of the sixteen colours of EGA text.
uint8_t palette_nearest(uint32_t rgb);
