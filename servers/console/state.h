// What the parts of console share. Terminals: six screens that the framebuffer and the keyboard show one at a
// time, the first serial port, and pairs without a device, whose other end is a program (pseudo-terminals).
// One thread; fibers switch only where a reader, a writer or a call to another server waits. What must
// outlive even the loss of kept memory is in struct console_state, in state memory; it holds no pointers that
// are used before they are set anew.
#pragma once

#include "libipc/protocols/terminal_server.h"
#include "servers/console/engine/engine.h"
#include "servers/console/keyboard.h"
#include "servers/console/line_discipline.h"
#include "servers/console/renderer.h"
#include "servers/console/size_answer.h"
#include "servers/framework/stream.h"

enum {
    SCREENS = 6,
    TERMINAL_SERIAL = SCREENS,
    TERMINAL_PAIRS = TERMINAL_SERIAL + 1, // the first of them
    PAIRS = 8,
    TERMINALS = TERMINAL_PAIRS + PAIRS,
    UNIT_MASTER = 32,     // added to the unit of a pair's terminal: its other end
    OUTPUT_BYTES = 16384, // a power of two
    WRITE_BYTES = 32768,  // of a piece of a write
    CONSOLE_STATE_VERSION = 3,
    HISTORY_BYTES = 128 * 1024, // of each screen
};

#define CONSOLE_STATE_MAGIC UINT64_C(0x656c6f736e6f63) // "console"

// Bits of console's notification.
enum { BIT_KEYS = 0, BIT_START = 1 };

struct terminal_state {
    struct line_discipline line;
    struct window_size window;
    uint32_t foreground, session; // ids of the group and of the session, 0: none
};

// Output on its way to the serial port, or to the program at the other end of a pair.
struct output_queue {
    uint32_t head, tail; // positions in `bytes`, modulo 2^32
    char bytes[OUTPUT_BYTES];
};

struct console_state {
    uint64_t magic;
    uint32_t version;
    uint32_t front; // the screen that is seen
    cap_t keys;     // memory of the ring of events, 0: not made yet
    struct keyboard keyboard;
    struct stream_server streams;
    struct output_queue serial;
    struct terminal_state terminals[TERMINALS];
};

struct terminal {
    struct terminal_state *state;
    struct output_queue *output; // NULL: a screen, which takes everything at once
    uint32_t unit;
    bool shown; // its output goes to the device; until then the kernel's messages have it
    // Signals since the start: raised by keys, sent (acknowledged by `process`), and told to a reader. What
    // is typed after one is delivered, and a change of the foreground answered, only when it was sent; the
    // next read is interrupted.
    uint64_t raised, sent, told;
    struct fiber_wait_queue readers, writers, drained;
    struct fiber_lock write_lock; // one write's bytes are not mixed with another's; guards the buffers
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

static inline bool unit_is_screen(uint32_t unit) {
    return unit < SCREENS;
}
static inline bool unit_is_pair(uint32_t unit) {
    return unit >= TERMINAL_PAIRS && unit < TERMINALS;
}
// The other end of a pair: what a terminal emulator reads and writes.
static inline bool unit_is_master(uint32_t unit) {
    return unit >= UNIT_MASTER + TERMINAL_PAIRS && unit < UNIT_MASTER + TERMINALS;
}

// main.c

void console_warn(const char *text); // into the log
// The devices are used from now on.
MUST_USE error_t console_begin(void);

// file_ops.c

MUST_USE error_t file_start(void);

// terminal.c

// The terminal of the session that the request came through; NULL if there is none. For either end of a pair
// the same.
struct terminal *terminal_of(const struct request *request);
void terminal_start(uint32_t unit, struct terminal_state *state, bool is_restart);
// Bytes that were typed.
void terminal_input(struct terminal *terminal, const char *bytes, size_t count);
// What waits for bytes or room looks again.
void terminal_changed(struct terminal *terminal);
// The device gets the terminal from now on.
void terminal_show(struct terminal *terminal);
// Bytes that put takes now. 0: wait in `writers`.
size_t terminal_room(const struct terminal *terminal);
// To the device, processed already; what does not fit is lost.
void terminal_put(struct terminal *terminal, const char *bytes, size_t count);
bool terminal_is_drained(const struct terminal *terminal);
void terminal_flush_output(struct terminal *terminal);
MUST_USE error_t terminal_resize(struct terminal *terminal, const struct window_size *window);
void terminal_signal(struct terminal *terminal, int signal);
// Reads that wait end, as if by a signal: their callers come again if they still may.
void terminal_interrupt(struct terminal *terminal);
// Waits until all signals are where they belong.
MUST_USE error_t terminal_settle(struct terminal *terminal);
uint64_t terminal_readiness(uint32_t unit);
static inline uint32_t output_filled(const struct output_queue *output) {
    return output->tail - output->head;
}

// serial.c

// Starts the two fibers that move bytes from and to the serial port.
MUST_USE error_t serial_start(void);
void serial_wake(void); // there is output, or it may go on
// Asks the terminal at the other end for its size.
void serial_ask_size(void);
void serial_flushed(void); // its queue was emptied
// For another build: both fibers come to rest, and nothing is on its way; on a fiber. Until serial_go_on, which ends it
// with ERR_CANCELLED.
MUST_USE error_t serial_rest(void);
void serial_go_on(void);
struct serial_record {
    uint64_t asked_until;
    struct size_answer answer;
};
void serial_describe(struct serial_record *record);
MUST_USE error_t serial_restore(const struct serial_record *record); // ERR_CORRUPT

// screen.c: the framebuffer, and when it is drawn.

// ERR_NO_DEVICE: the loader set up none that can be drawn on.
MUST_USE error_t screen_start(void);
void screen_show(void);             // all of it, anew
void screen_resumed(void);          // the same soon: another actor begins
void screen_changed(uint32_t unit); // a screen's cells, or what lies over them
void screen_flash(uint32_t unit);
void screen_wake(void); // a key or the mouse: nothing is blanked
bool screen_is_blank(void);
// The drawn part of the framebuffer in pixels; false: there is none, or it shows text.
bool screen_picture_size(uint64_t *width, uint64_t *height);
void screen_picture_line(uint64_t line, uint8_t *rgb);
uint32_t screen_rows(void);
uint32_t screen_columns(void);

// screens.c: the six screens.

// Kept memory, zero, for good. NULL: there is none.
void *console_allocate(uint64_t bytes);
// Memory that is forgotten with the actor, outside of what is kept.
MUST_USE error_t console_allocate_scratch(uint64_t bytes, void **memory);
// NULL: it was never used.
struct engine *screens_engine(uint32_t unit);
struct engine *screens_front(void);
// What lies over it. Only if there is one.
struct renderer_view *screens_front_view(void);
void screens_put(uint32_t unit, const char *bytes, size_t count);
// ERR_INVALID: it is larger than the framebuffer, or nothing.
MUST_USE error_t screens_resize(uint32_t unit, uint32_t rows, uint32_t columns);
// Shows another one.
void screens_switch(uint32_t unit);
// What is seen of the one in front: `lines` further up (or down, if negative).
void screens_scroll(int32_t lines);
void screens_view(uint32_t unit, struct renderer_view *view);
// As it is after its first use. ERR_NO_MEMORY, ERR_NO_DEVICE.
MUST_USE error_t screens_make(uint32_t unit, struct engine **engine, struct renderer_view **view);

// pair.c: pseudo-terminals.

// A new pair: its two ends, sessions to hand out.
MUST_USE error_t pair_open(cap_t *master, cap_t *terminal);
// A session of one of the ends is gone.
void pair_closed(uint32_t unit);
// Whether the other end has nobody left.
bool pair_hung_up(uint32_t unit);
MUST_USE error_t pair_read(struct request *request, struct terminal *terminal, uint64_t size, bool waits, uint64_t *count);
MUST_USE error_t pair_write(struct request *request, struct terminal *terminal, uint64_t size, uint64_t *count);
uint64_t pair_readiness(uint32_t unit); // of the master
struct pair_record {
    uint8_t used, master_open, terminal_opened;
};
void pair_describe(uint32_t unit, struct pair_record *record);
// Its queue is empty. ERR_NO_MEMORY.
MUST_USE error_t pair_restore(uint32_t unit, const struct pair_record *record);
void pair_wake(uint32_t unit); // there is output for the master

// keys.c

MUST_USE error_t keys_start(void);
