// Sockets over the protocols `socket` and `net`: addresses are turned into the protocol's form, which has
// IPv4 as
// ::ffff:a.b.c.d, and back. The session of `net` is a capability of the process; without it there is no
// network.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <string.h>

#include "libc/internal/system.h"
#include "libc/socket/looked_up.h"
#include "libc/system/layer.h"
#include "libc/system/socket_layer.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/net.h"
#include "libipc/protocols/resolver.h"
#include "libipc/protocols/socket.h"
#include "libipc/start/start.h"

enum { PAGE_BYTES = 4096, SEND_FILE_LEAST = 16 * 1024 /* as socket.send_file says */ };

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

error_t layer_address_pack(const struct sockaddr *address, socklen_t length, struct socket_address *message) {
    memset(message, 0, sizeof(*message));
    if (length < sizeof(sa_family_t))
        return ERR_INVALID;
    message->family = address->sa_family;
    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const void *)address;
        memcpy(message->address, v4_prefix, sizeof(v4_prefix));
        memcpy(message->address + 12, &in->sin_addr, 4);
        message->port = ntohs(in->sin_port);
    } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in = (const void *)address;
        memcpy(message->address, &in->sin6_addr, 16);
        message->port = ntohs(in->sin6_port);
        message->interface = in->sin6_scope_id;
    } else if (address->sa_family == AF_PACKET && length >= sizeof(struct sockaddr_ll)) {
        const struct sockaddr_ll *ll = (const void *)address;
        memcpy(message->address, v4_prefix, sizeof(v4_prefix));
        message->interface = (uint32_t)ll->sll_ifindex;
    } else if (address->sa_family != AF_UNSPEC) {
        return address->sa_family == AF_INET || address->sa_family == AF_INET6 ? ERR_INVALID : -EAFNOSUPPORT;
    }
    return ERR_OK;
}

void layer_address_unpack(const struct socket_address *message, struct sockaddr *address, socklen_t *length) {
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_ll ll;
    } made = {0};
    socklen_t size = 0;
    if (message->family == SOCKET_FAMILY_IPV4) {
        size = sizeof(made.in);
        made.in.sin_family = AF_INET;
        made.in.sin_port = htons(message->port);
        memcpy(&made.in.sin_addr, message->address + 12, 4);
    } else if (message->family == SOCKET_FAMILY_IPV6) {
        size = sizeof(made.in6);
        made.in6.sin6_family = AF_INET6;
        made.in6.sin6_port = htons(message->port);
        made.in6.sin6_scope_id = message->interface;
        memcpy(&made.in6.sin6_addr, message->address, 16);
    } else if (message->family == SOCKET_FAMILY_PACKET) {
        size = sizeof(made.ll);
        made.ll.sll_family = AF_PACKET;
        made.ll.sll_ifindex = (int)message->interface;
        made.ll.sll_pkttype = message->port != 0 ? PACKET_OUTGOING : PACKET_HOST;
    }
    if (address == NULL || length == NULL)
        return;
    memcpy(address, &made, *length < size ? *length : size);
    *length = size;
}

error_t layer_socket(int fd, cap_t *session) {
    struct descriptor *descriptor;
    error_t error = descriptor_get(fd, &descriptor);
    if (error == ERR_OK)
        *session = descriptor->file;
    return error;
}

// A file that is no socket does not know the protocol.
error_t layer_socket_error(error_t error) {
    return error == ERR_BAD_METHOD ? -ENOTSOCK : error;
}

static error_t add_socket(cap_t session, int flags, int *fd) {
    uint32_t bits = O_RDWR << DESCRIPTOR_ACCESS_SHIFT;
    if ((flags & SOCK_CLOEXEC) != 0)
        bits |= DESCRIPTOR_CLOSE_ON_SPAWN;
    return descriptor_add(session, bits, 0, fd);
}

static uint64_t file_flags(int flags) {
    return (flags & SOCK_NONBLOCK) != 0 ? FILE_FLAG_NON_BLOCKING : 0;
}

// Raw and packet sockets are opened by who was given more than the plain session.
static cap_t session_for(bool is_raw) {
    cap_t admin = is_raw ? startup_capability("net.admin") : 0;
    return admin != 0 ? admin : startup_capability("net");
}

error_t system_socket(int family, int type, int protocol, int *fd) {
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    cap_t net = session_for(family == AF_PACKET || (type & ~flags) == SOCK_RAW), session;
    if (family != AF_INET && family != AF_INET6 && family != AF_PACKET)
        return -EAFNOSUPPORT;
    if (net == 0)
        return ERR_NOT_PERMITTED;
    if (family == AF_PACKET)
        protocol = 0; // of Ethernet: all are shown
    error_t error =
        net_open_socket(net, (uint64_t)family, (uint64_t)(type & ~flags), (uint64_t)protocol, file_flags(flags), &session);
    return error != ERR_OK ? error : add_socket(session, flags, fd);
}

error_t system_socket_connect(int fd, const struct sockaddr *address, socklen_t length) {
    struct socket_address peer;
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK)
        error = layer_address_pack(address, length, &peer);
    if (error != ERR_OK)
        return error;
    do
        error = socket_connect(session, &peer);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    return layer_socket_error(error);
}

error_t system_socket_bind(int fd, const struct sockaddr *address, socklen_t length) {
    struct socket_address name;
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK)
        error = layer_address_pack(address, length, &name);
    return error != ERR_OK ? error : layer_socket_error(socket_bind(session, &name));
}

error_t system_socket_listen(int fd, int backlog) {
    cap_t session;
    error_t error = layer_socket(fd, &session);
    return error != ERR_OK ? error : layer_socket_error(socket_listen(session, backlog < 0 ? 0 : (uint64_t)backlog));
}

error_t system_socket_accept(int fd, struct sockaddr *address, socklen_t *length, int flags, int *accepted) {
    struct socket_address peer;
    cap_t session, made;
    error_t error = layer_socket(fd, &session);
    if (error != ERR_OK)
        return error;
    do
        error = socket_accept(session, file_flags(flags), &peer, &made);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    if (error != ERR_OK)
        return layer_socket_error(error);
    layer_address_unpack(&peer, address, length);
    return add_socket(made, flags, accepted);
}

error_t system_socket_shutdown(int fd, int how) {
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK && (how < SHUT_RD || how > SHUT_RDWR))
        error = ERR_INVALID;
    return error != ERR_OK ? error : layer_socket_error(socket_shutdown(session, (uint64_t)how + 1));
}

error_t system_socket_name(int fd, bool of_peer, struct sockaddr *address, socklen_t *length) {
    struct socket_address name;
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK)
        error = layer_socket_error(of_peer ? socket_peer(session, &name) : socket_name(session, &name));
    if (error == ERR_OK)
        layer_address_unpack(&name, address, length);
    return error;
}

// MSG_NOSIGNAL asks for what is always so: writing to a closed stream is an error and no signal.
uint64_t layer_message_flags(int flags) {
    return (uint64_t)(flags & (MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT | MSG_WAITALL));
}

error_t system_socket_send(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t length,
                           size_t *done) {
    struct socket_address to = {.family = 0};
    uint64_t count;
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK && address != NULL)
        error = layer_address_pack(address, length, &to);
    if (error != ERR_OK)
        return error;
    if (size > SOCKET_SEND_TO_DATA_MAX)
        size = SOCKET_SEND_TO_DATA_MAX;
    do
        error = socket_send_to(session, &to, layer_message_flags(flags), buffer, size, &count);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    if (error == ERR_OK)
        *done = count;
    return layer_socket_error(error);
}

// The file's pages as memory, as many as one message sends. The file server and the network never meet.
error_t system_socket_send_file(int fd, int file, off_t offset, size_t size, size_t *done) {
    struct descriptor *descriptor;
    uint64_t most = 0, at, length, count;
    cap_t session, memory;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK)
        error = descriptor_get(file, &descriptor);
    if (error == ERR_OK && (socket_get_option(session, SOCKET_OPTION_FILE_BYTES, &most) != ERR_OK || size < SEND_FILE_LEAST))
        most = 0;
    if (error == ERR_OK && most == 0)
        error = ERR_NOT_SUPPORTED;
    if (error != ERR_OK)
        return error;
    if (size > most - (uint64_t)offset % PAGE_BYTES)
        size = (size_t)(most - (uint64_t)offset % PAGE_BYTES);
    if (file_map(descriptor->file, (uint64_t)offset, size, FILE_MAP_FLAG_READ, &at, &length, &memory) != ERR_OK)
        return ERR_NOT_SUPPORTED; // whatever is wrong: reading tells
    do
        error = length < SEND_FILE_LEAST ? ERR_NOT_SUPPORTED : socket_send_file(session, at, length, 0, memory, &count);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    slot_release(memory);
    if (error == ERR_OK)
        *done = count;
    return layer_socket_error(error);
}

error_t system_socket_receive(int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length,
                              size_t *done, size_t *whole) {
    struct socket_address from;
    uint64_t count, all, ready;
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error != ERR_OK)
        return error;
    if (size > SOCKET_RECEIVE_FROM_DATA_MAX)
        size = SOCKET_RECEIVE_FROM_DATA_MAX;
    do
        error = socket_receive_from(session, layer_message_flags(flags), buffer, size, &from, &count, &all, &ready);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    if (error != ERR_OK)
        return layer_socket_error(error);
    layer_poll_received(fd, ready);
    if (from.family != 0)
        layer_address_unpack(&from, address, length);
    else if (length != NULL)
        *length = 0; // a stream: the peer is known
    *done = count;
    *whole = all;
    return ERR_OK;
}

error_t system_socket_option_get(int fd, uint64_t option, uint64_t *value) {
    cap_t session;
    error_t error = layer_socket(fd, &session);
    return error != ERR_OK ? error : layer_socket_error(socket_get_option(session, option, value));
}

error_t system_socket_option_set(int fd, uint64_t option, uint64_t value) {
    cap_t session;
    error_t error = layer_socket(fd, &session);
    return error != ERR_OK ? error : layer_socket_error(socket_set_option(session, option, value));
}

error_t system_socket_group(int fd, const struct sockaddr *group, unsigned interface, bool join) {
    struct socket_address message;
    cap_t session;
    error_t error = layer_socket(fd, &session);
    if (error == ERR_OK)
        error = layer_address_pack(group, sizeof(struct sockaddr_in6), &message);
    if (error != ERR_OK)
        return error;
    message.interface = interface;
    return layer_socket_error(join ? socket_join_group(session, &message) : socket_leave_group(session, &message));
}

error_t system_interface(unsigned *index, char name[16]) {
    struct net_interface interface;
    uint64_t cursor = 0;
    cap_t net = startup_capability("net");
    while (net != 0 && net_next_interface(net, cursor, &cursor, &interface) == ERR_OK) {
        if (*index != 0 ? interface.index != *index : strncmp(name, (const char *)interface.name, 16) != 0)
            continue;
        *index = (unsigned)interface.index;
        memcpy(name, interface.name, 16);
        return ERR_OK;
    }
    return ERR_NO_DEVICE;
}

static void leases_read(cap_t net, uint8_t (*servers)[16], size_t room, size_t *count, char domain[64]) {
    struct net_interface interface;
    struct net_lease lease;
    uint64_t cursor = 0;
    while (net_next_interface(net, cursor, &cursor, &interface) == ERR_OK) {
        if (net_lease(net, interface.index, &lease) != ERR_OK)
            continue;
        for (uint32_t i = 0; i < lease.servers_count && i < 3 && *count < room; i++)
            memcpy(servers[(*count)++], lease.servers + 16 * (size_t)i, 16);
        if (domain[0] == 0 && lease.domain[0] != 0) {
            memcpy(domain, lease.domain, 64);
            domain[63] = 0;
        }
    }
}

error_t system_name_servers(uint8_t (*servers)[16], size_t room, size_t *count, char domain[64]) {
    cap_t net = startup_capability("net");
    *count = 0;
    domain[0] = 0;
    if (net == 0)
        return ERR_NOT_PERMITTED;
    leases_read(net, servers, room, count, domain);
    if (*count == 0 && net_wait_settled(net) == ERR_OK) // right after the start
        leases_read(net, servers, room, count, domain);
    return ERR_OK;
}

bool system_has_address(int family) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct net_address address;
    uint64_t cursor = 0;
    cap_t net = startup_capability("net");
    while (net != 0 && net_next_address(net, cursor, &cursor, &address) == ERR_OK) {
        const uint8_t *bytes = address.address;
        bool v4 = memcmp(bytes, mapped, sizeof(mapped)) == 0, local = !v4 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
        if (address.interface != 1 && !local && v4 == (family == AF_INET)) // 1: loopback
            return true;
    }
    return false;
}

error_t system_look_up(const struct resolver_servers *servers, uint64_t type, const char *name, struct looked_up *result) {
    struct resolver_name canonical;
    cap_t resolver = startup_capability("resolver");
    error_t error;
    if (resolver == 0)
        return ERR_NOT_PERMITTED;
    do
        error = resolver_look_up(resolver, servers, type, name, strlen(name), result->addresses, sizeof(result->addresses),
                                 &result->code, &result->count, &result->seconds, &canonical);
    while (error == ERR_INTERRUPTED && !layer_signals_run());
    memcpy(result->name, canonical.text, sizeof(result->name));
    result->name[sizeof(result->name) - 1] = '\0';
    return error;
}
