// See interface.h.
#include "servers/net/stack/interface.h"

#include "servers/net/stack/checksum.h"
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/ip.h"
#include "servers/net/stack/socket.h"
#include "servers/net/stack/stack.h"

#include <errno.h>

error_t interface_add(struct stack *stack, const char *name, const uint8_t *mac, uint32_t mtu, const struct link_ops *ops,
                      void *context, struct interface **result) {
    for (uint32_t i = 0; i < INTERFACES_MAX; i++) {
        struct interface *interface = &stack->interfaces[i];
        if (interface->index != 0)
            continue;
        *interface = (struct interface){.stack = stack, .index = i + 1, .mtu = mtu, .ops = ops};
        interface->context = context;
        strncpy(interface->name, name, INTERFACE_NAME_BYTES - 1);
        memcpy(interface->mac, mac, MAC_BYTES);
        *result = interface;
        return ERR_OK;
    }
    return ERR_NO_SPACE;
}

struct interface *interface_find(struct stack *stack, uint32_t index) {
    if (index == 0 || index > INTERFACES_MAX || stack->interfaces[index - 1].index == 0)
        return NULL;
    return &stack->interfaces[index - 1];
}

struct interface *interface_find_name(struct stack *stack, const char *name) {
    for (uint32_t i = 0; i < INTERFACES_MAX; i++)
        if (stack->interfaces[i].index != 0 && strcmp(stack->interfaces[i].name, name) == 0)
            return &stack->interfaces[i];
    return NULL;
}

static void state_changed(struct interface *interface) {
    if (!interface->up || !interface->link) {
        neighbours_flush(interface);
        return;
    }
    if (interface->loopback)
        return;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++)
        if (interface->addresses[i].state != ADDRESS_FREE && address_is_v4(&interface->addresses[i].address))
            arp_announce(interface, &interface->addresses[i].address);
    nd_start(interface);
    group_restart(interface);
}

void interface_set_up(struct interface *interface, bool up) {
    if (interface->up == up)
        return;
    interface->up = up;
    state_changed(interface);
}

void interface_set_link(struct interface *interface, bool link) {
    if (interface->link == link)
        return;
    interface->link = link;
    state_changed(interface);
}

// --- addresses
struct interface_address *interface_address_find(struct interface *interface, const struct address *address) {
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++) {
        struct interface_address *entry = &interface->addresses[i];
        if (entry->state != ADDRESS_FREE && address_equal(&entry->address, address))
            return entry;
    }
    return NULL;
}

static struct address prefix_of(const struct address *address, uint32_t bits) {
    struct address prefix = *address;
    for (uint32_t i = bits; i < 8 * ADDRESS_BYTES; i++)
        prefix.bytes[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
    return prefix;
}

error_t interface_add_address(struct interface *interface, const struct address *address, uint32_t prefix) {
    bool v4 = address_is_v4(address);
    if (prefix > 128 || (v4 && prefix < ADDRESS_V4_PREFIX) || address_is_multicast(address) || address_is_unspecified(address))
        return ERR_INVALID;
    if (interface_address_find(interface, address) != NULL)
        return ERR_EXISTS;
    struct interface_address *entry = NULL;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX && entry == NULL; i++)
        if (interface->addresses[i].state == ADDRESS_FREE)
            entry = &interface->addresses[i];
    if (entry == NULL)
        return ERR_NO_SPACE;
    *entry = (struct interface_address){.address = *address, .prefix = (uint8_t)prefix, .state = ADDRESS_PREFERRED};
    struct route route = {.prefix = prefix_of(address, prefix), .bits = (uint8_t)prefix, .interface = interface->index};
    error_t error = route_add(interface->stack, &route);
    if (error != ERR_OK && error != ERR_EXISTS) {
        entry->state = ADDRESS_FREE;
        return error;
    }
    if (!v4 && !interface->loopback)
        nd_address_added(interface, entry);
    else if (interface->up && interface->link && !interface->loopback)
        arp_announce(interface, address);
    return ERR_OK;
}

error_t interface_remove_address(struct interface *interface, const struct address *address) {
    static const struct address on_link;
    struct interface_address *entry = interface_address_find(interface, address);
    if (entry == NULL)
        return -EADDRNOTAVAIL;
    struct address prefix = prefix_of(&entry->address, entry->prefix);
    uint32_t bits = entry->prefix;
    entry->state = ADDRESS_FREE;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++)
        if (interface->addresses[i].state != ADDRESS_FREE && interface->addresses[i].prefix == bits &&
            address_in_prefix(&interface->addresses[i].address, &prefix, bits))
            return ERR_OK; // another address needs the route
    error_t ignored = route_remove(interface->stack, &prefix, bits, &on_link, interface->index);
    (void)ignored;
    return ERR_OK;
}

bool interface_is_broadcast(const struct interface *interface, const struct address *address) {
    if (!address_is_v4(address))
        return false;
    uint32_t value = address_v4(address);
    if (value == UINT32_MAX)
        return true;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++) {
        const struct interface_address *entry = &interface->addresses[i];
        if (entry->state == ADDRESS_FREE || !address_is_v4(&entry->address) || entry->prefix > 126)
            continue;
        uint32_t host = UINT32_MAX >> (entry->prefix - ADDRESS_V4_PREFIX);
        if (value == (address_v4(&entry->address) | host) && !interface->loopback)
            return true;
    }
    return false;
}

static bool in_group(struct interface *interface, const struct address *group) {
    static const struct address all_nodes = {.bytes = {0xff, 0x02, [15] = 1}};
    if (address_equal(group, &all_nodes) || (address_is_v4(group) && address_v4(group) == 0xe0000001)) // all systems, RFC 1112
        return true;
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++)
        if (interface->groups[i].users != 0 && address_equal(&interface->groups[i].address, group))
            return true;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++) {
        const struct interface_address *entry = &interface->addresses[i];
        if (entry->state == ADDRESS_FREE || address_is_v4(&entry->address))
            continue;
        struct address solicited = address_solicited_node(&entry->address);
        if (address_equal(&solicited, group))
            return true;
    }
    return false;
}

bool interface_accepts(struct interface *interface, const struct address *address) {
    if (interface_is_broadcast(interface, address))
        return true;
    if (address_is_multicast(address))
        return in_group(interface, address);
    if (address_is_loopback(address))
        return interface->loopback; // RFC 1122 section 3.2.1.3 (g): never on a wire
    for (uint32_t i = 0; i < INTERFACES_MAX; i++) {
        struct interface *other = &interface->stack->interfaces[i];
        if (other->index == 0 || (address_is_link_local(address) && other != interface && !interface->loopback))
            continue;
        const struct interface_address *entry = interface_address_find(other, address);
        if (entry != NULL && entry->state != ADDRESS_TENTATIVE)
            return true;
    }
    return false;
}

const struct address *interface_source(const struct interface *interface, const struct address *destination) {
    const struct interface_address *best = NULL;
    uint32_t best_rank = 0;
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++) {
        const struct interface_address *entry = &interface->addresses[i];
        if (entry->state == ADDRESS_FREE || entry->state == ADDRESS_TENTATIVE ||
            address_is_v4(&entry->address) != address_is_v4(destination))
            continue;
        // RFC 6724 section 5: rule 2 scope, rule 3 not deprecated, rule 8 the longest prefix.
        uint32_t rank = 1 + address_common_bits(&entry->address, destination);
        bool local = address_is_link_local(&entry->address);
        bool wants_local = address_is_link_local(destination) ||
                           (!address_is_v4(destination) && destination->bytes[0] == 0xff && (destination->bytes[1] & 0xf) <= 2);
        if (local == wants_local)
            rank += 1024;
        if (entry->state == ADDRESS_PREFERRED)
            rank += 512;
        if (rank > best_rank) {
            best = entry;
            best_rank = rank;
        }
    }
    return best != NULL ? &best->address : NULL;
}

// --- groups
error_t interface_join(struct interface *interface, const struct address *group) {
    uint32_t place = INTERFACE_GROUPS_MAX;
    if (!address_is_multicast(group))
        return ERR_INVALID;
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++) {
        if (interface->groups[i].users == 0) {
            place = place == INTERFACE_GROUPS_MAX ? i : place;
        } else if (address_equal(&interface->groups[i].address, group)) {
            if (interface->groups[i].users == UINT8_MAX)
                return ERR_NO_SPACE;
            interface->groups[i].users++;
            return ERR_OK;
        }
    }
    if (place == INTERFACE_GROUPS_MAX)
        return ERR_NO_SPACE;
    interface->groups[place] = (struct group){.address = *group, .users = 1};
    group_joined(interface, &interface->groups[place]);
    return ERR_OK;
}

void interface_leave(struct interface *interface, const struct address *group) {
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++)
        if (interface->groups[i].users != 0 && address_equal(&interface->groups[i].address, group)) {
            if (interface->groups[i].users == 1)
                group_left(interface, &interface->groups[i]);
            interface->groups[i].users--;
            return;
        }
}

// --- frames
void interface_input(struct interface *interface, const uint8_t *frame, uint32_t length) {
    struct stack *stack = interface->stack;
    stack->statistics.frames_in++;
    interface->statistics.frames_in++;
    interface->statistics.bytes_in += length;
    if (length < ETHERNET_HEADER_BYTES || !interface->up) {
        stack->statistics.frames_bad++;
        interface->statistics.dropped_in++;
        return;
    }
    socket_show_frame(interface, frame, length, false);
    bool ours = interface->loopback || (frame[0] & 1) != 0 || memcmp(frame, interface->mac, MAC_BYTES) == 0;
    if (!ours)
        return;
    const uint8_t *payload = frame + ETHERNET_HEADER_BYTES;
    uint32_t left = length - ETHERNET_HEADER_BYTES;
    switch (load16(frame + 12)) {
    case ETHERTYPE_IPV4:
        ipv4_input(interface, payload, left);
        break;
    case ETHERTYPE_IPV6:
        ipv6_input(interface, payload, left);
        break;
    case ETHERTYPE_ARP:
        arp_input(interface, payload, left);
        break;
    default:
        break; // another protocol, RFC 894: not for us
    }
}

void interface_fill_sum(struct interface *interface, uint8_t *frame, uint32_t length) {
    struct link_sum sum = interface->sum;
    if (sum.start == 0)
        return;
    uint16_t value = checksum_finish(checksum_add(0, frame + sum.start, length - sum.start));
    store16(frame + sum.start + sum.offset, value == 0 ? UINT16_MAX : value);
    interface->sum.start = 0;
}

void interface_output(struct interface *interface, uint8_t *frame, uint32_t length, const uint8_t *to, uint32_t ethertype) {
    memcpy(frame, to, MAC_BYTES);
    memcpy(frame + MAC_BYTES, interface->mac, MAC_BYTES);
    store16(frame + 12, ethertype);
    interface->stack->statistics.frames_out++;
    interface->statistics.frames_out++;
    interface->statistics.bytes_out += length + interface->tail.length;
    socket_show_frame(interface, frame, length, true);
    interface->ops->frame_send(interface->context, frame, length);
}
