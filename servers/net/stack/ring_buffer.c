// See ring_buffer.h.
#include "servers/net/stack/ring_buffer.h"

#include "servers/net/stack/stack.h"

enum { RING_BUFFER_FIRST = 512, RING_BUFFER_SPARED = 8192 /* smaller ones are made quickly */ };
enum { RING_BUFFER_MAPPED = 256 * 1024 }; // a mapping of its own (libc/stdlib/heap.c)

uint32_t ring_buffer_pieces(const struct ring_buffer *buffer, uint32_t offset, uint32_t length, struct piece pieces[2]) {
    if (length == 0)
        return 0;
    uint32_t at = (buffer->start + offset) & (buffer->capacity - 1);
    uint32_t first = smaller(length, buffer->capacity - at);
    pieces[0] = piece_of(buffer->bytes + at, first);
    if (first == length)
        return 1;
    pieces[1] = piece_of(buffer->bytes, length - first);
    return 2;
}

// Memory for at least `bytes`, a spare one if there is one. False: none.
static bool make(struct stack *stack, struct ring_buffer *made, uint32_t bytes) {
    uint32_t capacity = RING_BUFFER_FIRST;
    for (uint32_t i = 0; i < STACK_SPARES; i++) {
        struct ring_buffer *spare = &stack->spares[i];
        if (spare->bytes == NULL || spare->capacity < bytes)
            continue;
        *made = *spare;
        *spare = (struct ring_buffer){0};
        return true;
    }
    while (capacity < bytes)
        capacity *= 2;
    uint8_t *memory = stack_allocate_unset(stack, capacity);
    *made = (struct ring_buffer){.bytes = memory, .capacity = capacity, .made_at = stack->commits};
    if (capacity >= RING_BUFFER_MAPPED)
        made->made_at--; // not the heap's, which has nothing in it
    return memory != NULL;
}

// Bytes that were dropped since the last commit: a rollback brings them back.
static uint32_t dropped(const struct stack *stack, const struct ring_buffer *buffer) {
    return buffer->dropped_at == stack->commits ? buffer->dropped : 0;
}

bool ring_buffer_is_noted(const struct stack *stack, const struct ring_buffer *buffer, uint32_t offset, uint32_t length) {
    return stack->copy_unnoted == NULL || buffer->made_at == stack->commits ||
           offset + length > buffer->capacity - dropped(stack, buffer);
}

static void put(const struct stack *stack, bool noted, uint8_t *to, const uint8_t *from, uint32_t length) {
    if (noted)
        memcpy(to, from, length);
    else
        stack->copy_unnoted(to, from, length);
}

bool ring_buffer_reserve(struct stack *stack, struct ring_buffer *buffer, uint32_t bytes) {
    struct ring_buffer grown;
    if (buffer->capacity != 0 && stack->copy_unnoted != NULL)
        bytes += smaller(dropped(stack, buffer), buffer->capacity); // so that it can be filled without notes
    if (bytes <= buffer->capacity)
        return true;
    if (!make(stack, &grown, larger(bytes, 2 * buffer->capacity)))
        return false;
    if (buffer->bytes != NULL) { // what lies ahead of the end moves as well
        struct piece pieces[2];
        uint32_t count = ring_buffer_pieces(buffer, 0, buffer->capacity, pieces), at = 0;
        bool noted = ring_buffer_is_noted(stack, &grown, 0, buffer->capacity);
        for (uint32_t i = 0; i < count; i++) {
            put(stack, noted, grown.bytes + at, pieces[i].data, pieces[i].length);
            at += pieces[i].length;
        }
        grown.count = buffer->count;
        ring_buffer_free(stack, buffer);
    }
    *buffer = grown;
    return true;
}

void ring_buffer_put(const struct stack *stack, struct ring_buffer *buffer, uint32_t offset, const uint8_t *bytes,
                     uint32_t length) {
    struct piece pieces[2];
    uint32_t count = ring_buffer_pieces(buffer, offset, length, pieces);
    bool noted = ring_buffer_is_noted(stack, buffer, offset, length);
    for (uint32_t i = 0; i < count; i++) {
        put(stack, noted, (uint8_t *)(uintptr_t)pieces[i].data, bytes, pieces[i].length);
        bytes += pieces[i].length;
    }
}

void ring_buffer_drop(const struct stack *stack, struct ring_buffer *buffer, uint32_t length) {
    buffer->dropped = dropped(stack, buffer) + length;
    buffer->dropped_at = stack->commits;
    buffer->start = (buffer->start + length) & (buffer->capacity - 1);
    buffer->count -= length;
}

void ring_buffer_free(struct stack *stack, struct ring_buffer *buffer) {
    struct ring_buffer freed = {.bytes = buffer->bytes, .capacity = buffer->capacity, .made_at = stack->commits};
    *buffer = (struct ring_buffer){0};
    for (uint32_t i = 0; i < STACK_SPARES && freed.capacity >= RING_BUFFER_SPARED; i++)
        if (stack->spares[i].bytes == NULL) {
            stack->spares[i] = freed;
            return;
        }
    stack_free(stack, freed.bytes, freed.capacity);
}

void ring_buffer_finish(struct stack *stack) {
    for (uint32_t i = 0; i < STACK_SPARES; i++) {
        stack_free(stack, stack->spares[i].bytes, stack->spares[i].capacity);
        stack->spares[i] = (struct ring_buffer){0};
    }
}
