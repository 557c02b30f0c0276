// IPv6 packets that come in: RFC 8200 sections 3 and 4. Hosts do not forward, and obey no routing headers.
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ip.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum {
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_NONE = 59,
    NEXT_DESTINATION = 60,
    EXTENSIONS_MAX = 8,
    CODE_HEADER_FIELD = 0,
    CODE_NEXT_HEADER = 1,
    CODE_OPTION = 2,
};

// RFC 8200 section 4.2: what to do with an unknown option is said by its two highest bits.
static bool options_are_sound(struct stack *stack, const struct packet *packet, const uint8_t *options, uint32_t length) {
    for (uint32_t i = 0; i < length;) {
        uint8_t kind = options[i];
        if (kind == 0) { // Pad1
            i++;
            continue;
        }
        if (length - i < 2 || options[i + 1] > length - i - 2)
            return false;
        // Known: PadN, and the router alert, which is for routers.
        uint8_t action = kind == 1 || kind == 5 ? 0 : kind >> 6;
        if (action >= 2 && (action == 2 || !packet->group))
            icmp_send_error(stack, packet, ICMPV6_PARAMETER_PROBLEM, CODE_OPTION, (uint32_t)(options + i - packet->network));
        if (action != 0)
            return false;
        i += 2u + options[i + 1];
    }
    return true;
}

static void fragment_input(struct stack *stack, struct packet *packet, uint32_t unfragmentable);

// Walks the extension headers and delivers. `unfragmentable`: bytes of the network header so far.
static void extensions_input(struct stack *stack, struct packet *packet, uint8_t next, uint32_t at) {
    uint32_t end = packet->network_length;
    uint32_t place = 6; // where the number of the next header stands
    for (int count = 0; count < EXTENSIONS_MAX; count++) {
        const uint8_t *header = packet->network + at;
        uint32_t left = end - at;
        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT && next != NEXT_DESTINATION) {
            packet->protocol = next;
            packet->payload = header;
            packet->length = left;
            if (next != NEXT_NONE && !ip_deliver(stack, packet))
                icmp_send_error(stack, packet, ICMPV6_PARAMETER_PROBLEM, CODE_NEXT_HEADER, place);
            return;
        }
        uint32_t length = left < 8 ? 9 : next == NEXT_FRAGMENT ? 8 : 8 + 8u * header[1];
        if (length > left) {
            stack->statistics.ip_bad++;
            return;
        }
        if (next == NEXT_HOP_BY_HOP && at != IPV6_HEADER_BYTES) { // section 4.1: known only behind the IPv6 header
            icmp_send_error(stack, packet, ICMPV6_PARAMETER_PROBLEM, CODE_NEXT_HEADER, place);
            return;
        }
        if (next == NEXT_FRAGMENT) {
            packet->protocol = header[0];
            packet->payload = header;
            packet->length = left;
            fragment_input(stack, packet, at);
            return;
        }
        if (next == NEXT_ROUTING && header[3] != 0) { // section 4.4, RFC 5095: segments left, of no known type
            icmp_send_error(stack, packet, ICMPV6_PARAMETER_PROBLEM, CODE_HEADER_FIELD, at + 2);
            return;
        }
        if (next != NEXT_ROUTING && !options_are_sound(stack, packet, header + 2, length - 2)) {
            stack->statistics.ip_bad++;
            return;
        }
        place = at;
        next = header[0];
        at += length;
    }
    stack->statistics.ip_bad++;
}

// Section 4.5. An atomic fragment is a whole datagram (RFC 6946).
static void fragment_input(struct stack *stack, struct packet *packet, uint32_t unfragmentable) {
    const uint8_t *header = packet->payload;
    uint32_t word = load16(header + 2);
    uint8_t next = packet->protocol;
    struct packet whole;
    stack->statistics.ip_fragments_in++;
    if ((word & 0xfff9) == 0) {
        extensions_input(stack, packet, next, unfragmentable + 8);
        return;
    }
    struct fragment part = {.packet = *packet,
                            .identification = load32(header + 4),
                            .offset = word & 0xfff8,
                            .more = (word & 1) != 0,
                            .header_length = unfragmentable};
    part.packet.payload = header + 8;
    part.packet.length = packet->length - 8;
    if (part.more && part.packet.length % 8 != 0) {
        icmp_send_error(stack, packet, ICMPV6_PARAMETER_PROBLEM, CODE_HEADER_FIELD, 4);
        return;
    }
    if (part.offset + part.packet.length + unfragmentable - IPV6_HEADER_BYTES > UINT16_MAX) {
        icmp_send_error(stack, packet, ICMPV6_PARAMETER_PROBLEM, CODE_HEADER_FIELD, unfragmentable + 2);
        return;
    }
    if (!reassembly_input(stack, &part, &whole))
        return;
    extensions_input(stack, &whole, whole.protocol, unfragmentable);
    reassembly_done(stack);
}

void ipv6_input(struct interface *interface, const uint8_t *bytes, uint32_t length) {
    struct stack *stack = interface->stack;
    stack->statistics.ip_in++;
    if (length < IPV6_HEADER_BYTES || bytes[0] >> 4 != 6 || load16(bytes + 4) > length - IPV6_HEADER_BYTES) {
        stack->statistics.ip_bad++;
        return;
    }
    struct packet packet = {
        .interface = interface,
        .source = address_from_bytes(bytes + 8),
        .destination = address_from_bytes(bytes + 24),
        .hops = bytes[7],
        .traffic_class = (uint8_t)(bytes[0] << 4 | bytes[1] >> 4),
        .network = bytes,
        .network_length = IPV6_HEADER_BYTES + load16(bytes + 4),
    };
    // RFC 4291 section 2.5.5.2: mapped addresses stand for IPv4 and never travel; section 2.7: no group
    // sends.
    if (address_is_multicast(&packet.source) || address_is_v4(&packet.source) || address_is_v4(&packet.destination) ||
        (address_is_loopback(&packet.source) && !interface->loopback)) {
        stack->statistics.ip_bad++;
        return;
    }
    packet.group = address_is_multicast(&packet.destination);
    if (!interface_accepts(interface, &packet.destination)) {
        stack->statistics.ip_not_ours++;
        return;
    }
    extensions_input(stack, &packet, bytes[6], IPV6_HEADER_BYTES);
}
