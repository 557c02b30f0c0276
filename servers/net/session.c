// Sessions of sockets: from badges to sockets, and what happens when a socket has changed. The stack calls
// `changed` from its midst; so a session is only noted there, and looked at when the stack has returned.
#include <stdlib.h>

#include "libipc/client/slot.h"
#include "servers/framework/heap_sessions.h"
#include "servers/net/state.h"

void session_note(struct session *session) {
    if (session->changed)
        return;
    session->changed = true;
    session->next_changed = net.changed;
    net.changed = session;
}

static void changed(struct socket *socket) {
    session_note(socket->owner);
}

static void adopt(struct session *session, struct socket *socket) {
    session->socket = socket;
    socket->owner = session;
    socket->changed = changed;
}

error_t session_make(struct socket *socket, uint64_t flags, cap_t *capability) {
    struct session *session = calloc(1, sizeof(*session));
    error_t error = session == NULL ? ERR_NO_MEMORY : heap_sessions_add(&net.sessions, session, &session->badge);
    if (error == ERR_OK) {
        error = server_create_session(&net.server, session->badge, capability);
        if (error != ERR_OK)
            (void)session_table_remove(&net.sessions, session->badge);
    }
    if (error != ERR_OK) {
        free(session);
        return error;
    }
    adopt(session, socket);
    session->flags = flags;
    return ERR_OK;
}

error_t session_take(uint64_t badge, struct socket *socket, struct session **result) {
    struct session *session = calloc(1, sizeof(*session));
    error_t error = session == NULL ? ERR_NO_MEMORY : heap_sessions_restore(&net.sessions, badge, session);
    if (error != ERR_OK) {
        free(session);
        return error;
    }
    session->badge = badge;
    adopt(session, socket);
    *result = session;
    return ERR_OK;
}

struct session *session_find(uint64_t badge) {
    return session_table_find(&net.sessions, badge);
}

static void unnote(struct session *session) {
    struct session **place = &net.changed;
    while (*place != NULL && *place != session)
        place = &(*place)->next_changed;
    if (*place != NULL)
        *place = session->next_changed;
}

void session_closed(uint64_t badge) {
    struct session *session = session_find(badge);
    if (session == NULL)
        return;
    net_begin();
    (void)session_table_remove(&net.sessions, badge);
    waiters_end(session, ERR_CANCELLED); // their callers have died
    poll_list_clear(&session->polls);
    unnote(session);
    stack_socket_close(session->socket);
    free(session);
    net_end();
}

void sessions_settle(void) {
    while (net.changed != NULL) {
        struct session *session = net.changed;
        net.changed = session->next_changed;
        session->changed = false;
        session->changes++;
        waiters_serve(session);
        fiber_wake_all(&session->fibers);
        if (session->polls.first != NULL)
            poll_list_tell(&session->polls, stack_socket_readiness(session->socket));
    }
}
