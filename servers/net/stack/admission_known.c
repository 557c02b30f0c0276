// See admission.h. Addresses in a SYN can be anybody's, so only what took a round trip makes a peer. What is known of a frame is
// found by the tables that the stack has anyway; sums are not looked at, a frame that is let in may still be wrong. Nothing is
// changed here, so in the server this file is compiled without notes for the undo log: a frame of a flood costs not much more
// than what is done here.
#include "servers/net/stack/admission.h"

#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ip.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

enum {
    PROTOCOL_OFFSET_V4 = 9,
    NEXT_OFFSET_V6 = 6,
    TCP_FLAGS_OFFSET = 13,
    DATAGRAM_HEADER_BYTES = 8, // of UDP, and of an echo
};

uint32_t admission_place(const struct stack *stack, const struct address *peer) {
    const uint64_t *key = stack->key.words;
    return (uint32_t)hash_mix(address_half(peer, 0) ^ key[0], address_half(peer, 1) ^ key[1]) % ADMISSION_PEERS;
}

bool admission_is_peer(const struct stack *stack, const struct address *peer) {
    return address_equal(&stack->admission.peers[admission_place(stack, peer)], peer);
}

// --- allowances
static const struct {
    uint32_t most;
    uint64_t period; // nanoseconds for one
} limits[ADMISSION_LIMITED] = {
    [ADMISSION_STRANGER] = {ADMISSION_STRANGERS, NANOSECONDS_PER_SECOND / ADMISSION_STRANGERS_PER_SECOND},
    [ADMISSION_CALL] = {ADMISSION_CALLS, NANOSECONDS_PER_SECOND / ADMISSION_CALLS_PER_SECOND},
    [ADMISSION_FIRST_CALL] = {ADMISSION_FIRST_CALLS, NANOSECONDS_PER_SECOND / ADMISSION_FIRST_CALLS_PER_SECOND},
};

uint32_t admission_credit(const struct stack *stack, enum admission_class class) {
    const struct allowance *allowance = &stack->admission.allowances[class];
    uint64_t credit = allowance->credit + (stack->now - allowance->credit_at) / limits[class].period;
    return allowance->credit_at == 0 || credit > limits[class].most ? limits[class].most : (uint32_t)credit;
}

uint64_t admission_unused_time(const struct stack *stack, enum admission_class class) {
    return (stack->now - stack->admission.allowances[class].credit_at) % limits[class].period;
}

// --- looking
static enum admission_class known_if(bool known) {
    return known ? ADMISSION_KNOWN : ADMISSION_STRANGER;
}

static bool listens(struct stack *stack, uint16_t port) {
    for (const struct socket *at = stack->bound[bound_bucket(port)]; at != NULL; at = at->next)
        if (at->kind == SOCKET_STREAM && at->local.port == port && tcp_is_listening(at))
            return true;
    return false;
}

// RFC 9293 section 3.10.7: without a connection a reset is nothing; a SYN is a call for who listens; an ACK may answer a cookie.
static enum admission_class tcp_look(struct stack *stack, const struct address *source, const struct address *destination,
                                     const uint8_t *segment) {
    uint16_t from = load16(segment), to = load16(segment + 2);
    uint8_t flags = segment[TCP_FLAGS_OFFSET] & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);
    const struct tcp *tcp = tcp_find(stack, destination, to, source, from);
    if (tcp != NULL && tcp->state == TCP_SYN_RECEIVED && tcp->passive)
        return known_if((flags & TCP_ACK) != 0 && load32(segment + 8) == tcp->snd_nxt); // he has seen our SYN
    if (tcp != NULL)
        return ADMISSION_KNOWN;
    if ((flags & TCP_RST) != 0)
        return ADMISSION_NOTHING;
    if (flags == TCP_SYN && listens(stack, to))
        return admission_is_peer(stack, source) ? ADMISSION_CALL : ADMISSION_FIRST_CALL;
    return known_if((flags & (TCP_ACK | TCP_SYN)) == TCP_ACK && tcp_cookies_are_out(stack) && listens(stack, to) &&
                    tcp_cookie_is_ours(stack, source, destination, segment));
}

// Somebody has the port, or the identifier of the echo, and is not connected to others.
static bool datagram_is_known(struct stack *stack, const struct address *source, uint16_t from, uint16_t to) {
    for (const struct socket *at = stack->bound[bound_bucket(to)]; at != NULL; at = at->next)
        if (at->kind == SOCKET_DATAGRAM && at->local.port == to &&
            (!at->connected || (at->remote.port == from && address_equal(&at->remote.address, source))))
            return true;
    return false;
}

static bool echo_is_known(struct stack *stack, const struct address *source, const uint8_t *head) {
    uint8_t type = head[0];
    if (type == ICMP_ECHO || type == ICMPV6_ECHO)
        return head[1] == 0 && admission_is_peer(stack, source);
    return (type == ICMP_ECHO_REPLY || type == ICMPV6_ECHO_REPLY) && datagram_is_known(stack, source, 0, load16(head + 4));
}

static enum admission_class transport_look(struct stack *stack, uint8_t protocol, const struct address *source,
                                           const struct address *destination, const uint8_t *head, uint32_t length) {
    if (protocol == PROTOCOL_NUMBER_TCP)
        return length >= TCP_HEADER_BYTES ? tcp_look(stack, source, destination, head) : ADMISSION_NOTHING;
    bool has_head = length >= DATAGRAM_HEADER_BYTES;
    if (protocol == PROTOCOL_NUMBER_ICMP || protocol == PROTOCOL_NUMBER_ICMPV6)
        return known_if(has_head && echo_is_known(stack, source, head));
    return known_if(protocol == PROTOCOL_NUMBER_UDP && has_head &&
                    datagram_is_known(stack, source, load16(head), load16(head + 2)));
}

static enum admission_class ipv4_look(struct stack *stack, const uint8_t *packet, uint32_t length) {
    uint32_t first = length >= IPV4_HEADER_BYTES ? packet[0] : 0, header = (first & 15u) * 4;
    if (first >> 4 != 4 || header < IPV4_HEADER_BYTES || header > length)
        return ADMISSION_NOTHING;
    struct address source = address_from_v4(load32(packet + 12)), destination = address_from_v4(load32(packet + 16));
    if ((load16(packet + 6) & 0x3fff) != 0) // a fragment: its port may lie elsewhere
        return known_if(admission_is_peer(stack, &source));
    return transport_look(stack, packet[PROTOCOL_OFFSET_V4], &source, &destination, packet + header, length - header);
}

static enum admission_class ipv6_look(struct stack *stack, const uint8_t *packet, uint32_t length) {
    if (length < IPV6_HEADER_BYTES || packet[0] >> 4 != 6)
        return ADMISSION_NOTHING;
    struct address source = address_from_bytes(packet + 8), destination = address_from_bytes(packet + 24);
    return transport_look(stack, packet[NEXT_OFFSET_V6], &source, &destination, packet + IPV6_HEADER_BYTES,
                          length - IPV6_HEADER_BYTES);
}

// RFC 826: between hardware addresses of Ethernet and addresses of IPv4. A peer asks, or somebody answers our question.
static enum admission_class arp_look(struct interface *interface, const uint8_t *packet, uint32_t length) {
    if (length < ARP_BYTES || load32(packet) != (1u << 16 | ETHERTYPE_IPV4) || load16(packet + 4) != (MAC_BYTES << 8 | 4))
        return ADMISSION_NOTHING;
    struct address sender = address_from_v4(load32(packet + 14));
    return known_if(admission_is_peer(interface->stack, &sender) ||
                    (load16(packet + 6) == ARP_REPLY && neighbour_find(interface, &sender) != NULL));
}

static bool is_for(const struct interface *interface, const uint8_t *frame) {
    return (frame[0] & 1) != 0 || (load32(frame) == load32(interface->mac) && load16(frame + 4) == load16(interface->mac + 4));
}

enum admission_class admission_look(struct interface *interface, const uint8_t *frame, uint32_t length) {
    if (length < ETHERNET_HEADER_BYTES || !interface->up || !is_for(interface, frame))
        return ADMISSION_NOTHING;
    const uint8_t *packet = frame + ETHERNET_HEADER_BYTES;
    length -= ETHERNET_HEADER_BYTES;
    switch (load16(frame + 12)) {
    case ETHERTYPE_IPV4:
        return ipv4_look(interface->stack, packet, length);
    case ETHERTYPE_IPV6:
        return ipv6_look(interface->stack, packet, length);
    case ETHERTYPE_ARP:
        return arp_look(interface, packet, length);
    default:
        return ADMISSION_NOTHING; // another protocol, RFC 894
    }
}
