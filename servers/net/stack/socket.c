// What all kinds of sockets share: options, names, ports, the queue of datagrams; see socket.h.
#include "servers/net/stack/socket.h"

#include <errno.h>

#include "servers/net/stack/stack.h"
#include "servers/net/stack/tcp.h"

enum { KEEP_IDLE_SECONDS = 7200, KEEP_INTERVAL_SECONDS = 75, KEEP_COUNT = 9 };

void socket_changed(struct socket *socket) {
    if (socket->changed != NULL)
        socket->changed(socket);
}

void socket_set_defaults(struct socket *socket, struct stack *stack, enum socket_kind kind, bool v6, uint8_t protocol) {
    const struct address *any = v6 ? &address_unspecified : &address_v4_unspecified;
    socket->stack = stack;
    socket->kind = kind;
    socket->v6 = v6;
    socket->protocol = protocol;
    socket->local.address = socket->remote.address = *any;
    socket->options = (struct socket_options){
        .send_limit = SOCKET_SEND_DEFAULT,
        .receive_limit = SOCKET_RECEIVE_DEFAULT,
        .group_hops = 1,
        .group_loop = true,
        .keep_idle = KEEP_IDLE_SECONDS, // RFC 9293 section 3.8.4: no less than two hours by default
        .keep_interval = KEEP_INTERVAL_SECONDS,
        .keep_count = KEEP_COUNT,
        .linger = UINT32_MAX,
        .low_water = 1,
    };
}

error_t stack_socket_open(struct stack *stack, enum socket_kind kind, bool v6, uint8_t protocol, struct socket **result) {
    if (kind == SOCKET_STREAM && (protocol == 0 || protocol == PROTOCOL_NUMBER_TCP))
        return tcp_open(stack, v6, result);
    uint8_t echo = v6 ? PROTOCOL_NUMBER_ICMPV6 : PROTOCOL_NUMBER_ICMP;
    if (kind == SOCKET_DATAGRAM && protocol == 0)
        protocol = PROTOCOL_NUMBER_UDP;
    if ((kind == SOCKET_DATAGRAM && protocol != PROTOCOL_NUMBER_UDP && protocol != echo) ||
        (kind != SOCKET_DATAGRAM && kind != SOCKET_RAW && kind != SOCKET_PACKET))
        return -EPROTONOSUPPORT;
    struct socket *socket = stack_allocate(stack, sizeof(*socket));
    if (socket == NULL)
        return ERR_NO_MEMORY;
    socket_set_defaults(socket, stack, kind, v6, protocol);
    if (kind != SOCKET_DATAGRAM)
        socket_enter(socket);
    *result = socket;
    return ERR_OK;
}

void stack_socket_close(struct socket *socket) {
    struct stack *stack = socket->stack;
    socket->changed = NULL;
    socket->owner = NULL;
    for (uint32_t i = 0; i < 4; i++)
        if (socket->joined[i] != NULL)
            interface_leave(socket->joined[i], &socket->groups[i]);
    if (socket->kind == SOCKET_STREAM) {
        tcp_close(socket);
        return;
    }
    while (socket->first != NULL)
        stack_socket_drop(socket);
    socket_leave_table(socket);
    stack_free(stack, socket, sizeof(*socket));
}

// --- tables
static struct socket **table_of(struct socket *socket) {
    struct stack *stack = socket->stack;
    bool raw = socket->kind == SOCKET_RAW || socket->kind == SOCKET_PACKET;
    return raw ? &stack->raw : &stack->bound[bound_bucket(socket->local.port)];
}

void socket_enter(struct socket *socket) {
    struct socket **table = table_of(socket);
    socket->next = *table;
    socket->previous = NULL;
    if (*table != NULL)
        (*table)->previous = socket;
    *table = socket;
    socket->is_bound = true;
}

void socket_leave_table(struct socket *socket) {
    if (!socket->is_bound)
        return;
    if (socket->previous != NULL)
        socket->previous->next = socket->next;
    else
        *table_of(socket) = socket->next;
    if (socket->next != NULL)
        socket->next->previous = socket->previous;
    socket->is_bound = false;
}

bool socket_matches(const struct socket *socket, const struct address *address) {
    const struct address *own = &socket->local.address;
    if (address_equal(own, address))
        return true;
    if (address_equal(own, &address_unspecified))
        return address_is_v4(address) ? !socket->options.only_v6 : true;
    return address_equal(own, &address_v4_unspecified) && address_is_v4(address);
}

// Both can receive the same packets.
static bool names_overlap(const struct socket *socket, const struct address *address, bool only_v6) {
    if (socket_matches(socket, address))
        return true;
    struct socket other = {.local.address = *address, .options.only_v6 = only_v6};
    return socket_matches(&other, &socket->local.address);
}

bool socket_port_taken(const struct socket *socket, const struct socket_name *name) {
    struct stack *stack = socket->stack;
    for (struct socket *at = stack->bound[bound_bucket(name->port)]; at != NULL; at = at->next) {
        if (at == socket || at->local.port != name->port || at->protocol != socket->protocol ||
            !names_overlap(at, &name->address, socket->options.only_v6))
            continue;
        // POSIX: SO_REUSEADDR of both allows what is not ambiguous: no second listener.
        bool shared = at->options.reuse_address && socket->options.reuse_address;
        if (socket->kind == SOCKET_STREAM)
            shared = shared && !tcp_is_listening(at);
        if (!shared)
            return true;
    }
    return socket->kind == SOCKET_STREAM && !socket->options.reuse_address && tcp_port_in_use(stack, name->port);
}

error_t socket_choose_port(struct socket *socket, struct socket_name *name) {
    uint32_t start = stack_random(socket->stack); // RFC 6056 section 3.3.1
    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        name->port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
        if (!socket_port_taken(socket, name))
            return ERR_OK;
    }
    return -EADDRINUSE;
}

static bool is_ours(struct stack *stack, const struct address *address) {
    for (uint32_t i = 0; i < INTERFACES_MAX; i++)
        if (stack->interfaces[i].index != 0 && interface_address_find(&stack->interfaces[i], address) != NULL)
            return true;
    return address_is_unspecified(address) || address_is_multicast(address) ||
           (address_is_v4(address) && address_is_loopback(address));
}

error_t stack_socket_bind(struct socket *socket, const struct socket_name *name) {
    struct socket_name wanted = *name;
    if (!socket->v6 && !address_is_v4(&wanted.address))
        return -EAFNOSUPPORT;
    if (socket->v6 && socket->options.only_v6 && address_is_v4(&wanted.address))
        return ERR_INVALID;
    if (socket->kind == SOCKET_PACKET || socket->kind == SOCKET_RAW) {
        socket->local = wanted;
        return ERR_OK;
    }
    if (socket->is_bound || socket->local.port != 0)
        return ERR_INVALID;
    if (!is_ours(socket->stack, &wanted.address))
        return -EADDRNOTAVAIL;
    if (wanted.port == 0) {
        error_t error = socket_choose_port(socket, &wanted);
        if (error != ERR_OK)
            return error;
    } else if (socket_port_taken(socket, &wanted)) {
        return -EADDRINUSE;
    }
    socket->local = wanted;
    socket_enter(socket);
    return ERR_OK;
}

static error_t datagram_connect(struct socket *socket, const struct socket_name *name) {
    struct flow flow = {.source = socket->local.address, .destination = name->address};
    struct interface *interface;
    uint32_t mtu;
    if (address_is_unspecified(&name->address) && name->port == 0) {
        socket->connected = false;
        return ERR_OK;
    }
    flow.interface = name->interface;
    flow.broadcast = socket->options.broadcast;
    error_t error = ip_route(socket->stack, &flow, &interface, &mtu);
    if (error == ERR_OK && !socket->is_bound && socket->kind == SOCKET_DATAGRAM) {
        struct socket_name own = {.address = flow.source};
        error = socket_choose_port(socket, &own);
        if (error == ERR_OK) {
            socket->local = own;
            socket_enter(socket);
        }
    }
    if (error != ERR_OK)
        return error;
    if (address_is_unspecified(&socket->local.address))
        socket->local.address = flow.source;
    socket->remote = *name;
    socket->connected = true;
    return ERR_OK;
}

error_t stack_socket_connect(struct socket *socket, const struct socket_name *name) {
    if (!socket->v6 && !address_is_v4(&name->address))
        return -EAFNOSUPPORT;
    if (socket->v6 && socket->options.only_v6 && address_is_v4(&name->address))
        return -EAFNOSUPPORT;
    if (socket->kind == SOCKET_PACKET)
        return -EOPNOTSUPP;
    return socket->kind == SOCKET_STREAM ? tcp_connect(socket, name) : datagram_connect(socket, name);
}

error_t stack_socket_listen(struct socket *socket, uint32_t backlog) {
    if (socket->kind != SOCKET_STREAM)
        return -EOPNOTSUPP;
    if (socket->local.port == 0) {
        error_t error = stack_socket_bind(socket, &socket->local);
        if (error != ERR_OK)
            return error;
    }
    return tcp_listen(socket, smaller(larger(backlog, 1), SOCKET_BACKLOG_MAX));
}

error_t stack_socket_accept(struct socket *socket, struct socket **result) {
    return socket->kind == SOCKET_STREAM ? tcp_accept(socket, result) : -EOPNOTSUPP;
}

error_t stack_socket_shutdown(struct socket *socket, uint32_t sides) {
    if (socket->kind == SOCKET_STREAM)
        return tcp_shutdown(socket, sides);
    if (!socket->connected)
        return -ENOTCONN;
    socket->read_closed = socket->read_closed || (sides & STACK_SIDE_READ) != 0;
    socket->write_closed = socket->write_closed || (sides & STACK_SIDE_WRITE) != 0;
    socket_changed(socket);
    return ERR_OK;
}

uint32_t stack_socket_readiness(const struct socket *socket) {
    if (socket->kind == SOCKET_STREAM)
        return tcp_readiness(socket);
    return SOCKET_CAN_WRITE | (socket->first != NULL || socket->read_closed ? SOCKET_CAN_READ : 0) |
           (socket->error != ERR_OK ? SOCKET_ERROR | SOCKET_CAN_READ : 0);
}

error_t stack_socket_take_error(struct socket *socket) {
    error_t error = socket->error;
    socket->error = ERR_OK;
    return error;
}

void stack_socket_set_limits(struct socket *socket, uint32_t send, uint32_t receive) {
    socket->options.send_limit = larger(smaller(send, SOCKET_BUFFER_MAX), SOCKET_BUFFER_MIN);
    socket->options.receive_limit = larger(smaller(receive, SOCKET_BUFFER_MAX), SOCKET_BUFFER_MIN);
}

// --- groups
error_t stack_socket_join(struct socket *socket, const struct address *group, uint32_t index) {
    struct interface *interface = interface_find(socket->stack, index);
    struct address next_hop;
    if (index == 0 && route_find(socket->stack, group, 0, &interface, &next_hop) != ERR_OK)
        interface = interface_find(socket->stack, 2); // the first beside loopback
    if (interface == NULL)
        return ERR_NO_DEVICE;
    for (uint32_t i = 0; i < 4; i++) {
        if (socket->joined[i] != NULL)
            continue;
        error_t error = interface_join(interface, group);
        if (error == ERR_OK) {
            socket->joined[i] = interface;
            socket->groups[i] = *group;
        }
        return error;
    }
    return -ENOBUFS;
}

error_t stack_socket_leave(struct socket *socket, const struct address *group, uint32_t index) {
    for (uint32_t i = 0; i < 4; i++)
        if (socket->joined[i] != NULL && address_equal(&socket->groups[i], group) &&
            (index == 0 || socket->joined[i]->index == index)) {
            interface_leave(socket->joined[i], group);
            socket->joined[i] = NULL;
            return ERR_OK;
        }
    return -EADDRNOTAVAIL;
}

// --- received datagrams
bool socket_queue(struct socket *socket, const struct datagram *head, const struct piece *pieces, uint32_t count) {
    uint32_t length = 0;
    for (uint32_t i = 0; i < count; i++)
        length += pieces[i].length;
    uint32_t room = (uint32_t)sizeof(struct datagram) + length;
    struct datagram *datagram =
        socket->queued + room <= socket->options.receive_limit ? stack_allocate_unset(socket->stack, room) : NULL;
    if (datagram == NULL) {
        socket->dropped++;
        socket->stack->queues_full++;
        return false;
    }
    *datagram = *head;
    datagram->next = NULL;
    datagram->length = 0;
    datagram->room = room;
    datagram->time = socket->stack->now;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(datagram->bytes + datagram->length, pieces[i].data, pieces[i].length);
        datagram->length += pieces[i].length;
    }
    if (socket->last != NULL)
        socket->last->next = datagram;
    else
        socket->first = datagram;
    socket->last = datagram;
    socket->queued += room;
    socket_changed(socket);
    return true;
}

const struct datagram *stack_socket_peek(const struct socket *socket) {
    return socket->first;
}

void stack_socket_drop(struct socket *socket) {
    struct datagram *datagram = socket->first;
    if (datagram == NULL)
        return;
    socket->first = datagram->next;
    if (socket->first == NULL)
        socket->last = NULL;
    socket->queued -= datagram->room;
    stack_free(socket->stack, datagram, datagram->room);
}
