// What the parts of console share. Two terminals: the framebuffer with the keyboard, and the first serial
// port. One thread; fibers switch only where a reader, a writer or a call to another server waits. What must
// outlive an actor is in struct console_state, in state memory; it holds no pointers that are used before
// they are set anew.
#pragma once

#include "libipc/protocols/terminal_server.h"
#include "servers/console/engine/engine.h"
#include "servers/console/keyboard.h"
#include "servers/console/line_discipline.h"
#include "servers/framework/stream.h"

enum {
    TERMINAL_SCREEN = 0,
    TERMINAL_SERIAL = 1,
    TERMINALS = 2,
    OUTPUT_BYTES = 16384, // a power of two
    WRITE_BYTES = 4096,
    CONSOLE_STATE_VERSION = 2,
};

#define CONSOLE_STATE_MAGIC UINT64_C(0x656c6f736e6f63) // "console"

// Bits of console's notification.
enum { BIT_KEYS = 0, BIT_START = 1 };

struct terminal_state {
    struct line_discipline line;
    struct window_size window;
    uint32_t foreground, session;      // ids of the group and of the session, 0: none
    uint32_t output_head, output_tail; // positions in `output`, modulo 2^32
    char output[OUTPUT_BYTES];         // on its way to the serial port
};

struct console_state {
    uint64_t magic;
    uint32_t version;
    uint32_t rows, columns; // of the screen, 0: there is none
    cap_t keys;             // memory of the ring of events, 0: not made yet
    struct keyboard keyboard;
    struct stream_server streams;
    struct terminal_state terminals[TERMINALS];
    struct engine engine;
    struct cell cells[]; // both screens
};

struct terminal {
    struct terminal_state *state;
    uint32_t unit;
    bool shown;       // its output goes to the device; until then the kernel's messages have it
    uint64_t signals; // keys that sent one, since the start: a read that waited across one is interrupted
    struct fiber_wait_queue readers, writers, drained;
    struct fiber_lock write_lock; // one write's bytes are not mixed with another's; guards the buffers
    char in[WRITE_BYTES], out[2 * WRITE_BYTES];
};

struct console {
    struct server server;
    struct console_state *state;
    struct terminal terminals[TERMINALS];
    cap_t task, serial, input; // sessions of process, of the serial port, of the keyboard; 0: missing
    bool has_screen;
};

extern struct console console;
extern const struct file_ops console_file_ops;
extern const struct terminal_ops console_terminal_ops;
extern const struct line_events console_line_events;

// terminal.c

// The terminal of the session that the request came through; NULL if there is none.
struct terminal *terminal_of(const struct request *request);
void terminal_start(uint32_t unit, struct terminal_state *state, bool is_restart);
// Bytes that were typed.
void terminal_input(struct terminal *terminal, const char *bytes, size_t count);
// The device gets the terminal from now on.
void terminal_show(struct terminal *terminal);
// Bytes that put takes now. 0: wait in `writers`.
size_t terminal_room(const struct terminal *terminal);
// To the device, processed already; what does not fit is lost.
void terminal_put(struct terminal *terminal, const char *bytes, size_t count);
bool terminal_is_drained(const struct terminal *terminal);
void terminal_resize(struct terminal *terminal, const struct window_size *window);
void terminal_signal(struct terminal *terminal, int signal);
uint64_t terminal_readiness(uint32_t unit);

// serial.c

// Starts the two fibers that move bytes from and to the serial port.
MUST_USE error_t serial_start(void);
void serial_wake(void); // there is output, or it may go on
// Asks the terminal at the other end for its size.
void serial_ask_size(void);
void serial_flush(struct terminal_state *state);

// screen.c

// `room`: bytes of state memory for cells. ERR_NO_DEVICE: the loader set up none that can be drawn on.
MUST_USE error_t screen_start(uint64_t room, bool is_restart);
void screen_show(void);
void screen_put(const char *bytes, size_t count);

// keys.c

MUST_USE error_t keys_start(void);
