// Two rings in one memory object: requests one way, completions the other, with a notification each way. The
// client makes the memory; both sides attach. Used by `block` and, later, `nic`.
#pragma once

#include "libipc/client/system_call.h"
#include "libipc/transfer/ring.h"

struct ring_pair_layout {
    uint64_t completion_offset; // of the second ring, from the start of the memory
    uint64_t bytes;             // of the whole, a multiple of 4,096
};

// Requests first, then completions on a cache line of their own. bytes 0: the sizes are out of bounds.
static inline struct ring_pair_layout ring_pair_layout(uint32_t entries, uint32_t request_bytes, uint32_t completion_bytes) {
    struct ring_pair_layout layout = {0};
    uint64_t requests = ring_bytes(entries, request_bytes);
    uint64_t completions = ring_bytes(entries, completion_bytes);
    if (requests == 0 || completions == 0)
        return layout;
    layout.completion_offset = (requests + RING_LINE_BYTES - 1) / RING_LINE_BYTES * RING_LINE_BYTES;
    layout.bytes = (layout.completion_offset + completions + 4095) / 4096 * 4096;
    return layout;
}

struct ring_pair {
    struct ring requests, completions;
    cap_t peer;         // notification of the other side
    uint64_t peer_bits; // what to set there
};

MUST_USE static inline error_t ring_pair_attach_client(struct ring_pair *pair, void *memory, uint64_t length, uint32_t entries,
                                                       uint32_t request_bytes, uint32_t completion_bytes) {
    struct ring_pair_layout layout = ring_pair_layout(entries, request_bytes, completion_bytes);
    if (layout.bytes == 0 || layout.bytes > length)
        return ERR_INVALID;
    error_t error = ring_attach_producer(&pair->requests, memory, layout.completion_offset, entries, request_bytes);
    if (error != ERR_OK)
        return error;
    return ring_attach_consumer(&pair->completions, (char *)memory + layout.completion_offset, length - layout.completion_offset,
                                entries, completion_bytes);
}

MUST_USE static inline error_t ring_pair_attach_server(struct ring_pair *pair, void *memory, uint64_t length, uint32_t entries,
                                                       uint32_t request_bytes, uint32_t completion_bytes) {
    struct ring_pair_layout layout = ring_pair_layout(entries, request_bytes, completion_bytes);
    if (layout.bytes == 0 || layout.bytes > length)
        return ERR_INVALID;
    error_t error = ring_attach_consumer(&pair->requests, memory, layout.completion_offset, entries, request_bytes);
    if (error != ERR_OK)
        return error;
    return ring_attach_producer(&pair->completions, (char *)memory + layout.completion_offset, length - layout.completion_offset,
                                entries, completion_bytes);
}

// Publishes what was pushed to one ring and gives back what was popped from the other. True: the other side sleeps, and nobody
// else will signal it. An actor may end before it does, so the next one signals in any case.
static inline bool ring_pair_publish(struct ring *pushed, struct ring *popped) {
    bool wanted = ring_publish(pushed);
    return ring_release(popped) || wanted;
}

static inline void ring_pair_signal(const struct ring_pair *pair) {
    error_t ignored = notification_signal(pair->peer, pair->peer_bits); // a peer that is gone needs none
    (void)ignored;
}

static inline void ring_pair_flush(struct ring_pair *pair, struct ring *pushed, struct ring *popped) {
    if (ring_pair_publish(pushed, popped))
        ring_pair_signal(pair);
}

static inline void ring_pair_flush_client(struct ring_pair *pair) {
    ring_pair_flush(pair, &pair->requests, &pair->completions);
}
