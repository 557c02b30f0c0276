// Sending datagrams of both versions; see ip.h. IPv4: RFC 791 section 3.2, RFC 6864 (identification); IPv6:
// RFC 8200 sections 3 and 4.5.
#include <errno.h>

#include "servers/net/stack/ip.h"
#include "servers/net/stack/send_queue.h"
#include "servers/net/stack/stack.h"

enum { IPV6_FRAGMENT = 44, IPV6_FRAGMENT_HEADER_BYTES = 8 };

static error_t route(struct stack *stack, struct flow *flow, struct interface **interface, struct address *next_hop) {
    error_t error = ERR_OK;
    bool group = address_is_multicast(&flow->destination);
    if (flow->no_route || (group && flow->interface != 0)) {
        *interface = interface_find(stack, flow->interface);
        *next_hop = flow->destination;
        if (*interface == NULL || !(*interface)->up || !(*interface)->link)
            error = -ENETDOWN;
    } else {
        error = route_find(stack, &flow->destination, flow->interface, interface, next_hop);
    }
    // A group without a route: over the first interface that has an address.
    for (uint32_t i = 1; i < INTERFACES_MAX && error != ERR_OK && group && flow->interface == 0; i++) {
        struct interface *other = &stack->interfaces[i];
        if (other->index == 0 || !other->up || !other->link || interface_source(other, &flow->destination) == NULL)
            continue;
        *interface = other;
        *next_hop = flow->destination;
        error = ERR_OK;
    }
    if (error != ERR_OK)
        return error;
    if (interface_is_broadcast(*interface, &flow->destination) && !flow->broadcast)
        return ERR_ACCESS;
    if (address_is_unspecified(&flow->source) && !flow->no_route) {
        const struct address *source = interface_source(*interface, &flow->destination);
        if ((*interface)->loopback && !address_is_loopback(&flow->destination))
            source = &flow->destination; // to one of our own addresses
        if (source == NULL && address_is_v4(&flow->destination) && address_v4(&flow->destination) == UINT32_MAX)
            source = &address_v4_unspecified; // RFC 2131 section 4.1: who has no address yet
        if (source == NULL)
            return -EADDRNOTAVAIL;
        flow->source = *source;
    }
    return ERR_OK;
}

error_t ip_route(struct stack *stack, struct flow *flow, struct interface **interface, uint32_t *mtu) {
    struct address next_hop;
    error_t error = route(stack, flow, interface, &next_hop);
    if (error == ERR_OK)
        *mtu = path_mtu(stack, *interface, &flow->destination);
    return error;
}

// Copies `length` bytes of the pieces from `offset` on.
static void gather(struct stack *stack, uint8_t *to, const struct piece *pieces, uint32_t count, uint32_t offset,
                   uint32_t length) {
    for (uint32_t i = 0; i < count && length != 0; i++) {
        if (offset >= pieces[i].length) {
            offset -= pieces[i].length;
            continue;
        }
        uint32_t part = smaller(pieces[i].length - offset, length);
        if (pieces[i].file == NULL) {
            memcpy(to, (const uint8_t *)pieces[i].data + offset, part);
        } else {
            stack->file_read(pieces[i].file, pieces[i].offset + offset, to, part);
            stack->statistics.file_bytes_copied += part;
        }
        to += part;
        length -= part;
        offset = 0;
    }
}

struct sending {
    bool large;   // the link cuts it
    bool carried; // its pieces of files go as they are
    bool sum_by_link;
    uint32_t plain; // pieces before the first one of a file
    struct interface *interface;
    struct address next_hop;
    const struct flow *flow;
    const struct piece *pieces;
    uint32_t count, total, header, identification;
};

static uint32_t bytes_of(const struct piece *pieces, uint32_t count) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += pieces[i].length;
    return bytes;
}

// One frame with bytes from `offset` on; `fragmented`: with what says so.
static void send_part(const struct sending *sending, uint32_t offset, uint32_t length, bool fragmented) {
    struct interface *interface = sending->interface;
    bool v4 = address_is_v4(&sending->flow->destination), more = offset + length < sending->total;
    uint32_t header = sending->header, here = sending->carried ? bytes_of(sending->pieces, sending->plain) : length;
    uint8_t *frame = sending->large || sending->carried
                         ? interface->ops->frame_begin_large(interface->context, ETHERNET_HEADER_BYTES + header + here)
                         : interface->ops->frame_begin(interface->context);
    if (frame == NULL) {
        interface->statistics.dropped_out++;
        interface->stack->statistics.frames_no_room++;
        return;
    }
    uint8_t *at = frame + ETHERNET_HEADER_BYTES;
    if (v4) {
        uint32_t word = fragmented ? offset / 8 | (more ? 0x2000 : 0) : (sending->flow->dont_fragment ? 0x4000 : 0);
        ipv4_header(at, sending->flow, length, sending->identification, word);
        if (sending->large && !interface->cuts_whole) {
            store16(at + 2, 0);
            store16(at + 10, 0);
        }
    } else if (fragmented) {
        ipv6_header(at, sending->flow, length + IPV6_FRAGMENT_HEADER_BYTES, IPV6_FRAGMENT);
        uint8_t *extension = at + IPV6_HEADER_BYTES;
        extension[0] = sending->flow->protocol;
        extension[1] = 0;
        store16(extension + 2, offset | more);
        store32(extension + 4, sending->identification);
        header += IPV6_FRAGMENT_HEADER_BYTES;
    } else {
        ipv6_header(at, sending->flow, length, sending->flow->protocol);
    }
    gather(interface->stack, at + header, sending->pieces, sending->count, offset, here);
    if (!sending->carried && sending->plain < sending->count && !sending->sum_by_link)
        interface_fill_sum(interface, frame, ETHERNET_HEADER_BYTES + header + here); // of what lies in the frame now, and stays
    interface->stack->statistics.ip_out++;
    neighbour_send(interface, &sending->next_hop, frame, ETHERNET_HEADER_BYTES + header + here);
}

static error_t send_fragments(const struct sending *sending, uint32_t mtu) {
    bool v4 = address_is_v4(&sending->flow->destination);
    uint32_t header = sending->header + (v4 ? 0 : IPV6_FRAGMENT_HEADER_BYTES);
    uint32_t most = (mtu - header) / 8 * 8;
    for (uint32_t offset = 0; offset < sending->total; offset += most) {
        sending->interface->stack->statistics.ip_fragments_out++;
        send_part(sending, offset, smaller(most, sending->total - offset), true);
    }
    return ERR_OK;
}

// Most bytes that the link takes at once to cut them. What must wait for its neighbour is not cut: it has a place of a frame
// only. Nor is what somebody looks at on its way out.
static uint32_t large_most(const struct sending *sending, const struct flow *flow, uint32_t mtu) {
    struct interface *interface = sending->interface;
    if (!interface->cuts || !interface->fills_sums || interface->stack->raw != NULL || !address_is_v4(&flow->destination) ||
        mtu < interface->mtu || !neighbour_is_known(interface, &sending->next_hop))
        return 0;
    return LINK_LARGE_MOST - ETHERNET_HEADER_BYTES;
}

uint32_t ip_large_most(struct stack *stack, const struct flow *wanted) {
    struct flow flow = *wanted;
    struct sending sending = {0};
    if (route(stack, &flow, &sending.interface, &sending.next_hop) != ERR_OK)
        return 0;
    return large_most(&sending, &flow, path_mtu(stack, sending.interface, &flow.destination));
}

// Whether the link fills in the sum. Not of what somebody looks at on its way out.
static bool link_fills_sum(const struct sending *sending, uint32_t mtu) {
    const struct interface *interface = sending->interface;
    uint8_t protocol = sending->flow->protocol;
    return interface->fills_sums && (protocol == PROTOCOL_NUMBER_TCP || protocol == PROTOCOL_NUMBER_UDP) &&
           (sending->large || sending->total + sending->header <= mtu) && interface->stack->raw == NULL;
}

// The sum of TCP, UDP or ICMPv6, or as much of it as the link wants.
static void put_sum(const struct sending *sending, uint32_t at) {
    const struct flow *flow = sending->flow;
    struct interface *interface = sending->interface;
    uint8_t *field = (uint8_t *)(uintptr_t)sending->pieces[0].data + at;
    bool lengthless = sending->large && !interface->cuts_whole;
    uint64_t sum = checksum_pseudo_header(&flow->source, &flow->destination, flow->protocol, lengthless ? 0 : sending->total);
    store16(field, 0);
    if (sending->sum_by_link || sending->plain < sending->count) { // of a file's bytes, when they have been copied
        uint32_t start = ETHERNET_HEADER_BYTES + sending->header;
        store16(field, (uint16_t)~checksum_finish(sum));
        interface->sum = (struct link_sum){.start = (uint16_t)start, .offset = (uint16_t)at};
        if (sending->large) {
            interface->sum.segment_size = (uint16_t)flow->segment_size;
            interface->sum.header_length = (uint16_t)(start + sending->pieces[0].length);
        }
        return;
    }
    uint16_t value = checksum_finish(checksum_add_pieces(sum, sending->pieces, sending->count));
    // RFC 768: a sum of 0 is sent as all ones, since 0 means that there is none.
    store16(field, value == 0 && flow->protocol == PROTOCOL_NUMBER_UDP ? UINT16_MAX : value);
}

const struct interface *ip_card(struct stack *stack, const struct flow *wanted) {
    struct flow flow = *wanted;
    struct interface *interface;
    struct address next_hop;
    if (route(stack, &flow, &interface, &next_hop) != ERR_OK || !interface->reads_files || !interface->fills_sums ||
        stack->raw != NULL || !neighbour_is_known(interface, &next_hop))
        return NULL;
    return interface;
}

// Pieces of files go as they are if this link's card may read them, makes the sum of what it then finds there, and the frame need
// not wait for its neighbour. Else they are copied.
static void carry(struct sending *sending) {
    struct interface *interface = sending->interface;
    struct stack *stack = interface->stack;
    struct piece here = {.length = ETHERNET_HEADER_BYTES + sending->header + bytes_of(sending->pieces, sending->plain)};
    uint32_t pages = piece_pages(&here);
    if (sending->plain == sending->count || !interface->reads_files || !sending->sum_by_link ||
        !neighbour_is_known(interface, &sending->next_hop))
        return;
    for (uint32_t i = sending->plain; i < sending->count; i++) {
        const struct piece *piece = &sending->pieces[i];
        pages += piece_pages(piece);
        if (piece->file != NULL && piece->file->interface != interface)
            return;
    }
    if (pages > LINK_PIECES_MOST)
        return;
    sending->carried = true;
    interface->tail.pieces = sending->pieces + sending->plain;
    interface->tail.count = sending->count - sending->plain;
    interface->tail.length = bytes_of(interface->tail.pieces, interface->tail.count);
    for (uint32_t i = sending->plain; i < sending->count; i++)
        stack->statistics.file_bytes_by_card += sending->pieces[i].file != NULL ? sending->pieces[i].length : 0;
}

error_t ip_send(struct stack *stack, const struct flow *wanted, struct piece *pieces, uint32_t count, int32_t checksum_at) {
    struct flow flow = *wanted;
    struct sending sending = {.flow = &flow, .pieces = pieces, .count = count};
    error_t error = route(stack, &flow, &sending.interface, &sending.next_hop);
    if (error != ERR_OK)
        return error;
    sending.total = bytes_of(pieces, count);
    while (sending.plain < count && pieces[sending.plain].file == NULL)
        sending.plain++;
    bool v4 = address_is_v4(&flow.destination);
    sending.header = v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    if (sending.total > UINT16_MAX - sending.header)
        return ERR_MESSAGE_SIZE;
    if (flow.hops == 0)
        flow.hops = sending.interface->hop_limit != 0 && !v4 ? sending.interface->hop_limit : IP_HOPS_DEFAULT;
    uint32_t mtu = path_mtu(stack, sending.interface, &flow.destination);
    bool fits = sending.total + sending.header <= mtu;
    sending.large = !fits && flow.segment_size != 0;
    if (sending.large && sending.total + sending.header > large_most(&sending, &flow, mtu))
        return ERR_MESSAGE_SIZE;
    if (sending.plain < count && !fits && !sending.large)
        return ERR_MESSAGE_SIZE; // the sum would have to be known before the first fragment
    sending.sum_by_link = link_fills_sum(&sending, mtu);
    if (checksum_at != IP_NO_CHECKSUM)
        put_sum(&sending, (uint32_t)checksum_at);
    sending.identification = stack->identification++;
    if (fits || sending.large) {
        carry(&sending);
        send_part(&sending, 0, sending.total, false);
        sending.interface->sum.start = 0;
        sending.interface->tail = (struct link_tail){0};
        return ERR_OK;
    }
    if (v4 && flow.dont_fragment)
        return ERR_MESSAGE_SIZE;
    return send_fragments(&sending, mtu);
}
