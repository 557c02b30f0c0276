// See heap_sessions.h.
#include "servers/framework/heap_sessions.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/protocols/endpoint.h"

enum { SESSIONS_FIRST = 64, SESSIONS_MAX = 1 << 16 };

static error_t grow(struct session_table *table) {
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

error_t heap_sessions_add(struct session_table *table, void *object, uint64_t *badge) {
    error_t error = table->capacity == 0 ? ERR_NO_SPACE : session_table_insert(table, object, badge);
    if (error != ERR_NO_SPACE)
        return error;
    error = grow(table);
    return error == ERR_OK ? session_table_insert(table, object, badge) : error;
}

error_t heap_sessions_restore(struct session_table *table, uint64_t badge, void *object) {
    while ((uint32_t)badge >= table->capacity) {
        error_t error = grow(table);
        if (error != ERR_OK)
            return error;
    }
    return session_table_restore(table, badge, object);
}

void heap_sessions_avoid_unknown(struct session_table *table, cap_t endpoint) {
    uint64_t cursor = 0, badge;
    while (endpoint_next_session(endpoint, cursor, &cursor, &badge) == ERR_OK)
        if (badge >> 63 == 0)
            session_table_avoid(table, badge);
}
