// The palette that a terminal begins with: xterm's 256, with the first sixteen as a text console shows them.
#include "servers/console/engine/operations.h"

static const uint32_t first_sixteen[16] = {
    0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
    0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

// Entries 16 to 231 are a cube of six levels, 232 to 255 greys.
uint32_t engine_default_colour(uint32_t index) {
    if (index < 16)
        return first_sixteen[index];
    if (index == ENGINE_BACKGROUND)
        return first_sixteen[0];
    if (index >= 256)
        return first_sixteen[7];
    if (index >= 232) {
        uint32_t grey = 8 + 10 * (index - 232);
        return grey << 16 | grey << 8 | grey;
    }
    uint32_t levels[3] = {(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6}, rgb = 0;
    for (uint32_t i = 0; i < 3; i++)
        rgb = rgb << 8 | (levels[i] == 0 ? 0 : 55 + 40 * levels[i]);
    return rgb;
}
