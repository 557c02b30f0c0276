// The routing table and the path MTUs. Few routes: the longest prefix is found by looking at all. Called when
// something is sent, and by configuration.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "servers/net/stack/address.h"

enum { ROUTES_MAX = 64, PATHS_MAX = 64 };

struct interface;
struct stack;

struct route {
    struct address prefix;
    uint8_t bits; // of 128
    bool used;
    bool advertised;        // by a router (RFC 4861)
    struct address gateway; // unspecified: the destination is on the link
    uint32_t interface;
    uint32_t metric;      // smaller is better
    uint64_t valid_until; // nanoseconds; 0: for ever
};

// A path whose MTU is smaller than its link's (RFC 1191, RFC 8201).
struct path {
    struct address destination;
    uint32_t mtu; // 0: this entry is free
    uint64_t until;
};

// Sets `routes_end` and `paths_end` of the stack, after either was added to.
void routes_count(struct stack *stack);

// ERR_EXISTS: the same one is there; ERR_NO_SPACE.
MUST_USE error_t route_add(struct stack *stack, const struct route *route);
MUST_USE error_t route_remove(struct stack *stack, const struct address *prefix, uint32_t bits, const struct address *gateway,
                              uint32_t interface);
void route_remove_interface(struct stack *stack, uint32_t interface);
// The way to `destination`, over `interface` if that is not 0; *next_hop is the neighbour to send to.
// -ENETUNREACH, -ENETDOWN.
MUST_USE error_t route_find(struct stack *stack, const struct address *destination, uint32_t interface, struct interface **out,
                            struct address *next_hop);
// Bytes of a packet that reach `destination` over `interface` in one piece, as far as is known.
uint32_t path_mtu(struct stack *stack, const struct interface *interface, const struct address *destination);
// A router told of a smaller MTU. True: it is news.
bool path_mtu_learned(struct stack *stack, const struct interface *interface, const struct address *destination, uint32_t mtu);
