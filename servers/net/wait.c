// Requests that wait for their sockets: they are put aside (no fiber each) and go on when the stack says that
// something changed, when their time is over, or when their callers give up. First come, first served for
// each direction.
#include <errno.h>
#include <stdlib.h>

#include "libipc/client/clock.h"
#include "servers/net/operation.h"

#define ROOM_TIMEOUT NANOSECONDS_PER_SECOND // a card that sends nothing for so long may be gone

static bool is_reading(const struct operation *operation) {
    return operation_part(operation) == PART_READ;
}

static void answer(struct deferred *deferred, const struct operation *operation, error_t status) {
    struct file_read_out read = {.count = operation->done};
    struct file_write_out written = {.count = operation->done};
    struct socket_send_to_out sent = {.count = operation->done};
    struct socket_receive_from_out received = {.from = operation->from, .count = operation->done, .whole = operation->whole};
    struct socket_send_many_out sent_many = {.done = operation->done};
    struct socket_receive_many_out received_many = {.count = operation->done, .more = operation->more};
    received.ready = received_many.ready = UINT64_MAX; // who waited does not poll
    switch (operation->kind) {
    case OPERATION_READ:
        file_read_answer(deferred, status, &read);
        break;
    case OPERATION_WRITE:
        file_write_answer(deferred, status, &written);
        break;
    case OPERATION_SEND:
        socket_send_to_answer(deferred, status, &sent);
        break;
    case OPERATION_SEND_MANY:
        socket_send_many_answer(deferred, status, &sent_many);
        break;
    case OPERATION_RECEIVE:
        socket_receive_from_answer(deferred, status, &received);
        break;
    case OPERATION_RECEIVE_MANY:
        socket_receive_many_answer(deferred, status, &received_many);
        break;
    }
}

static void waiter_end(struct waiter *waiter, error_t status) {
    struct session *session = waiter->session;
    struct waiter *before = NULL, *at = session->first;
    while (at != waiter) {
        before = at;
        at = at->next;
    }
    if (before != NULL)
        before->next = waiter->next;
    else
        session->first = waiter->next;
    if (session->last == waiter)
        session->last = before;
    session->waiting--;
    timer_clear(&waiter->timer);
    if (waiter->operation->done != 0)
        status = ERR_OK; // what was moved counts
    answer(&waiter->deferred, waiter->operation, status);
    free(waiter->operation);
    free(waiter);
}

static void cancelled(struct deferred *deferred) {
    waiter_end((struct waiter *)deferred, ERR_CANCELLED);
}

// A datagram that waits for room.
static bool waits_for_room(const struct session *session, bool reading) {
    return !reading && session->socket->kind != SOCKET_STREAM;
}

static void timed_out(struct timer *timer) {
    struct waiter *waiter = (struct waiter *)(void *)((char *)timer - offsetof(struct waiter, timer));
    bool room = waits_for_room(waiter->session, is_reading(waiter->operation)) && waiter->session->send_timeout == 0;
    waiter_end(waiter, room ? -ENOBUFS : ERR_AGAIN); // POSIX, SO_RCVTIMEO: EAGAIN
}

static error_t put_aside(struct session *session, struct request *request, const struct operation *operation) {
    bool reading = is_reading(operation);
    uint64_t timeout = reading ? session->receive_timeout : session->send_timeout;
    if (timeout == 0 && waits_for_room(session, reading))
        timeout = ROOM_TIMEOUT;
    struct waiter *waiter = session->waiting < WAITERS_MAX ? calloc(1, sizeof(*waiter)) : NULL;
    struct operation *copy = waiter != NULL ? malloc(sizeof(*copy)) : NULL;
    error_t error = copy != NULL ? request_defer(request, &waiter->deferred) : ERR_NO_MEMORY;
    if (error != ERR_OK) {
        free(copy);
        free(waiter);
        return error;
    }
    *copy = *operation;
    waiter->deferred.cancelled = cancelled;
    waiter->session = session;
    waiter->operation = copy;
    waiter->next = NULL;
    if (session->last != NULL)
        session->last->next = waiter;
    else
        session->first = waiter;
    session->last = waiter;
    session->waiting++;
    if (timeout != 0)
        timer_set(&waiter->timer, clock_monotonic() + timeout, timed_out);
    return ERR_OK;
}

static bool somebody_waits(const struct session *session, bool reading) {
    for (const struct waiter *at = session->first; at != NULL; at = at->next)
        if (is_reading(at->operation) == reading)
            return true;
    return false;
}

// What an actor before had done of this request. A newer one of the same thread: that one was given up.
static void go_on(struct session *session, const struct request *request, struct operation *operation) {
    struct request_part *part = &session->parts[operation_part(operation)];
    if (part->thread == 0 || part->thread != request->number_thread)
        return;
    if (part->count == request->number_count && part->done <= operation->length)
        operation->done = part->done;
    *part = (struct request_part){0};
}

error_t operation_begin(struct session *session, struct request *request, struct operation *operation) {
    struct mover mover = {.request = request};
    error_t error = ERR_AGAIN;
    operation->waits = session_waits(session, operation->flags);
    go_on(session, request, operation);
    if (!somebody_waits(session, is_reading(operation)))
        error = operation_try(session, &mover, operation);
    if (error == ERR_AGAIN && operation->waits)
        return put_aside(session, request, operation);
    return operation->done != 0 ? ERR_OK : error;
}

void waiters_serve(struct session *session) {
    bool blocked[2] = {false, false};
    struct waiter *next;
    for (struct waiter *at = session->first; at != NULL; at = next) {
        bool reading = is_reading(at->operation);
        next = at->next;
        if (at->deferred.detached) { // its request was lost with an actor, and has not come again yet
            net.detached = true;
            blocked[reading] = true;
        }
        if (blocked[reading])
            continue;
        struct mover mover = {.deferred = &at->deferred};
        error_t error = operation_try(session, &mover, at->operation);
        if (error == ERR_AGAIN)
            blocked[reading] = true;
        else
            waiter_end(at, error);
    }
}

void waiters_end(struct session *session, error_t status) {
    while (session->first != NULL)
        waiter_end(session->first, status);
}
