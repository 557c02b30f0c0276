// Receiving at an endpoint; see endpoint.h. Order: signals, cancellations, sessions gone, then requests by arrival.
#include "kernel/ipc/endpoint.h"

#include "kernel/ipc/notification.h"
#include "kernel/sched/thread.h"

enum { END_STEP = 32 };

error_t endpoint_create(struct account *account, struct endpoint **out) {
    struct endpoint *endpoint;
    error_t error = object_create(CAP_ENDPOINT, sizeof(*endpoint), account, &endpoint);
    if (error)
        return error;
    list_initialize(&endpoint->queue);
    list_initialize(&endpoint->receivers);
    list_initialize(&endpoint->cancelled);
    list_initialize(&endpoint->sessions);
    list_initialize(&endpoint->gone);
    *out = endpoint;
    return ERR_OK;
}

static void show_event(struct thread *thread, enum kernel_event event, uint64_t badge, uint64_t word0, uint64_t word1) {
    struct registers *registers = &thread->registers;
    registers->rax = ERR_OK;
    registers->rdi = badge;
    registers->rsi = TAG(event, 2);
    registers->words[0] = word0;
    registers->words[1] = word1;
    registers->r14 = registers->r15 = 0;
}

static bool show_cancelled(struct endpoint *endpoint, struct thread *thread) {
    struct list *link = list_first(&endpoint->cancelled);
    if (!link)
        return false;
    struct request *request = CONTAINER_OF(link, struct request, cancel_link);
    list_remove(link);
    endpoint->events--;
    show_event(thread, EVENT_CANCEL, request->session->badge, request->serial, request->count);
    return true;
}

static bool show_gone(struct endpoint *endpoint, struct thread *thread) {
    for (struct list *link = endpoint->gone.previous; link != &endpoint->gone; link = link->previous) {
        struct session *session = CONTAINER_OF(link, struct session, gone_link);
        if (session->shown)
            break; // only shown ones stand in front of it
        session->shown = true;
        endpoint->events--;
        list_remove(link);
        list_push_front(&endpoint->gone, link);
        show_event(thread, EVENT_SESSION_CLOSED, session->badge, 0, 0);
        return true;
    }
    return false;
}

error_t endpoint_receive(struct endpoint *endpoint, struct thread *thread) {
    if (endpoint->notification && notification_take(endpoint->notification, thread))
        return ERR_OK;
    if (show_cancelled(endpoint, thread) || show_gone(endpoint, thread))
        return ERR_OK;
    struct list *link = list_first(&endpoint->queue);
    if (!link)
        return ERR_AGAIN;
    request_take(CONTAINER_OF(link, struct request, link), thread);
    endpoint_press(endpoint); // its server may be another thread
    return ERR_OK;
}

static void set_server(struct endpoint *endpoint, struct thread *thread) {
    if (thread->home)
        thread->home->server = NULL;
    if (endpoint->server)
        endpoint->server->home = NULL;
    endpoint->server = thread;
    thread->home = endpoint;
    thread_update_priority(thread); // not for the one any more where it waited before
}

void endpoint_press(struct endpoint *endpoint) {
    if (endpoint->server)
        thread_update_priority(endpoint->server);
}

void endpoint_add_receiver(struct endpoint *endpoint, struct thread *thread) {
    if (thread->home != endpoint)
        set_server(endpoint, thread);
    thread->waits_at = endpoint;
    if (endpoint->receiver)
        list_push_back(&endpoint->receivers, &thread->queue_link);
    else
        endpoint->receiver = thread;
}

void endpoint_remove_receiver(struct thread *thread) {
    if (thread->waits_at && thread->waits_at->receiver == thread)
        thread->waits_at->receiver = NULL;
    else
        list_remove(&thread->queue_link);
    thread->waits_at = NULL;
}

struct thread *endpoint_first_receiver(const struct endpoint *endpoint) {
    if (endpoint->receiver)
        return endpoint->receiver;
    struct list *link = list_first(&endpoint->receivers);
    return link ? CONTAINER_OF(link, struct thread, queue_link) : NULL;
}

void endpoint_wake(struct endpoint *endpoint) {
    struct thread *thread = endpoint_first_receiver(endpoint);
    if (!thread)
        return;
    endpoint_remove_receiver(thread); // what it receives may wake this endpoint once more: that is for others
    if (endpoint_receive(endpoint, thread) == ERR_OK)
        thread_wake(thread);
    else
        endpoint_add_receiver(endpoint, thread);
}

void endpoint_show_again(struct endpoint *endpoint) {
    uint32_t again = 0;
    for (struct list *link = endpoint->gone.next; link != &endpoint->gone; link = link->next) {
        struct session *session = CONTAINER_OF(link, struct session, gone_link);
        again += session->shown;
        session->shown = false;
    }
    for (endpoint->events += again; again > 0; again--)
        endpoint_wake(endpoint); // another process may wait here too
}

// Nobody can receive here any more: those who wait for an answer must not wait for ever.
void endpoint_unreachable(struct object *object) {
    object_reap(object);
}

bool endpoint_reap_step(struct object *object) {
    struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
    for (uint32_t i = 0; i < END_STEP; i++) {
        struct thread *thread = endpoint_first_receiver(endpoint);
        struct list *request = list_first(&endpoint->queue), *gone = list_first(&endpoint->gone);
        if (thread) {
            thread->registers.rax = (uint64_t)ERR_DYING;
            thread_wake(thread);
        } else if (request) {
            request_finish(CONTAINER_OF(request, struct request, link), ERR_DYING);
        } else if (gone) {
            struct session *session = CONTAINER_OF(gone, struct session, gone_link);
            list_remove(gone);
            list_remove(&session->link);
            object_release(&session->object);
        } else {
            if (endpoint->notification)
                notification_unbind(endpoint->notification);
            if (endpoint->server)
                endpoint->server->home = NULL;
            endpoint->server = NULL;
            return true;
        }
    }
    return false;
}
