// The kernel's own console: COM1 by polling, and text drawn on the loader's frame buffer or EGA text screen.
// For the time until the drivers in user space take each over, and again for a panic.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"

enum { EARLY_CONSOLE_SERIAL = 1, EARLY_CONSOLE_SCREEN = 2 };

// framebuffer_address: where the frame buffer (or text page) can be written, 0 if nowhere. outputs: those to write to.
void early_console_start(const struct boot_framebuffer *framebuffer, uintptr_t framebuffer_address, unsigned outputs);
void early_console_write(const char *text, size_t length);
// User space owns these outputs from now on.
void early_console_release(unsigned outputs);
// For panic: takes back every output that was ever started, with a clear screen.
void early_console_seize(void);

// Its font: printable ASCII, converted at build time by early_font.py from a console font package. Bit 7 is leftmost.
enum { EARLY_FONT_FIRST = ' ', EARLY_FONT_LAST = '~', EARLY_FONT_WIDTH = 8, EARLY_FONT_HEIGHT = 16 };
extern const uint8_t early_font[EARLY_FONT_LAST - EARLY_FONT_FIRST + 1][EARLY_FONT_HEIGHT];
