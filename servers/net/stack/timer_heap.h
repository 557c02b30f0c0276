// The stack's timers: a pairing heap whose links lie in what is timed, so that any number of timers costs no
// memory and arming one is constant time. Times are nanoseconds of the clock that the caller passes in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack;

struct stack_timer {
    uint64_t at;
    void (*expired)(struct stack *stack, struct stack_timer *timer);
    struct stack_timer *child, *next, *previous; // previous: the left sibling, or the parent
    bool armed;
};

struct timer_heap {
    struct stack_timer *root;
};

// Arms it anew if it is armed already.
void timer_heap_set(struct timer_heap *heap, struct stack_timer *timer, uint64_t at,
                    void (*expired)(struct stack *stack, struct stack_timer *timer));
// When it is due; 0: it is not armed.
static inline uint64_t timer_time(const struct stack_timer *timer) {
    return !timer->armed ? 0 : timer->at != 0 ? timer->at : 1;
}
// Nothing happens if it is not armed.
void timer_heap_clear(struct timer_heap *heap, struct stack_timer *timer);
// The first timer that is due at `now`, taken out; NULL: none.
struct stack_timer *timer_heap_take_due(struct timer_heap *heap, uint64_t now);
