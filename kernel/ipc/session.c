// Life of sessions; see endpoint.h.
#include "kernel/ipc/endpoint.h"

static void check_gone(struct session *session) {
    if (session->object.capabilities || session->holds || session->object.dying || !list_is_empty(&session->gone_link))
        return;
    struct endpoint *endpoint = session->endpoint;
    if (endpoint->object.dying) { // nobody is left to tell
        list_remove(&session->link);
        object_release(&session->object);
        return;
    }
    list_push_back(&endpoint->gone, &session->gone_link);
    endpoint->events++;
    endpoint_wake(endpoint);
}

error_t session_create(struct endpoint *endpoint, struct account *account, uint64_t badge, struct session **out) {
    struct session *session;
    error_t error = object_create(CAP_SESSION, sizeof(*session), account, &session);
    if (error)
        return error;
    session->endpoint = endpoint;
    object_reference(&endpoint->object);
    session->badge = badge;
    session->serial = ++endpoint->session_serial;
    list_initialize(&session->gone_link);
    list_push_back(&endpoint->sessions, &session->link);
    endpoint->session_count++;
    *out = session;
    return ERR_OK;
}

void session_unreachable(struct object *object) {
    check_gone(CONTAINER_OF(object, struct session, object));
}

void session_hold(struct session *session) {
    session->holds++;
}

void session_unhold(struct session *session) {
    session->holds--;
    check_gone(session);
}

error_t session_acknowledge(struct endpoint *endpoint, uint64_t badge) {
    for (struct list *link = endpoint->gone.next; link != &endpoint->gone; link = link->next) {
        struct session *session = CONTAINER_OF(link, struct session, gone_link);
        if (!session->shown) // those shown stand in front
            break;
        if (session->badge != badge)
            continue;
        list_remove(&session->gone_link);
        list_remove(&session->link);
        object_release(&session->object); // the reference of its creation
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

bool session_reap_step(struct object *object) {
    struct session *session = CONTAINER_OF(object, struct session, object);
    list_remove(&session->link);
    session->endpoint->session_count--;
    object_release(&session->endpoint->object);
    return true;
}
