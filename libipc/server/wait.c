// Waiting in queues and for times. A waiting fiber is in at most one queue and has at most one timer armed;
// whatever ends the wait first takes it out of both.
#include <stddef.h>

#include "libipc/server/loop.h"

static void queue_push(struct fiber_wait_queue *queue, struct fiber *fiber) {
    fiber->next = NULL;
    if (queue->last != NULL)
        queue->last->next = fiber;
    else
        queue->first = fiber;
    queue->last = fiber;
}

static struct fiber *queue_pop(struct fiber_wait_queue *queue) {
    struct fiber *fiber = queue->first;
    if (fiber == NULL)
        return NULL;
    queue->first = fiber->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return fiber;
}

void fiber_queue(struct fiber_wait_queue *queue, struct fiber *fiber) {
    queue_push(queue, fiber);
}

struct fiber *fiber_unqueue(struct fiber_wait_queue *queue) {
    return queue_pop(queue);
}
static void queue_remove(struct fiber_wait_queue *queue, struct fiber *fiber) {
    struct fiber *before = NULL;
    for (struct fiber *at = queue->first; at != NULL; before = at, at = at->next) {
        if (at != fiber)
            continue;
        if (before != NULL)
            before->next = fiber->next;
        else
            queue->first = fiber->next;
        if (queue->last == fiber)
            queue->last = before;
        return;
    }
}

// The queue is hot.
KEPT_UNNOTED void fiber_make_ready(struct fiber *fiber) {
    struct fiber *last = loop.ready.last;
    fiber_note_woken(fiber);
    fiber->state = FIBER_READY;
    fiber->next = NULL;
    loop.ready.last = fiber;
    if (last == NULL) {
        loop.ready.first = fiber;
    } else {
        kept_note_line(last);
        last->next = fiber;
    }
}

struct fiber *fiber_ready_pop(void) {
    return queue_pop(&loop.ready);
}

KEPT_UNNOTED void fiber_wait_end(struct fiber *fiber, error_t result) {
    fiber_note_woken(fiber);
    if (fiber->queue != NULL)
        queue_remove(fiber->queue, fiber);
    fiber->queue = NULL;
    timer_clear(&fiber->timer);
    fiber->result = result;
    fiber_make_ready(fiber);
}

static void wait_expired(struct timer *timer) {
    struct fiber *fiber = (struct fiber *)((uintptr_t)timer - offsetof(struct fiber, timer));
    fiber_wait_end(fiber, ERR_DEADLINE);
}

static error_t wait_in(struct fiber_wait_queue *queue, uint64_t deadline, bool cancellable) {
    struct fiber *fiber = loop.running;
    if (fiber == NULL)
        return ERR_DEADLOCK; // the loop itself can't wait
    if (cancellable && fiber->serves && fiber->request.cancelled)
        return ERR_CANCELLED;
    fiber->cancellable = cancellable;
    fiber->queue = queue;
    if (queue != NULL)
        queue_push(queue, fiber);
    if (deadline != 0)
        timer_set(&fiber->timer, deadline, wait_expired);
    fiber_leave(FIBER_WAITING);
    return fiber->result;
}

error_t fiber_wait(struct fiber_wait_queue *queue) {
    return wait_in(queue, 0, true);
}

error_t fiber_wait_until(struct fiber_wait_queue *queue, uint64_t deadline) {
    return wait_in(queue, deadline, true);
}

void fiber_wait_always(struct fiber_wait_queue *queue) {
    if (wait_in(queue, 0, false) != ERR_OK)
        __builtin_trap(); // called where nothing can wait
}

bool fiber_wake(struct fiber_wait_queue *queue) {
    struct fiber *fiber = queue->first;
    if (fiber == NULL)
        return false;
    fiber_wait_end(fiber, ERR_OK);
    return true;
}

void fiber_wake_all(struct fiber_wait_queue *queue) {
    while (fiber_wake(queue)) {
    }
}

error_t fiber_sleep_until(uint64_t deadline) {
    error_t error = wait_in(NULL, deadline != 0 ? deadline : 1, true);
    return error == ERR_DEADLINE ? ERR_OK : error;
}

void fiber_yield(void) {
    struct fiber *fiber = loop.running;
    if (fiber == NULL || loop.ready.first == NULL)
        return;
    queue_push(&loop.ready, fiber);
    fiber_leave(FIBER_READY);
}
