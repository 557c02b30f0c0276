// See timer_heap.h. Fredman and others, "The pairing heap" (1986), with the two-pass merge.
#include "servers/net/stack/timer_heap.h"

#include <stddef.h>

static struct stack_timer *merge(struct stack_timer *a, struct stack_timer *b) {
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (b->at < a->at) {
        struct stack_timer *swap = a;
        a = b;
        b = swap;
    }
    b->previous = a;
    b->next = a->child;
    if (a->child != NULL)
        a->child->previous = b;
    a->child = b;
    return a;
}

// The children of one that leaves become one heap: pairs from left to right, then all from right to left.
static struct stack_timer *merge_siblings(struct stack_timer *first) {
    struct stack_timer *pairs = NULL, *result = NULL;
    while (first != NULL) {
        struct stack_timer *second = first->next, *after = second != NULL ? second->next : NULL;
        first->next = first->previous = NULL;
        if (second != NULL)
            second->next = second->previous = NULL;
        struct stack_timer *pair = merge(first, second);
        pair->next = pairs;
        pairs = pair;
        first = after;
    }
    while (pairs != NULL) {
        struct stack_timer *after = pairs->next;
        pairs->next = NULL;
        result = merge(result, pairs);
        pairs = after;
    }
    if (result != NULL)
        result->previous = result->next = NULL;
    return result;
}

void timer_heap_clear(struct timer_heap *heap, struct stack_timer *timer) {
    timer_stop(timer);
    if (!timer->queued)
        return;
    struct stack_timer *rest = merge_siblings(timer->child);
    if (heap->root == timer) {
        heap->root = rest;
    } else {
        if (timer->previous->child == timer)
            timer->previous->child = timer->next;
        else
            timer->previous->next = timer->next;
        if (timer->next != NULL)
            timer->next->previous = timer->previous;
        heap->root = merge(heap->root, rest);
    }
    timer->child = timer->next = timer->previous = NULL;
    timer->queued = false;
}

void timer_heap_set(struct timer_heap *heap, struct stack_timer *timer, uint64_t at,
                    void (*expired)(struct stack *stack, struct stack_timer *timer)) {
    timer->due = at;
    if (timer->expired != expired)
        timer->expired = expired;
    if (!timer->armed)
        timer->armed = true;
    if (timer->queued && timer->at <= at)
        return;
    if (timer->queued) {
        timer_heap_clear(heap, timer);
        timer->armed = true;
    }
    timer->at = at;
    timer->child = timer->next = timer->previous = NULL;
    timer->queued = true;
    heap->root = merge(heap->root, timer);
}

struct stack_timer *timer_heap_take_due(struct timer_heap *heap, uint64_t now) {
    struct stack_timer *timer;
    while ((timer = heap->root) != NULL && timer->at <= now) {
        bool armed = timer->armed;
        timer_heap_clear(heap, timer);
        if (armed && timer->due <= now)
            return timer;
        if (armed)
            timer_heap_set(heap, timer, timer->due, timer->expired);
    }
    return NULL;
}
