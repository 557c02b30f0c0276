// Multicast groups that sockets joined are told to routers and switches: IGMP version 2 (RFC 2236) and MLD version 1 (RFC 2710).
// Every such packet goes one hop and carries the router alert option. See interface.h.
#include "servers/net/stack/checksum.h"
#include "servers/net/stack/icmp.h"
#include "servers/net/stack/stack.h"

enum {
    IGMP_BYTES = 8,
    IGMP_QUERY = 0x11,
    IGMP_REPORT = 0x16,
    IGMP_LEAVE = 0x17,
    IGMP_REPORT_OLD = 0x12,
    MLD_BYTES = 24,
    MLD_QUERY = 130,
    MLD_REPORT = 131,
    MLD_DONE = 132,
    ALERT_BYTES = 4,      // RFC 2113: the option in an IPv4 header
    HOP_BY_HOP_BYTES = 8, // RFC 2711: with two bytes of padding
    REPORTS = 2,          // RFC 2236 section 8.1: robustness
};
#define REPORT_INTERVAL (NANOSECONDS_PER_SECOND) // between the first report and its repetition; 10 s at most by section 8.10

static const struct address all_hosts_v4 = {.bytes = {[10] = 0xff, 0xff, 224, 0, 0, 1}};
static const struct address all_routers_v4 = {.bytes = {[10] = 0xff, 0xff, 224, 0, 0, 2}};
static const struct address all_nodes = {.bytes = {0xff, 0x02, [15] = 1}};
static const struct address all_routers = {.bytes = {0xff, 0x02, [15] = 2}};

// Groups that nobody is told of: all hosts are in them, or they never leave the machine (RFC 2236 section 6, RFC 2710 section 5).
static bool is_quiet(const struct interface *interface, const struct address *group) {
    bool quiet = address_is_v4(group) ? address_equal(group, &all_hosts_v4)
                                      : address_equal(group, &all_nodes) || (group->bytes[1] & 0xf) < 2;
    return quiet || interface->loopback || !interface->up || !interface->link;
}

static void send_igmp(struct interface *interface, uint8_t type, const struct address *group, const struct address *to) {
    static const struct address none = {.bytes = {[10] = 0xff, 0xff}};
    const struct address *source = interface_source(interface, to);
    uint8_t *frame = interface->ops->frame_begin(interface->context);
    if (frame == NULL)
        return;
    enum { HEADER = IPV4_HEADER_BYTES + ALERT_BYTES };
    uint8_t *at = frame + ETHERNET_HEADER_BYTES, *message = at + HEADER;
    memset(at, 0, HEADER + IGMP_BYTES);
    at[0] = 0x40 | HEADER / 4;
    at[1] = 0xc0; // internetwork control, as RFC 3376 section 4 has it
    store16(at + 2, HEADER + IGMP_BYTES);
    at[8] = 1;
    at[9] = PROTOCOL_NUMBER_IGMP;
    store32(at + 12, address_v4(source != NULL ? source : &none));
    store32(at + 16, address_v4(to));
    at[20] = 0x94;
    at[21] = ALERT_BYTES;
    store16(at + 10, checksum_finish(checksum_add(0, at, HEADER)));
    message[0] = type;
    store32(message + 4, address_v4(group));
    store16(message + 2, checksum_finish(checksum_add(0, message, IGMP_BYTES)));
    neighbour_send(interface, to, frame, ETHERNET_HEADER_BYTES + HEADER + IGMP_BYTES);
}

static void send_mld(struct interface *interface, uint8_t type, const struct address *group, const struct address *to) {
    const struct address *source = NULL; // RFC 3590: a link-local one, or none
    for (uint32_t i = 0; i < INTERFACE_ADDRESSES_MAX; i++)
        if (interface->addresses[i].state > ADDRESS_TENTATIVE && address_is_link_local(&interface->addresses[i].address))
            source = &interface->addresses[i].address;
    uint8_t *frame = interface->ops->frame_begin(interface->context);
    if (frame == NULL)
        return;
    enum { HEADER = IPV6_HEADER_BYTES + HOP_BY_HOP_BYTES };
    static const uint8_t option[HOP_BY_HOP_BYTES] = {PROTOCOL_NUMBER_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
    uint8_t *at = frame + ETHERNET_HEADER_BYTES, *message = at + HEADER;
    memset(at, 0, HEADER + MLD_BYTES);
    at[0] = 0x60;
    store16(at + 4, HOP_BY_HOP_BYTES + MLD_BYTES);
    at[6] = 0; // hop-by-hop options
    at[7] = 1;
    memcpy(at + 8, source != NULL ? source->bytes : address_unspecified.bytes, ADDRESS_BYTES);
    memcpy(at + 24, to->bytes, ADDRESS_BYTES);
    memcpy(at + IPV6_HEADER_BYTES, option, sizeof(option));
    message[0] = type;
    memcpy(message + 8, group->bytes, ADDRESS_BYTES);
    uint64_t sum = checksum_pseudo_header(source != NULL ? source : &address_unspecified, to, PROTOCOL_NUMBER_ICMPV6, MLD_BYTES);
    store16(message + 2, checksum_finish(checksum_add(sum, message, MLD_BYTES)));
    neighbour_send(interface, to, frame, ETHERNET_HEADER_BYTES + HEADER + MLD_BYTES);
}

static void report(struct interface *interface, const struct address *group) {
    if (is_quiet(interface, group))
        return;
    if (address_is_v4(group))
        send_igmp(interface, IGMP_REPORT, group, group);
    else
        send_mld(interface, MLD_REPORT, group, group);
}

static void reports_due(struct stack *stack, struct stack_timer *timer) {
    struct interface *interface = (struct interface *)(void *)((char *)timer - offsetof(struct interface, group_timer));
    uint64_t next = 0;
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++) {
        struct group *group = &interface->groups[i];
        if (group->users == 0 || group->report_at == 0)
            continue;
        if (group->report_at <= stack->now) {
            report(interface, &group->address);
            group->reports -= group->reports != 0;
            group->report_at = group->reports != 0 ? stack->now + REPORT_INTERVAL : 0;
        }
        if (group->report_at != 0 && (next == 0 || group->report_at < next))
            next = group->report_at;
    }
    if (next != 0)
        timer_heap_set(&stack->timers, &interface->group_timer, next, reports_due);
}

// `reports` from `at` on, unless that is planned for an earlier time.
static void plan(struct interface *interface, struct group *group, uint64_t at, uint8_t reports) {
    struct stack *stack = interface->stack;
    if (is_quiet(interface, &group->address) || (group->report_at != 0 && group->report_at <= at))
        return;
    group->report_at = at;
    group->reports = larger(group->reports, reports);
    if (!interface->group_timer.armed || interface->group_timer.due > at)
        timer_heap_set(&stack->timers, &interface->group_timer, at, reports_due);
}

void group_joined(struct interface *interface, struct group *group) {
    group->report_at = 0;
    group->last_reporter = true;
    plan(interface, group, interface->stack->now, REPORTS);
}

// RFC 2236 section 3, RFC 2710 section 4: only who reported last tells that he leaves.
void group_left(struct interface *interface, struct group *group) {
    if (is_quiet(interface, &group->address) || !group->last_reporter)
        return;
    if (address_is_v4(&group->address))
        send_igmp(interface, IGMP_LEAVE, &group->address, &all_routers_v4);
    else
        send_mld(interface, MLD_DONE, &group->address, &all_routers);
}

void group_restart(struct interface *interface) {
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++)
        if (interface->groups[i].users != 0)
            group_joined(interface, &interface->groups[i]);
}

void group_resume(struct interface *interface) {
    timer_heap_set(&interface->stack->timers, &interface->group_timer, interface->stack->now, reports_due);
}

// A router asks: about all groups (`wanted` is no group), or one. Each is told at its own time, by chance within `most`.
static void query(struct interface *interface, const struct address *wanted, uint64_t most) {
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++) {
        struct group *group = &interface->groups[i];
        if (group->users == 0 || (address_is_multicast(wanted) ? !address_equal(wanted, &group->address)
                                                               : address_is_v4(wanted) != address_is_v4(&group->address)))
            continue;
        plan(interface, group, interface->stack->now + stack_random(interface->stack) % 1000 * (most / 1000), 1);
    }
}

// Somebody else has told of the group: that is enough.
static void heard(struct interface *interface, const struct address *group) {
    for (uint32_t i = 0; i < INTERFACE_GROUPS_MAX; i++)
        if (interface->groups[i].users != 0 && address_equal(group, &interface->groups[i].address)) {
            interface->groups[i].report_at = interface->groups[i].reports = 0;
            interface->groups[i].last_reporter = false;
        }
}

void igmp_input(struct stack *stack, const struct packet *packet) {
    const uint8_t *message = packet->payload;
    if (packet->length < IGMP_BYTES || checksum_finish(checksum_add(0, message, packet->length)) != 0) {
        stack->statistics.icmp_bad++;
        return;
    }
    struct address group = address_from_v4(load32(message + 4));
    uint32_t tenths = message[1] != 0 ? message[1] : 100; // 0: version 1, ten seconds (section 4)
    if (message[0] == IGMP_QUERY)
        query(packet->interface, &group, tenths * (NANOSECONDS_PER_SECOND / 10));
    else if (message[0] == IGMP_REPORT || message[0] == IGMP_REPORT_OLD)
        heard(packet->interface, &group);
}

void mld_input(struct stack *stack, const struct packet *packet) {
    const uint8_t *message = packet->payload;
    // RFC 2710 section 3: of this link, by its source and its hops.
    if (packet->length < MLD_BYTES || packet->hops != 1 || !address_is_link_local(&packet->source)) {
        stack->statistics.icmp_bad++;
        return;
    }
    struct address group = address_from_bytes(message + 8);
    if (message[0] == MLD_QUERY)
        query(packet->interface, &group, load16(message + 4) * NANOSECONDS_PER_MILLISECOND);
    else if (message[0] == MLD_REPORT)
        heard(packet->interface, &group);
}
