// The line discipline: what lies between a keyboard and a program that reads, and between a program that
// writes and a screen (POSIX.1-2017 chapter 11; flag bits as in <termios.h>). Pure: bytes in, bytes and
// events out, no waiting and no memory but its own. Invariant: the queue holds what read may have; in
// canonical mode `line` holds what can still be edited. Used by console for its terminals, and by whoever
// serves pseudo-terminals.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/protocols/terminal.h"

enum { LINE_BYTES = 4096, LINE_QUEUE = 8192 };

// What happens outside. Called from line_input and line_set.
struct line_events {
    void (*echo)(void *context, const char *bytes, size_t count); // to be shown, already processed
    void (*signal)(void *context, int signal);                    // for the group in the foreground
    void (*flow)(void *context, bool stopped);                    // output stops, or goes on
    void (*flush_output)(void *context);                          // what is not shown yet is thrown away
};

struct line_discipline {
    struct terminal_attributes settings;
    const struct line_events *events;
    void *context;
    bool stopped;        // by VSTOP
    bool literal_next;   // after VLNEXT
    bool sender_stopped; // by IXOFF
    uint32_t column;     // of the cursor, as far as it can be known
    uint32_t line_start_column;
    uint32_t line_length;
    uint32_t queue_head, queue_tail; // positions in `queue`, modulo 2^32
    uint32_t queue_ends;             // line ends in the queue
    char line[LINE_BYTES];
    uint16_t queue[LINE_QUEUE]; // a byte and flags
};

void line_initialize(struct line_discipline *line, const struct line_events *events, void *context);

// Bytes from the keyboard.
void line_input(struct line_discipline *line, const char *bytes, size_t count);

// Whether read has something to give now: in canonical mode a line (or an end of file), otherwise a byte.
bool line_readable(const struct line_discipline *line);
// Bytes that a read would get at once.
size_t line_available(const struct line_discipline *line);
// Up to `size` bytes: in canonical mode of one line. Nothing leaves the queue until line_consume.
size_t line_peek(const struct line_discipline *line, char *bytes, size_t size);
// Takes out what line_peek gave, `count` bytes, with the line's end if it was reached.
void line_consume(struct line_discipline *line, size_t count);

// Output processing of as much as fits: *consumed bytes were used up, the result is what is to be shown.
size_t line_output(struct line_discipline *line, const char *bytes, size_t count, size_t *consumed, char *out, size_t size);

// The same by flags of output and the cursor's column alone (line_output.c).
size_t line_expand(uint32_t output, uint32_t *column, const char *bytes, size_t count, size_t *consumed, char *out, size_t size);

// New settings (tcsetattr). What was typed stays readable.
void line_set(struct line_discipline *line, const struct terminal_attributes *settings);
void line_flush_input(struct line_discipline *line);
