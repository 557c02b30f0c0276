// Timers of a server's loop: a sorted list, whose head is the deadline of the loop's next wait. They run late
// rather than early, in the loop's own context, so what expires must not block: wake a fiber or start one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct timer {
    uint64_t at; // nanoseconds of the monotonic clock
    void (*expired)(struct timer *timer);
    struct timer *next;
    bool armed;
};

// Arms it anew if it is armed already.
void timer_set(struct timer *timer, uint64_t at, void (*expired)(struct timer *timer));

// Nothing happens if it is not armed.
void timer_clear(struct timer *timer);

// When the first one is due; 0: none is armed.
uint64_t timer_first(void);

// Runs those that are due at `now`.
void timer_run(uint64_t now);
