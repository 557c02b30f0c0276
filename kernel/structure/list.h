// A circular doubly linked list of nodes embedded in their owners. Invariant: a node is either in one list or points
// to itself, so that unlinking twice does no harm. Every operation is O(1).
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_initialize(struct list *list) {
    list->next = list->previous = list;
}
static inline bool list_is_empty(const struct list *list) {
    return list->next == list;
}
static inline void list_insert_before(struct list *position, struct list *node) {
    node->next = position;
    node->previous = position->previous;
    position->previous->next = node;
    position->previous = node;
}
static inline void list_push_back(struct list *list, struct list *node) {
    list_insert_before(list, node);
}
static inline void list_push_front(struct list *list, struct list *node) {
    list_insert_before(list->next, node);
}
static inline void list_remove(struct list *node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_initialize(node);
}
// The first node, or NULL.
static inline struct list *list_first(const struct list *list) {
    return list->next == list ? NULL : list->next;
}
