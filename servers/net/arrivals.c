// See arrivals.h. The driver may change what it shares at any time: an entry of a ring and the head of a frame are copied once
// before anything is decided by them but whether the frame is copied.
#include "servers/net/arrivals.h"

#include <string.h>

#include "servers/net/stack/tcp.h"

enum { ROOM_KEPT = 4 }; // this part of the ring to send is left to others than cookies

struct seen {
    const uint8_t *room;
    uint32_t bytes, skip; // of the first room, and before the frame in it
    uint32_t rooms;
    bool damaged, sums_checked;
};

static bool next_done(struct arrivals *arrivals, struct nic_done *done) {
    struct ring *ring = &arrivals->completions;
    if (ring->position == ring->other && ring_filled(ring) == 0)
        return false;
    uint64_t entry = __atomic_load_n((const uint64_t *)ring_entry(ring, ring->position), __ATOMIC_RELAXED);
    _Static_assert(sizeof(*done) == sizeof(entry), "one load");
    __builtin_memcpy(done, &entry, sizeof(entry));
    ring->position++;
    return true;
}

static const uint8_t *room_at(const struct link *link, uint32_t position) {
    return link->frames + (size_t)(position % link->entries) * NIC_ROOM_BYTES;
}

static struct seen see(const struct arrivals *arrivals, const struct nic_done *done) {
    const struct link *link = arrivals->link;
    struct seen seen = {.room = room_at(link, arrivals->taken), .bytes = smaller(done->length, NIC_ROOM_BYTES), .rooms = 1};
    uint32_t flags = 0;
    seen.damaged = (done->flags & (NIC_DONE_FLAG_ERROR | NIC_DONE_FLAG_CHECKSUM_BAD)) != 0;
    if (link->prefix && (done->flags & NIC_DONE_FLAG_ERROR) == 0) {
        const volatile struct nic_prefix *prefix = (const volatile void *)seen.room;
        seen.skip = sizeof(*prefix);
        seen.rooms = larger(prefix->rooms, 1);
        flags = prefix->flags;
    }
    seen.damaged = seen.damaged || seen.bytes <= seen.skip;
    seen.sums_checked = (done->flags & NIC_DONE_FLAG_CHECKSUM_GOOD) != 0 ||
                        (flags & (NIC_PREFIX_FLAG_SUM_MISSING | NIC_PREFIX_FLAG_SUM_GOOD)) != 0;
    return seen;
}

// Copies the frame, and takes its rooms; how many bytes it has, 0: it is damaged, or not wanted. A frame that goes on in rooms
// which have not come is lost: cards show all of a frame at once.
static uint32_t collect(struct arrivals *arrivals, const struct seen *seen, bool wanted) {
    uint32_t bytes = 0;
    bool good = wanted && !seen->damaged;
    if (good)
        memcpy(net.frame, seen->room + seen->skip, bytes = seen->bytes - seen->skip);
    for (uint32_t at = 1;; at++) {
        struct nic_done next;
        arrivals->taken++;
        arrivals->rooms_left -= arrivals->rooms_left != 0;
        if (at >= seen->rooms)
            break;
        if (!next_done(arrivals, &next))
            return 0;
        uint32_t length = smaller(next.length, NIC_ROOM_BYTES);
        good = good && (next.flags & (NIC_DONE_FLAG_ERROR | NIC_DONE_FLAG_CHECKSUM_BAD)) == 0 && bytes + length <= FRAME_LARGEST;
        if (good)
            memcpy(net.frame + bytes, room_at(arrivals->link, arrivals->taken), length);
        bytes += good ? length : 0;
    }
    return good ? bytes : 0;
}

// A page to send in that others need not be kept for; NULL.
static uint8_t *answer_room(struct arrivals *arrivals) {
    const struct link *link = arrivals->link;
    struct ring *ring = &arrivals->requests;
    if (arrivals->sent - link->completed + link->entries / ROOM_KEPT >= link->entries || ring->broken)
        return NULL;
    if (ring->position - ring->other == ring->entries && ring_room(ring) == 0)
        return NULL;
    return link_send_room(link, arrivals->sent);
}

static bool answer(struct arrivals *arrivals, const struct seen *seen) {
    const struct link *link = arrivals->link;
    uint64_t frame[(TCP_CALL_FRAME_MAX + 7) / 8];
    uint32_t length = seen->bytes - seen->skip;
    uint8_t *room = length <= TCP_CALL_FRAME_MAX ? answer_room(arrivals) : NULL;
    if (room == NULL)
        return false;
    for (uint32_t i = 0; i < (length + 7) / 8; i++) // whole words, which lie within the room
        __builtin_memcpy(&frame[i], seen->room + seen->skip + 8 * (size_t)i, sizeof(frame[i]));
    uint32_t bytes = tcp_cookie_answer(link->interface, (const uint8_t *)frame, length, seen->sums_checked, room);
    if (bytes == 0)
        return false;
    struct nic_frame entry = {
        .offset = (uint32_t)(room - link->frames), .length = (uint16_t)bytes, .buffer = (uint8_t)link->buffer};
    __builtin_memcpy(ring_entry(&arrivals->requests, arrivals->requests.position), &entry, sizeof(entry));
    arrivals->requests.position++;
    arrivals->sent++;
    arrivals->answered++;
    return true;
}

// Whether the frame is to be copied. Who captures wants to see all.
static bool is_wanted(struct arrivals *arrivals, const struct seen *seen) {
    if (net.stack.raw != NULL || seen->damaged)
        return !seen->damaged;
    enum admission_class class = admission_look(arrivals->link->interface, seen->room + seen->skip, seen->bytes - seen->skip);
    bool is_call = admission_is_call(class), is_first = class == ADMISSION_FIRST_CALL;
    if (class == ADMISSION_KNOWN || (is_call && !tcp_wants_cookies(&net.stack)))
        return true;
    if (is_call && seen->rooms == 1 && (!is_first || arrivals->first_calls != 0) && answer(arrivals, seen)) {
        arrivals->first_calls -= is_first;
        return false;
    }
    if (class != ADMISSION_NOTHING && (!is_first || arrivals->first_calls != 0) && arrivals->strangers != 0) {
        arrivals->strangers--;
        return true;
    }
    arrivals->refused++;
    return false;
}

bool arrivals_next(struct arrivals *arrivals, struct arrival *arrival) {
    struct nic_done done;
    while (arrivals->frames_left != 0 && arrivals->bytes_left != 0 && arrivals->rooms_left != 0) {
        if (!next_done(arrivals, &done)) {
            arrivals->empty = true;
            return false;
        }
        struct seen seen = see(arrivals, &done);
        bool wanted = is_wanted(arrivals, &seen);
        uint32_t length = collect(arrivals, &seen, wanted);
        arrivals->damaged += seen.damaged || (wanted && length == 0);
        if (length == 0)
            continue;
        arrivals->frames_left--;
        arrivals->bytes_left -= smaller(length, arrivals->bytes_left);
        *arrival = (struct arrival){length, seen.sums_checked};
        return true;
    }
    return false;
}
