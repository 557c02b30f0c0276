// ICMP of both versions; see icmp.h. Neighbour discovery is in nd.c.
#include "servers/net/stack/icmp.h"

#include <errno.h>

#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

enum {
    ERRORS_PER_SECOND = 100, // RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)
    QUOTED_V4 = 548,         // RFC 1812 section 4.3.2.3: 576 bytes in all
    QUOTED_V6 = IPV6_MTU_MIN - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES,
    TRANSPORT_BYTES_MIN = 8,
};

// The header chain of an IPv6 packet, as far as it is there. False: none, or a fragment but the first.
static bool transport_of(const uint8_t *packet, uint32_t length, struct icmp_error *error) {
    if (length < IPV6_HEADER_BYTES || packet[0] >> 4 != 6)
        return false;
    uint32_t at = IPV6_HEADER_BYTES;
    uint8_t next = packet[6];
    error->source = address_from_bytes(packet + 8);
    error->destination = address_from_bytes(packet + 24);
    while ((next == 0 || next == 43 || next == 60 || next == 44) && at + 8 <= length) {
        if (next == 44 && (load16(packet + at + 2) & 0xfff8) != 0)
            return false;
        uint8_t after = packet[at];
        at += next == 44 ? 8 : 8 + 8u * packet[at + 1];
        next = after;
    }
    if (at > length)
        return false;
    error->protocol = next;
    error->transport = packet + at;
    error->transport_length = length - at;
    return true;
}

// --- errors that are sent
// RFC 1122 section 3.2.2: never about ICMP errors, groups, broadcasts, or what has no single sender.
static bool may_tell(struct stack *stack, const struct packet *packet, uint8_t type, uint8_t code) {
    bool too_big = !packet->v4 && type == ICMPV6_TOO_BIG;
    bool option = !packet->v4 && type == ICMPV6_PARAMETER_PROBLEM && code == 2;
    if ((packet->group && !too_big && !option) || address_is_multicast(&packet->source) ||
        address_is_unspecified(&packet->source) || packet->interface->loopback ||
        interface_is_broadcast(packet->interface, &packet->source))
        return packet->interface->loopback && !packet->group && !address_is_multicast(&packet->source);
    if (packet->protocol == PROTOCOL_NUMBER_ICMP && packet->v4 && packet->length > 0 && packet->payload[0] != ICMP_ECHO &&
        packet->payload[0] != ICMP_ECHO_REPLY)
        return false;
    struct icmp_error inner;
    if (!packet->v4 && transport_of(packet->network, packet->network_length, &inner) &&
        inner.protocol == PROTOCOL_NUMBER_ICMPV6 && (inner.transport_length == 0 || inner.transport[0] < 128))
        return false;
    return stack_take_token(stack, &stack->icmp_tokens_at, &stack->icmp_tokens, ERRORS_PER_SECOND);
}

void icmp_send_error(struct stack *stack, const struct packet *packet, uint8_t type, uint8_t code, uint32_t parameter) {
    if (!may_tell(stack, packet, type, code))
        return;
    uint8_t header[ICMP_HEADER_BYTES] = {type, code};
    uint32_t quoted = smaller(packet->network_length, packet->v4 ? QUOTED_V4 : QUOTED_V6);
    store32(header + 4, parameter);
    struct piece pieces[2] = {piece_of(header, ICMP_HEADER_BYTES), piece_of(packet->network, quoted)};
    struct flow flow = {
        .source = packet->group ? address_unspecified : packet->destination,
        .destination = packet->source,
        .protocol = packet->v4 ? PROTOCOL_NUMBER_ICMP : PROTOCOL_NUMBER_ICMPV6,
        .interface = address_is_link_local(&packet->source) ? packet->interface->index : 0,
    };
    if (packet->v4)
        store16(header + 2, checksum_finish(checksum_add_pieces(0, pieces, 2)));
    if (ip_send(stack, &flow, pieces, 2, packet->v4 ? IP_NO_CHECKSUM : 2) == ERR_OK)
        stack->statistics.icmp_out++;
}

void icmpv6_send(struct interface *interface, const struct address *source, const struct address *destination, uint8_t *message,
                 uint32_t length) {
    struct piece piece = piece_of(message, length);
    struct flow flow = {.source = *source,
                        .destination = *destination,
                        .interface = interface->index,
                        .protocol = PROTOCOL_NUMBER_ICMPV6,
                        .hops = 255, // RFC 4861: so that it can't come from beyond a router
                        .no_route = true};
    if (ip_send(interface->stack, &flow, &piece, 1, 2) == ERR_OK)
        interface->stack->statistics.icmp_out++;
}

// --- echo
static void answer_echo(struct stack *stack, const struct packet *packet, uint8_t reply) {
    uint8_t header[ICMP_HEADER_BYTES];
    if (packet->group && packet->v4)
        return; // RFC 1122 section 3.2.2.6 allows it; it would serve amplifiers
    memcpy(header, packet->payload, ICMP_HEADER_BYTES);
    header[0] = reply;
    store16(header + 2, 0);
    struct piece pieces[2] = {piece_of(header, ICMP_HEADER_BYTES),
                              piece_of(packet->payload + ICMP_HEADER_BYTES, packet->length - ICMP_HEADER_BYTES)};
    struct flow flow = {
        .source = packet->group ? address_unspecified : packet->destination,
        .destination = packet->source,
        .protocol = packet->protocol,
        .traffic_class = packet->traffic_class,
        .interface = address_is_link_local(&packet->source) ? packet->interface->index : 0,
    };
    if (packet->v4)
        store16(header + 2, checksum_finish(checksum_add_pieces(0, pieces, 2)));
    if (ip_send(stack, &flow, pieces, 2, packet->v4 ? IP_NO_CHECKSUM : 2) == ERR_OK)
        stack->statistics.icmp_out++;
}

// --- errors that are received
static void tell_transport(struct stack *stack, const struct icmp_error *error) {
    if (error->transport_length < TRANSPORT_BYTES_MIN)
        return;
    if (error->protocol == PROTOCOL_NUMBER_TCP)
        tcp_icmp_error(stack, error);
    else if (error->protocol == PROTOCOL_NUMBER_UDP || error->protocol == PROTOCOL_NUMBER_ICMP ||
             error->protocol == PROTOCOL_NUMBER_ICMPV6)
        udp_error(stack, error);
}

static error_t unreachable_error(uint8_t code, bool *hard) {
    *hard = code == ICMP_CODE_PROTOCOL || code == ICMP_CODE_PORT; // RFC 1122 section 4.2.3.9
    switch (code) {
    case ICMP_CODE_PROTOCOL:
        return -ENOPROTOOPT;
    case ICMP_CODE_PORT:
        return -ECONNREFUSED;
    case 0:
    case 6:
    case 9:
    case 11:
        return -ENETUNREACH;
    default:
        return -EHOSTUNREACH;
    }
}

// RFC 1191 section 7: routers that do not tell the next link's MTU; the next plateau below.
static uint32_t plateau_below(uint32_t length) {
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 576};
    for (uint32_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
        if (plateaus[i] < length)
            return plateaus[i];
    return 576;
}

static void error_input_v4(struct stack *stack, const struct packet *packet) {
    const uint8_t *quoted = packet->payload + ICMP_HEADER_BYTES;
    uint32_t length = packet->length - ICMP_HEADER_BYTES;
    uint8_t type = packet->payload[0], code = packet->payload[1];
    uint32_t header = length >= IPV4_HEADER_BYTES ? (quoted[0] & 0xfu) * 4 : 0;
    if (header < IPV4_HEADER_BYTES || header > length || quoted[0] >> 4 != 4 || (load16(quoted + 6) & 0x1fff) != 0)
        return;
    struct icmp_error error = {
        .source = address_from_v4(load32(quoted + 12)),
        .destination = address_from_v4(load32(quoted + 16)),
        .protocol = quoted[9],
        .transport = quoted + header,
        .transport_length = length - header,
    };
    if (type == ICMP_UNREACHABLE && code == ICMP_CODE_TOO_BIG) {
        error.mtu = load16(packet->payload + 6);
        if (error.mtu == 0)
            error.mtu = plateau_below(load16(quoted + 2));
        error.error = ERR_MESSAGE_SIZE;
    } else if (type == ICMP_UNREACHABLE) {
        error.error = unreachable_error(code, &error.hard);
    } else if (type == ICMP_TIME_EXCEEDED) {
        error.error = -EHOSTUNREACH;
    } else {
        error.error = -EPROTO;
    }
    tell_transport(stack, &error);
}

void icmpv4_input(struct stack *stack, const struct packet *packet) {
    stack->statistics.icmp_in++;
    if (packet->length < ICMP_HEADER_BYTES || checksum_finish(checksum_add(0, packet->payload, packet->length)) != 0) {
        stack->statistics.icmp_bad++;
        return;
    }
    bool seen = raw_input(stack, packet);
    (void)seen;
    switch (packet->payload[0]) {
    case ICMP_ECHO:
        if (packet->payload[1] == 0)
            answer_echo(stack, packet, ICMP_ECHO_REPLY);
        break;
    case ICMP_ECHO_REPLY:
        echo_input(stack, packet);
        break;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
        error_input_v4(stack, packet);
        break;
    default:
        break; // RFC 1122 section 3.2.2: unknown ones are dropped
    }
}

// --- version 6
static void error_input_v6(struct stack *stack, const struct packet *packet) {
    struct icmp_error error = {0};
    uint8_t type = packet->payload[0], code = packet->payload[1];
    if (!transport_of(packet->payload + ICMP_HEADER_BYTES, packet->length - ICMP_HEADER_BYTES, &error))
        return;
    switch (type) {
    case ICMPV6_UNREACHABLE:
        error.hard = code == ICMPV6_CODE_PORT;
        error.error = code == ICMPV6_CODE_PORT ? -ECONNREFUSED : code == 0 ? -ENETUNREACH : -EHOSTUNREACH;
        break;
    case ICMPV6_TOO_BIG:
        error.mtu = load32(packet->payload + 4);
        error.error = ERR_MESSAGE_SIZE;
        break;
    case ICMPV6_PARAMETER_PROBLEM:
        error.hard = code == 1; // RFC 4443 section 3.4: the next header is not known there
        error.error = -EPROTO;
        break;
    default:
        error.error = -EHOSTUNREACH;
        break;
    }
    tell_transport(stack, &error);
}

void icmpv6_input(struct stack *stack, const struct packet *packet) {
    stack->statistics.icmp_in++;
    uint64_t sum = checksum_pseudo_header(&packet->source, &packet->destination, PROTOCOL_NUMBER_ICMPV6, packet->length);
    if (packet->length < ICMP_HEADER_BYTES || checksum_finish(checksum_add(sum, packet->payload, packet->length)) != 0) {
        stack->statistics.icmp_bad++;
        return;
    }
    bool seen = raw_input(stack, packet);
    (void)seen;
    uint8_t type = packet->payload[0];
    if (type < 128)
        error_input_v6(stack, packet);
    else if (type == ICMPV6_ECHO)
        answer_echo(stack, packet, ICMPV6_ECHO_REPLY);
    else if (type == ICMPV6_ECHO_REPLY)
        echo_input(stack, packet);
    else if (type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_NEIGHBOUR_ADVERTISEMENT)
        nd_input(stack, packet);
    else if (type >= ICMPV6_GROUP_QUERY && type <= ICMPV6_GROUP_DONE)
        mld_input(stack, packet);
}

// --- a neighbour that does not answer
void icmp_neighbour_failed(struct stack *stack, const struct neighbour *neighbour) {
    for (const struct waiting_frame *frame = neighbour->first; frame != NULL; frame = frame->next) {
        const uint8_t *network = frame->bytes + ETHERNET_HEADER_BYTES;
        uint32_t length = frame->length - ETHERNET_HEADER_BYTES;
        struct icmp_error error = {.error = -EHOSTUNREACH};
        if (address_is_v4(&neighbour->address)) {
            error.source = address_from_v4(load32(network + 12));
            error.destination = address_from_v4(load32(network + 16));
            error.protocol = network[9];
            error.transport = network + IPV4_HEADER_BYTES;
            error.transport_length = length - IPV4_HEADER_BYTES;
        } else if (!transport_of(network, length, &error)) {
            continue;
        }
        tell_transport(stack, &error);
    }
}

bool ip_deliver(struct stack *stack, const struct packet *packet) {
    bool raw;
    switch (packet->protocol) {
    case PROTOCOL_NUMBER_TCP:
        tcp_input(stack, packet);
        return true;
    case PROTOCOL_NUMBER_UDP:
        raw = raw_input(stack, packet);
        udp_input(stack, packet);
        return true;
    case PROTOCOL_NUMBER_IGMP:
        raw = raw_input(stack, packet);
        if (packet->v4)
            igmp_input(stack, packet);
        return packet->v4 || raw;
    case PROTOCOL_NUMBER_ICMP:
        if (packet->v4)
            icmpv4_input(stack, packet);
        return packet->v4;
    case PROTOCOL_NUMBER_ICMPV6:
        if (!packet->v4)
            icmpv6_input(stack, packet);
        return !packet->v4;
    default:
        raw = raw_input(stack, packet);
        if (!raw && packet->v4) // RFC 1122 section 3.2.2.1
            icmp_send_error(stack, packet, ICMP_UNREACHABLE, ICMP_CODE_PROTOCOL, 0);
        return raw;
    }
}
