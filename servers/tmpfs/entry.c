// Names in a directory: a hash table to find them, and a list in the order of their cookies to list them. A
// cookie is never used twice, so a listing that others disturb meets every entry that stays exactly once.
#include <stdlib.h>
#include <string.h>

#include "servers/tmpfs/state.h"

enum { BUCKETS_FIRST = 8 };

static uint32_t name_hash(const char *name, size_t length) {
    uint32_t hash = 0x811c9dc5; // FNV-1a
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 0x01000193;
    return hash;
}

struct tmp_entry *entry_find(const struct tmp_node *node, const char *name, size_t length) {
    const struct tmp_directory *directory = &node->directory;
    if (directory->bucket_count == 0)
        return NULL;
    uint32_t hash = name_hash(name, length);
    struct tmp_entry *entry = directory->buckets[hash & (directory->bucket_count - 1)];
    while (entry != NULL && (entry->hash != hash || entry->length != length || memcmp(entry->name, name, length) != 0))
        entry = entry->hash_next;
    return entry;
}

static void bucket_insert(struct tmp_directory *directory, struct tmp_entry *entry) {
    struct tmp_entry **bucket = &directory->buckets[entry->hash & (directory->bucket_count - 1)];
    entry->hash_next = *bucket;
    *bucket = entry;
}

static bool buckets_grow(struct tmp_directory *directory) {
    uint32_t count = directory->bucket_count == 0 ? BUCKETS_FIRST : 2 * directory->bucket_count;
    struct tmp_entry **buckets = calloc(count, sizeof(*buckets));
    if (buckets == NULL)
        return directory->bucket_count != 0;
    free(directory->buckets);
    directory->buckets = buckets;
    directory->bucket_count = count;
    for (struct tmp_entry *entry = directory->first; entry != NULL; entry = entry->next)
        bucket_insert(directory, entry);
    return true;
}

error_t entry_add(struct tmp_node *node, const char *name, size_t length, struct tmp_node *named) {
    struct tmp_directory *directory = &node->directory;
    if (directory->count >= directory->bucket_count && !buckets_grow(directory))
        return ERR_NO_SPACE;
    struct tmp_entry *entry = malloc(sizeof(*entry) + length);
    if (entry == NULL)
        return ERR_NO_SPACE;
    if (directory->last_cookie == 0)
        directory->last_cookie = 1;
    *entry = (struct tmp_entry){.node = named, .cookie = ++directory->last_cookie, .previous = directory->last};
    entry->hash = name_hash(name, length);
    entry->length = (uint8_t)length;
    memcpy(entry->name, name, length);
    if (directory->last != NULL)
        directory->last->next = entry;
    else
        directory->first = entry;
    directory->last = entry;
    directory->count++;
    bucket_insert(directory, entry);
    return ERR_OK;
}

void entry_remove(struct tmp_node *node, struct tmp_entry *entry) {
    struct tmp_directory *directory = &node->directory;
    struct tmp_entry **place = &directory->buckets[entry->hash & (directory->bucket_count - 1)];
    while (*place != entry)
        place = &(*place)->hash_next;
    *place = entry->hash_next;
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        directory->first = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        directory->last = entry->previous;
    directory->count--;
    free(entry);
}
