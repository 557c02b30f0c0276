// The stack as records for another build of its program (libipc/server/handover.h): interfaces with their addresses, routes, and
// every socket with its bytes. Records name sockets by numbers. Not given: what waits for a neighbour's
// hardware address, fragments that wait for the rest, what is on its way over loopback. Used by servers/net/handover.c and by
// host tests.
#pragma once

#include "libipc/server/handover.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum {
    RECORDS_VERSION = 3, // of all below; structs of other headers lie in some of them, see records.c
    CLASS_STACK = 1,
    CLASS_STATISTICS,
    CLASS_INTERFACE, // under its index
    CLASS_ROUTE,     // under its place in the table
    CLASS_PATH,
    CLASS_NEIGHBOUR,     // under its place
    CLASS_SOCKET,        // under its number
    CLASS_DATAGRAM,      // under its socket's number
    CLASS_TCP,           // the same
    CLASS_SEND_BYTES,    // the same, in pieces
    CLASS_RECEIVE_BYTES, // the same; with what lies ahead of a hole, and whatever is in the hole
    CLASS_FIRST_FREE = 64,
};

// Sockets that were taken, by number - 1.
struct taken_sockets {
    struct socket **sockets;
    uint32_t count, capacity;
};

// The tables.
MUST_USE error_t stack_give(const struct stack *stack, struct handover *handover);
// A socket that somebody holds, under the number `++*last`, which *number tells; with what waits in it: of a listener,
// connections.
MUST_USE error_t stack_socket_give(struct socket *socket, struct handover *handover, uint32_t *last, uint32_t *number);
// The connections that nobody holds, after all others.
MUST_USE error_t stack_orphans_give(struct stack *stack, struct handover *handover, uint32_t *last);

// To a stack that was just initialized; `attach` gives an interface its link. ERR_CORRUPT: what can't be; the stack is to be
// thrown away.
MUST_USE error_t stack_take(struct stack *stack, const struct handover *handover, error_t (*attach)(struct interface *interface));
// Then all sockets; `taken` is the caller's to free with taken_free.
MUST_USE error_t stack_sockets_take(struct stack *stack, const struct handover *handover, struct taken_sockets *taken);
// NULL: there is none of that number.
struct socket *taken_find(const struct taken_sockets *taken, uint64_t number);
void taken_free(struct taken_sockets *taken);

// --- tcp_records.c
MUST_USE error_t tcp_give(const struct socket *socket, struct handover *handover, uint32_t number, uint32_t listener);
MUST_USE error_t tcp_records_take(const struct handover *handover, const struct taken_sockets *taken);
