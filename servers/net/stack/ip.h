// Sending and receiving packets of IPv4 (RFC 791, 1122) and IPv6 (RFC 8200): headers, fragments, options and
// extension headers. What is above sees a `struct packet`, whichever version it came by.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "servers/net/stack/checksum.h"
#include "servers/net/stack/interface.h"

enum {
    PROTOCOL_NUMBER_ICMP = 1,
    PROTOCOL_NUMBER_IGMP = 2,
    PROTOCOL_NUMBER_TCP = 6,
    PROTOCOL_NUMBER_UDP = 17,
    PROTOCOL_NUMBER_ICMPV6 = 58,
    IPV4_HEADER_BYTES = 20,
    IPV6_HEADER_BYTES = 40,
    IPV4_MTU_MIN = 68,
    IPV6_MTU_MIN = 1280,
    IP_HOPS_DEFAULT = 64,
    IP_PIECES_MAX = 4,
    IP_NO_CHECKSUM = -1,
};

// A datagram that came in, whole and for us.
struct packet {
    struct interface *interface;
    struct address source, destination;
    uint8_t protocol, hops, traffic_class;
    bool v4, group;         // group: sent to a broadcast or multicast address
    const uint8_t *network; // its network header
    uint32_t network_length;
    const uint8_t *payload;
    uint32_t length; // of the payload
};

// How a datagram is to be sent.
struct flow {
    struct address source; // unspecified: chosen
    struct address destination;
    uint32_t interface; // 0: by the routing table
    uint8_t protocol;
    uint8_t hops; // 0: the default
    uint8_t traffic_class;
    bool dont_fragment;    // IPv4; a packet that is too large is refused
    bool no_route;         // the destination is on the link of `interface`, whatever its addresses
    bool broadcast;        // the sender may send to broadcast addresses
    uint32_t segment_size; // of TCP data: what is larger than a frame is cut into such by the link (ip_large_most); 0: not
};

// Fills in source and *interface and the MTU on the way, without sending.
MUST_USE error_t ip_route(struct stack *stack, struct flow *flow, struct interface **interface, uint32_t *mtu);
// Most bytes, IP header included, that the link of this flow takes at once to cut them; 0: it does not.
uint32_t ip_large_most(struct stack *stack, const struct flow *wanted);
// The interface of this flow, if its link takes pieces of files as they are; NULL: they would be copied.
const struct interface *ip_card(struct stack *stack, const struct flow *wanted);
// Sends the pieces as one datagram, in fragments where it must. `checksum_at`: offset in the first piece,
// which is changed there, of the field for the checksum with pseudo-header; IP_NO_CHECKSUM: none. Frames that
// find no room are lost like others on the way. -ENETUNREACH, -ENETDOWN, -EHOSTUNREACH, ERR_MESSAGE_SIZE,
// ERR_ACCESS.
MUST_USE error_t ip_send(struct stack *stack, const struct flow *flow, struct piece *pieces, uint32_t count, int32_t checksum_at);

void ipv4_input(struct interface *interface, const uint8_t *bytes, uint32_t length);
void ipv6_input(struct interface *interface, const uint8_t *bytes, uint32_t length);
// A whole datagram to what is above. False: no protocol wants it.
bool ip_deliver(struct stack *stack, const struct packet *packet);

// --- ip_headers.c
// Puts the header before the payload; `at` has room for it. For ip_send.
void ipv4_header(uint8_t *at, const struct flow *flow, uint32_t payload, uint32_t identification, uint32_t fragment);
void ipv6_header(uint8_t *at, const struct flow *flow, uint32_t payload, uint8_t next);

// reassembly.c: a fragment came in; true: `whole` is the datagram, until reassembly_done.
struct fragment {
    struct packet packet; // payload and length are the fragment's
    uint32_t identification;
    uint32_t offset; // bytes
    bool more;
    uint32_t header_length; // of `network`, to be kept from the first fragment
};
bool reassembly_input(struct stack *stack, const struct fragment *fragment, struct packet *whole);
void reassembly_done(struct stack *stack);
void reassembly_finish(struct stack *stack);
