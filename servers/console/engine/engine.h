// The terminal engine: what a stream of bytes does to a screen of cells, as xterm and the VT220 do it. Pure
// C: it allocates nothing and calls nothing but its events. Invariant: the cursor lies inside the screen; the
// halves of a wide character are never apart. Fed by console for the framebuffer; read by the renderer
// through engine_row and `dirty`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/console/engine/cell.h"
#include "servers/console/engine/parser.h"

enum { ENGINE_ROWS_MAX = 256, ENGINE_COLUMNS_MAX = 512 };

struct engine_events {
    void (*reply)(void *context, const char *bytes, size_t count); // to the program, as if typed
    void (*bell)(void *context);
    void (*title)(void *context, const char *text, size_t length);
};

enum engine_mode {
    MODE_WRAP = 1 << 0,            // DECAWM
    MODE_ORIGIN = 1 << 1,          // DECOM
    MODE_INSERT = 1 << 2,          // IRM
    MODE_NEW_LINE = 1 << 3,        // LNM
    MODE_CURSOR_VISIBLE = 1 << 4,  // DECTCEM
    MODE_CURSOR_KEYS = 1 << 5,     // DECCKM
    MODE_KEYPAD = 1 << 6,          // DECKPAM
    MODE_REVERSE = 1 << 7,         // DECSCNM
    MODE_ALTERNATE = 1 << 8,       // the alternate screen is shown
    MODE_BRACKETED_PASTE = 1 << 9, //
    MODE_CURSOR_BLINK = 1 << 10,   //
    MODE_MOUSE_CLICK = 1 << 11,    // 1000
    MODE_MOUSE_DRAG = 1 << 12,     // 1002
    MODE_MOUSE_MOTION = 1 << 13,   // 1003
    MODE_MOUSE_SGR = 1 << 14,      // 1006
    MODE_FOCUS = 1 << 15,          // 1004
};

struct engine_style {
    uint32_t foreground, background;
    uint16_t attributes;
};

struct engine_cursor {
    uint32_t row, column;
    bool wrap_next;   // the last column was written: the next character goes to the next line
    bool origin;      // saved with it
    uint8_t charset;  // 0: G0, 1: G1
    bool graphics[2]; // the set is DEC's special graphics
    struct engine_style style;
};

// One screen: rows are found through `line`, so that scrolling moves numbers and not cells.
struct engine_screen {
    struct cell *cells;
    uint16_t line[ENGINE_ROWS_MAX];
    struct engine_cursor saved;
};

struct engine {
    const struct engine_events *events;
    void *context;
    struct parser parser;
    struct engine_screen screens[2];
    struct engine_screen *screen; // the one shown
    uint32_t rows, columns;
    uint32_t top, bottom; // scroll region, inclusive
    uint32_t modes;
    uint32_t cursor_shape; // DECSCUSR, 0 to 6
    uint32_t last_printed; // for REP; 0: none
    struct engine_cursor cursor;
    bool tabs[ENGINE_COLUMNS_MAX];
    bool dirty[ENGINE_ROWS_MAX]; // the row has changed; cleared by the renderer
};

// `main_cells` and `alternate_cells` hold rows * columns cells each; rows and columns within the maxima.
void engine_initialize(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells,
                       uint32_t rows, uint32_t columns, const struct engine_events *events, void *context);
// After a restart: the memory of an earlier actor lies elsewhere now. false: it is not sound.
bool engine_attach(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells,
                   const struct engine_events *events, void *context);

void engine_write(struct engine *engine, const char *bytes, size_t count);

// Everything is to be drawn again.
void engine_dirty(struct engine *engine);

struct cell *engine_row(const struct engine *engine, uint32_t row);
