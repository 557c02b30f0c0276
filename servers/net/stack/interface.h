// Interfaces: where frames come in and go out, and their addresses. A link (a network card, a tap device, a
// test) gives three functions; loopback is one as well. Frames are Ethernet II with 14 bytes of header (RFC
// 894); everything here is called by the stack, the server's link and its configuration.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "servers/net/stack/address.h"
#include "servers/net/stack/checksum.h"
#include "servers/net/stack/timer_heap.h"

enum {
    INTERFACES_MAX = 8,
    INTERFACE_ADDRESSES_MAX = 8,
    INTERFACE_GROUPS_MAX = 16,
    INTERFACE_NAME_BYTES = 8,
    ETHERNET_HEADER_BYTES = 14,
    ETHERNET_MTU = 1500,
    LINK_LARGE_MOST = 15 * 4096,
    LINK_PAGE_BYTES = 4096,
    LINK_PIECES_MOST = 18, // pieces of pages that a frame may consist of
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_IPV6 = 0x86dd,
};

struct link_ops {
    // Room for a frame of the link's MTU and its Ethernet header; NULL: none now, the frame is dropped.
    uint8_t *(*frame_begin)(void *context);
    // `frame` is what frame_begin gave, filled with `length` bytes; it is the link's again. 0: not to be
    // sent.
    void (*frame_send)(void *context, uint8_t *frame, uint32_t length);
    // Room for a frame of `length` bytes, at most LINK_LARGE_MOST, with interface->tail behind them; if the interface `cuts`, or
    // reads files.
    uint8_t *(*frame_begin_large)(void *context, uint32_t length);
};

// A sum of TCP or UDP that the link fills in: what stands at `start` + `offset` is the pseudo header's sum. Bytes from the
// frame's start; `start` 0: there is none.
struct link_sum {
    uint16_t start, offset;
    uint16_t segment_size, header_length; // bytes of TCP data in each frame, and what stands before it; 0: the frame is not cut
};

// Pages that a piece lies in, or takes in the link's memory.
static inline uint32_t piece_pages(const struct piece *piece) {
    uint32_t within = piece->file != NULL ? piece->offset % LINK_PAGE_BYTES : 0;
    return (within + piece->length + LINK_PAGE_BYTES - 1) / LINK_PAGE_BYTES;
}

// What follows the memory of the frame that is being sent, from its first piece of a file on.
struct link_tail {
    const struct piece *pieces;
    uint32_t count, length; // length: bytes
};

enum address_state { ADDRESS_FREE, ADDRESS_TENTATIVE, ADDRESS_PREFERRED, ADDRESS_DEPRECATED };

struct interface_address {
    struct address address;
    enum address_state state;
    uint8_t prefix;       // bits of 128
    uint8_t probes;       // of duplicate address detection that are still to be sent
    bool autoconfigured;  // by a router's advertisement (RFC 4862)
    uint64_t valid_until; // nanoseconds; 0: for ever
    uint64_t preferred_until;
};

// A multicast group, and what routers are still to be told of it.
struct group {
    struct address address;
    uint64_t report_at; // nanoseconds; 0: nothing is planned
    uint8_t users;      // sockets; 0: this entry is free
    uint8_t reports;    // still to be sent
    bool last_reporter; // nobody else has told of it since
};

struct interface_statistics {
    uint64_t frames_in, bytes_in, frames_out, bytes_out, dropped_in, dropped_out;
};

struct interface {
    struct stack *stack;
    uint32_t index; // from 1; 0: this entry is free
    char name[INTERFACE_NAME_BYTES];
    uint8_t mac[MAC_BYTES];
    uint32_t mtu;
    bool up;   // by configuration
    bool link; // the cable is there
    bool loopback;
    bool autoconfigure;   // IPv6 addresses by router advertisements
    uint64_t defended_at; // nanoseconds: when an address was last defended (RFC 5227 section 2.4)
    bool fills_sums;      // the link does
    bool cuts;            // the link cuts large segments of TCP over IPv4, and fills in their sums
    bool cuts_whole;      // for that it wants the lengths in headers to be the whole's; else zero, and the IPv4 header's sum too
    bool reads_files;     // the link takes pieces of files as they are, for its card to read
    struct link_sum sum;  // of the frame that is being sent
    struct link_tail tail;
    const struct link_ops *ops;
    void *context;
    struct interface_address addresses[INTERFACE_ADDRESSES_MAX];
    struct group groups[INTERFACE_GROUPS_MAX]; // multicast groups that sockets joined
    uint32_t probed;                           // IPv4 address that DHCP looks for another user of (RFC 2131 section 2.2); 0: none
    bool conflict_watch;                       // one answered
    uint32_t solicitations;                    // of routers that are still to be sent
    uint8_t hop_limit;                         // that a router told; 0: the default
    struct stack_timer solicit_timer, address_timer, group_timer;
    struct interface_statistics statistics;
};

// ERR_NO_SPACE: there are INTERFACES_MAX already.
MUST_USE error_t interface_add(struct stack *stack, const char *name, const uint8_t *mac, uint32_t mtu,
                               const struct link_ops *ops, void *context, struct interface **result);
void interface_set_up(struct interface *interface, bool up);
void interface_set_link(struct interface *interface, bool link);
struct interface *interface_find(struct stack *stack, uint32_t index);
struct interface *interface_find_name(struct stack *stack, const char *name);

// `prefix` counts from the start of the 128 bits. Adds the route to the prefix. ERR_EXISTS, ERR_NO_SPACE,
// ERR_INVALID.
MUST_USE error_t interface_add_address(struct interface *interface, const struct address *address, uint32_t prefix);
MUST_USE error_t interface_remove_address(struct interface *interface, const struct address *address);
// The entry of an address, in any state; NULL.
struct interface_address *interface_address_find(struct interface *interface, const struct address *address);
// Whether a packet to `address` that came in here is for this machine (RFC 1122 section 3.3.4.2, the weak
// model: any interface's address will do), broadcasts and groups included.
bool interface_accepts(struct interface *interface, const struct address *address);
// Whether it is a broadcast address of this interface's IPv4 networks.
bool interface_is_broadcast(const struct interface *interface, const struct address *address);
// An address of this interface to send to `destination` from (RFC 6724 in short); NULL: it has none.
const struct address *interface_source(const struct interface *interface, const struct address *destination);
MUST_USE error_t interface_join(struct interface *interface, const struct address *group);
void interface_leave(struct interface *interface, const struct address *group);
// group.c: the first socket has joined, the last one leaves; the link is there (again).
void group_joined(struct interface *interface, struct group *group);
void group_left(struct interface *interface, struct group *group);
void group_restart(struct interface *interface);
void group_resume(struct interface *interface); // what is planned goes on

// A frame came in, Ethernet header first. It is read during the call only.
void interface_input(struct interface *interface, const uint8_t *frame, uint32_t length);
// If `interface->sum` says that the link fills in a sum: does it here, for a frame that is put aside.
void interface_fill_sum(struct interface *interface, uint8_t *frame, uint32_t length);
// Puts the Ethernet header before what lies from ETHERNET_HEADER_BYTES on, and sends.
void interface_output(struct interface *interface, uint8_t *frame, uint32_t length, const uint8_t *to, uint32_t ethertype);
