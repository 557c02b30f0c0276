// Badges of vfs's own sessions: directories and pipe ends.
#include <stdlib.h>
#include <string.h>

#include "libipc/protocols/endpoint.h"
#include "servers/vfs/state.h"

enum { SESSIONS_FIRST = 64, SESSIONS_MAX = 1 << 16 };

static error_t table_grow(void) {
    struct session_table *table = &vfs.sessions;
    uint32_t capacity = table->capacity == 0 ? SESSIONS_FIRST : 2 * table->capacity;
    if (capacity > SESSIONS_MAX)
        return ERR_NO_MEMORY;
    struct session_entry *entries = calloc(capacity, sizeof(*entries)), *old = table->entries;
    if (entries == NULL)
        return ERR_NO_MEMORY;
    if (old == NULL) {
        session_table_initialize(table, entries, capacity);
        return ERR_OK;
    }
    memcpy(entries, old, table->capacity * sizeof(*entries));
    session_table_grow(table, entries, capacity);
    free(old);
    return ERR_OK;
}

error_t session_publish(struct session *session, cap_t *capability) {
    struct session_table *table = &vfs.sessions;
    error_t error = table->capacity == 0 ? ERR_NO_SPACE : session_table_insert(table, session, &session->badge);
    if (error == ERR_NO_SPACE) {
        error = table_grow();
        if (error == ERR_OK)
            error = session_table_insert(table, session, &session->badge);
    }
    if (error != ERR_OK)
        return error;
    error = server_create_session(&vfs.server, session->badge, capability);
    if (error != ERR_OK)
        session_remove(session);
    return error;
}

error_t session_take(struct session *session) {
    while ((uint32_t)session->badge >= vfs.sessions.capacity) {
        error_t error = table_grow();
        if (error != ERR_OK)
            return error;
    }
    return session_table_restore(&vfs.sessions, session->badge, session);
}

void session_avoid_unknown(void) {
    uint64_t cursor = 0, badge;
    while (endpoint_next_session(vfs.server.endpoint, cursor, &cursor, &badge) == ERR_OK)
        if (badge >> 63 == 0)
            session_table_avoid(&vfs.sessions, badge);
}

void session_remove(struct session *session) {
    void *removed = session_table_remove(&vfs.sessions, session->badge);
    (void)removed;
}

struct session *session_find(uint64_t badge) {
    return session_table_find(&vfs.sessions, badge);
}
