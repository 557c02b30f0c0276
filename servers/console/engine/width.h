// Columns that a character takes on a screen: 0 for combining and invisible ones, 2 for wide ones, -1 for
// controls.
#pragma once

#include <stdint.h>

int character_width(uint32_t character);
