// The protocol `net`: sockets are opened, and the stack's tables are shown and changed. Who holds a session
// with the badge "admin" may do all; with any other, what hurts nobody.
#include <string.h>

#include "libipc/include/startup.h"
#include "libipc/start/start.h"
#include "servers/net/stack/tcp.h"
#include "servers/net/state.h"

static bool may_all(const struct request *request) {
    return request->badge == startup_badge("admin");
}

static uint32_t own_bits(const struct address *address, uint32_t bits) {
    return address_is_v4(address) && bits >= ADDRESS_V4_PREFIX ? bits - ADDRESS_V4_PREFIX : bits;
}

static uint32_t stack_bits(const struct address *address, uint32_t bits) {
    return address_is_v4(address) ? bits + ADDRESS_V4_PREFIX : bits;
}

static uint64_t seconds_left(uint64_t until) {
    return until == 0 ? 0 : until <= net.stack.now ? 1 : (until - net.stack.now) / NANOSECONDS_PER_SECOND + 1;
}

static error_t handle_open(struct request *request, const struct net_open_socket_in *in, struct net_open_socket_out *out) {
    struct socket *socket;
    bool v6 = in->family == SOCKET_FAMILY_IPV6, packet = in->family == SOCKET_FAMILY_PACKET;
    if ((!v6 && !packet && in->family != SOCKET_FAMILY_IPV4) || in->protocol > UINT8_MAX ||
        (in->flags & ~(uint64_t)FILE_FLAG_NON_BLOCKING) != 0 || in->type > SOCKET_TYPE_PACKET)
        return ERR_INVALID;
    if ((packet || in->type == SOCKET_TYPE_RAW || in->type == SOCKET_TYPE_PACKET) && !may_all(request))
        return ERR_NOT_PERMITTED;
    enum socket_kind kind = packet ? SOCKET_PACKET : (enum socket_kind)in->type;
    error_t error = stack_socket_open(&net.stack, kind, v6, (uint8_t)in->protocol, &socket);
    if (error != ERR_OK)
        return error;
    error = session_make(socket, in->flags, &out->socket);
    if (error != ERR_OK)
        stack_socket_close(socket);
    return error;
}

// --- showing
static error_t handle_next_interface(struct request *request, const struct net_next_interface_in *in,
                                     struct net_next_interface_out *out) {
    (void)request;
    for (uint64_t i = in->cursor; i < INTERFACES_MAX; i++) {
        const struct interface *interface = &net.stack.interfaces[i];
        if (interface->index == 0)
            continue;
        const struct interface_config *config = config_of(interface);
        out->cursor = i + 1;
        out->interface = (struct net_interface){
            .index = interface->index,
            .flags = (interface->up ? NET_INTERFACE_FLAG_UP : 0u) | (interface->link ? NET_INTERFACE_FLAG_LINK : 0u) |
                     (interface->loopback ? NET_INTERFACE_FLAG_LOOPBACK : 0u) |
                     (interface->autoconfigure ? NET_INTERFACE_FLAG_AUTOCONFIGURE : 0u) |
                     (config->dhcp.state != DHCP_OFF ? NET_INTERFACE_FLAG_DYNAMIC : 0u),
            .mtu = interface->mtu,
            .frames_in = interface->statistics.frames_in,
            .bytes_in = interface->statistics.bytes_in,
            .dropped_in = interface->statistics.dropped_in,
            .frames_out = interface->statistics.frames_out,
            .bytes_out = interface->statistics.bytes_out,
            .dropped_out = interface->statistics.dropped_out,
        };
        memcpy(out->interface.name, interface->name, INTERFACE_NAME_BYTES);
        memcpy(out->interface.mac, interface->mac, MAC_BYTES);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static error_t handle_next_address(struct request *request, const struct net_next_address_in *in,
                                   struct net_next_address_out *out) {
    (void)request;
    for (uint64_t i = in->cursor; i < INTERFACES_MAX * INTERFACE_ADDRESSES_MAX; i++) {
        const struct interface *interface = &net.stack.interfaces[i / INTERFACE_ADDRESSES_MAX];
        const struct interface_address *entry = &interface->addresses[i % INTERFACE_ADDRESSES_MAX];
        if (interface->index == 0 || entry->state == ADDRESS_FREE)
            continue;
        out->cursor = i + 1;
        out->address = (struct net_address){.interface = interface->index,
                                            .prefix = own_bits(&entry->address, entry->prefix),
                                            .state = entry->state,
                                            .valid_seconds = seconds_left(entry->valid_until)};
        memcpy(out->address.address, entry->address.bytes, ADDRESS_BYTES);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static error_t handle_next_route(struct request *request, const struct net_next_route_in *in, struct net_next_route_out *out) {
    (void)request;
    for (uint64_t i = in->cursor; i < ROUTES_MAX; i++) {
        const struct route *route = &net.stack.routes[i];
        if (!route->used)
            continue;
        out->cursor = i + 1;
        out->route = (struct net_route){.interface = route->interface,
                                        .bits = own_bits(&route->prefix, route->bits),
                                        .metric = route->metric,
                                        .valid_seconds = seconds_left(route->valid_until)};
        memcpy(out->route.prefix, route->prefix.bytes, ADDRESS_BYTES);
        if (!address_is_unspecified(&route->gateway))
            memcpy(out->route.gateway, route->gateway.bytes, ADDRESS_BYTES);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static error_t handle_next_neighbour(struct request *request, const struct net_next_neighbour_in *in,
                                     struct net_next_neighbour_out *out) {
    (void)request;
    for (uint64_t i = in->cursor; i < NEIGHBOURS_MAX; i++) {
        const struct neighbour *neighbour = &net.stack.neighbours[i];
        if (neighbour->state == NEIGHBOUR_FREE)
            continue;
        out->cursor = i + 1;
        out->neighbour = (struct net_neighbour){.interface = neighbour->interface->index, .state = neighbour->state};
        memcpy(out->neighbour.address, neighbour->address.bytes, ADDRESS_BYTES);
        memcpy(out->neighbour.mac, neighbour->mac, MAC_BYTES);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

// Sessions first, by their places in the table; then connections that nobody holds any more, one bucket each.
static error_t handle_next_connection(struct request *request, const struct net_next_connection_in *in,
                                      struct net_next_connection_out *out) {
    (void)request;
    for (uint64_t i = in->cursor; i < net.sessions.used; i++) {
        const struct session *session = net.sessions.entries != NULL ? net.sessions.entries[i].object : NULL;
        if (session == NULL)
            continue;
        const struct socket *socket = session->socket;
        bool stream = socket->kind == SOCKET_STREAM;
        out->cursor = i + 1;
        out->connection = (struct net_connection){
            .local_port = socket->local.port,
            .remote_port = socket->remote.port,
            .protocol = socket->protocol,
            .state = stream ? (uint8_t)((const struct tcp *)socket)->state : 0,
            .unread = stream ? stack_socket_bytes_ready(socket) : socket->queued,
            .unsent = stack_socket_bytes_unsent(socket),
        };
        memcpy(out->connection.local, socket->local.address.bytes, ADDRESS_BYTES);
        memcpy(out->connection.remote, socket->remote.address.bytes, ADDRESS_BYTES);
        return ERR_OK;
    }
    uint64_t first = in->cursor >> 32 != 0 ? in->cursor & UINT32_MAX : 0;
    for (uint64_t i = first; i < CONNECTION_BUCKETS; i++)
        for (const struct tcp *tcp = net.stack.connections[i]; tcp != NULL; tcp = tcp->next) {
            if (!tcp->orphan)
                continue;
            out->cursor = UINT64_C(1) << 32 | (i + 1);
            out->connection = (struct net_connection){.local_port = tcp->socket.local.port,
                                                      .remote_port = tcp->socket.remote.port,
                                                      .protocol = tcp->socket.protocol,
                                                      .state = (uint8_t)tcp->state,
                                                      .unsent = tcp->send.count};
            memcpy(out->connection.local, tcp->socket.local.address.bytes, ADDRESS_BYTES);
            memcpy(out->connection.remote, tcp->socket.remote.address.bytes, ADDRESS_BYTES);
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

static error_t handle_next_counter(struct request *request, const struct net_next_counter_in *in,
                                   struct net_next_counter_out *out) {
#define COUNTER(name) {#name, offsetof(struct stack_statistics, name)},
    static const struct counter {
        char name[32];
        uint32_t offset;
    } counters[] = {STATISTICS_LIST(COUNTER)};
#undef COUNTER
    if (in->cursor >= sizeof(counters) / sizeof(counters[0]))
        return ERR_NOT_FOUND;
    const struct counter *counter = &counters[in->cursor];
    uint64_t length = strlen(counter->name) + 1;
    error_t error = request_copy_out(request, 0, counter->name, length < in->name_size ? length : in->name_size);
    if (error != ERR_OK)
        return error;
    out->cursor = in->cursor + 1;
    memcpy(&out->value, (const char *)&net.stack.statistics + counter->offset, sizeof(out->value));
    return ERR_OK;
}

static error_t handle_lease(struct request *request, const struct net_lease_in *in, struct net_lease_out *out) {
    (void)request;
    struct interface *interface = in->interface <= INTERFACES_MAX ? interface_find(&net.stack, (uint32_t)in->interface) : NULL;
    if (interface == NULL)
        return ERR_NOT_FOUND;
    const struct interface_config *config = config_of(interface);
    const struct dhcp *dhcp = &config->dhcp;
    struct net_lease *lease = &out->lease;
    *lease = (struct net_lease){.interface = interface->index,
                                .state = dhcp->state == DHCP_OFF        ? config->state
                                         : dhcp->state == DHCP_CHECKING ? NET_LEASE_STATE_CHECKING
                                         : dhcp->state == DHCP_BOUND    ? NET_LEASE_STATE_BOUND
                                         : dhcp->state > DHCP_BOUND     ? NET_LEASE_STATE_RENEWING
                                                                        : NET_LEASE_STATE_SEARCHING,
                                .servers_count = config->server_count};
    for (uint32_t i = 0; i < config->server_count; i++)
        memcpy(lease->servers + 16 * i, config->servers[i].bytes, ADDRESS_BYTES);
    if (dhcp->applied) {
        memcpy(lease->address, dhcp->lease.address.bytes, ADDRESS_BYTES);
        memcpy(lease->router, dhcp->lease.router.bytes, ADDRESS_BYTES);
        memcpy(lease->server, dhcp->lease.server.bytes, ADDRESS_BYTES);
        memcpy(lease->domain, dhcp->lease.domain, sizeof(lease->domain));
        lease->seconds_left = seconds_left(dhcp->lease.ends_at);
    }
    return ERR_OK;
}

// --- changing
// The interface that a request may change.
static error_t to_change(const struct request *request, uint64_t index, struct interface **interface) {
    if (!may_all(request))
        return ERR_NOT_PERMITTED;
    *interface = index <= INTERFACES_MAX ? interface_find(&net.stack, (uint32_t)index) : NULL;
    return *interface != NULL ? ERR_OK : ERR_NOT_FOUND;
}

static error_t handle_set_up(struct request *request, const struct net_set_up_in *in, struct net_set_up_out *out) {
    (void)out;
    struct interface *interface;
    error_t error = to_change(request, in->interface, &interface);
    if (error == ERR_OK)
        interface_set_up(interface, in->up != 0);
    return error;
}

static error_t handle_set_mtu(struct request *request, const struct net_set_mtu_in *in, struct net_set_mtu_out *out) {
    (void)out;
    struct interface *interface;
    error_t error = to_change(request, in->interface, &interface);
    if (error == ERR_OK && (in->mtu < LEAST_MTU || in->mtu > (interface->loopback ? 16384 : ETHERNET_MTU)))
        error = ERR_INVALID;
    if (error == ERR_OK)
        interface->mtu = (uint32_t)in->mtu;
    return error;
}

static error_t handle_add_address(struct request *request, const struct net_add_address_in *in, struct net_add_address_out *out) {
    (void)out;
    struct interface *interface;
    struct address address = address_from_bytes(in->address.address);
    error_t error = to_change(request, in->address.interface, &interface);
    return error != ERR_OK ? error : interface_add_address(interface, &address, stack_bits(&address, in->address.prefix));
}

static error_t handle_remove_address(struct request *request, const struct net_remove_address_in *in,
                                     struct net_remove_address_out *out) {
    (void)out;
    struct interface *interface;
    struct address address = address_from_bytes(in->address.address);
    error_t error = to_change(request, in->address.interface, &interface);
    if (error == ERR_OK && interface_address_find(interface, &address) == NULL)
        error = ERR_NOT_FOUND;
    return error != ERR_OK ? error : interface_remove_address(interface, &address);
}

static error_t handle_add_route(struct request *request, const struct net_add_route_in *in, struct net_add_route_out *out) {
    (void)out;
    struct interface *interface;
    struct route route = {.prefix = address_from_bytes(in->route.prefix),
                          .gateway = address_from_bytes(in->route.gateway),
                          .metric = in->route.metric,
                          .interface = (uint32_t)in->route.interface};
    error_t error = to_change(request, in->route.interface, &interface);
    if (error == ERR_OK && in->route.bits > 128)
        error = ERR_INVALID;
    route.bits = (uint8_t)stack_bits(&route.prefix, in->route.bits);
    if (error == ERR_OK && route.bits > 128)
        error = ERR_INVALID;
    return error != ERR_OK ? error : route_add(&net.stack, &route);
}

static error_t handle_remove_route(struct request *request, const struct net_remove_route_in *in,
                                   struct net_remove_route_out *out) {
    (void)out;
    struct interface *interface;
    struct address prefix = address_from_bytes(in->route.prefix);
    struct address gateway = address_from_bytes(in->route.gateway);
    error_t error = to_change(request, in->route.interface, &interface);
    return error != ERR_OK ? error
                           : route_remove(&net.stack, &prefix, stack_bits(&prefix, in->route.bits), &gateway, interface->index);
}

static error_t handle_set_dhcp(struct request *request, const struct net_set_dhcp_in *in, struct net_set_dhcp_out *out) {
    (void)out;
    struct interface *interface;
    error_t error = to_change(request, in->interface, &interface);
    if (error != ERR_OK)
        return error;
    struct dhcp *dhcp = &config_of(interface)->dhcp;
    dhcp_stop(dhcp);
    return in->on != 0 ? dhcp_start(dhcp, interface) : ERR_OK;
}

static error_t handle_set_name_servers(struct request *request, const struct net_set_name_servers_in *in,
                                       struct net_set_name_servers_out *out) {
    (void)out;
    struct interface *interface;
    error_t error = to_change(request, in->lease.interface, &interface);
    if (error != ERR_OK)
        return error;
    struct interface_config *config = config_of(interface);
    config->server_count = smaller(in->lease.servers_count, NAME_SERVERS_MAX);
    for (uint32_t i = 0; i < config->server_count; i++)
        config->servers[i] = address_from_bytes(in->lease.servers + 16 * i);
    config->state = NET_LEASE_STATE_STATIC;
    return ERR_OK;
}

static error_t handle_configure(struct request *request, const struct net_configure_in *in, struct net_configure_out *out) {
    (void)out;
    static struct net_setting settings[SETTINGS_MAX];
    if (!may_all(request))
        return ERR_NOT_PERMITTED;
    if (in->settings_size % sizeof(settings[0]) != 0)
        return ERR_INVALID;
    error_t error = request_copy_in(request, 0, settings, in->settings_size);
    return error != ERR_OK ? error : config_replace(settings, (uint32_t)(in->settings_size / sizeof(settings[0])));
}

static error_t handle_wait_settled(struct request *request, const struct net_wait_settled_in *in,
                                   struct net_wait_settled_out *out) {
    (void)request;
    (void)in;
    (void)out;
    while (config_settles(false)) {
        error_t error = config_wait(false);
        if (error == ERR_CANCELLED)
            return error;
    }
    return ERR_OK;
}

const struct net_ops net_net_ops = {
    .open_socket = handle_open,
    .next_interface = handle_next_interface,
    .next_address = handle_next_address,
    .next_route = handle_next_route,
    .next_neighbour = handle_next_neighbour,
    .next_connection = handle_next_connection,
    .next_counter = handle_next_counter,
    .set_up = handle_set_up,
    .add_address = handle_add_address,
    .remove_address = handle_remove_address,
    .add_route = handle_add_route,
    .remove_route = handle_remove_route,
    .set_dhcp = handle_set_dhcp,
    .lease = handle_lease,
    .set_mtu = handle_set_mtu,
    .set_name_servers = handle_set_name_servers,
    .configure = handle_configure,
    .wait_settled = handle_wait_settled,
};
