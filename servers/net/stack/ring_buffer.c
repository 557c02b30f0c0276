// See ring_buffer.h.
#include "servers/net/stack/ring_buffer.h"

#include "servers/net/stack/stack.h"

enum { RING_BUFFER_FIRST = 2048 };

uint32_t ring_buffer_pieces(const struct ring_buffer *buffer, uint32_t offset, uint32_t length, struct piece pieces[2]) {
    if (length == 0)
        return 0;
    uint32_t at = (buffer->start + offset) & (buffer->capacity - 1);
    uint32_t first = smaller(length, buffer->capacity - at);
    pieces[0] = (struct piece){buffer->bytes + at, first};
    if (first == length)
        return 1;
    pieces[1] = (struct piece){buffer->bytes, length - first};
    return 2;
}

bool ring_buffer_reserve(struct stack *stack, struct ring_buffer *buffer, uint32_t bytes) {
    if (bytes <= buffer->capacity)
        return true;
    uint32_t capacity = larger(buffer->capacity, RING_BUFFER_FIRST);
    while (capacity < bytes)
        capacity *= 2;
    uint8_t *grown = stack_allocate_unset(stack, capacity);
    if (grown == NULL)
        return false;
    if (buffer->bytes != NULL) { // what lies ahead of the end moves as well
        struct piece pieces[2];
        uint32_t count = ring_buffer_pieces(buffer, 0, buffer->capacity, pieces), at = 0;
        for (uint32_t i = 0; i < count; i++) {
            memcpy(grown + at, pieces[i].data, pieces[i].length);
            at += pieces[i].length;
        }
        stack_free(stack, buffer->bytes, buffer->capacity);
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    buffer->start = 0;
    return true;
}

void ring_buffer_put(struct ring_buffer *buffer, uint32_t offset, const uint8_t *bytes, uint32_t length) {
    struct piece pieces[2];
    uint32_t count = ring_buffer_pieces(buffer, offset, length, pieces);
    for (uint32_t i = 0; i < count; i++) {
        memcpy((uint8_t *)(uintptr_t)pieces[i].data, bytes, pieces[i].length);
        bytes += pieces[i].length;
    }
}

void ring_buffer_drop(struct ring_buffer *buffer, uint32_t length) {
    buffer->start = (buffer->start + length) & (buffer->capacity - 1);
    buffer->count -= length;
}

void ring_buffer_free(struct stack *stack, struct ring_buffer *buffer) {
    stack_free(stack, buffer->bytes, buffer->capacity);
    *buffer = (struct ring_buffer){0};
}
