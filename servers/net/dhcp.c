// See dhcp.h.
#include "servers/net/dhcp.h"

#include <string.h>

enum {
    SERVER_PORT = 67,
    CLIENT_PORT = 68,
    HEAD_BYTES = 240, // up to the magic number, included
    MESSAGE_BYTES = 300,
    DISCOVER = 1,
    OFFER = 2,
    REQUEST = 3,
    DECLINE = 4,
    ACK = 5,
    NAK = 6,
    RELEASE = 7,
    OPTION_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_SERVERS = 6,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_ADDRESS = 50,
    OPTION_LEASE = 51,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_LIST = 55,
    OPTION_RENEWAL = 58,
    OPTION_REBINDING = 59,
    OPTION_END = 255,
    PROBES = 2, // RFC 5227 sends three within seconds; a boot shall not take that long
};
#define MAGIC          0x63825363u
#define FIRST_RETRY    (2 * NANOSECONDS_PER_SECOND)
#define LAST_RETRY     (32 * NANOSECONDS_PER_SECOND)
#define PROBE_INTERVAL (150 * NANOSECONDS_PER_MILLISECOND)
#define DECLINE_WAIT   (10 * NANOSECONDS_PER_SECOND) // RFC 2131 section 3.1, 5
#define RENEW_LEAST    (60 * NANOSECONDS_PER_SECOND) // section 4.4.5

static void step(struct stack *stack, struct stack_timer *timer);

static void again_at(struct dhcp *dhcp, uint64_t at) {
    timer_heap_set(&dhcp->interface->stack->timers, &dhcp->timer, at, step);
}

// --- messages
static uint64_t seconds_after(uint64_t now, uint32_t seconds) {
    return now + seconds * NANOSECONDS_PER_SECOND;
}

static uint8_t prefix_of_mask(uint32_t mask) {
    return (uint8_t)(ADDRESS_V4_PREFIX + (mask == UINT32_MAX ? 32 : __builtin_clz(~mask)));
}

struct times {
    uint32_t lease, renewal, rebinding;
};

static void take_option(struct dhcp_lease *lease, struct times *times, uint8_t *type, uint8_t kind, const uint8_t *value,
                        uint32_t length) {
    uint32_t number = length >= 4 ? load32(value) : 0;
    if (kind == OPTION_TYPE && length == 1) {
        *type = value[0];
    } else if (kind == OPTION_MASK && length == 4) {
        lease->prefix = prefix_of_mask(number);
    } else if (kind == OPTION_ROUTER && length >= 4) {
        lease->router = address_from_v4(number);
    } else if (kind == OPTION_SERVER && length == 4) {
        lease->server = address_from_v4(number);
    } else if (kind == OPTION_SERVERS) {
        lease->server_count = 0;
        for (uint32_t i = 0; i + 4 <= length && lease->server_count < DHCP_SERVERS_MAX; i += 4)
            lease->servers[lease->server_count++] = address_from_v4(load32(value + i));
    } else if (kind == OPTION_DOMAIN && length < DHCP_DOMAIN_BYTES) {
        memcpy(lease->domain, value, length);
        lease->domain[length] = 0;
    } else if (kind == OPTION_MTU && length == 2) {
        lease->mtu = load16(value);
    } else if (kind == OPTION_LEASE && length == 4) {
        times->lease = number;
    } else if (kind == OPTION_RENEWAL && length == 4) {
        times->renewal = number;
    } else if (kind == OPTION_REBINDING && length == 4) {
        times->rebinding = number;
    }
}

bool dhcp_parse(const uint8_t *message, uint32_t length, uint64_t now, uint8_t *type, struct dhcp_lease *lease) {
    struct times times = {0};
    if (length < HEAD_BYTES || message[0] != 2 || load32(message + 236) != MAGIC)
        return false;
    *lease = (struct dhcp_lease){.address = address_from_v4(load32(message + 16)), .prefix = ADDRESS_V4_PREFIX + 24};
    *type = 0;
    for (uint32_t i = HEAD_BYTES; i < length && message[i] != OPTION_END;) {
        if (message[i] == 0) {
            i++;
            continue;
        }
        if (length - i < 2 || message[i + 1] > length - i - 2)
            return false;
        take_option(lease, &times, type, message[i], message + i + 2, message[i + 1]);
        i += 2u + message[i + 1];
    }
    if (times.lease != 0 && times.lease != UINT32_MAX) { // section 4.4.5: half, and seven eighths
        uint64_t whole = times.lease * NANOSECONDS_PER_SECOND;
        bool told = times.renewal != 0 && times.renewal < times.lease;
        lease->renew_at = told ? seconds_after(now, times.renewal) : now + whole / 2;
        lease->rebind_at = seconds_after(now, times.rebinding);
        if (times.rebinding >= times.lease || lease->rebind_at <= lease->renew_at)
            lease->rebind_at = lease->renew_at + (now + whole - lease->renew_at) / 4 * 3; // between them
        lease->ends_at = seconds_after(now, times.lease);
    }
    return *type != 0;
}

static uint32_t put_option(uint8_t *at, uint8_t kind, const struct address *address) {
    at[0] = kind;
    at[1] = 4;
    store32(at + 2, address_v4(address));
    return 6;
}

static void send(struct dhcp *dhcp, uint8_t type) {
    static const uint8_t wanted[] = {OPTION_MASK, OPTION_ROUTER, OPTION_SERVERS, OPTION_DOMAIN,
                                     OPTION_MTU,  OPTION_LEASE,  OPTION_RENEWAL, OPTION_REBINDING};
    uint8_t message[MESSAGE_BYTES] = {1, 1, MAC_BYTES};
    struct stack *stack = dhcp->interface->stack;
    bool has_address = dhcp->state == DHCP_RENEWING || dhcp->state == DHCP_REBINDING || type == RELEASE;
    uint32_t length = HEAD_BYTES;
    store32(message + 4, dhcp->transaction);
    store16(message + 8, smaller((uint32_t)((stack->now - dhcp->started) / NANOSECONDS_PER_SECOND), 0xffff));
    if (has_address)
        store32(message + 12, address_v4(&dhcp->lease.address));
    memcpy(message + 28, dhcp->interface->mac, MAC_BYTES);
    store32(message + 236, MAGIC);
    message[length++] = OPTION_TYPE;
    message[length++] = 1;
    message[length++] = type;
    if (!has_address && type != DISCOVER) // table 5
        length += put_option(message + length, OPTION_ADDRESS, &dhcp->lease.address);
    if (dhcp->state == DHCP_REQUESTING || type == DECLINE || type == RELEASE)
        length += put_option(message + length, OPTION_SERVER, &dhcp->lease.server);
    if (type == DISCOVER || type == REQUEST) {
        message[length++] = OPTION_LIST;
        message[length++] = sizeof(wanted);
        memcpy(message + length, wanted, sizeof(wanted));
        length += sizeof(wanted);
    }
    message[length++] = OPTION_END;
    bool direct = dhcp->state == DHCP_RENEWING || type == RELEASE;
    struct socket_name to = {.address = direct ? dhcp->lease.server : address_from_v4(UINT32_MAX),
                             .port = SERVER_PORT,
                             .interface = dhcp->interface->index};
    error_t ignored = stack_socket_send(dhcp->socket, &to, message, MESSAGE_BYTES);
    (void)ignored; // sent again in time
}

// --- the address in use
static struct route default_route(const struct dhcp *dhcp) {
    return (struct route){.prefix = address_v4_unspecified,
                          .bits = ADDRESS_V4_PREFIX,
                          .gateway = dhcp->lease.router,
                          .interface = dhcp->interface->index};
}

static void apply(struct dhcp *dhcp) {
    struct interface *interface = dhcp->interface;
    struct route route = default_route(dhcp);
    error_t error = interface_add_address(interface, &dhcp->lease.address, dhcp->lease.prefix);
    if ((error == ERR_OK || error == ERR_EXISTS) && !address_is_unspecified(&dhcp->lease.router))
        error = route_add(interface->stack, &route);
    if (dhcp->lease.mtu >= 576 && dhcp->lease.mtu < interface->mtu)
        interface->mtu = dhcp->lease.mtu;
    dhcp->applied = true;
    if (dhcp->changed != NULL)
        dhcp->changed(dhcp);
}

static void withdraw(struct dhcp *dhcp) {
    struct route route = default_route(dhcp);
    if (!dhcp->applied)
        return;
    error_t ignored = route_remove(dhcp->interface->stack, &route.prefix, route.bits, &route.gateway, route.interface);
    ignored = interface_remove_address(dhcp->interface, &dhcp->lease.address);
    (void)ignored;
    dhcp->applied = false;
    if (dhcp->changed != NULL)
        dhcp->changed(dhcp);
}

// An ACK that renews may bring another router, other name servers.
static void take_over(struct dhcp *dhcp, const struct dhcp_lease *lease) {
    struct stack *stack = dhcp->interface->stack;
    struct route old = default_route(dhcp);
    bool rerouted = !address_equal(&lease->router, &dhcp->lease.router);
    bool renamed = lease->server_count != dhcp->lease.server_count ||
                   memcmp(lease->servers, dhcp->lease.servers, lease->server_count * sizeof(lease->servers[0])) != 0;
    dhcp->lease = *lease;
    if (!dhcp->applied)
        return;
    error_t ignored = ERR_OK;
    if (rerouted && !address_is_unspecified(&old.gateway))
        ignored = route_remove(stack, &old.prefix, old.bits, &old.gateway, old.interface);
    struct route route = default_route(dhcp);
    if (rerouted && !address_is_unspecified(&route.gateway))
        ignored = route_add(stack, &route);
    (void)ignored;
    if ((rerouted || renamed || dhcp->told) && dhcp->changed != NULL)
        dhcp->changed(dhcp);
}

static void tell_silence(struct dhcp *dhcp) {
    if (!dhcp->told && dhcp->silence != NULL)
        dhcp->silence(dhcp);
    dhcp->told = true;
}

static void begin(struct dhcp *dhcp, uint64_t at) {
    withdraw(dhcp);
    dhcp->state = DHCP_INIT;
    dhcp->tries = 0;
    dhcp->interface->probed = 0;
    again_at(dhcp, at);
}

static void bound(struct dhcp *dhcp) {
    uint64_t now = dhcp->interface->stack->now;
    dhcp->state = DHCP_BOUND;
    dhcp->told = false;
    dhcp->interface->probed = 0;
    if (!dhcp->applied)
        apply(dhcp);
    if (dhcp->lease.ends_at != 0)
        again_at(dhcp, dhcp->lease.renew_at > now ? dhcp->lease.renew_at : now + NANOSECONDS_PER_SECOND);
    else
        timer_heap_clear(&dhcp->interface->stack->timers, &dhcp->timer);
}

// --- what came in
static void message_input(struct dhcp *dhcp, const uint8_t *message, uint32_t length) {
    struct dhcp_lease lease;
    struct stack *stack = dhcp->interface->stack;
    uint8_t type;
    if (!dhcp_parse(message, length, stack->now, &type, &lease) || load32(message + 4) != dhcp->transaction ||
        memcmp(message + 28, dhcp->interface->mac, MAC_BYTES) != 0)
        return;
    bool asked = dhcp->state == DHCP_REQUESTING || dhcp->state == DHCP_RENEWING || dhcp->state == DHCP_REBINDING;
    if (dhcp->state == DHCP_SELECTING && type == OFFER && !address_is_unspecified(&lease.address) &&
        !address_is_unspecified(&lease.server)) {
        dhcp->lease = lease;
        dhcp->state = DHCP_REQUESTING;
        dhcp->tries = 0;
        again_at(dhcp, stack->now);
    } else if (asked && type == NAK) {
        begin(dhcp, stack->now + NANOSECONDS_PER_SECOND);
    } else if (asked && type == ACK && address_equal(&lease.address, &dhcp->lease.address)) {
        if (dhcp->state != DHCP_REQUESTING) {
            take_over(dhcp, &lease);
            bound(dhcp);
            return;
        }
        dhcp->lease = lease;
        dhcp->state = DHCP_CHECKING;
        dhcp->tries = 0;
        dhcp->interface->conflict_watch = false;
        dhcp->interface->probed = address_v4(&lease.address);
        again_at(dhcp, stack->now);
    }
}

static void take_messages(struct stack *stack, struct stack_timer *timer) {
    struct dhcp *dhcp = (struct dhcp *)(void *)((char *)timer - offsetof(struct dhcp, input_timer));
    const struct datagram *datagram;
    (void)stack;
    while ((datagram = stack_socket_peek(dhcp->socket)) != NULL) {
        message_input(dhcp, datagram->bytes, datagram->length);
        stack_socket_drop(dhcp->socket);
    }
}

// --- what is to be done now
static uint64_t retry_at(struct dhcp *dhcp) {
    uint64_t wait = FIRST_RETRY;
    for (uint32_t i = 0; i < dhcp->tries && wait < LAST_RETRY; i++)
        wait *= 2; // section 4.1
    dhcp->tries++;
    struct stack *stack = dhcp->interface->stack;
    return stack->now + wait - stack_random(stack) % (wait / 4);
}

static void check(struct dhcp *dhcp) {
    struct interface *interface = dhcp->interface;
    if (interface->conflict_watch) {
        send(dhcp, DECLINE);
        begin(dhcp, interface->stack->now + DECLINE_WAIT);
    } else if (dhcp->tries++ < PROBES) {
        arp_request(interface, &dhcp->lease.address, NULL);
        again_at(dhcp, interface->stack->now + PROBE_INTERVAL);
    } else {
        bound(dhcp);
    }
}

static void renew(struct dhcp *dhcp) {
    uint64_t now = dhcp->interface->stack->now;
    const struct dhcp_lease *lease = &dhcp->lease;
    if (now >= lease->ends_at) {
        begin(dhcp, now);
        return;
    }
    if (dhcp->state == DHCP_BOUND)
        dhcp->transaction = stack_random(dhcp->interface->stack);
    dhcp->state = now >= lease->rebind_at ? DHCP_REBINDING : DHCP_RENEWING;
    if (dhcp->state == DHCP_REBINDING)
        tell_silence(dhcp);
    uint64_t end = dhcp->state == DHCP_RENEWING ? lease->rebind_at : lease->ends_at;
    uint64_t half = (end - now) / 2; // section 4.4.5
    again_at(dhcp, half > RENEW_LEAST ? now + half : end);
    send(dhcp, REQUEST);
}

static void step(struct stack *stack, struct stack_timer *timer) {
    struct dhcp *dhcp = (struct dhcp *)(void *)((char *)timer - offsetof(struct dhcp, timer));
    if (!dhcp->interface->up || !dhcp->interface->link) { // the cable is out: looks again
        again_at(dhcp, stack->now + NANOSECONDS_PER_SECOND);
        return;
    }
    switch (dhcp->state) {
    case DHCP_INIT:
        dhcp->state = DHCP_SELECTING;
        dhcp->transaction = stack_random(stack);
        dhcp->started = stack->now;
        dhcp->tries = 0;
        again_at(dhcp, retry_at(dhcp));
        send(dhcp, DISCOVER);
        break;
    case DHCP_SELECTING:
        if (dhcp->tries >= 2)
            tell_silence(dhcp);
        again_at(dhcp, retry_at(dhcp));
        send(dhcp, DISCOVER);
        break;
    case DHCP_REQUESTING:
        if (dhcp->tries >= 4) {
            begin(dhcp, stack->now);
            break;
        }
        again_at(dhcp, retry_at(dhcp));
        send(dhcp, REQUEST);
        break;
    case DHCP_CHECKING:
        check(dhcp);
        break;
    case DHCP_BOUND:
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        renew(dhcp);
        break;
    case DHCP_OFF:
        break;
    }
}

void dhcp_confirm(struct dhcp *dhcp) {
    struct stack *stack = dhcp->interface->stack;
    if (dhcp->state == DHCP_BOUND && dhcp->lease.ends_at != 0)
        again_at(dhcp, stack->now);
    else if (dhcp->state == DHCP_SELECTING)
        begin(dhcp, stack->now); // without the long pauses of before
}

static void arrived(struct socket *socket) {
    struct dhcp *dhcp = socket->owner;
    timer_heap_set(&socket->stack->timers, &dhcp->input_timer, socket->stack->now, take_messages);
}

static error_t open_socket(struct dhcp *dhcp, struct interface *interface) {
    struct socket_name own = {.address = address_v4_unspecified, .port = CLIENT_PORT, .interface = interface->index};
    dhcp->interface = interface;
    error_t error = stack_socket_open(interface->stack, SOCKET_DATAGRAM, false, PROTOCOL_NUMBER_UDP, &dhcp->socket);
    if (error != ERR_OK)
        return error;
    dhcp->socket->options.broadcast = dhcp->socket->options.reuse_address = true;
    error = stack_socket_bind(dhcp->socket, &own);
    if (error != ERR_OK) {
        stack_socket_close(dhcp->socket);
        return error;
    }
    dhcp->socket->owner = dhcp;
    dhcp->socket->changed = arrived;
    return ERR_OK;
}

error_t dhcp_start(struct dhcp *dhcp, struct interface *interface) {
    *dhcp = (struct dhcp){.changed = dhcp->changed, .silence = dhcp->silence};
    error_t error = open_socket(dhcp, interface);
    if (error == ERR_OK)
        begin(dhcp, interface->stack->now);
    return error;
}

error_t dhcp_resume(struct dhcp *dhcp, struct interface *interface, const struct dhcp *before, uint64_t step_at) {
    *dhcp = (struct dhcp){
        .state = before->state,
        .transaction = before->transaction,
        .tries = before->tries,
        .started = before->started,
        .lease = before->lease,
        .applied = before->applied,
        .told = before->told,
        .changed = dhcp->changed,
        .silence = dhcp->silence,
    };
    error_t error = open_socket(dhcp, interface);
    if (error == ERR_OK && step_at != 0)
        again_at(dhcp, step_at);
    return error;
}

void dhcp_stop(struct dhcp *dhcp) {
    if (dhcp->state == DHCP_OFF)
        return;
    if (dhcp->applied)
        send(dhcp, RELEASE);
    withdraw(dhcp);
    dhcp->state = DHCP_OFF;
    timer_heap_clear(&dhcp->interface->stack->timers, &dhcp->timer);
    timer_heap_clear(&dhcp->interface->stack->timers, &dhcp->input_timer);
    stack_socket_close(dhcp->socket);
}
