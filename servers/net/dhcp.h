// A DHCP client (RFC 2131, options of RFC 2132) for one interface, on sockets and timers of the stack: an
// address, a router, name servers; renewed in time, declined if another machine has it (RFC 5227). It never
// waits; used by config.c and by host tests.
#pragma once

#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

enum { DHCP_SERVERS_MAX = 3, DHCP_DOMAIN_BYTES = 64 };

enum dhcp_state { // RFC 2131 section 4.4, figure 5
    DHCP_OFF,
    DHCP_INIT,
    DHCP_SELECTING,
    DHCP_REQUESTING,
    DHCP_CHECKING, // the address is asked for by ARP before it is used
    DHCP_BOUND,
    DHCP_RENEWING,
    DHCP_REBINDING,
};

struct dhcp_lease {
    struct address address, router, server;
    struct address servers[DHCP_SERVERS_MAX];
    uint32_t server_count;
    uint8_t prefix; // of 128
    uint32_t mtu;   // 0: not told
    char domain[DHCP_DOMAIN_BYTES];
    uint64_t renew_at, rebind_at, ends_at; // nanoseconds; ends_at 0: for ever
};

struct dhcp {
    enum dhcp_state state;
    struct interface *interface;
    struct socket *socket;
    struct stack_timer timer, input_timer; // the next step; a message has come
    uint32_t transaction, tries;
    uint64_t started;
    struct dhcp_lease lease; // offered, or in use from DHCP_BOUND on
    bool applied;
    bool told;                          // that no server answers
    void (*changed)(struct dhcp *dhcp); // bound, with something new, or lost; NULL: nobody listens
    void (*silence)(
        struct dhcp *dhcp); // no server answers: after two questions, or when the lease is nearly over; asking goes on
};

// ERR_NO_MEMORY, -EADDRINUSE.
MUST_USE error_t dhcp_start(struct dhcp *dhcp, struct interface *interface);
// Goes on where another actor was: `before` is what it knew, but for the pointers; step_at when its timer was due, 0: it was not
// armed. What had come and was not looked at is asked for again.
MUST_USE error_t dhcp_resume(struct dhcp *dhcp, struct interface *interface, const struct dhcp *before, uint64_t step_at);
// Takes the address away again, and tells the server (RFC 2131 section 4.4.6).
void dhcp_stop(struct dhcp *dhcp);
// The cable was put in again: is the address still right? Asks the server now, instead of when the lease is half over.
void dhcp_confirm(struct dhcp *dhcp);
// Reads the options of a message. False: it is not sound. `type`: DHCPOFFER ...; for tests and fuzzing.
bool dhcp_parse(const uint8_t *message, uint32_t length, uint64_t now, uint8_t *type, struct dhcp_lease *lease);
