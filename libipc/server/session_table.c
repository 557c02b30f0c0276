// See session_table.h. Badge: generation << 32 | index.
#include "libipc/server/session_table.h"

static uint64_t badge_of(uint32_t index, uint32_t generation) {
    return (uint64_t)generation << 32 | index;
}

error_t session_table_insert(struct session_table *table, void *object, uint64_t *badge) {
    uint32_t index = table->free;
    if (index != 0) {
        table->free = table->entries[index].next_free;
    } else {
        if (table->used >= table->capacity)
            return ERR_NO_SPACE;
        index = table->used++;
    }
    table->entries[index].object = object;
    table->count++;
    *badge = badge_of(index, table->entries[index].generation);
    return ERR_OK;
}

// Takes `index` out of the free list, where a restore needs it. Restores are few.
static void unlink_free(struct session_table *table, uint32_t index) {
    uint32_t *place = &table->free;
    while (*place != index && *place != 0)
        place = &table->entries[*place].next_free;
    if (*place == index)
        *place = table->entries[index].next_free;
}

error_t session_table_restore(struct session_table *table, uint64_t badge, void *object) {
    uint32_t index = (uint32_t)badge;
    if (index == 0 || index >= table->capacity)
        return ERR_NO_SPACE;
    for (; table->used <= index; table->used++) {
        table->entries[table->used].next_free = table->free;
        table->free = table->used;
    }
    struct session_entry *entry = &table->entries[index];
    if (entry->object != NULL)
        return ERR_EXISTS;
    unlink_free(table, index);
    entry->object = object;
    entry->generation = (uint32_t)(badge >> 32);
    table->count++;
    return ERR_OK;
}

void session_table_avoid(struct session_table *table, uint64_t badge) {
    uint32_t index = (uint32_t)badge, generation = (uint32_t)(badge >> 32);
    if (index < table->used && table->entries[index].object == NULL && table->entries[index].generation <= generation)
        table->entries[index].generation = generation + 1;
}

void *session_table_find(const struct session_table *table, uint64_t badge) {
    uint32_t index = (uint32_t)badge;
    if (index == 0 || index >= table->used || table->entries[index].generation != badge >> 32)
        return NULL;
    return table->entries[index].object;
}

void *session_table_remove(struct session_table *table, uint64_t badge) {
    void *object = session_table_find(table, badge);
    if (object == NULL)
        return NULL;
    uint32_t index = (uint32_t)badge;
    struct session_entry *entry = &table->entries[index];
    entry->object = NULL;
    entry->generation++;
    entry->next_free = table->free;
    table->free = index;
    table->count--;
    return object;
}
