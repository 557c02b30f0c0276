// Neighbour discovery (RFC 4861) and addresses without a server (RFC 4862): solicitations and advertisements,
// routers, prefixes, duplicate addresses.
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/stack.h"

enum {
    OPTION_SOURCE_MAC = 1,
    OPTION_TARGET_MAC = 2,
    OPTION_PREFIX = 3,
    OPTION_MTU = 5,
    SOLICITATIONS_MAX = 3, // of routers
    PROBES = 1,            // RFC 4862 section 5.1: DupAddrDetectTransmits
    MESSAGE_BYTES = 24,
    FLAG_SOLICITED = 0x40,
    FLAG_OVERRIDE = 0x20,
    PREFIX_ON_LINK = 0x80,
    PREFIX_AUTONOMOUS = 0x40,
    TWO_HOURS = 7200,
};

static const struct address all_nodes = {.bytes = {0xff, 0x02, [15] = 1}};
static const struct address all_routers = {.bytes = {0xff, 0x02, [15] = 2}};

static struct address link_local_of(const struct interface *interface) {
    struct address address = {.bytes = {0xfe, 0x80}}; // RFC 4291 appendix A: modified EUI-64
    const uint8_t *mac = interface->mac;
    uint8_t *id = address.bytes + 8;
    id[0] = mac[0] ^ 2;
    id[1] = mac[1];
    id[2] = mac[2];
    id[3] = 0xff;
    id[4] = 0xfe;
    memcpy(id + 5, mac + 3, 3);
    return address;
}

static uint32_t put_mac(uint8_t *to, uint8_t kind, const struct interface *interface) {
    to[0] = kind;
    to[1] = 1;
    memcpy(to + 2, interface->mac, MAC_BYTES);
    return 8;
}

// --- what is sent
void nd_solicit(struct interface *interface, const struct address *target, const uint8_t *to) {
    uint8_t message[MESSAGE_BYTES + 8] = {ICMPV6_NEIGHBOUR_SOLICITATION};
    struct address group = address_solicited_node(target);
    const struct address *source = interface_source(interface, target);
    memcpy(message + 8, target->bytes, ADDRESS_BYTES);
    uint32_t length = MESSAGE_BYTES;
    if (source != NULL)
        length += put_mac(message + length, OPTION_SOURCE_MAC, interface);
    icmpv6_send(interface, source != NULL ? source : &address_unspecified, to != NULL ? target : &group, message, length);
}

static void advertise(struct interface *interface, const struct address *target, const struct address *to, uint8_t flags) {
    uint8_t message[MESSAGE_BYTES + 8] = {ICMPV6_NEIGHBOUR_ADVERTISEMENT, [4] = flags};
    memcpy(message + 8, target->bytes, ADDRESS_BYTES);
    put_mac(message + MESSAGE_BYTES, OPTION_TARGET_MAC, interface);
    icmpv6_send(interface, target, to, message, sizeof(message));
}

static void solicit_routers(struct stack *stack, struct stack_timer *timer) {
    struct interface *interface = (struct interface *)(void *)((char *)timer - offsetof(struct interface, solicit_timer));
    uint8_t message[16] = {ICMPV6_ROUTER_SOLICITATION};
    if (interface->solicitations == 0 || !interface->up || !interface->link)
        return;
    interface->solicitations--;
    const struct address *source = interface_source(interface, &all_routers);
    uint32_t length = 8;
    if (source != NULL)
        length += put_mac(message + length, OPTION_SOURCE_MAC, interface);
    icmpv6_send(interface, source != NULL ? source : &address_unspecified, &all_routers, message, length);
    timer_heap_set(&stack->timers, timer, stack->now + 4 * NANOSECONDS_PER_SECOND, solicit_routers);
}

// --- addresses
// Probes tentative addresses once a second, and ends lifetimes.
static void look_at_addresses(struct stack *stack, struct stack_timer *timer) {
    struct interface *interface = (struct interface *)(void *)((char *)timer - offsetof(struct interface, address_timer));
    bool needed = false;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++) {
        struct interface_address *entry = &interface->addresses[i];
        if (entry->state == ADDRESS_TENTATIVE && interface->up && interface->link) {
            if (entry->probes == 0) {
                entry->state = ADDRESS_PREFERRED;
                if (interface->autoconfigure && interface->solicitations != 0)
                    timer_heap_set(&stack->timers, &interface->solicit_timer, stack->now, solicit_routers);
            } else {
                uint8_t message[MESSAGE_BYTES] = {ICMPV6_NEIGHBOUR_SOLICITATION};
                struct address group = address_solicited_node(&entry->address);
                memcpy(message + 8, entry->address.bytes, ADDRESS_BYTES);
                icmpv6_send(interface, &address_unspecified, &group, message, sizeof(message));
                entry->probes--;
                needed = true;
            }
        }
        if (entry->state == ADDRESS_FREE || (entry->valid_until == 0 && !entry->autoconfigured))
            continue;
        needed = true;
        if (entry->valid_until != 0 && entry->valid_until <= stack->now) {
            error_t ignored = interface_remove_address(interface, &entry->address);
            (void)ignored;
        } else if (entry->preferred_until <= stack->now) {
            entry->state = entry->state == ADDRESS_PREFERRED ? ADDRESS_DEPRECATED : entry->state;
        }
    }
    if (needed)
        timer_heap_set(&stack->timers, timer, stack->now + NANOSECONDS_PER_SECOND, look_at_addresses);
}

// RFC 4862 section 5.4.
void nd_address_added(struct interface *interface, struct interface_address *entry) {
    entry->state = ADDRESS_TENTATIVE;
    entry->probes = PROBES;
    struct stack *stack = interface->stack;
    timer_heap_set(&stack->timers, &interface->address_timer, stack->now, look_at_addresses);
}

void nd_start(struct interface *interface) {
    struct stack *stack = interface->stack;
    struct address address = link_local_of(interface);
    if (!interface->autoconfigure)
        return;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++)
        if (interface->addresses[i].state != ADDRESS_FREE && !address_is_v4(&interface->addresses[i].address))
            nd_address_added(interface, &interface->addresses[i]);
    interface->solicitations = SOLICITATIONS_MAX;
    error_t ignored = interface_add_address(interface, &address, 64); // there already after a pause
    (void)ignored;
    // Once the address is ours (look_at_addresses); without one a little later.
    timer_heap_set(&stack->timers, &interface->solicit_timer, stack->now + 3 * NANOSECONDS_PER_SECOND / 2, solicit_routers);
}

void nd_resume(struct interface *interface, uint64_t solicit_at, uint64_t address_at) {
    struct timer_heap *timers = &interface->stack->timers;
    if (solicit_at != 0)
        timer_heap_set(timers, &interface->solicit_timer, solicit_at, solicit_routers);
    if (address_at != 0)
        timer_heap_set(timers, &interface->address_timer, address_at, look_at_addresses);
}

// --- what comes in
// The option of that kind; NULL: none. Section 6.1: an option of length 0 spoils the message, seen before.
static const uint8_t *option_find(const uint8_t *options, uint32_t length, uint8_t kind) {
    for (uint32_t i = 0; i + 8 <= length && options[i + 1] != 0; i += 8u * options[i + 1])
        if (options[i] == kind && i + 8u * options[i + 1] <= length)
            return options + i;
    return NULL;
}

static bool options_are_sound(const uint8_t *options, uint32_t length) {
    uint32_t i = 0;
    while (i + 2 <= length && options[i + 1] != 0)
        i += 8u * options[i + 1];
    return i == length;
}

static void duplicate_found(struct interface *interface, struct interface_address *entry) {
    error_t ignored = interface_remove_address(interface, &entry->address); // RFC 4862 section 5.4.5
    (void)ignored;
}

static void solicitation_input(const struct packet *packet) {
    struct interface *interface = packet->interface;
    struct address target = address_from_bytes(packet->payload + 8);
    const uint8_t *mac = option_find(packet->payload + MESSAGE_BYTES, packet->length - MESSAGE_BYTES, OPTION_SOURCE_MAC);
    struct interface_address *own = interface_address_find(interface, &target);
    bool unspecified = address_is_unspecified(&packet->source);
    if (own == NULL || address_is_multicast(&target) || (unspecified && (mac != NULL || !packet->group))) // section 7.1.1
        return;
    if (own->state == ADDRESS_TENTATIVE) { // section 5.4.3: another node probes the same address
        if (unspecified)
            duplicate_found(interface, own);
        return;
    }
    if (unspecified) {
        advertise(interface, &target, &all_nodes, FLAG_OVERRIDE);
        return;
    }
    if (mac != NULL)
        neighbour_learned(interface, &packet->source, mac + 2, false, true, true);
    advertise(interface, &target, &packet->source, FLAG_SOLICITED | FLAG_OVERRIDE);
}

static void advertisement_input(const struct packet *packet) {
    struct interface *interface = packet->interface;
    struct address target = address_from_bytes(packet->payload + 8);
    uint8_t flags = packet->payload[4];
    const uint8_t *mac = option_find(packet->payload + MESSAGE_BYTES, packet->length - MESSAGE_BYTES, OPTION_TARGET_MAC);
    struct interface_address *own = interface_address_find(interface, &target);
    if (address_is_multicast(&target) || (packet->group && (flags & FLAG_SOLICITED) != 0))
        return;
    if (own != NULL) {
        if (own->state == ADDRESS_TENTATIVE)
            duplicate_found(interface, own);
        return;
    }
    if (mac != NULL)
        neighbour_learned(interface, &target, mac + 2, (flags & FLAG_SOLICITED) != 0, (flags & FLAG_OVERRIDE) != 0, false);
}

static uint64_t lifetime_end(const struct stack *stack, uint32_t seconds) {
    return seconds == UINT32_MAX ? 0 : stack->now + seconds * NANOSECONDS_PER_SECOND + 1;
}

// RFC 4862 section 5.5.3.
static void autoconfigure(struct interface *interface, const struct address *prefix, uint32_t valid, uint32_t preferred) {
    struct stack *stack = interface->stack;
    struct address address = link_local_of(interface);
    memcpy(address.bytes, prefix->bytes, 8);
    if (valid == 0 && interface_address_find(interface, &address) == NULL)
        return;
    error_t error = interface_add_address(interface, &address, 64);
    struct interface_address *entry = interface_address_find(interface, &address);
    if (entry == NULL || (error != ERR_OK && !entry->autoconfigured))
        return;
    bool is_new = error == ERR_OK;
    uint64_t left = entry->valid_until == 0 ? UINT64_MAX : entry->valid_until > stack->now ? entry->valid_until - stack->now : 0;
    if (is_new || valid > TWO_HOURS || valid * NANOSECONDS_PER_SECOND > left)
        entry->valid_until = lifetime_end(stack, valid);
    else if (left > TWO_HOURS * NANOSECONDS_PER_SECOND) // (e): nobody shortens it by a lie
        entry->valid_until = lifetime_end(stack, TWO_HOURS);
    entry->preferred_until = preferred == UINT32_MAX ? UINT64_MAX : lifetime_end(stack, preferred);
    entry->autoconfigured = true;
    if (entry->state == ADDRESS_DEPRECATED && preferred != 0)
        entry->state = ADDRESS_PREFERRED;
}

static void prefix_input(struct interface *interface, const uint8_t *option) {
    struct stack *stack = interface->stack;
    uint32_t valid = load32(option + 4), preferred = load32(option + 8);
    struct address prefix = address_from_bytes(option + 16);
    uint8_t bits = option[2];
    if (option[1] != 4 || bits > 128 || address_is_link_local(&prefix) || address_is_multicast(&prefix) || preferred > valid)
        return;
    if ((option[3] & PREFIX_ON_LINK) != 0 && valid != 0) {
        struct route route = {.prefix = prefix,
                              .bits = bits,
                              .interface = interface->index,
                              .advertised = true,
                              .valid_until = lifetime_end(stack, valid)};
        error_t ignored = route_add(stack, &route);
        (void)ignored;
    }
    if ((option[3] & PREFIX_AUTONOMOUS) != 0 && bits == 64)
        autoconfigure(interface, &prefix, valid, preferred);
}

// RFC 4861 section 6.3.4.
static void router_input(const struct packet *packet) {
    struct interface *interface = packet->interface;
    struct stack *stack = interface->stack;
    const uint8_t *options = packet->payload + 16;
    uint32_t length = packet->length - 16, lifetime = load16(packet->payload + 6);
    if (!interface->autoconfigure || !address_is_link_local(&packet->source))
        return;
    interface->solicitations = 0;
    if (packet->payload[4] != 0)
        interface->hop_limit = packet->payload[4];
    const uint8_t *mac = option_find(options, length, OPTION_SOURCE_MAC);
    if (mac != NULL)
        neighbour_learned(interface, &packet->source, mac + 2, false, true, true);
    struct neighbour *neighbour = neighbour_find(interface, &packet->source);
    if (neighbour != NULL)
        neighbour->router = true;
    struct route route = {.gateway = packet->source,
                          .interface = interface->index,
                          .metric = 1024,
                          .advertised = true,
                          .valid_until = lifetime_end(stack, lifetime)};
    error_t ignored =
        lifetime != 0 ? route_add(stack, &route) : route_remove(stack, &route.prefix, 0, &route.gateway, interface->index);
    (void)ignored;
    const uint8_t *mtu = option_find(options, length, OPTION_MTU);
    if (mtu != NULL && load32(mtu + 4) >= IPV6_MTU_MIN && load32(mtu + 4) < interface->mtu)
        interface->mtu = load32(mtu + 4);
    for (uint32_t i = 0; i + 8 <= length && options[i + 1] != 0; i += 8u * options[i + 1])
        if (options[i] == OPTION_PREFIX && i + 32 <= length)
            prefix_input(interface, options + i);
}

void nd_input(struct stack *stack, const struct packet *packet) {
    uint8_t type = packet->payload[0];
    uint32_t head = type == ICMPV6_ROUTER_ADVERTISEMENT ? 16 : type == ICMPV6_ROUTER_SOLICITATION ? 8 : MESSAGE_BYTES;
    // Sections 6.1 and 7.1: from this link, of a sound shape.
    if (packet->hops != 255 || packet->payload[1] != 0 || packet->length < head ||
        !options_are_sound(packet->payload + head, packet->length - head)) {
        stack->statistics.icmp_bad++;
        return;
    }
    if (type == ICMPV6_NEIGHBOUR_SOLICITATION)
        solicitation_input(packet);
    else if (type == ICMPV6_NEIGHBOUR_ADVERTISEMENT)
        advertisement_input(packet);
    else if (type == ICMPV6_ROUTER_ADVERTISEMENT)
        router_input(packet);
}
