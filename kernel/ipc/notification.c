// Signalling and taking bits; see notification.h.
#include "kernel/ipc/notification.h"

#include "kernel/abi/syscall.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"

enum { END_STEP = 32 };

error_t notification_create(struct account *account, struct notification **out) {
    struct notification *notification;
    error_t error = object_create(CAP_NOTIFICATION, sizeof(*notification), account, &notification);
    if (error)
        return error;
    list_initialize(&notification->waiters);
    *out = notification;
    return ERR_OK;
}

// The endpoint's events tell the fast path that there is something to take.
static void count(struct notification *notification, bool waiting) {
    if (!notification->endpoint || notification->counted == waiting)
        return;
    notification->counted = waiting;
    notification->endpoint->events += waiting ? 1 : UINT32_MAX;
}

bool notification_take(struct notification *notification, struct thread *thread) {
    if (!notification->bits)
        return false;
    trace_event(TRACE_EVENT_TAKE, thread, 0, trace_object(notification), notification->bits);
    struct registers *registers = &thread->registers;
    registers->rax = WAIT_NOTIFICATION;
    registers->words[0] = notification->bits;
    registers->rdi = registers->rsi = registers->r14 = registers->r15 = 0;
    (void)notification_poll(notification);
    return true;
}

void notification_add_waiter(struct notification *notification, struct thread *thread) {
    thread->waits_at = NULL;
    list_push_back(&notification->waiters, &thread->queue_link);
}

uint64_t notification_poll(struct notification *notification) {
    uint64_t bits = notification->bits;
    notification->bits = 0;
    count(notification, false);
    return bits;
}

void notification_signal(struct notification *notification, uint64_t bits) {
    notification->bits |= bits;
    struct list *link = list_first(&notification->waiters);
    struct thread *thread = link ? CONTAINER_OF(link, struct thread, queue_link) : NULL;
    if (!thread && notification->endpoint)
        thread = endpoint_first_receiver(notification->endpoint);
    if (!thread)
        count(notification, notification->bits != 0);
    else if (notification_take(notification, thread))
        thread_wake(thread);
}

void notification_bind(struct notification *notification, struct endpoint *endpoint) {
    object_reference(&notification->object);
    if (endpoint->notification)
        notification_unbind(endpoint->notification);
    if (notification->endpoint)
        notification_unbind(notification);
    notification->endpoint = endpoint;
    endpoint->notification = notification;
    count(notification, notification->bits != 0);
    endpoint_wake(endpoint);
}

void notification_unbind(struct notification *notification) {
    if (!notification->endpoint)
        return;
    count(notification, false);
    notification->endpoint->notification = NULL;
    notification->endpoint = NULL;
    object_release(&notification->object);
}

// Those that wait hold no reference, and nobody is left who could signal for them.
void notification_unreachable(struct object *object) {
    if (!list_is_empty(&CONTAINER_OF(object, struct notification, object)->waiters))
        object_reap(object);
}

bool notification_reap_step(struct object *object) {
    struct notification *notification = CONTAINER_OF(object, struct notification, object);
    struct list *link = list_first(&notification->waiters);
    for (uint32_t i = 0; link && i < END_STEP; i++, link = list_first(&notification->waiters)) {
        struct thread *thread = CONTAINER_OF(link, struct thread, queue_link);
        thread->registers.rax = (uint64_t)ERR_DYING;
        thread_wake(thread);
    }
    return !link;
}
