// The terminal engine: what a stream of bytes does to a screen of cells, as xterm and the VT220 do it. Pure
// C: it allocates nothing and calls nothing but its events. Invariant: the cursor lies inside the screen; the
// halves of a wide character are never apart. Fed by console; read by the renderer through engine_row and
// `dirty`.
//
// Its memory outlives whoever runs it. So it says what it is about to change (events->changing) before the
// first byte of it changes: itself when it is called, a row of cells or a part of the history when it is
// touched first.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/console/engine/cell.h"
#include "servers/console/engine/history.h"
#include "servers/console/engine/parser.h"

enum {
    ENGINE_ROWS_MAX = 256,
    ENGINE_COLUMNS_MAX = 512,
    ENGINE_TITLE = 64,
    ENGINE_TITLES = 4,
    ENGINE_FOREGROUND = 256, // places in the palette
    ENGINE_BACKGROUND = 257,
    ENGINE_CURSOR_COLOUR = 258,
    ENGINE_COLOURS = 259,
};

// Any of them may be NULL.
struct engine_events {
    void (*reply)(void *context, const char *bytes, size_t count); // to the program, as if typed
    void (*bell)(void *context);
    void (*title)(void *context, const char *text, size_t length);
    void (*clipboard)(void *context, const char *text, size_t length); // OSC 52: what pasting gives
    void (*changing)(void *context, const void *memory, size_t bytes);
};

enum engine_mode {
    MODE_WRAP = 1 << 0,             // DECAWM
    MODE_ORIGIN = 1 << 1,           // DECOM
    MODE_INSERT = 1 << 2,           // IRM
    MODE_NEW_LINE = 1 << 3,         // LNM
    MODE_CURSOR_VISIBLE = 1 << 4,   // DECTCEM
    MODE_CURSOR_KEYS = 1 << 5,      // DECCKM
    MODE_KEYPAD = 1 << 6,           // DECKPAM
    MODE_REVERSE = 1 << 7,          // DECSCNM
    MODE_ALTERNATE = 1 << 8,        // the alternate screen is shown
    MODE_BRACKETED_PASTE = 1 << 9,  // 2004
    MODE_CURSOR_BLINK = 1 << 10,    // 12
    MODE_MOUSE_CLICK = 1 << 11,     // 1000
    MODE_MOUSE_DRAG = 1 << 12,      // 1002
    MODE_MOUSE_MOTION = 1 << 13,    // 1003
    MODE_MOUSE_SGR = 1 << 14,       // 1006
    MODE_FOCUS = 1 << 15,           // 1004
    MODE_MOUSE_PRESS = 1 << 16,     // 9: presses only
    MODE_ALTERNATE_WHEEL = 1 << 17, // 1007: the wheel gives cursor keys on the alternate screen
    MODE_REVERSE_WRAP = 1 << 18,    // 45
    MODE_SYNCHRONIZED = 1 << 19,    // 2026: nothing is drawn until it is over
    MODE_BACKSPACE = 1 << 20,       // DECBKM: backspace sends BS
    MODE_MARGINS = 1 << 21,         // DECLRMM: the scroll region has a left and a right end
    MODE_MOUSE = MODE_MOUSE_PRESS | MODE_MOUSE_CLICK | MODE_MOUSE_DRAG | MODE_MOUSE_MOTION,
};

struct engine_style {
    uint32_t foreground, background;
    uint16_t attributes;
};

enum engine_charset { CHARSET_ASCII, CHARSET_GRAPHICS, CHARSET_BRITISH, CHARSETS };

struct engine_cursor {
    uint32_t row, column;
    bool wrap_next;      // the last column was written: the next character goes to the next line
    bool origin;         // saved with it
    uint8_t charset;     // G0 to G3: the one in use
    uint8_t charsets[4]; // enum engine_charset
    struct engine_style style;
};

// One screen: rows are found through `line`, so that scrolling moves numbers and not cells.
struct engine_screen {
    struct cell *cells;
    uint16_t line[ENGINE_ROWS_MAX];
    bool wrapped[ENGINE_ROWS_MAX]; // by line: the text goes on in the next row
    struct engine_cursor saved;
};

struct engine {
    const struct engine_events *events;
    void *context;
    struct engine_screen *screen; // the one shown
    uint32_t rows, columns;
    uint32_t top, bottom; // scroll region, inclusive
    uint32_t left, right; // its columns, inclusive: the screen's unless MODE_MARGINS
    uint32_t modes, saved_modes;
    uint32_t cursor_shape; // DECSCUSR, 0 to 6
    uint32_t last_printed; // for REP; 0: none
    uint32_t mark_column;  // where the last character lies, as long as a combining one would go there
    uint32_t mark_next;    // and the cursor's column behind it
    uint32_t mark_row;     // ENGINE_ROWS_MAX: nowhere
    uint8_t single_shift;  // G2 or G3 for one character; 0: none
    uint8_t title_count;   // saved ones
    uint16_t title_length;
    struct engine_cursor cursor;
    struct engine_screen screens[2];
    struct history history; // of the main screen
    struct parser parser;
    char title[ENGINE_TITLE];
    bool tabs[ENGINE_COLUMNS_MAX];
    bool dirty[ENGINE_ROWS_MAX]; // the row has changed; cleared by the renderer
    // Announced by themselves when they change.
    struct engine_rare {
        uint32_t palette[ENGINE_COLOURS]; // 0xRRGGBB
        uint32_t changes;                 // of the palette
        char titles[ENGINE_TITLES][ENGINE_TITLE];
        uint16_t title_lengths[ENGINE_TITLES];
    } rare;
    bool announced[2][ENGINE_ROWS_MAX]; // lines, in this call; means nothing between calls
};

// `main_cells` and `alternate_cells` hold rows * columns cells each; rows and columns within the maxima.
// `history`: memory of `history_bytes` bytes for what scrolls away, may be 0.
void engine_initialize(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells, uint32_t rows,
                       uint32_t columns, void *history, uint32_t history_bytes, const struct engine_events *events,
                       void *context);
// After a restart: the memory of an earlier actor lies elsewhere now. false: it is not sound.
bool engine_attach(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells, void *history,
                   const struct engine_events *events, void *context);

void engine_write(struct engine *engine, const char *bytes, size_t count);

// The screen gets another size, with cells of its own. What the cursor's row pushes out at the top goes to
// the history, and comes back from there where rows are added. Text is cut at the right, not wrapped anew.
void engine_resize(struct engine *engine, struct cell *main_cells, struct cell *alternate_cells, uint32_t rows, uint32_t columns);

// Everything is to be drawn again.
void engine_dirty(struct engine *engine);

struct cell *engine_row(const struct engine *engine, uint32_t row);
// Row `row` as it is seen `back` lines further up: of the history (into `scratch`, engine->columns cells) or
// of the screen. The alternate screen has no history.
const struct cell *engine_view_row(const struct engine *engine, uint32_t back, uint32_t row, struct cell *scratch);

enum mouse_event { MOUSE_PRESS, MOUSE_RELEASE, MOUSE_MOVE };
enum mouse_button {
    MOUSE_LEFT,
    MOUSE_MIDDLE,
    MOUSE_RIGHT,
    MOUSE_NONE,
    MOUSE_WHEEL_UP = 64,
    MOUSE_WHEEL_DOWN,
};
enum mouse_modifier { MOUSE_SHIFT = 4, MOUSE_META = 8, MOUSE_CONTROL = 16 };
enum { MOUSE_BYTES = 24 };
// What the program gets to hear of the mouse (xterm's ctlseqs, "Mouse Tracking"): writes at most MOUSE_BYTES
// to `out`, returns how many. 0: it wants to hear nothing of this. `button`: the one that changed or is
// held; MOUSE_NONE. Row and column count from 0.
size_t engine_mouse(const struct engine *engine, enum mouse_event event, uint32_t button, uint32_t modifiers, uint32_t row,
                    uint32_t column, char *out);
