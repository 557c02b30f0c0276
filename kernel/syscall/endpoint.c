// Methods of endpoints, calls and notifications; what each does is in libipc/protocols/.
#include "kernel/ipc/endpoint.h"

#include "kernel/ipc/call.h"
#include "kernel/ipc/notification.h"
#include "kernel/syscall/invocation.h"
#include "kernel/x86_64/clock.h"

static error_t create_session(struct invocation *call, struct endpoint *endpoint) {
    // Who is being served pays; its account may be full, and then it is refused what it asked for.
    const struct request *serving = thread_serving(call->thread);
    struct account *account = serving ? serving->process->object.account : endpoint->object.account;
    struct session *session;
    error_t error = session_create(endpoint, account, call->in[0], &session);
    if (!error)
        capability_fill(call->out[0], CAP_SESSION, session, SESSION_RIGHTS, NULL);
    return error;
}

static error_t next_session(struct invocation *call, struct endpoint *endpoint) {
    for (struct list *link = endpoint->sessions.next; link != &endpoint->sessions; link = link->next) {
        struct session *session = CONTAINER_OF(link, struct session, link);
        if (session->serial <= call->in[0])
            continue;
        call->reply[0] = session->serial;
        call->reply[1] = session->badge;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static void information(struct invocation *call, const struct endpoint *endpoint) {
    uint64_t oldest = 0, now = clock_now();
    struct list *link = list_first(&endpoint->queue);
    if (link)
        oldest = now - CONTAINER_OF(link, struct request, link)->since;
    call->reply[0] = endpoint->queued;
    call->reply[1] = oldest;
    call->reply[2] = endpoint->session_count;
}

error_t endpoint_invoke(struct invocation *call, uint32_t code) {
    struct endpoint *endpoint = call->slot->object;
    struct notification *notification;
    struct session *session;
    error_t error;
    switch (code | PROTOCOL_ENDPOINT << 8) {
    case METHOD_ENDPOINT_CREATE_SESSION:
        return create_session(call, endpoint);
    case METHOD_ENDPOINT_ACKNOWLEDGE:
        return session_acknowledge(endpoint, call->in[0]);
    case METHOD_ENDPOINT_BIND:
        error = invocation_object(call, 0, CAP_NOTIFICATION, RIGHT_RECEIVE, &notification);
        if (!error)
            notification_bind(notification, endpoint);
        return error;
    case METHOD_ENDPOINT_NEXT_SESSION:
        return next_session(call, endpoint);
    case METHOD_ENDPOINT_IDENTIFY:
        error = invocation_object(call, 0, CAP_SESSION, 0, &session);
        if (!error && session->endpoint != endpoint)
            error = ERR_NOT_FOUND;
        if (!error)
            call->reply[0] = session->badge;
        return error;
    default:
        information(call, endpoint);
        return ERR_OK;
    }
}

error_t call_invoke(struct invocation *call, uint32_t code) {
    (void)code; // cancel is the only one
    struct call *object = call->slot->object;
    if (object->request.state == REQUEST_IDLE || object->request.state == REQUEST_ANSWERED)
        return ERR_NO_REQUEST;
    if (!object->request.cancelling)
        (void)request_cancel(&object->request);
    return ERR_OK;
}

error_t notification_invoke(struct invocation *call, uint32_t code) {
    (void)code; // poll is the only one
    struct notification *notification = call->slot->object;
    call->reply[0] = notification_poll(notification);
    return ERR_OK;
}
