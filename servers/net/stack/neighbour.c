// See neighbour.h. Times are those of RFC 4861 section 10.
#include "servers/net/stack/neighbour.h"

#include "servers/net/stack/icmp.h"
#include "servers/net/stack/stack.h"

enum { SOLICITATIONS_MAX = 3 };
#define RETRANSMIT_NANOSECONDS (1 * NANOSECONDS_PER_SECOND)
#define DELAY_NANOSECONDS      (5 * NANOSECONDS_PER_SECOND)
#define REACHABLE_NANOSECONDS  (30 * NANOSECONDS_PER_SECOND)

static void queue_drop(struct stack *stack, struct neighbour *neighbour) {
    while (neighbour->first != NULL) {
        struct waiting_frame *frame = neighbour->first;
        neighbour->first = frame->next;
        stack_free(stack, frame, sizeof(*frame) + frame->length);
    }
    neighbour->waiting = 0;
}

static void neighbour_remove(struct stack *stack, struct neighbour *neighbour) {
    timer_heap_clear(&stack->timers, &neighbour->timer);
    queue_drop(stack, neighbour);
    neighbour->state = NEIGHBOUR_FREE;
}

void neighbours_flush(struct interface *interface) {
    struct stack *stack = interface->stack;
    for (uint32_t i = 0; i < NEIGHBOURS_MAX && stack != NULL; i++)
        if (stack->neighbours[i].state != NEIGHBOUR_FREE && stack->neighbours[i].interface == interface)
            neighbour_remove(stack, &stack->neighbours[i]);
}

struct neighbour *neighbour_find(struct interface *interface, const struct address *address) {
    struct stack *stack = interface->stack;
    for (uint32_t i = 0; i < NEIGHBOURS_MAX; i++) {
        struct neighbour *neighbour = &stack->neighbours[i];
        if (neighbour->state != NEIGHBOUR_FREE && neighbour->interface == interface &&
            address_equal(&neighbour->address, address))
            return neighbour;
    }
    return NULL;
}

// Who has not answered makes room first (a flood of made-up senders must not drive the known ones out), then who was used longest
// ago.
static bool goes_before(const struct neighbour *neighbour, const struct neighbour *other) {
    bool unknown = neighbour->state == NEIGHBOUR_INCOMPLETE, other_unknown = other->state == NEIGHBOUR_INCOMPLETE;
    return unknown != other_unknown ? unknown : neighbour->used < other->used;
}

static struct neighbour *neighbour_make(struct interface *interface, const struct address *address) {
    struct stack *stack = interface->stack;
    struct neighbour *place = NULL;
    for (uint32_t i = 0; i < NEIGHBOURS_MAX; i++) {
        struct neighbour *neighbour = &stack->neighbours[i];
        if (neighbour->state == NEIGHBOUR_FREE) {
            place = neighbour;
            break;
        }
        if (neighbour->state != NEIGHBOUR_PERMANENT && (place == NULL || goes_before(neighbour, place)))
            place = neighbour;
    }
    if (place == NULL)
        return NULL;
    if (place->state != NEIGHBOUR_FREE)
        neighbour_remove(stack, place);
    *place = (struct neighbour){.address = *address, .interface = interface, .state = NEIGHBOUR_INCOMPLETE, .used = stack->now};
    return place;
}

static void ask(struct neighbour *neighbour, bool known) {
    const uint8_t *to = known ? neighbour->mac : NULL;
    neighbour->probes++;
    if (address_is_v4(&neighbour->address))
        arp_request(neighbour->interface, &neighbour->address, to);
    else
        nd_solicit(neighbour->interface, &neighbour->address, to);
}

static void expired(struct stack *stack, struct stack_timer *timer) {
    struct neighbour *neighbour = (struct neighbour *)(void *)((char *)timer - offsetof(struct neighbour, timer));
    switch (neighbour->state) {
    case NEIGHBOUR_REACHABLE:
        neighbour->state = NEIGHBOUR_STALE;
        return;
    case NEIGHBOUR_DELAY:
        neighbour->state = NEIGHBOUR_PROBE;
        neighbour->probes = 0;
        break;
    case NEIGHBOUR_INCOMPLETE:
    case NEIGHBOUR_PROBE:
        if (neighbour->probes >= SOLICITATIONS_MAX) {
            stack->statistics.neighbours_failed++;
            struct neighbour gone = *neighbour;
            timer_heap_clear(&stack->timers, &neighbour->timer);
            neighbour->state = NEIGHBOUR_FREE;
            neighbour->first = NULL;
            icmp_neighbour_failed(stack, &gone);
            queue_drop(stack, &gone);
            return;
        }
        break;
    default:
        return;
    }
    timer_heap_set(&stack->timers, &neighbour->timer, stack->now + RETRANSMIT_NANOSECONDS, expired);
    ask(neighbour, neighbour->state == NEIGHBOUR_PROBE);
}

static uint32_t ethertype_of(const struct neighbour *neighbour) {
    return address_is_v4(&neighbour->address) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
}

static void flush_waiting(struct neighbour *neighbour) {
    struct interface *interface = neighbour->interface;
    while (neighbour->first != NULL) {
        struct waiting_frame *waiting = neighbour->first;
        neighbour->first = waiting->next;
        uint8_t *frame = interface->ops->frame_begin(interface->context);
        if (frame != NULL) {
            memcpy(frame + ETHERNET_HEADER_BYTES, waiting->bytes + ETHERNET_HEADER_BYTES,
                   waiting->length - ETHERNET_HEADER_BYTES);
            interface_output(interface, frame, waiting->length, neighbour->mac, ethertype_of(neighbour));
        }
        stack_free(interface->stack, waiting, sizeof(*waiting) + waiting->length);
    }
    neighbour->waiting = 0;
}

// The newest are kept (RFC 1122 section 2.3.2.2; RFC 4861 section 7.2.2).
static void wait_for(struct stack *stack, struct neighbour *neighbour, const uint8_t *frame, uint32_t length) {
    struct waiting_frame *waiting = stack_allocate_unset(stack, sizeof(*waiting) + length);
    if (waiting == NULL)
        return;
    memcpy(waiting->bytes, frame, length);
    waiting->length = length;
    waiting->next = NULL;
    struct waiting_frame **place = &neighbour->first;
    while (*place != NULL)
        place = &(*place)->next;
    *place = waiting;
    if (++neighbour->waiting > NEIGHBOUR_QUEUE_MAX) {
        struct waiting_frame *oldest = neighbour->first;
        neighbour->first = oldest->next;
        neighbour->waiting--;
        stack_free(stack, oldest, sizeof(*oldest) + oldest->length);
    }
}

// The hardware address of a group: RFC 1112 section 6.4, RFC 2464 section 7.
static void group_mac(const struct address *group, uint8_t *mac) {
    if (!address_is_v4(group)) {
        mac[0] = mac[1] = 0x33;
        memcpy(mac + 2, group->bytes + 12, 4);
        return;
    }
    mac[0] = 0x01;
    mac[1] = 0x00;
    mac[2] = 0x5e;
    mac[3] = group->bytes[13] & 0x7f;
    mac[4] = group->bytes[14];
    mac[5] = group->bytes[15];
}

bool neighbour_is_known(struct interface *interface, const struct address *next_hop) {
    const struct neighbour *neighbour = neighbour_find(interface, next_hop);
    return neighbour != NULL && neighbour->state != NEIGHBOUR_INCOMPLETE;
}

void neighbour_send(struct interface *interface, const struct address *next_hop, uint8_t *frame, uint32_t length) {
    static const uint8_t everybody[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct stack *stack = interface->stack;
    uint32_t ethertype = address_is_v4(next_hop) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    uint8_t mac[MAC_BYTES];
    if (interface->loopback) {
        interface_output(interface, frame, length, interface->mac, ethertype);
        return;
    }
    if (interface_is_broadcast(interface, next_hop)) {
        interface_output(interface, frame, length, everybody, ethertype);
        return;
    }
    if (address_is_multicast(next_hop)) {
        group_mac(next_hop, mac);
        interface_output(interface, frame, length, mac, ethertype);
        return;
    }
    struct neighbour *neighbour = neighbour_find(interface, next_hop);
    bool is_new = neighbour == NULL;
    if (is_new)
        neighbour = neighbour_make(interface, next_hop);
    if (neighbour == NULL || neighbour->state == NEIGHBOUR_INCOMPLETE) {
        interface_fill_sum(interface, frame, length);
        if (neighbour != NULL)
            wait_for(stack, neighbour, frame, length);
        interface->ops->frame_send(interface->context, frame, 0);
        if (neighbour != NULL && is_new) {
            timer_heap_set(&stack->timers, &neighbour->timer, stack->now + RETRANSMIT_NANOSECONDS, expired);
            ask(neighbour, false);
        }
        return;
    }
    neighbour->used = stack->now;
    if (neighbour->state == NEIGHBOUR_STALE) { // RFC 4861 section 7.3.3
        neighbour->state = NEIGHBOUR_DELAY;
        timer_heap_set(&stack->timers, &neighbour->timer, stack->now + DELAY_NANOSECONDS, expired);
    }
    interface_output(interface, frame, length, neighbour->mac, ethertype);
}

void neighbour_learned(struct interface *interface, const struct address *address, const uint8_t *mac, bool solicited,
                       bool override, bool create) {
    struct stack *stack = interface->stack;
    struct neighbour *neighbour = neighbour_find(interface, address);
    if (neighbour == NULL && create)
        neighbour = neighbour_make(interface, address);
    if (neighbour == NULL || neighbour->state == NEIGHBOUR_PERMANENT || (mac[0] & 1) != 0)
        return;
    bool was_incomplete = neighbour->state == NEIGHBOUR_INCOMPLETE;
    bool differs = !was_incomplete && memcmp(neighbour->mac, mac, MAC_BYTES) != 0;
    if (differs && !override) { // RFC 4861 section 7.2.5
        if (neighbour->state == NEIGHBOUR_REACHABLE)
            neighbour->state = NEIGHBOUR_STALE;
        return;
    }
    memcpy(neighbour->mac, mac, MAC_BYTES);
    neighbour->probes = 0;
    if (solicited) {
        neighbour->state = NEIGHBOUR_REACHABLE;
        neighbour->confirmed = stack->now;
        timer_heap_set(&stack->timers, &neighbour->timer, stack->now + REACHABLE_NANOSECONDS, expired);
    } else if (was_incomplete || differs) {
        neighbour->state = NEIGHBOUR_STALE;
        timer_heap_clear(&stack->timers, &neighbour->timer);
    }
    flush_waiting(neighbour);
}

void neighbour_confirm(struct interface *interface, const struct address *address) {
    struct stack *stack = interface->stack;
    struct neighbour *neighbour = neighbour_find(interface, address);
    if (neighbour == NULL || neighbour->state == NEIGHBOUR_INCOMPLETE || neighbour->state == NEIGHBOUR_PERMANENT)
        return;
    if (neighbour->state == NEIGHBOUR_REACHABLE && stack->now - neighbour->confirmed < NANOSECONDS_PER_SECOND)
        return;
    neighbour->state = NEIGHBOUR_REACHABLE;
    neighbour->confirmed = stack->now;
    timer_heap_set(&stack->timers, &neighbour->timer, stack->now + REACHABLE_NANOSECONDS, expired);
}
