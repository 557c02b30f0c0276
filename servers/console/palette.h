// Colours of cells as 0xRRGGBB: xterm's 256, with the first sixteen as a text console shows them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/console/engine/cell.h"

enum { PALETTE_DEFAULT_FOREGROUND = 7, PALETTE_DEFAULT_BACKGROUND = 0 };

// Foreground and background of a cell after bold, faint, inverse and invisible; `reverse`: the screen's mode.
void palette_cell(const struct cell *cell, bool reverse, uint32_t *foreground, uint32_t *background);
// The nearest of the sixteen colours of EGA text.
uint8_t palette_nearest(uint32_t rgb);
