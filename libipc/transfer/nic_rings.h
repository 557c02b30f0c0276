// The shared memory between a network card's driver and its client (libipc/protocols/nic.idl): a line that
// the driver writes, then two ring pairs, one to receive and one to send. Used by drivers/net/service and by
// servers/net.
//
// Completions come in the order of requests, one for each: the n-th completion of a pair belongs to its n-th
// request. The driver gives back a request's room only together with its completion. So the number of
// completions alone says who owns what: requests that are not completed, and the memory that they name, are
// the driver's; all else is the client's. A new actor of either side finds that out from its own position.
//
// To receive, the client keeps the request ring filled with empty room. What it does with both pairs:
// ring_push, server_flush_rings (or ring_pair_flush_client), ring_pop of completions until it is empty,
// ring_sleep. It keeps at most `entries` requests in a pair whose completions it has not popped.
//
// When the driver dies: the card goes on by itself with what it was given. The next actor takes it over, or
// resets it, and then frames are lost, and frames to send may be sent twice; no completion is lost or comes
// twice.
#pragma once

#include "libipc/protocols/nic.h"
#include "libipc/transfer/ring_pair.h"

enum {
    NIC_ENTRIES_LEAST = 8,
    NIC_ENTRIES_MOST = 256,
    NIC_ROOM_BYTES = 2048,   // least room for a frame to receive
    NIC_PAGE_BYTES = 4096,   // a piece, or room, lies within one
    NIC_PIECES_MOST = 18,    // entries of one frame to send
    NIC_BUFFERS_MOST = 4,    // of one session
    NIC_BUFFER_PAGES = 1024, // of one buffer
    NIC_LOAN_FIRST = 16,     // entries name the first of them so
    NIC_LOANS_MOST = 16,     // attached by attach_pages, of one session
    NIC_LOAN_PAGES = 256,    // of one of them
    NIC_ADDRESSES_MOST = 64, // multicast
    NIC_HEADER_BYTES = 14,   // of Ethernet
    NIC_FRAME_MOST = 1514,   // without the check sequence; sent with SEGMENT: 64 KiB
};

// Written by the driver alone; the client reads it when it is signalled, and trusts it for nothing.
struct nic_shared {
    uint32_t link; // changes << 1 | 1 if it is up
    uint32_t padding[15];
};
_Static_assert(sizeof(struct nic_shared) == RING_LINE_BYTES, "one line");
_Static_assert(sizeof(struct nic_frame) == 16 && sizeof(struct nic_done) == 8, "ring entries");

struct nic_layout {
    uint64_t receive_offset, transmit_offset; // of the pairs, from the start of the memory
    uint64_t pair_bytes;
    uint64_t bytes; // of the whole, a multiple of 4,096; 0: `entries` is out of bounds
};

static inline struct nic_layout nic_layout(uint64_t entries) {
    struct nic_layout layout = {0};
    if (entries < NIC_ENTRIES_LEAST || entries > NIC_ENTRIES_MOST)
        return layout;
    struct ring_pair_layout pair = ring_pair_layout((uint32_t)entries, sizeof(struct nic_frame), sizeof(struct nic_done));
    if (pair.bytes == 0)
        return layout;
    layout.pair_bytes = pair.bytes;
    layout.receive_offset = NIC_PAGE_BYTES;
    layout.transmit_offset = layout.receive_offset + pair.bytes;
    layout.bytes = layout.transmit_offset + pair.bytes;
    return layout;
}

struct nic_rings {
    struct nic_shared *shared;
    struct ring_pair receive, transmit; // their peers are to be filled in by the user
};

// `memory`: zeroed when it is first attached to. Errors as of ring_attach_producer.
MUST_USE static inline error_t nic_rings_attach_client(struct nic_rings *rings, void *memory, uint64_t length, uint64_t entries) {
    struct nic_layout layout = nic_layout(entries);
    if (layout.bytes == 0 || layout.bytes > length)
        return ERR_INVALID;
    rings->shared = (struct nic_shared *)memory;
    error_t error = ring_pair_attach_client(&rings->receive, (char *)memory + layout.receive_offset, layout.pair_bytes,
                                            (uint32_t)entries, sizeof(struct nic_frame), sizeof(struct nic_done));
    if (error != ERR_OK)
        return error;
    return ring_pair_attach_client(&rings->transmit, (char *)memory + layout.transmit_offset, layout.pair_bytes,
                                   (uint32_t)entries, sizeof(struct nic_frame), sizeof(struct nic_done));
}

static inline bool nic_link_is_up(uint32_t link) {
    return (link & 1) != 0;
}
