// Sockets as the layer above sees them: one set of functions for streams (TCP), datagrams (UDP, ICMP echo),
// raw and packet sockets. They never wait: what can't be done now answers ERR_AGAIN, and `changed` is called
// when something may have become possible. Errors beside errors.h are errno's of POSIX, negated. Owned by who
// opened it, until socket_close; a stream lives on below until its connection is over.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ip.h"

enum socket_kind { SOCKET_STREAM = 1, SOCKET_DATAGRAM = 2, SOCKET_RAW = 3, SOCKET_PACKET = 4 };

// What holds now; the same bits as enum readiness of file.idl.
enum stack_readiness {
    SOCKET_CAN_READ = 1,
    SOCKET_CAN_WRITE = 2,
    SOCKET_URGENT = 4,
    SOCKET_ERROR = 8,
    SOCKET_HANG_UP = 16,
};

enum stack_side { STACK_SIDE_READ = 1, STACK_SIDE_WRITE = 2 };

enum {
    SOCKET_SEND_DEFAULT = 256 * 1024,
    SOCKET_RECEIVE_DEFAULT = 256 * 1024,
    SOCKET_BUFFER_MAX = 1024 * 1024,
    SOCKET_BUFFER_MIN = 4 * 1024,
    SOCKET_BACKLOG_MAX = 512,
    EPHEMERAL_FIRST = 49152, // RFC 6335 section 6
    EPHEMERAL_COUNT = 16384,
};

struct socket_name {
    struct address address;
    uint16_t port;
    uint32_t interface; // scope of a link-local address; 0: any
};

struct datagram {
    struct datagram *next;
    struct socket_name from;
    struct address to;
    uint32_t length, room;
    uint32_t interface;
    uint64_t time; // it came in
    uint8_t hops;
    bool outgoing; // of a packet socket: a frame that was sent
    uint8_t bytes[];
};

struct socket_options {
    bool reuse_address, broadcast, keep_alive, no_delay, only_v6, include_header, dont_fragment;
    uint8_t hops, group_hops, traffic_class;
    bool group_loop;
    uint32_t send_limit, receive_limit;            // bytes
    uint32_t keep_idle, keep_interval, keep_count; // seconds, seconds, probes
    uint32_t linger;                               // seconds; UINT32_MAX: off
    uint32_t user_timeout;                         // milliseconds without an acknowledgement; 0: the default
    uint32_t low_water;
};

struct socket {
    struct stack *stack;
    enum socket_kind kind;
    bool v6;          // opened for IPv6; may carry IPv4 unless only_v6
    uint8_t protocol; // number in the IP header
    struct socket_name local, remote;
    bool connected; // remote is set
    bool is_bound;  // in stack->bound or stack->raw
    bool read_closed, write_closed;
    error_t error; // pending; told once
    struct socket_options options;
    struct socket *next, *previous;         // in a bucket of `bound`, or of `raw`
    void (*changed)(struct socket *socket); // NULL: nobody listens
    void *owner;
    struct datagram *first, *last; // received and not yet read
    uint32_t queued;               // bytes of them, with their heads
    uint64_t dropped;
    struct interface *joined[4]; // groups joined
    struct address groups[4];
};

// ERR_INVALID, -EPROTONOSUPPORT, ERR_NO_MEMORY.
MUST_USE error_t stack_socket_open(struct stack *stack, enum socket_kind kind, bool v6, uint8_t protocol, struct socket **result);
void stack_socket_close(struct socket *socket);
// Port 0: one is chosen. -EADDRINUSE, -EADDRNOTAVAIL, ERR_INVALID: bound already.
MUST_USE error_t stack_socket_bind(struct socket *socket, const struct socket_name *name);
// A stream: ERR_IN_PROGRESS, then readiness and `error` tell. Others: names the peer; unspecified: none
// again.
MUST_USE error_t stack_socket_connect(struct socket *socket, const struct socket_name *name);
MUST_USE error_t stack_socket_listen(struct socket *socket, uint32_t backlog);
// ERR_AGAIN: none is there.
MUST_USE error_t stack_socket_accept(struct socket *socket, struct socket **result);
MUST_USE error_t stack_socket_shutdown(struct socket *socket, uint32_t sides);
uint32_t stack_socket_readiness(const struct socket *socket);
// The pending error; ERR_OK: none. It is forgotten.
error_t stack_socket_take_error(struct socket *socket);
void stack_socket_set_limits(struct socket *socket, uint32_t send, uint32_t receive);
MUST_USE error_t stack_socket_join(struct socket *socket, const struct address *group, uint32_t interface);
MUST_USE error_t stack_socket_leave(struct socket *socket, const struct address *group, uint32_t interface);

// --- datagrams, raw and packet sockets. `to` NULL: the connected peer.
MUST_USE error_t stack_socket_send(struct socket *socket, const struct socket_name *to, const void *bytes, uint32_t length);
// The oldest datagram; it stays the socket's until socket_drop. NULL: none.
const struct datagram *stack_socket_peek(const struct socket *socket);
void stack_socket_drop(struct socket *socket);

// --- streams: bytes are moved in place. Up to two pieces of at most `length` bytes together; *count pieces.
// For sending, memory that socket_stream_written then takes over. ERR_AGAIN, ERR_BROKEN_PIPE, -ENOTCONN, or
// the pending error.
MUST_USE error_t stack_socket_stream_room(struct socket *socket, uint32_t length, struct piece pieces[2], uint32_t *count);
// Whether that many bytes of the room must be noted before they are filled (see ring_buffer.h).
bool stack_socket_stream_room_is_noted(const struct socket *socket, uint32_t length);
void stack_socket_stream_written(struct socket *socket, uint32_t length);
// Whether bytes of files can be taken now that a card reads by itself: *interface is the one whose. ERR_NOT_SUPPORTED: they are
// to be copied; else as above.
MUST_USE error_t stack_socket_stream_card(struct socket *socket, const struct interface **interface);
// Takes `length` bytes, FILE_BYTES_LEAST to FILE_BYTES_MOST, of a file; all or, on an error, none. Errors as of both above.
MUST_USE error_t stack_socket_stream_file(struct socket *socket, struct stack_file *file, uint32_t offset, uint32_t length);
// Received bytes, from `skip` on; with ERR_OK and *count 0: the end of the stream.
MUST_USE error_t stack_socket_stream_data(struct socket *socket, uint32_t skip, uint32_t length, struct piece pieces[2],
                                          uint32_t *count);
void stack_socket_stream_taken(struct socket *socket, uint32_t length);
// Bytes that can be read, and that were written and are not acknowledged.
uint32_t stack_socket_bytes_ready(const struct socket *socket);
uint32_t stack_socket_bytes_unsent(const struct socket *socket);

// --- for the stack
void udp_input(struct stack *stack, const struct packet *packet);
void udp_error(struct stack *stack, const struct icmp_error *error);
// Copies to raw sockets; true: one wanted it.
bool raw_input(struct stack *stack, const struct packet *packet);
// An echo reply to an ICMP datagram socket.
void echo_input(struct stack *stack, const struct packet *packet);
// A frame to packet sockets.
void socket_show_frame(struct interface *interface, const uint8_t *frame, uint32_t length, bool outgoing);
// Whether a socket takes packets for any address at this interface: DHCP before there is one.
bool socket_accepts_anything(struct stack *stack, const struct interface *interface, const struct packet *packet);
// Enters or leaves stack->bound. Finds: whether the port is taken by another that does not share it.
void socket_enter(struct socket *socket);
void socket_leave_table(struct socket *socket);
bool socket_port_taken(const struct socket *socket, const struct socket_name *name);
MUST_USE error_t socket_choose_port(struct socket *socket, struct socket_name *name);
void socket_set_defaults(struct socket *socket, struct stack *stack, enum socket_kind kind, bool v6, uint8_t protocol);
// Queues a datagram; false: there is no room.
bool socket_queue(struct socket *socket, const struct datagram *head, const struct piece *pieces, uint32_t count);
void socket_changed(struct socket *socket);
// Whether the socket's bound address takes packets to `address`.
bool socket_matches(const struct socket *socket, const struct address *address);

static inline uint32_t bound_bucket(uint16_t port) {
    return port % 256;
}
