// What a connection sends, from the oldest byte that is not acknowledged on: bytes in a ring, and between them ranges of files
// that the card reads by itself, which lie nowhere here. Invariant: `count` is the ring's bytes and those of all ranges; of the
// ring, `before` bytes come before each range.
#pragma once

#include "servers/net/stack/ring_buffer.h"

struct interface;

enum {
    FILE_RANGES_MOST = 4,        // of one connection
    FILE_BYTES_MOST = 1 << 20,   // of one range
    FILE_BYTES_LEAST = 16 << 10, // less is copied
    // All pieces that a queue can be cut into: its ranges, what lies around them, and the ring's wrap.
    SEND_PIECES_MOST = 2 * FILE_RANGES_MOST + 2,
};

// Pages that the card of one interface can read. The stack's owner makes it, attached to the card until `file_free`
// (struct stack); what lies in the pages may change at any time.
struct stack_file {
    uint32_t references;
    const struct interface *interface;
};

struct file_range {
    struct file_range *next;
    struct stack_file *file; // referenced
    uint32_t offset, length;
    uint32_t before;
};

struct send_queue {
    struct ring_buffer bytes;
    uint32_t count;
    struct file_range *first, *last;
    uint32_t ranges;
};

// The pieces of `length` bytes from `offset` on; how many.
uint32_t send_queue_pieces(const struct send_queue *queue, uint32_t offset, uint32_t length,
                           struct piece pieces[SEND_PIECES_MOST]);
// Bytes that were put behind the ring's last byte.
void send_queue_written(struct send_queue *queue, uint32_t length);
// Adds a range, with a reference of its own; false: no memory, or too many ranges.
bool send_queue_add_file(struct stack *stack, struct send_queue *queue, struct stack_file *file, uint32_t offset,
                         uint32_t length);
void send_queue_drop(struct stack *stack, struct send_queue *queue, uint32_t length);
// Empties it, and gives all memory back.
void send_queue_free(struct stack *stack, struct send_queue *queue);

void stack_file_release(struct stack *stack, struct stack_file *file);
