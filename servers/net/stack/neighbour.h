// Who has which hardware address: one cache for ARP (RFC 826) and neighbour discovery, with the states of RFC
// 4861 section 7.3.2 for both. Bounded: the entry unused for longest makes room.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/net/stack/interface.h"

enum { NEIGHBOURS_MAX = 128, NEIGHBOUR_QUEUE_MAX = 4 };
enum { ARP_BYTES = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };

enum neighbour_state {
    NEIGHBOUR_FREE,
    NEIGHBOUR_INCOMPLETE, // asked for; what is to be sent waits
    NEIGHBOUR_REACHABLE,
    NEIGHBOUR_STALE,
    NEIGHBOUR_DELAY,
    NEIGHBOUR_PROBE,
    NEIGHBOUR_PERMANENT,
};

// A frame that waits for its destination's hardware address.
struct waiting_frame {
    struct waiting_frame *next;
    uint32_t length; // with the Ethernet header's room
    uint8_t bytes[];
};

struct neighbour {
    struct address address;
    struct interface *interface;
    enum neighbour_state state;
    uint8_t mac[MAC_BYTES];
    bool router;
    uint8_t probes;
    uint64_t used, confirmed;
    struct waiting_frame *first;
    uint32_t waiting;
    struct stack_timer timer;
};

// Sends a packet in `frame` (of the interface's link) to the neighbour, now or when it is known.
// Whether a frame to it can be sent at once, without being kept until its address is known.
bool neighbour_is_known(struct interface *interface, const struct address *next_hop);
void neighbour_send(struct interface *interface, const struct address *next_hop, uint8_t *frame, uint32_t length);
// What a message told. `solicited`: it answers a question of ours; `override`: it may change a known one.
void neighbour_learned(struct interface *interface, const struct address *address, const uint8_t *mac, bool solicited,
                       bool override, bool create);
// The layer above had an answer from it (RFC 4861 section 7.3.1).
void neighbour_confirm(struct interface *interface, const struct address *address);
struct neighbour *neighbour_find(struct interface *interface, const struct address *address);
void neighbours_flush(struct interface *interface);

// arp.c
void arp_input(struct interface *interface, const uint8_t *packet, uint32_t length);
void arp_request(struct interface *interface, const struct address *target, const uint8_t *to);
void arp_announce(struct interface *interface, const struct address *address);
// nd.c: a neighbour solicitation; `to` NULL: to the solicited-node group.
void nd_solicit(struct interface *interface, const struct address *target, const uint8_t *to);
