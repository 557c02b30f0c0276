// See route.h.
#include "servers/net/stack/route.h"

#include <errno.h>

#include "servers/net/stack/ip.h"
#include "servers/net/stack/stack.h"

#define PATH_NANOSECONDS (600 * NANOSECONDS_PER_SECOND) // RFC 1191 section 6.3: ten minutes

static bool route_is(const struct route *route, const struct address *prefix, uint32_t bits, const struct address *gateway,
                     uint32_t interface) {
    return route->used && route->bits == bits && route->interface == interface && address_equal(&route->prefix, prefix) &&
           (address_equal(&route->gateway, gateway) ||
            (address_is_unspecified(&route->gateway) && address_is_unspecified(gateway)));
}

void routes_count(struct stack *stack) {
    for (stack->routes_end = ROUTES_MAX; stack->routes_end != 0 && !stack->routes[stack->routes_end - 1].used;
         stack->routes_end--) {
    }
    for (stack->paths_end = PATHS_MAX; stack->paths_end != 0 && stack->paths[stack->paths_end - 1].mtu == 0; stack->paths_end--) {
    }
}

error_t route_add(struct stack *stack, const struct route *route) {
    struct route *place = NULL;
    for (uint32_t i = 0; i < ROUTES_MAX; i++) {
        struct route *at = &stack->routes[i];
        if (route_is(at, &route->prefix, route->bits, &route->gateway, route->interface)) {
            at->valid_until = route->valid_until;
            at->metric = route->metric;
            return ERR_EXISTS;
        }
        if (!at->used && place == NULL)
            place = at;
    }
    if (place == NULL)
        return ERR_NO_SPACE;
    *place = *route;
    place->used = true;
    routes_count(stack);
    return ERR_OK;
}

error_t route_remove(struct stack *stack, const struct address *prefix, uint32_t bits, const struct address *gateway,
                     uint32_t interface) {
    for (uint32_t i = 0; i < ROUTES_MAX; i++)
        if (route_is(&stack->routes[i], prefix, bits, gateway, interface)) {
            stack->routes[i].used = false;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

void route_remove_interface(struct stack *stack, uint32_t interface) {
    for (uint32_t i = 0; i < ROUTES_MAX; i++)
        if (stack->routes[i].interface == interface)
            stack->routes[i].used = false;
}

static bool is_own(struct stack *stack, const struct address *address) {
    for (uint32_t i = 0; i < INTERFACES_MAX; i++) {
        struct interface *interface = &stack->interfaces[i];
        if (interface->index == 0)
            continue;
        const struct interface_address *entry = interface_address_find(interface, address);
        if (entry != NULL && entry->state != ADDRESS_TENTATIVE)
            return true;
    }
    return address_is_loopback(address);
}

error_t route_find(struct stack *stack, const struct address *destination, uint32_t interface, struct interface **out,
                   struct address *next_hop) {
    const struct route *best = NULL;
    bool down = false;
    if (is_own(stack, destination)) { // to oneself: never over a wire
        *out = &stack->interfaces[0];
        *next_hop = *destination;
        return ERR_OK;
    }
    for (uint32_t i = 0; i < stack->routes_end; i++) {
        const struct route *route = &stack->routes[i];
        if (!route->used || (interface != 0 && route->interface != interface) ||
            (route->valid_until != 0 && route->valid_until <= stack->now) ||
            !address_in_prefix(destination, &route->prefix, route->bits))
            continue;
        if (best != NULL && (best->bits > route->bits || (best->bits == route->bits && best->metric <= route->metric)))
            continue;
        const struct interface *way = interface_find(stack, route->interface);
        if (way == NULL || !way->up || !way->link) {
            down = true;
            continue;
        }
        best = route;
    }
    if (best == NULL) {
        stack->statistics.ip_no_route++;
        return down ? -ENETDOWN : -ENETUNREACH;
    }
    *out = interface_find(stack, best->interface);
    *next_hop = address_is_unspecified(&best->gateway) ? *destination : best->gateway;
    return ERR_OK;
}

// --- path MTUs
static struct path *path_find(struct stack *stack, const struct address *destination) {
    for (uint32_t i = 0; i < stack->paths_end; i++)
        if (stack->paths[i].mtu != 0 && address_equal(&stack->paths[i].destination, destination)) {
            if (stack->paths[i].until > stack->now)
                return &stack->paths[i];
            stack->paths[i].mtu = 0; // the path may have changed: try the link's again
            return NULL;
        }
    return NULL;
}

uint32_t path_mtu(struct stack *stack, const struct interface *interface, const struct address *destination) {
    const struct path *path = path_find(stack, destination);
    return path != NULL ? smaller(path->mtu, interface->mtu) : interface->mtu;
}

bool path_mtu_learned(struct stack *stack, const struct interface *interface, const struct address *destination, uint32_t mtu) {
    uint32_t least = address_is_v4(destination) ? IPV4_MTU_MIN : IPV6_MTU_MIN;
    if (!address_is_v4(destination) && mtu < least)
        return false; // RFC 8201 section 4: discarded
    // An IPv4 sender that is told less than this is being fooled; 552 is what Linux takes as well.
    if (address_is_v4(destination))
        least = larger(least, 552);
    mtu = larger(mtu, least);
    if (mtu >= path_mtu(stack, interface, destination))
        return false;
    struct path *place = path_find(stack, destination);
    for (uint32_t i = 0; i < PATHS_MAX && place == NULL; i++)
        if (stack->paths[i].mtu == 0)
            place = &stack->paths[i];
    if (place == NULL)
        place = &stack->paths[stack_random(stack) % PATHS_MAX];
    *place = (struct path){.destination = *destination, .mtu = mtu, .until = stack->now + PATH_NANOSECONDS};
    routes_count(stack);
    return true;
}
