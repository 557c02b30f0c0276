// Frames that came in over a card, up to the stack: those that are refused (stack/admission.h) are passed over, calls are
// answered by cookies when the stack wants that, others are copied out of the memory that the driver shares. Used by link.c.
//
// What a refused frame costs is what a flood costs. So nothing that is noted for the undo log is stored here, the file is built
// without notes, and link.c moves the rings' positions and counts once for a batch, between two commits.
#pragma once

#include "servers/net/state.h"

struct arrivals {
    const struct link *link;
    struct ring completions;                      // of rooms: the link's, ahead of it
    struct ring requests;                         // to send: the link's, ahead of it
    uint32_t taken;                               // position of the next room
    uint32_t sent;                                // position of the ring to send
    uint32_t frames_left, bytes_left, rooms_left; // of this batch
    uint32_t strangers, first_calls;              // that may be taken in, and answered
    uint32_t refused, damaged, answered;          // frames
    bool empty;                                   // nothing more has come
};

struct arrival {
    uint32_t length; // of the frame in net.frame
    bool sums_checked;
};

// The next frame that is to be taken in. False: there is none in this batch.
bool arrivals_next(struct arrivals *arrivals, struct arrival *arrival);

// The page of an entry of the ring to send.
static inline uint8_t *link_send_room(const struct link *link, uint32_t position) {
    return link->frames + link->entries * NIC_ROOM_BYTES + (size_t)(position % link->entries) * NIC_PAGE_BYTES;
}
