// ICMP (RFC 792, 1122) and ICMPv6 (RFC 4443): echo, errors sent and errors received.
#pragma once

#include "servers/net/stack/ip.h"
#include "servers/net/stack/neighbour.h"

enum {
    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_ECHO = 8,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
    ICMP_CODE_PROTOCOL = 2,
    ICMP_CODE_PORT = 3,
    ICMP_CODE_TOO_BIG = 4,
    ICMP_CODE_REASSEMBLY = 1,
    ICMPV6_UNREACHABLE = 1,
    ICMPV6_TOO_BIG = 2,
    ICMPV6_TIME_EXCEEDED = 3,
    ICMPV6_PARAMETER_PROBLEM = 4,
    ICMPV6_CODE_PORT = 4,
    ICMPV6_ECHO = 128,
    ICMPV6_ECHO_REPLY = 129,
    ICMPV6_GROUP_QUERY = 130,
    ICMPV6_GROUP_DONE = 132,
    ICMPV6_ROUTER_SOLICITATION = 133,
    ICMPV6_ROUTER_ADVERTISEMENT = 134,
    ICMPV6_NEIGHBOUR_SOLICITATION = 135,
    ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136,
    ICMP_HEADER_BYTES = 8,
};

// What an error message means to a socket.
struct icmp_error {
    struct address source, destination; // of the packet that it is about: ours
    uint8_t protocol;
    const uint8_t *transport; // its first bytes, at least 8
    uint32_t transport_length;
    error_t error;
    bool hard;    // RFC 1122 section 4.2.3.9
    uint32_t mtu; // of a "too big": the next link's
};

void icmpv4_input(struct stack *stack, const struct packet *packet);
void icmpv6_input(struct stack *stack, const struct packet *packet);
// group.c: routers that ask for multicast groups, and others who answer them.
void igmp_input(struct stack *stack, const struct packet *packet);
void mld_input(struct stack *stack, const struct packet *packet);
// Tells the sender of `packet` of a failure, unless the rules of RFC 1122 section 3.2.2 and RFC 4443 section
// 2.4 forbid it, and within a rate. `parameter`: the second word of the message.
void icmp_send_error(struct stack *stack, const struct packet *packet, uint8_t type, uint8_t code, uint32_t parameter);
// Sends an ICMPv6 message with its checksum. For neighbour discovery.
void icmpv6_send(struct interface *interface, const struct address *source, const struct address *destination, uint8_t *message,
                 uint32_t length);
// What waited for a neighbour that does not answer: its senders are told (RFC 1122 section 2.3.2.1).
void icmp_neighbour_failed(struct stack *stack, const struct neighbour *neighbour);
// Neighbour discovery's messages (nd.c).
void nd_input(struct stack *stack, const struct packet *packet);
// Begins with an address's detection of duplicates; asks for routers (RFC 4862).
void nd_start(struct interface *interface);
// Where the actor before was: when its timers were due, 0 if they were not armed.
void nd_resume(struct interface *interface, uint64_t solicit_at, uint64_t address_at);
void nd_address_added(struct interface *interface, struct interface_address *entry);
