// The terminal as full-screen programs and the line editor use it: raw mode, size, and keys decoded from what
// xterm and VT220 terminals send.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

// A key is a Unicode character (control characters included, Enter as '\r') or one of these. KEY_ALT is added
// to the character that was typed with Alt.
enum key {
    KEY_NONE = 0x200000, // nothing came in time
    KEY_CLOSED,          // the input has ended
    KEY_UNKNOWN,         // a sequence that means nothing here
    KEY_UP,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_INSERT,
    KEY_DELETE,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_MOUSE, // see terminal_mouse
    KEY_ALT = 0x400000,
};

#define KEY_CONTROL(letter) ((letter)&31)

// Puts the terminal into raw mode: bytes come as typed and are not echoed. `kept`: flags of c_lflag that stay
// as they are; without ISIG, ^C is a byte. False with errno.
bool terminal_raw_begin(int descriptor, struct termios *saved, tcflag_t kept);
void terminal_raw_end(int descriptor, const struct termios *saved);

// The size in characters: from the terminal, else $LINES and $COLUMNS, else 24 by 80.
void terminal_size(int descriptor, int *rows, int *columns);

// Waits for a key; with a timeout of 0 or more milliseconds gives KEY_NONE when none came.
uint32_t terminal_key_read(int descriptor, int timeout);

// The mouse, where the program has turned reports on (terminal_mouse_reports): of the last KEY_MOUSE.
enum { MOUSE_LEFT = 0, MOUSE_MIDDLE = 1, MOUSE_RIGHT = 2, MOUSE_WHEEL_UP = 64, MOUSE_WHEEL_DOWN = 65, MOUSE_DRAG = 32 };
struct terminal_mouse {
    int button;      // one of these, MOUSE_DRAG added while it moves
    int row, column; // from 0
    bool released;
};
extern struct terminal_mouse terminal_mouse;
void terminal_mouse_reports(int descriptor, bool on);
