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
};

// Room for `bytes` from the oldest byte on; false: no memory.
bool ring_buffer_reserve(struct stack *stack, struct ring_buffer *buffer, uint32_t bytes);
// Copies to the place `offset` behind the oldest byte; there must be room. The count stays.
void ring_buffer_put(struct ring_buffer *buffer, uint32_t offset, const uint8_t *bytes, uint32_t length);
// The memory from `offset` on, in up to two pieces; returns how many.
uint32_t ring_buffer_pieces(const struct ring_buffer *buffer, uint32_t offset, uint32_t length, struct piece pieces[2]);
void ring_buffer_drop(struct ring_buffer *buffer, uint32_t length);
void ring_buffer_free(struct stack *stack, struct ring_buffer *buffer);
