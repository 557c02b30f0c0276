// The stack's timers: a pairing heap whose links lie in what is timed, so that any number of timers costs no
// memory and arming one is constant time. Times are nanoseconds of the clock that the caller passes in. A timer that is stopped, or
// moved to a later time, stays in its place until that comes: those of a connection are armed and stopped with each segment.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack;

struct stack_timer {
    uint64_t at;    // its place in the heap
    uint64_t due;   // when it is due: not before
    void (*expired)(struct stack *stack, struct stack_timer *timer);
    struct stack_timer *child, *next, *previous; // previous: the left sibling, or the parent
    bool armed;
    bool queued; // it is in the heap: if it is armed, but perhaps also if not
};

struct timer_heap {
    struct stack_timer *root;
};

// Arms it anew if it is armed already.
void timer_heap_set(struct timer_heap *heap, struct stack_timer *timer, uint64_t at,
                    void (*expired)(struct stack *stack, struct stack_timer *timer));
// When it is due; 0: it is not armed.
static inline uint64_t timer_time(const struct stack_timer *timer) {
    return !timer->armed ? 0 : timer->due != 0 ? timer->due : 1;
}
// Nothing happens if it is not armed. Its memory stays in use.
static inline void timer_stop(struct stack_timer *timer) {
    if (timer->armed)
        timer->armed = false;
}
// Stops it, and takes it out of the heap: its memory may go.
void timer_heap_clear(struct timer_heap *heap, struct stack_timer *timer);
// The first timer that is due at `now`, taken out; NULL: none.
struct stack_timer *timer_heap_take_due(struct timer_heap *heap, uint64_t now);
