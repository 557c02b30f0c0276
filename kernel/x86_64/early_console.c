// Text to COM1 and to the screen. The screen is split into cells; when the last line is full, writing goes on
// at the top over a cleared line, since scrolling a frame buffer is slow. Waits for the UART are bounded:
// nothing here can hang.
#include "kernel/x86_64/early_console.h"

#include <stdbool.h>

#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/string.h"

enum { COM1 = 0x3f8, UART_DATA = COM1, UART_INTERRUPTS = COM1 + 1, UART_FIFO = COM1 + 2, UART_LINE = COM1 + 3 };
enum { UART_MODEM = COM1 + 4, UART_STATUS = COM1 + 5, UART_SCRATCH = COM1 + 7, STATUS_CAN_SEND = 0x20, UART_TRIES = 100000 };
enum { KIND_RGB = 1, KIND_TEXT = 2, PIXEL_BITS = 32, TEXT_COLOUR = 0x07 }; // the last: an EGA attribute, light grey on black

#define WHITE UINT32_MAX // wherever the three colours lie

static struct boot_framebuffer screen;
static uintptr_t screen_address;
static uint32_t columns, lines, column, line;
static unsigned enabled, started;

// 115200 baud, 8N1, FIFO on, interrupts off (16550D data sheet). False if no UART answers.
static bool serial_start(void) {
    port_write8(UART_SCRATCH, 0x5a);
    if (port_read8(UART_SCRATCH) != 0x5a)
        return false;
    port_write8(UART_INTERRUPTS, 0);
    port_write8(UART_LINE, 0x80); // the divisor's registers
    port_write8(UART_DATA, 1);
    port_write8(UART_INTERRUPTS, 0);
    port_write8(UART_LINE, 0x03);
    port_write8(UART_FIFO, 0x07);
    port_write8(UART_MODEM, 0x0b); // DTR, RTS, OUT2
    return true;
}

static void serial_put(char c) {
    for (int i = 0; i < UART_TRIES && !(port_read8(UART_STATUS) & STATUS_CAN_SEND); i++)
        ;
    port_write8(UART_DATA, (uint8_t)c);
}

static uint8_t *screen_bytes(uint32_t row) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the frame buffer's mapping
    return (uint8_t *)(screen_address + (uintptr_t)row * screen.pitch);
}

static void line_clear(uint32_t which) {
    if (screen.kind == KIND_TEXT) {
        uint16_t *cells = (uint16_t *)(void *)screen_bytes(which);
        for (uint32_t i = 0; i < columns; i++)
            cells[i] = TEXT_COLOUR << 8 | ' ';
        return;
    }
    memset(screen_bytes(which * EARLY_FONT_HEIGHT), 0, (size_t)screen.pitch * EARLY_FONT_HEIGHT);
}

static void cell_draw(char c) {
    if (screen.kind == KIND_TEXT) {
        ((uint16_t *)(void *)screen_bytes(line))[column] = (uint16_t)(TEXT_COLOUR << 8 | (uint8_t)c);
        return;
    }
    const uint8_t *glyph = early_font[(uint8_t)c - EARLY_FONT_FIRST];
    for (uint32_t y = 0; y < EARLY_FONT_HEIGHT; y++) {
        uint32_t *at = (uint32_t *)(void *)screen_bytes(line * EARLY_FONT_HEIGHT + y) + (size_t)column * EARLY_FONT_WIDTH;
        for (uint32_t x = 0; x < EARLY_FONT_WIDTH; x++)
            at[x] = glyph[y] & 0x80 >> x ? WHITE : 0;
    }
}

static void line_next(void) {
    column = 0;
    line = line + 1 < lines ? line + 1 : 0;
    line_clear(line);
}

static void screen_put(char c) {
    if (c == '\n') {
        line_next();
        return;
    }
    if (column == columns)
        line_next();
    if (c < EARLY_FONT_FIRST || c > EARLY_FONT_LAST)
        c = '?';
    cell_draw(c);
    column++;
}

static void screen_clear(void) {
    for (uint32_t i = 0; i < lines; i++)
        line_clear(i);
    line = 0;
    column = 0;
}

static void screen_start(const struct boot_framebuffer *framebuffer) {
    screen = *framebuffer;
    bool text = screen.kind == KIND_TEXT;
    columns = text ? screen.width : screen.width / EARLY_FONT_WIDTH;
    lines = text ? screen.height : screen.height / EARLY_FONT_HEIGHT;
}

void early_console_start(const struct boot_framebuffer *framebuffer, uintptr_t framebuffer_address, unsigned outputs) {
    enabled = outputs;
    if ((enabled & EARLY_CONSOLE_SERIAL) && !serial_start())
        enabled &= ~(unsigned)EARLY_CONSOLE_SERIAL;
    bool has_screen = framebuffer_address != 0 && (framebuffer->kind == KIND_TEXT ||
                                                   (framebuffer->kind == KIND_RGB && framebuffer->bits_per_pixel == PIXEL_BITS));
    screen_address = has_screen ? framebuffer_address : 0;
    if (has_screen)
        screen_start(framebuffer);
    if (columns == 0 || lines == 0)
        enabled &= ~(unsigned)EARLY_CONSOLE_SCREEN;
    started = enabled;
    if (enabled & EARLY_CONSOLE_SCREEN)
        screen_clear();
}

void early_console_write(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (enabled & EARLY_CONSOLE_SERIAL) {
            if (text[i] == '\n')
                serial_put('\r');
            serial_put(text[i]);
        }
        if (enabled & EARLY_CONSOLE_SCREEN)
            screen_put(text[i]);
    }
}

void early_console_release(unsigned outputs) {
    enabled &= ~outputs;
}

void early_console_seize(void) {
    bool had_screen = enabled & EARLY_CONSOLE_SCREEN;
    bool had_serial = enabled & EARLY_CONSOLE_SERIAL;
    enabled = started;
    if ((enabled & EARLY_CONSOLE_SERIAL) && !had_serial)
        serial_start();
    if ((enabled & EARLY_CONSOLE_SCREEN) && !had_screen)
        screen_clear();
}
