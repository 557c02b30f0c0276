// What reads took out of the input queue and writes put into the output queue, by the request's number: a
// request whose actor ended before its answer was out comes again under the same number, and must find its
// own bytes. In state memory, beside the queues. Pure; called by file_ops.c.
#pragma once

#include "drivers/serial/uart16550/device.h"

// Requests that moved bytes and were not answered: one finished, one that waits, at each end of an actor.
// Eight ends in a row.
enum { ANSWERS_MAX = 16 };

struct serial_answer {
    uint64_t thread, count; // the request's number
    uint32_t position;      // of the queue: read: of the first byte; written: behind the last one
    uint32_t bytes, last;   // moved in all, and in the last step
    uint32_t is_write, padding;
};

struct serial_answers {
    uint32_t next, padding;
    struct serial_answer of[ANSWERS_MAX];
};

// For a new actor: a step whose queue position did not move any more was not made.
void answers_settle(struct serial_answers *answers, const struct uart_state *state);

// What the request has moved already; NULL: nothing.
struct serial_answer *answers_find(struct serial_answers *answers, uint64_t thread, uint64_t count);

// The entry of a request that moves its first bytes.
struct serial_answer *answers_begin(struct serial_answers *answers, uint64_t thread, uint64_t count, bool is_write);

// A step of so many bytes, before the queue's position moves past it.
void answers_step(struct serial_answer *answer, const struct uart_state *state, uint32_t bytes);
