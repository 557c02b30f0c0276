// UDP (RFC 768, RFC 8200 section 8.1), ICMP echo sockets, raw sockets and packet sockets; see socket.h.
#include <errno.h>

#include "servers/net/stack/icmp.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum { UDP_HEADER_BYTES = 8, ICMPV6_CHECKSUM_AT = 2 };

// --- sending
static error_t send_frame(struct socket *socket, const struct socket_name *to, const void *bytes, uint32_t length) {
    uint32_t index = to != NULL ? to->interface : socket->local.interface;
    struct interface *interface = interface_find(socket->stack, index);
    if (interface == NULL)
        return ERR_NO_DEVICE_ADDRESS;
    if (length < ETHERNET_HEADER_BYTES || length > ETHERNET_HEADER_BYTES + interface->mtu)
        return ERR_MESSAGE_SIZE;
    if (!interface->up || !interface->link)
        return -ENETDOWN;
    uint8_t *frame = interface->ops->frame_begin(interface->context);
    if (frame == NULL)
        return -ENOBUFS;
    memcpy(frame, bytes, length);
    interface->statistics.frames_out++;
    interface->statistics.bytes_out += length;
    interface->ops->frame_send(interface->context, frame, length);
    return ERR_OK;
}

static error_t send_udp(struct socket *socket, struct flow *flow, uint16_t port, const void *bytes, uint32_t length) {
    uint8_t header[UDP_HEADER_BYTES];
    if (port == 0)
        return ERR_INVALID;
    if (length > UINT16_MAX - UDP_HEADER_BYTES)
        return ERR_MESSAGE_SIZE;
    store16(header, socket->local.port);
    store16(header + 2, port);
    store16(header + 4, UDP_HEADER_BYTES + length);
    struct piece pieces[2] = {piece_of(header, UDP_HEADER_BYTES), piece_of(bytes, length)};
    error_t error = ip_send(socket->stack, flow, pieces, 2, 6);
    if (error == ERR_OK)
        socket->stack->statistics.udp_out++;
    return error;
}

// The identifier of an echo is the socket's port.
static error_t send_echo(struct socket *socket, struct flow *flow, const void *bytes, uint32_t length) {
    uint8_t header[ICMP_HEADER_BYTES];
    if (length < ICMP_HEADER_BYTES)
        return ERR_INVALID;
    memcpy(header, bytes, ICMP_HEADER_BYTES);
    bool v4 = flow->protocol == PROTOCOL_NUMBER_ICMP;
    if (header[0] != (v4 ? ICMP_ECHO : ICMPV6_ECHO) || header[1] != 0)
        return ERR_INVALID;
    store16(header + 4, socket->local.port);
    struct piece pieces[2] = {piece_of(header, ICMP_HEADER_BYTES),
                              piece_of((const uint8_t *)bytes + ICMP_HEADER_BYTES, length - ICMP_HEADER_BYTES)};
    store16(header + 2, 0);
    if (v4) {
        store16(header + 2, checksum_finish(checksum_add_pieces(0, pieces, 2)));
        return ip_send(socket->stack, flow, pieces, 2, IP_NO_CHECKSUM);
    }
    return ip_send(socket->stack, flow, pieces, 2, ICMPV6_CHECKSUM_AT);
}

static error_t send_raw(struct socket *socket, struct flow *flow, const void *bytes, uint32_t length) {
    struct piece piece = piece_of(bytes, length);
    if (flow->protocol != PROTOCOL_NUMBER_ICMPV6 || length < ICMP_HEADER_BYTES)
        return ip_send(socket->stack, flow, &piece, 1, IP_NO_CHECKSUM);
    uint8_t header[ICMP_HEADER_BYTES]; // RFC 3542 section 3.1: the checksum is the stack's
    memcpy(header, bytes, ICMP_HEADER_BYTES);
    struct piece pieces[2] = {piece_of(header, ICMP_HEADER_BYTES),
                              piece_of((const uint8_t *)bytes + ICMP_HEADER_BYTES, length - ICMP_HEADER_BYTES)};
    return ip_send(socket->stack, flow, pieces, 2, ICMPV6_CHECKSUM_AT);
}

error_t stack_socket_send(struct socket *socket, const struct socket_name *to, const void *bytes, uint32_t length) {
    if (socket->kind == SOCKET_PACKET)
        return send_frame(socket, to, bytes, length);
    if (socket->error != ERR_OK)
        return stack_socket_take_error(socket);
    if (socket->write_closed)
        return ERR_BROKEN_PIPE;
    if (to == NULL && !socket->connected)
        return -EDESTADDRREQ;
    const struct socket_name *peer = to != NULL ? to : &socket->remote;
    if (!socket->v6 && !address_is_v4(&peer->address))
        return -EAFNOSUPPORT;
    if (socket->kind == SOCKET_DATAGRAM && !socket->is_bound) {
        error_t error = stack_socket_bind(socket, &socket->local);
        if (error != ERR_OK)
            return error;
    }
    bool broadcast = address_is_v4(&peer->address) && address_v4(&peer->address) == UINT32_MAX;
    bool group = address_is_multicast(&peer->address) && !broadcast;
    struct flow flow = {
        .source = address_is_multicast(&socket->local.address) ? address_unspecified : socket->local.address,
        .destination = peer->address,
        .interface = peer->interface != 0 ? peer->interface : socket->local.interface,
        .protocol = socket->protocol,
        .hops = group ? socket->options.group_hops : socket->options.hops,
        .traffic_class = socket->options.traffic_class,
        .dont_fragment = socket->options.dont_fragment,
        .broadcast = socket->options.broadcast,
    };
    if (socket->kind == SOCKET_RAW)
        return send_raw(socket, &flow, bytes, length);
    if (socket->protocol != PROTOCOL_NUMBER_UDP)
        return send_echo(socket, &flow, bytes, length);
    return send_udp(socket, &flow, peer->port, bytes, length);
}

// --- receiving
static bool wants(const struct socket *socket, const struct packet *packet, uint16_t from_port) {
    if (!socket_matches(socket, &packet->destination) && !(packet->group && address_is_unspecified(&socket->local.address)))
        return false;
    if (socket->local.interface != 0 && socket->local.interface != packet->interface->index)
        return false;
    return !socket->connected ||
           (address_equal(&socket->remote.address, &packet->source) && (from_port == socket->remote.port || from_port == 0));
}

static struct datagram head_of(const struct packet *packet, uint16_t port) {
    bool scoped = address_is_link_local(&packet->source);
    return (struct datagram){
        .from = {.address = packet->source, .port = port, .interface = scoped ? packet->interface->index : 0},
        .to = packet->destination,
        .interface = packet->interface->index,
        .hops = packet->hops,
    };
}

// The socket that is meant most precisely: connected before bound to an address before bound to any.
static struct socket *find_udp(struct stack *stack, const struct packet *packet, uint16_t port, uint16_t from_port) {
    struct socket *best = NULL;
    int best_rank = -1;
    for (struct socket *at = stack->bound[bound_bucket(port)]; at != NULL; at = at->next) {
        if (at->local.port != port || at->protocol != PROTOCOL_NUMBER_UDP || !wants(at, packet, from_port))
            continue;
        int rank = (at->connected ? 2 : 0) + !address_is_unspecified(&at->local.address);
        if (rank > best_rank) {
            best = at;
            best_rank = rank;
        }
    }
    return best;
}

static void give(struct stack *stack, struct socket *socket, const struct datagram *head, const struct piece *piece) {
    if (socket->read_closed)
        return;
    if (!socket_queue(socket, head, piece, 1))
        stack->statistics.udp_no_room++;
}

void udp_input(struct stack *stack, const struct packet *packet) {
    const uint8_t *header = packet->payload;
    uint32_t length = packet->length >= UDP_HEADER_BYTES ? load16(header + 4) : 0;
    bool has_sum = packet->length >= UDP_HEADER_BYTES && load16(header + 6) != 0;
    // RFC 8200 section 8.1: over IPv6 there must be a sum.
    if (length < UDP_HEADER_BYTES || length > packet->length || (!has_sum && !packet->v4) ||
        (has_sum && !stack->sums_checked &&
         checksum_finish(checksum_add(checksum_pseudo_header(&packet->source, &packet->destination, PROTOCOL_NUMBER_UDP, length),
                                      header, length)) != 0)) {
        stack->statistics.udp_bad++;
        return;
    }
    uint16_t from_port = load16(header), port = load16(header + 2);
    struct datagram head = head_of(packet, from_port);
    struct piece piece = piece_of(header + UDP_HEADER_BYTES, length - UDP_HEADER_BYTES);
    stack->statistics.udp_in++;
    if (packet->group) { // every socket that listens
        struct socket *next;
        for (struct socket *at = stack->bound[bound_bucket(port)]; at != NULL; at = next) {
            next = at->next;
            if (at->local.port == port && at->protocol == PROTOCOL_NUMBER_UDP && wants(at, packet, from_port))
                give(stack, at, &head, &piece);
        }
        return;
    }
    struct socket *socket = find_udp(stack, packet, port, from_port);
    if (socket != NULL) {
        give(stack, socket, &head, &piece);
        return;
    }
    stack->statistics.udp_no_port++; // RFC 1122 section 4.1.3.1
    icmp_send_error(stack, packet, packet->v4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE,
                    packet->v4 ? ICMP_CODE_PORT : ICMPV6_CODE_PORT, 0);
}

static bool path_learned(struct stack *stack, const struct icmp_error *error, uint32_t index) {
    struct flow flow = {.source = error->source, .destination = error->destination, .interface = index};
    struct interface *interface;
    uint32_t mtu;
    return ip_route(stack, &flow, &interface, &mtu) == ERR_OK &&
           path_mtu_learned(stack, interface, &error->destination, error->mtu);
}

// RFC 1122 section 4.1.3.3: errors reach the sender's socket; only a connected one can tell which peer it
// was.
void udp_error(struct stack *stack, const struct icmp_error *error) {
    bool echo = error->protocol != PROTOCOL_NUMBER_UDP;
    uint16_t port = load16(error->transport + (echo ? 4 : 0));
    uint16_t remote = echo ? 0 : load16(error->transport + 2);
    for (struct socket *at = stack->bound[bound_bucket(port)]; at != NULL; at = at->next) {
        if (at->local.port != port || at->protocol != error->protocol || at->kind != SOCKET_DATAGRAM || error->error == ERR_OK)
            continue;
        if (at->connected && (!address_equal(&at->remote.address, &error->destination) || (!echo && at->remote.port != remote)))
            continue;
        if (error->mtu != 0 &&
            !path_learned(stack, error, at->local.interface)) // RFC 8201 section 5.2: for who does not connect too
            return;
        if (!at->connected)
            continue;
        at->error = error->error;
        socket_changed(at);
        return;
    }
}

void echo_input(struct stack *stack, const struct packet *packet) {
    uint16_t port = load16(packet->payload + 4);
    struct datagram head = head_of(packet, 0);
    struct piece piece = piece_of(packet->payload, packet->length);
    for (struct socket *at = stack->bound[bound_bucket(port)]; at != NULL; at = at->next)
        if (at->local.port == port && at->protocol == packet->protocol && at->kind == SOCKET_DATAGRAM && wants(at, packet, 0)) {
            give(stack, at, &head, &piece);
            return;
        }
}

bool raw_input(struct stack *stack, const struct packet *packet) {
    bool wanted = false;
    struct datagram head = head_of(packet, 0);
    // Of IPv4 the header is part of what a raw socket reads; of IPv6 it is not (RFC 3542 section 3).
    struct piece piece =
        packet->v4 ? piece_of(packet->network, packet->network_length) : piece_of(packet->payload, packet->length);
    for (struct socket *at = stack->raw; at != NULL; at = at->next) {
        if (at->kind != SOCKET_RAW || at->protocol != packet->protocol || !wants(at, packet, 0) || at->v6 == packet->v4)
            continue;
        give(stack, at, &head, &piece);
        wanted = true;
    }
    return wanted;
}

void socket_show_frame(struct interface *interface, const uint8_t *frame, uint32_t length, bool outgoing) {
    struct datagram head = {.interface = interface->index, .outgoing = outgoing};
    struct piece piece = piece_of(frame, length);
    for (struct socket *at = interface->stack->raw; at != NULL; at = at->next)
        if (at->kind == SOCKET_PACKET && !at->read_closed &&
            (at->local.interface == 0 || at->local.interface == interface->index)) {
            bool ignored = socket_queue(at, &head, &piece, 1);
            (void)ignored; // counted there
        }
}

// DHCP's answers come to an address that is not ours yet (RFC 2131 section 4.1).
bool socket_accepts_anything(struct stack *stack, const struct interface *interface, const struct packet *packet) {
    enum { DHCP_CLIENT_PORT = 68 };
    if (packet->protocol != PROTOCOL_NUMBER_UDP || packet->length < UDP_HEADER_BYTES ||
        load16(packet->payload + 2) != DHCP_CLIENT_PORT)
        return false;
    for (const struct socket *at = stack->bound[DHCP_CLIENT_PORT]; at != NULL; at = at->next)
        if (at->local.port == DHCP_CLIENT_PORT && at->local.interface == interface->index)
            return true;
    return false;
}
