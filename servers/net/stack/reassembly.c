// Datagrams in fragments: IPv4 (RFC 791 section 3.2, RFC 815) and IPv6 (RFC 8200 section 4.5). Overlapping
// fragments end the whole datagram for both versions (RFC 5722; no sound sender makes them). Bounded in
// number and bytes: the oldest makes room.
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ip.h"
#include "servers/net/stack/stack.h"

enum { DATAGRAM_BYTES_MAX = 65535, HEADER_ROOM = 512, PARTS_MAX = 64, REASSEMBLY_BYTES_MAX = 512 * 1024 };
#define REASSEMBLY_NANOSECONDS (60 * NANOSECONDS_PER_SECOND) // RFC 1122 section 3.3.2, RFC 8200 section 4.5

struct part {
    uint32_t start, end;
};

struct reassembly {
    struct interface *interface;
    struct address source, destination;
    uint32_t identification;
    uint8_t protocol;
    bool v4, has_end, has_first, bad, group;
    uint8_t hops, traffic_class;
    uint64_t until;
    uint32_t total; // known if has_end
    uint32_t header_length, part_count;
    uint32_t capacity;            // of `bytes`, behind the header's room
    struct part parts[PARTS_MAX]; // sorted, apart
    uint8_t *bytes;               // HEADER_ROOM for the network header, then the payload
};

static void drop(struct stack *stack, uint32_t index) {
    struct reassembly *reassembly = stack->reassemblies[index];
    stack->reassembly_bytes -= reassembly->capacity;
    stack_free(stack, reassembly->bytes, HEADER_ROOM + reassembly->capacity);
    stack_free(stack, reassembly, sizeof(*reassembly));
    stack->reassemblies[index] = NULL;
}

void reassembly_finish(struct stack *stack) {
    for (uint32_t i = 0; i < REASSEMBLIES_MAX; i++)
        if (stack->reassemblies[i] != NULL)
            drop(stack, i);
    timer_heap_clear(&stack->timers, &stack->reassembly_timer);
}

static struct packet packet_of(const struct reassembly *reassembly, uint32_t length) {
    uint8_t *payload = reassembly->bytes + HEADER_ROOM;
    return (struct packet){
        .interface = reassembly->interface,
        .source = reassembly->source,
        .destination = reassembly->destination,
        .protocol = reassembly->protocol,
        .hops = reassembly->hops,
        .traffic_class = reassembly->traffic_class,
        .v4 = reassembly->v4,
        .group = reassembly->group,
        .network = payload - reassembly->header_length,
        .network_length = reassembly->header_length + length,
        .payload = payload,
        .length = length,
    };
}

static void look(struct stack *stack, struct stack_timer *timer) {
    uint64_t next = 0;
    for (uint32_t i = 0; i < REASSEMBLIES_MAX; i++) {
        struct reassembly *reassembly = stack->reassemblies[i];
        if (reassembly == NULL)
            continue;
        if (reassembly->until <= stack->now) {
            stack->statistics.ip_reassembly_failed++;
            if (reassembly->has_first && !reassembly->bad) {
                struct packet packet = packet_of(reassembly, reassembly->parts[0].end);
                icmp_send_error(stack, &packet, reassembly->v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEEDED, ICMP_CODE_REASSEMBLY,
                                0);
            }
            drop(stack, i);
        } else if (next == 0 || reassembly->until < next) {
            next = reassembly->until;
        }
    }
    if (next != 0)
        timer_heap_set(&stack->timers, timer, next, look);
}

static uint32_t find(struct stack *stack, const struct fragment *fragment) {
    const struct packet *packet = &fragment->packet;
    for (uint32_t i = 0; i < REASSEMBLIES_MAX; i++) {
        const struct reassembly *at = stack->reassemblies[i];
        if (at != NULL && at->identification == fragment->identification && at->v4 == packet->v4 &&
            (!packet->v4 || at->protocol == packet->protocol) && at->interface == packet->interface &&
            address_equal(&at->source, &packet->source) && address_equal(&at->destination, &packet->destination))
            return i;
    }
    return REASSEMBLIES_MAX;
}

static uint32_t oldest(const struct stack *stack, uint32_t except) {
    uint32_t found = REASSEMBLIES_MAX;
    for (uint32_t i = 0; i < REASSEMBLIES_MAX; i++)
        if (stack->reassemblies[i] != NULL && i != except &&
            (found == REASSEMBLIES_MAX || stack->reassemblies[i]->until < stack->reassemblies[found]->until))
            found = i;
    return found;
}

static uint32_t make(struct stack *stack, const struct fragment *fragment) {
    const struct packet *packet = &fragment->packet;
    uint32_t index = 0;
    while (index < REASSEMBLIES_MAX && stack->reassemblies[index] != NULL)
        index++;
    if (index == REASSEMBLIES_MAX) {
        index = oldest(stack, REASSEMBLIES_MAX);
        stack->statistics.ip_reassembly_failed++;
        drop(stack, index);
    }
    struct reassembly *made = stack_allocate(stack, sizeof(*made));
    if (made == NULL)
        return REASSEMBLIES_MAX;
    made->interface = packet->interface;
    made->source = packet->source;
    made->destination = packet->destination;
    made->identification = fragment->identification;
    made->protocol = packet->protocol;
    made->v4 = packet->v4;
    made->group = packet->group;
    made->until = stack->now + REASSEMBLY_NANOSECONDS;
    stack->reassemblies[index] = made;
    if (!stack->reassembly_timer.armed)
        timer_heap_set(&stack->timers, &stack->reassembly_timer, made->until, look);
    return index;
}

static bool make_room(struct stack *stack, uint32_t index, uint32_t bytes) {
    struct reassembly *reassembly = stack->reassemblies[index];
    if (bytes <= reassembly->capacity)
        return true;
    uint32_t capacity = larger(4096, reassembly->capacity);
    while (capacity < bytes)
        capacity *= 2;
    while (stack->reassembly_bytes - reassembly->capacity + capacity > REASSEMBLY_BYTES_MAX) {
        uint32_t victim = oldest(stack, index);
        if (victim == REASSEMBLIES_MAX)
            return false;
        stack->statistics.ip_reassembly_failed++;
        drop(stack, victim);
    }
    uint8_t *grown = stack_allocate_unset(stack, HEADER_ROOM + capacity);
    if (grown == NULL)
        return false;
    if (reassembly->bytes != NULL)
        memcpy(grown, reassembly->bytes, HEADER_ROOM + reassembly->capacity);
    stack_free(stack, reassembly->bytes, HEADER_ROOM + reassembly->capacity);
    stack->reassembly_bytes += capacity - reassembly->capacity;
    reassembly->bytes = grown;
    reassembly->capacity = capacity;
    return true;
}

// Enters [start, end): false if it overlaps with another part, or there are too many. An exact repetition is
// taken for a duplicate of the network.
static bool enter(struct reassembly *reassembly, uint32_t start, uint32_t end, bool *duplicate) {
    uint32_t at = 0;
    *duplicate = false;
    while (at < reassembly->part_count && reassembly->parts[at].end <= start && start != end)
        at++;
    if (at < reassembly->part_count && reassembly->parts[at].start < end) {
        *duplicate = reassembly->parts[at].start <= start && reassembly->parts[at].end >= end;
        return *duplicate;
    }
    bool joins = at > 0 && reassembly->parts[at - 1].end == start;
    if (joins) {
        reassembly->parts[at - 1].end = end;
        if (at < reassembly->part_count && reassembly->parts[at].start == end) {
            reassembly->parts[at - 1].end = reassembly->parts[at].end;
            memmove(reassembly->parts + at, reassembly->parts + at + 1, (reassembly->part_count - at - 1) * sizeof(struct part));
            reassembly->part_count--;
        }
        return true;
    }
    if (at < reassembly->part_count && reassembly->parts[at].start == end) {
        reassembly->parts[at].start = start;
        return true;
    }
    if (reassembly->part_count == PARTS_MAX)
        return false;
    memmove(reassembly->parts + at + 1, reassembly->parts + at, (reassembly->part_count - at) * sizeof(struct part));
    reassembly->parts[at] = (struct part){.start = start, .end = end};
    reassembly->part_count++;
    return true;
}

static bool is_sound(const struct fragment *fragment) {
    const struct packet *packet = &fragment->packet;
    uint32_t end = fragment->offset + packet->length;
    // RFC 8200 section 4.5: all but the last hold whole units of eight bytes.
    return packet->length != 0 && (!fragment->more || packet->length % 8 == 0) &&
           end + fragment->header_length <= DATAGRAM_BYTES_MAX && fragment->header_length <= HEADER_ROOM;
}

static void keep_first(struct reassembly *reassembly, const struct fragment *fragment) {
    const struct packet *packet = &fragment->packet;
    reassembly->has_first = true;
    reassembly->protocol = packet->protocol;
    reassembly->hops = packet->hops;
    reassembly->traffic_class = packet->traffic_class;
    reassembly->header_length = fragment->header_length;
    memcpy(reassembly->bytes + HEADER_ROOM - fragment->header_length, packet->network, fragment->header_length);
}

bool reassembly_input(struct stack *stack, const struct fragment *fragment, struct packet *whole) {
    const struct packet *packet = &fragment->packet;
    uint32_t end = fragment->offset + packet->length;
    bool duplicate;
    stack->sums_checked = false; // of one fragment that would say nothing
    if (!is_sound(fragment)) {
        stack->statistics.ip_bad++;
        return false;
    }
    uint32_t index = find(stack, fragment);
    if (index == REASSEMBLIES_MAX)
        index = make(stack, fragment);
    if (index == REASSEMBLIES_MAX)
        return false;
    struct reassembly *reassembly = stack->reassemblies[index];
    bool contradicts = reassembly->has_end && (end > reassembly->total || (!fragment->more && end != reassembly->total));
    for (uint32_t i = 0; i < reassembly->part_count && !fragment->more; i++)
        contradicts = contradicts || reassembly->parts[i].end > end;
    if (reassembly->bad || contradicts || !make_room(stack, index, end) ||
        !enter(reassembly, fragment->offset, end, &duplicate)) {
        reassembly->bad = true; // what comes later of it is dropped as well, until its time is over
        return false;
    }
    if (!duplicate)
        memcpy(reassembly->bytes + HEADER_ROOM + fragment->offset, packet->payload, packet->length);
    if (fragment->offset == 0 && !reassembly->has_first)
        keep_first(reassembly, fragment);
    if (!fragment->more) {
        reassembly->has_end = true;
        reassembly->total = end;
    }
    if (!reassembly->has_end || !reassembly->has_first || reassembly->part_count != 1 || reassembly->parts[0].start != 0 ||
        reassembly->parts[0].end != reassembly->total)
        return false;
    stack->statistics.ip_reassembled++;
    reassembly->until = 0; // for reassembly_done
    *whole = packet_of(reassembly, reassembly->total);
    return true;
}

void reassembly_done(struct stack *stack) {
    for (uint32_t i = 0; i < REASSEMBLIES_MAX; i++)
        if (stack->reassemblies[i] != NULL && stack->reassemblies[i]->until == 0)
            drop(stack, i);
}
