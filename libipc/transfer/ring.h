// Single-producer, single-consumer rings of fixed-size entries in memory shared by two processes that do not
// trust each other. Each side keeps its own position where the other can't reach it, copies an entry once
// before looking at it, and takes nothing from the shared memory but the other's position, which is checked.
// A peer that lies breaks its own ring only.
//
// Shared memory of one ring: struct ring_shared, then `entries` (a power of two) times `entry_bytes`.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

enum { RING_LINE_BYTES = 64, RING_ENTRIES_MAX = 1 << 16, RING_ENTRY_BYTES_MAX = 1 << 12 };

// Positions count entries since the beginning, modulo 2^32. Producer and consumer write one cache line each.
struct ring_shared {
    uint32_t produced; // written by the producer
    uint32_t dropped;  // by the producer: entries that found no room
    uint32_t padding0[14];
    uint32_t consumed;      // written by the consumer
    uint32_t consumer_idle; // by the consumer: 1 if it wants a signal for the next entry
    uint32_t producer_idle; // by the consumer's peer, the producer: 1 if it wants a signal when there is room
                            // again
    uint32_t padding1[13];
};
_Static_assert(sizeof(struct ring_shared) == 2 * RING_LINE_BYTES, "one line for each side");

// One side's private view.
struct ring {
    struct ring_shared *shared;
    unsigned char *data;
    uint32_t entries, entry_bytes;
    uint32_t position; // produced, for the producer; consumed, for the consumer
    uint32_t other;    // last accepted position of the other side
    bool broken;       // the other side told a position that can't be
};

// Bytes of shared memory that a ring needs; 0: `entries` is no power of two, or a number is out of bounds.
uint64_t ring_bytes(uint32_t entries, uint32_t entry_bytes);

// Attaches to a ring at `memory` of `length` bytes, aligned to 64. The one who made the memory (zeroed)
// attaches first or second, either role: positions start from what the shared memory says for the own side,
// so that a restarted actor goes on where the old one stopped. ERR_INVALID: sizes do not fit; ERR_CORRUPT:
// positions can't be.
MUST_USE error_t ring_attach_producer(struct ring *ring, void *memory, uint64_t length, uint32_t entries, uint32_t entry_bytes);
MUST_USE error_t ring_attach_consumer(struct ring *ring, void *memory, uint64_t length, uint32_t entries, uint32_t entry_bytes);

// Copies an entry in. ERR_AGAIN: full (and the consumer will signal when it has made room); ERR_CORRUPT:
// broken. The consumer sees it after ring_publish.
MUST_USE error_t ring_push(struct ring *ring, const void *entry);

// Pushes `count` entries as they lie in the ring's memory, where they were pushed before. ERR_AGAIN: there is not as much room.
MUST_USE error_t ring_push_again(struct ring *ring, uint32_t count);

// Shows all pushed entries to the consumer. True: it wants a signal.
bool ring_publish(struct ring *ring);

// Copies an entry out. ERR_AGAIN: empty (not yet asked for a signal: see ring_sleep); ERR_CORRUPT: broken.
MUST_USE error_t ring_pop(struct ring *ring, void *entry);

// Pops all that there is, without a look at it; how many.
uint32_t ring_drain(struct ring *ring);

// Where an entry lies. For who goes through many at once with a copy of the ring: it knows how many ring_filled or ring_room
// told, and counts `position` on.
static inline void *ring_entry(const struct ring *ring, uint32_t position) {
    return ring->data + (uint64_t)(position & (ring->entries - 1)) * ring->entry_bytes;
}

// Gives the popped entries' room back to the producer. True: it wants a signal.
bool ring_release(struct ring *ring);

// The consumer found the ring empty and is going to wait. False: something has come meanwhile; pop again.
bool ring_sleep(struct ring *ring);

// Entries that can be popped, or pushed, now.
uint32_t ring_filled(struct ring *ring);
uint32_t ring_room(struct ring *ring);

// Counts an entry that was given up for want of room, where losing is allowed.
void ring_drop(struct ring *ring);
