// From badges to a server's objects. A badge is an index and a generation, so that one that outlived its
// session finds nothing. The server provides the entries, in ordinary or in state memory; entry 0 is never
// used, so no badge is 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

struct session_entry {
    void *object;        // NULL: free
    uint32_t generation; // of the present or the next user
    uint32_t next_free;
};

struct session_table {
    struct session_entry *entries;
    uint32_t capacity;
    uint32_t used;  // entries below it have been used
    uint32_t free;  // first of the free ones below `used`; 0: none
    uint32_t count; // objects in the table
};

static inline void session_table_initialize(struct session_table *table, struct session_entry *entries, uint32_t capacity) {
    *table = (struct session_table){.entries = entries, .capacity = capacity, .used = 1};
}

// The table moves to larger entries; `entries` holds copies of the old ones, and zeros behind them.
static inline void session_table_grow(struct session_table *table, struct session_entry *entries, uint32_t capacity) {
    table->entries = entries;
    table->capacity = capacity;
}

// A badge for `object`, which is not NULL. ERR_NO_SPACE: the table is full; grow it.
MUST_USE error_t session_table_insert(struct session_table *table, void *object, uint64_t *badge);

// Puts an object back under the badge that it had before a restart. ERR_EXISTS: the badge is another's.
MUST_USE error_t session_table_restore(struct session_table *table, uint64_t badge, void *object);

// A badge that somebody holds, and that stands for nothing: no new object gets it.
void session_table_avoid(struct session_table *table, uint64_t badge);

// The object, or NULL.
void *session_table_find(const struct session_table *table, uint64_t badge);

// Takes the object out; its badge finds nothing from now on. NULL if there was none.
void *session_table_remove(struct session_table *table, uint64_t badge);
