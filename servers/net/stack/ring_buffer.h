// Bytes of a stream on their way: a ring that grows by doubling within its owner's limit, and is given back
// when it is empty. Bytes can be put at places ahead of its end (out of order). Owned by one connection.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/net/stack/checksum.h"

struct stack;

struct ring_buffer {
    uint8_t *bytes;
    uint32_t capacity; // a power of two, or 0
    uint32_t start;    // of the oldest byte
    uint32_t count;    // bytes in order
    // For who may write without a note: the memory is this buffer's since commit `made_at`, and the last `dropped` bytes before
    // `start` held bytes at commit `dropped_at`.
    uint64_t made_at, dropped_at;
    uint32_t dropped;
};

// Room for `bytes` from the oldest byte on; false: no memory.
bool ring_buffer_reserve(struct stack *stack, struct ring_buffer *buffer, uint32_t bytes);
// Whether these bytes must be noted before they change. What was free at the last commit need not: there a rollback wants nothing.
bool ring_buffer_is_noted(const struct stack *stack, const struct ring_buffer *buffer, uint32_t offset, uint32_t length);
// Copies to the place `offset` behind the oldest byte; there must be room. The count stays.
void ring_buffer_put(const struct stack *stack, struct ring_buffer *buffer, uint32_t offset, const uint8_t *bytes, uint32_t length);
// The memory from `offset` on, in up to two pieces; returns how many.
uint32_t ring_buffer_pieces(const struct ring_buffer *buffer, uint32_t offset, uint32_t length, struct piece pieces[2]);
void ring_buffer_drop(const struct stack *stack, struct ring_buffer *buffer, uint32_t length);
// Frees the stack's spare ones.
void ring_buffer_finish(struct stack *stack);
void ring_buffer_free(struct stack *stack, struct ring_buffer *buffer);
