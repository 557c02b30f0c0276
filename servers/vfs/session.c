// Badges of vfs's own sessions: directories and pipe ends.
#include "servers/framework/heap_sessions.h"
#include "servers/vfs/state.h"

error_t session_publish(struct session *session, cap_t *capability) {
    error_t error = heap_sessions_add(&vfs.sessions, session, &session->badge);
    if (error != ERR_OK)
        return error;
    error = server_create_session(&vfs.server, session->badge, capability);
    if (error != ERR_OK)
        session_remove(session);
    return error;
}

error_t session_take(struct session *session) {
    return heap_sessions_restore(&vfs.sessions, session->badge, session);
}

void session_remove(struct session *session) {
    void *removed = session_table_remove(&vfs.sessions, session->badge);
    (void)removed;
}

struct session *session_find(uint64_t badge) {
    return session_table_find(&vfs.sessions, badge);
}
