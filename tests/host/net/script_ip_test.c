// Packets written from the RFCs of IP, ICMP, UDP, ARP, IPv6, neighbour discovery and DHCP, against one stack;
// each case names its rule.
#include <errno.h>

#include "servers/net/dhcp.h"
#include "tests/host/net/script.h"

static uint8_t packet[70000];

// --- ICMP and UDP over IPv4
static void give_echo(uint32_t size, uint32_t fragment_size) {
    packet[0] = 8;
    packet[1] = 0;
    store16(packet + 2, 0);
    store32(packet + 4, 0x00070001);
    for (uint32_t i = 8; i < size; i++)
        packet[i] = (uint8_t)(i * 13);
    store16(packet + 2, checksum_finish(checksum_add(0, packet, size)));
    static uint8_t copy[70000];
    memcpy(copy, packet, size);
    for (uint32_t at = 0; at < size; at += fragment_size) {
        uint32_t part = smaller(fragment_size, size - at);
        bool more = at + part < size;
        give_ipv4(PROTOCOL_NUMBER_ICMP, copy + at, part, at / 8 | (more ? 0x2000 : 0));
    }
}

CASE(echo) { // RFC 792
    give_echo(64, 64);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[34] == 0 && load32(frame->bytes + 38) == 0x00070001 &&
          memcmp(frame->bytes + 42, packet + 8, 56) == 0);
    CHECK(checksum_finish(checksum_add(0, frame->bytes + 34, 64)) == 0);
}

CASE(echo_in_fragments) { // RFC 791 3.2
    give_echo(4000, 1000);
    CHECK(script.count == 3); // and so goes the answer
    CHECK(script.stack.statistics.ip_reassembled == 1);
}

CASE(echo_of_the_largest_size) {
    give_echo(65515, 1480);
    CHECK(script.stack.statistics.icmp_out == 1);
    drop_frames();
}

CASE(echo_with_a_bad_sum) {
    give_echo(64, 64);
    drop_frames();
    packet[2] ^= 1;
    give_ipv4(PROTOCOL_NUMBER_ICMP, packet, 64, 0);
    EXPECT_NOTHING();
}

CASE(overlapping_fragments_are_dropped) { // RFC 5722, for both versions
    uint8_t bytes[64] = {8};
    give_ipv4(PROTOCOL_NUMBER_ICMP, bytes, 64, 0x2000);
    give_ipv4(PROTOCOL_NUMBER_ICMP, bytes, 64, 4 | 0x2000);
    give_ipv4(PROTOCOL_NUMBER_ICMP, bytes, 64, 8);
    EXPECT_NOTHING();
    CHECK(script.stack.statistics.ip_reassembled == 0);
}

CASE(repeated_fragment_does_no_harm) {
    packet[0] = 8;
    memset(packet + 1, 0, 127);
    store16(packet + 2, checksum_finish(checksum_add(0, packet, 128)));
    give_ipv4(PROTOCOL_NUMBER_ICMP, packet, 64, 0x2000);
    give_ipv4(PROTOCOL_NUMBER_ICMP, packet, 64, 0x2000);
    give_ipv4(PROTOCOL_NUMBER_ICMP, packet + 64, 64, 8);
    CHECK(next_frame() != NULL);
}

CASE(fragment_past_the_end) { // the ping of death
    uint8_t bytes[1000] = {0};
    give_ipv4(PROTOCOL_NUMBER_ICMP, bytes, 1000, 0x1fff);
    CHECK(script.stack.statistics.ip_bad == 1);
}

CASE(reassembly_time_is_told) { // RFC 1122 3.3.2
    uint8_t bytes[64] = {8};
    give_ipv4(PROTOCOL_NUMBER_ICMP, bytes, 64, 0x2000);
    pass_time(40000);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[34] == ICMP_TIME_EXCEEDED && frame->bytes[35] == 1);
}

CASE(many_fragments_stay_within_bounds) {
    uint8_t frame[34 + 64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    struct flow flow = {
        .source = address_from_v4(0x0a000002), .destination = address_from_v4(0x0a000001), .protocol = 17, .hops = 64};
    for (uint32_t i = 0; i < 5000; i++) {
        ipv4_header(frame + 14, &flow, 64, i, 0x2000 | (i * 37 % 8000));
        give_frame(frame, sizeof(frame));
    }
    CHECK(script.stack.memory_used < 2 << 20);
}

CASE(unknown_protocol_is_told) { // RFC 1122 3.2.2.1
    uint8_t bytes[20] = {0};
    give_ipv4(200, bytes, 20, 0);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[34] == ICMP_UNREACHABLE && frame->bytes[35] == ICMP_CODE_PROTOCOL);
}

CASE(unused_port_is_told) { // RFC 1122 4.1.3.1
    uint8_t datagram[12] = {0x10, 0, 0x20, 0, 0, 12, 0, 0};
    give_ipv4(PROTOCOL_NUMBER_UDP, datagram, 12, 0);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[34] == ICMP_UNREACHABLE && frame->bytes[35] == ICMP_CODE_PORT);
    CHECK(frame->bytes[42] == 0x45); // the packet is quoted
}

CASE(errors_are_limited) { // RFC 1812 4.3.2.8
    uint8_t datagram[8] = {0x10, 0, 0x20, 0, 0, 8, 0, 0};
    for (uint32_t i = 0; i < 220; i++)
        give_ipv4(PROTOCOL_NUMBER_UDP, datagram, 8, 0);
    CHECK(script.count == 100);
}

CASE(no_error_about_an_error) { // RFC 1122 3.2.2
    uint8_t message[8 + 28] = {3, 3};
    message[8] = 0x45;
    store16(message + 2, checksum_finish(checksum_add(0, message, sizeof(message))));
    give_ipv4(PROTOCOL_NUMBER_ICMP, message, sizeof(message), 0x2000);
    EXPECT_NOTHING();
}

CASE(udp_with_a_wrong_length) { // RFC 768
    uint8_t datagram[12] = {0x10, 0, 0x20, 0, 0, 13, 0, 0};
    give_ipv4(PROTOCOL_NUMBER_UDP, datagram, 12, 0);
    datagram[5] = 7;
    give_ipv4(PROTOCOL_NUMBER_UDP, datagram, 12, 0);
    EXPECT_NOTHING();
    CHECK(script.stack.statistics.udp_bad == 2);
}

CASE(bad_header_sum) { // RFC 1122 3.2.1.2
    uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    struct flow flow = {
        .source = address_from_v4(0x0a000002), .destination = address_from_v4(0x0a000001), .protocol = 200, .hops = 64};
    ipv4_header(frame + 14, &flow, 26, 1, 0);
    frame[24] ^= 1;
    give_frame(frame, sizeof(frame));
    EXPECT_NOTHING();
}

CASE(lies_about_lengths) { // RFC 1122 3.2.1.1: each byte of a frame may be missing
    uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    struct flow flow = {
        .source = address_from_v4(0x0a000002), .destination = address_from_v4(0x0a000001), .protocol = 200, .hops = 64};
    ipv4_header(frame + 14, &flow, 26, 1, 0);
    for (uint32_t i = 0; i < 60; i++)
        give_frame(frame, i);
    EXPECT_NOTHING();
}

CASE(false_sources) { // RFC 1122 3.2.1.3
    static const uint32_t sources[] = {0xffffffff, 0xe0000001, 0x7f000001, 0x0a0000ff};
    uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    for (uint32_t i = 0; i < 4; i++) {
        struct flow flow = {
            .source = address_from_v4(sources[i]), .destination = address_from_v4(0x0a000001), .protocol = 200, .hops = 64};
        ipv4_header(frame + 14, &flow, 26, 1, 0);
        give_frame(frame, sizeof(frame));
        EXPECT_NOTHING();
    }
}

CASE(loopback_never_comes_from_a_wire) {
    uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    struct flow flow = {
        .source = address_from_v4(0x0a000002), .destination = address_from_v4(0x7f000001), .protocol = 200, .hops = 64};
    ipv4_header(frame + 14, &flow, 26, 1, 0);
    give_frame(frame, sizeof(frame));
    EXPECT_NOTHING();
}

// --- ARP
static void give_arp(uint32_t operation, uint32_t sender, uint32_t target) {
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4};
    store16(frame + 20, operation);
    memcpy(frame + 22, frame + 6, 6);
    store32(frame + 28, sender);
    store32(frame + 38, target);
    give_frame(frame, sizeof(frame));
}

CASE(arp_is_answered) { // RFC 826
    give_arp(1, 0x0a000009, 0x0a000001);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && load16(frame->bytes + 12) == ETHERTYPE_ARP && load16(frame->bytes + 20) == 2 &&
          load32(frame->bytes + 28) == 0x0a000001 && frame->bytes[5] == 9);
}

CASE(arp_for_others_is_not) {
    give_arp(1, 0x0a000009, 0x0a000002);
    EXPECT_NOTHING();
}

CASE(unasked_arp_makes_no_entry) {
    struct address address = address_from_v4(0x0a000009);
    give_arp(2, 0x0a000009, 0x0a000002);
    CHECK(neighbour_find(script.interface, &address) == NULL);
}

CASE(unanswered_arp_is_told) { // RFC 1122 2.3.2.1: EHOSTUNREACH
    struct socket_name name = {.address = address_from_v4(0x0a000009), .port = 9};
    CHECK(stack_socket_open(&script.stack, SOCKET_DATAGRAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_OK);
    CHECK(stack_socket_send(script.socket, NULL, "x", 1) == ERR_OK);
    for (uint32_t i = 0; i < 3; i++) {
        const struct frame *frame = next_frame();
        CHECK(frame != NULL && load16(frame->bytes + 12) == ETHERTYPE_ARP);
        EXPECT_NOTHING();
        pass_time(1001);
    }
    EXPECT_NOTHING();
    CHECK(stack_socket_take_error(script.socket) == -EHOSTUNREACH);
}

CASE(waiting_packet_follows_the_answer) {
    struct socket_name name = {.address = address_from_v4(0x0a000009), .port = 9};
    CHECK(stack_socket_open(&script.stack, SOCKET_DATAGRAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_send(script.socket, &name, "x", 1) == ERR_OK);
    drop_frames();
    give_arp(2, 0x0a000009, 0x0a000001);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[23] == PROTOCOL_NUMBER_UDP && frame->bytes[5] == 9);
}

// --- IPv6
static struct address link_local(uint8_t last) {
    return (struct address){.bytes = {0xfe, 0x80, [11] = 0xff, [12] = 0xfe, [15] = last}};
}

static void start_v6(void) {
    script.interface->autoconfigure = true;
    nd_start(script.interface);
    pass_time(1100);
    drop_frames();
}

static void give_ipv6(const struct address *source, const struct address *destination, uint8_t next, uint8_t hops,
                      const uint8_t *payload, uint32_t length) {
    uint8_t frame[1600] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd};
    struct flow flow = {.source = *source, .destination = *destination, .hops = hops};
    if (address_is_multicast(destination)) {
        frame[0] = frame[1] = 0x33;
        memcpy(frame + 2, destination->bytes + 12, 4);
    }
    ipv6_header(frame + 14, &flow, length, next);
    memcpy(frame + 54, payload, length);
    give_frame(frame, 54 + length);
}

static void give_icmpv6(const struct address *source, const struct address *destination, uint8_t hops, uint8_t *message,
                        uint32_t length) {
    store16(message + 2, 0);
    uint64_t sum = checksum_pseudo_header(source, destination, PROTOCOL_NUMBER_ICMPV6, length);
    store16(message + 2, checksum_finish(checksum_add(sum, message, length)));
    give_ipv6(source, destination, PROTOCOL_NUMBER_ICMPV6, hops, message, length);
}

// The link-local address that the stack made of its MAC: fe80::ff:fe00:1.
static struct address own_v6(void) {
    struct address address = {.bytes = {0xfe, 0x80, [8] = 0, [11] = 0xff, [12] = 0xfe, [15] = 1}};
    return address;
}

CASE(makes_a_link_local_address) { // RFC 4862 5.3, 5.4
    struct address address = own_v6();
    script.interface->autoconfigure = true;
    nd_start(script.interface);
    pass_time(0);
    const struct frame *frame = next_frame(); // asks whether somebody has it
    CHECK(frame != NULL && frame->bytes[54] == ICMPV6_NEIGHBOUR_SOLICITATION);
    CHECK(interface_address_find(script.interface, &address)->state == ADDRESS_TENTATIVE);
    pass_time(1100);
    CHECK(interface_address_find(script.interface, &address)->state == ADDRESS_PREFERRED);
    frame = next_frame(); // and asks for routers, RFC 4861 6.3.7
    CHECK(frame != NULL && frame->bytes[54] == ICMPV6_ROUTER_SOLICITATION);
}

CASE(duplicate_address_is_given_up) { // RFC 4862 5.4.4
    struct address address = own_v6(), everybody = {.bytes = {0xff, 2, [15] = 1}};
    uint8_t message[32] = {ICMPV6_NEIGHBOUR_ADVERTISEMENT, [4] = 0x20, [24] = 2, [25] = 1, [26] = 2, [31] = 7};
    script.interface->autoconfigure = true;
    nd_start(script.interface);
    pass_time(0);
    memcpy(message + 8, address.bytes, 16);
    give_icmpv6(&address, &everybody, 255, message, 32);
    CHECK(interface_address_find(script.interface, &address) == NULL);
    drop_frames();
}

CASE(solicitation_is_answered) { // RFC 4861 7.2.4
    start_v6();
    struct address own = own_v6(), from = link_local(2), group = address_solicited_node(&own);
    uint8_t message[32] = {ICMPV6_NEIGHBOUR_SOLICITATION, [24] = 1, [25] = 1, [26] = 2, [31] = 2};
    memcpy(message + 8, own.bytes, 16);
    give_icmpv6(&from, &group, 255, message, 32);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[54] == ICMPV6_NEIGHBOUR_ADVERTISEMENT && (frame->bytes[58] & 0x60) == 0x60 &&
          frame->bytes[21] == 255);
}

CASE(solicitation_from_afar_is_not) { // 7.1.1: hop limit 255
    start_v6();
    struct address own = own_v6(), from = link_local(2), group = address_solicited_node(&own);
    uint8_t message[32] = {ICMPV6_NEIGHBOUR_SOLICITATION, [24] = 1, [25] = 1, [26] = 2, [31] = 2};
    memcpy(message + 8, own.bytes, 16);
    give_icmpv6(&from, &group, 254, message, 32);
    EXPECT_NOTHING();
}

CASE(option_of_no_length) { // 7.1.1
    start_v6();
    struct address own = own_v6(), from = link_local(2), group = address_solicited_node(&own);
    uint8_t message[32] = {ICMPV6_NEIGHBOUR_SOLICITATION, [24] = 1};
    memcpy(message + 8, own.bytes, 16);
    give_icmpv6(&from, &group, 255, message, 32);
    EXPECT_NOTHING();
}

static void give_router(uint32_t valid, uint32_t preferred, uint16_t lifetime) {
    struct address from = link_local(2), everybody = {.bytes = {0xff, 2, [15] = 1}};
    uint8_t message[16 + 8 + 32] = {ICMPV6_ROUTER_ADVERTISEMENT,
                                    [4] = 61,
                                    [16] = 1,
                                    [17] = 1,
                                    [18] = 2,
                                    [23] = 2,
                                    [24] = 3,
                                    [25] = 4,
                                    [26] = 64,
                                    [27] = 0xc0};
    store16(message + 6, lifetime);
    store32(message + 28, valid);
    store32(message + 32, preferred);
    message[40] = 0xfd;
    message[41] = 0x11;
    give_icmpv6(&from, &everybody, 255, message, sizeof(message));
}

CASE(router_gives_prefix_and_route) { // RFC 4862 5.5.3, RFC 4861 6.3.4
    start_v6();
    struct address made = own_v6(), far = {.bytes = {0x20, 0x01, [15] = 1}}, hop, router = link_local(2);
    struct interface *out;
    made.bytes[0] = 0xfd;
    made.bytes[1] = 0x11;
    give_router(3600, 1800, 600);
    pass_time(2000);
    struct interface_address *entry = interface_address_find(script.interface, &made);
    CHECK(entry != NULL && entry->state == ADDRESS_PREFERRED && script.interface->hop_limit == 61);
    CHECK(route_find(&script.stack, &far, 0, &out, &hop) == ERR_OK && address_equal(&hop, &router));
    pass_time(700000); // the router's time is over
    CHECK(route_find(&script.stack, &far, 0, &out, &hop) != ERR_OK);
    pass_time(1200000);
    CHECK(entry->state == ADDRESS_DEPRECATED);
    pass_time(1900000);
    CHECK(interface_address_find(script.interface, &made) == NULL);
    drop_frames();
}

CASE(lifetime_is_not_cut_short) { // RFC 4862 5.5.3 (e): two hours
    start_v6();
    struct address made = own_v6();
    made.bytes[0] = 0xfd;
    made.bytes[1] = 0x11;
    give_router(864000, 864000, 600);
    give_router(1, 1, 600);
    pass_time(60000);
    CHECK(interface_address_find(script.interface, &made) != NULL);
    drop_frames();
}

CASE(echo_v6) { // RFC 4443 4.2
    start_v6();
    struct address own = own_v6(), from = link_local(2);
    uint8_t message[40] = {ICMPV6_ECHO, [5] = 7, [7] = 1, [20] = 9};
    neighbour_learned(script.interface, &from, (const uint8_t[]){2, 0, 0, 0, 0, 2}, true, true, true);
    give_icmpv6(&from, &own, 64, message, sizeof(message));
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[54] == ICMPV6_ECHO_REPLY && frame->bytes[59] == 7 && frame->bytes[74] == 9);
}

CASE(unknown_next_header_is_told) { // RFC 8200 4
    start_v6();
    struct address own = own_v6(), from = link_local(2);
    uint8_t bytes[8] = {0};
    neighbour_learned(script.interface, &from, (const uint8_t[]){2, 0, 0, 0, 0, 2}, true, true, true);
    give_ipv6(&from, &own, 200, 64, bytes, 8);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[54] == ICMPV6_PARAMETER_PROBLEM && frame->bytes[55] == 1 &&
          load32(frame->bytes + 58) == 6);
}

CASE(options_that_must_be_known) { // RFC 8200 4.2
    start_v6();
    struct address own = own_v6(), from = link_local(2);
    static const struct {
        uint8_t kind;
        bool answered, dropped;
    } options[] = {{0x1e, false, false}, {0x5e, false, true}, {0x9e, true, true}, {0xde, true, true}};
    neighbour_learned(script.interface, &from, (const uint8_t[]){2, 0, 0, 0, 0, 2}, true, true, true);
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t bytes[16] = {59, 0, options[i].kind, 4};
        uint64_t bad = script.stack.statistics.ip_bad;
        give_ipv6(&from, &own, 60, 64, bytes, 8);
        const struct frame *frame = next_frame();
        CHECK((frame != NULL) == options[i].answered);
        CHECK((script.stack.statistics.ip_bad != bad) == options[i].dropped);
        CHECK(frame == NULL || (frame->bytes[54] == ICMPV6_PARAMETER_PROBLEM && frame->bytes[55] == 2));
    }
}

CASE(routing_header_is_refused) { // RFC 5095
    start_v6();
    struct address own = own_v6(), from = link_local(2);
    uint8_t bytes[32] = {59, 2, 0, 1};
    neighbour_learned(script.interface, &from, (const uint8_t[]){2, 0, 0, 0, 0, 2}, true, true, true);
    give_ipv6(&from, &own, 43, 64, bytes, 24);
    const struct frame *frame = next_frame();
    CHECK(frame != NULL && frame->bytes[54] == ICMPV6_PARAMETER_PROBLEM && frame->bytes[55] == 0);
}

CASE(cut_headers_v6) {
    start_v6();
    uint8_t frame[120] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd};
    struct flow flow = {.source = link_local(2), .destination = own_v6(), .hops = 64};
    for (uint32_t next = 0; next < 256; next++)
        for (uint32_t length = 0; length < 40; length++) {
            memset(frame + 54, 0, 66);
            ipv6_header(frame + 14, &flow, length, (uint8_t)next);
            give_frame(frame, 54 + length);
            drop_frames();
        }
}

CASE(mapped_addresses_do_not_travel) { // RFC 4291 2.5.5.2
    start_v6();
    struct address own = own_v6(), mapped = address_from_v4(0x0a000002);
    uint8_t message[8] = {ICMPV6_ECHO};
    give_icmpv6(&mapped, &own, 64, message, 8);
    EXPECT_NOTHING();
}

// --- DHCP
static uint32_t give_dhcp(uint8_t type, uint32_t transaction, uint32_t seconds) {
    uint8_t message[8 + 300] = {0};
    uint8_t *at = message + 8;
    uint32_t length = 240;
    store16(message, 67);
    store16(message + 2, 68);
    store16(message + 4, sizeof(message));
    at[0] = 2;
    at[1] = 1;
    at[2] = 6;
    store32(at + 4, transaction);
    store32(at + 16, 0x0a000063);
    memcpy(at + 28, script.interface->mac, 6);
    store32(at + 236, 0x63825363);
    const uint8_t options[] = {53, 1, type, 54, 4, 10, 0,  0, 2, 1, 4,  255, 255, 255, 0,  3, 4,
                               10, 0, 0,    2,  6, 8,  10, 0, 0, 3, 10, 0,   0,   4,   51, 4};
    memcpy(at + length, options, sizeof(options));
    store32(at + length + sizeof(options), seconds);
    at[length + sizeof(options) + 4] = 255;
    give_ipv4(PROTOCOL_NUMBER_UDP, message, sizeof(message), 0);
    return length;
}

// The type of the next message that the client sent; 0: none. *transaction is set.
static uint8_t next_dhcp(uint32_t *transaction) {
    const struct frame *frame;
    while ((frame = next_frame()) != NULL)
        if (load16(frame->bytes + 12) == ETHERTYPE_IPV4 && frame->bytes[23] == 17 && load16(frame->bytes + 36) == 67) {
            *transaction = load32(frame->bytes + 42 + 4);
            return frame->bytes[42 + 242];
        }
    return 0;
}

CASE(dhcp) { // RFC 2131 3.1, 4.4.5
    static struct dhcp dhcp;
    struct address given = address_from_v4(0x0a000063);
    uint32_t transaction, again;
    memset(&dhcp, 0, sizeof(dhcp));
    CHECK(dhcp_start(&dhcp, script.interface) == ERR_OK);
    pass_time(0);
    CHECK(next_dhcp(&transaction) == 1);
    give_dhcp(2, transaction + 1, 3600); // another's
    pass_time(0);
    CHECK(next_dhcp(&again) == 0);
    give_dhcp(2, transaction, 3600);
    pass_time(0);
    CHECK(next_dhcp(&again) == 3 && again == transaction);
    give_dhcp(5, transaction, 3600);
    pass_time(1000);
    CHECK(dhcp.state == DHCP_BOUND && interface_address_find(script.interface, &given) != NULL && dhcp.lease.server_count == 2);
    drop_frames();
    pass_time(1801 * 1000);
    CHECK(dhcp.state == DHCP_RENEWING && next_dhcp(&transaction) == 3);
    give_dhcp(5, transaction, 3600);
    pass_time(10);
    CHECK(dhcp.state == DHCP_BOUND);
    drop_frames();
    pass_time(3601 * 1000); // nobody answers
    CHECK(interface_address_find(script.interface, &given) == NULL);
    dhcp_stop(&dhcp);
    drop_frames();
}

CASE(dhcp_declines_what_another_has) { // RFC 2131 3.1, 5
    static struct dhcp dhcp;
    uint32_t transaction;
    memset(&dhcp, 0, sizeof(dhcp));
    CHECK(dhcp_start(&dhcp, script.interface) == ERR_OK);
    pass_time(0);
    CHECK(next_dhcp(&transaction) == 1);
    give_dhcp(2, transaction, 3600);
    pass_time(0);
    give_dhcp(5, transaction, 3600);
    pass_time(0);
    drop_frames();
    give_arp(2, 0x0a000063, 0x0a000001);
    pass_time(1000);
    CHECK(next_dhcp(&transaction) == 4);
    CHECK(dhcp.state == DHCP_INIT);
    dhcp_stop(&dhcp);
    drop_frames();
}

CASE(dhcp_messages_cut_anywhere) {
    uint8_t message[300] = {2, 1, 6, [236] = 0x63, 0x82, 0x53, 0x63, 53, 1, 5, 1, 4, 255, 255, 255, 0, 6, 200};
    struct dhcp_lease lease;
    uint8_t type;
    for (uint32_t i = 0; i <= sizeof(message); i++) {
        uint8_t *copy = malloc(i != 0 ? i : 1);
        memcpy(copy, message, i);
        bool sound = dhcp_parse(copy, i, 0, &type, &lease);
        CHECK(!sound || i < 254);
        free(copy);
    }
}

int main(void) {
    static void (*const cases[])(void) = {echo_run,
                                          echo_in_fragments_run,
                                          echo_of_the_largest_size_run,
                                          echo_with_a_bad_sum_run,
                                          overlapping_fragments_are_dropped_run,
                                          repeated_fragment_does_no_harm_run,
                                          fragment_past_the_end_run,
                                          reassembly_time_is_told_run,
                                          many_fragments_stay_within_bounds_run,
                                          unknown_protocol_is_told_run,
                                          unused_port_is_told_run,
                                          errors_are_limited_run,
                                          no_error_about_an_error_run,
                                          udp_with_a_wrong_length_run,
                                          bad_header_sum_run,
                                          lies_about_lengths_run,
                                          false_sources_run,
                                          loopback_never_comes_from_a_wire_run,
                                          arp_is_answered_run,
                                          arp_for_others_is_not_run,
                                          unasked_arp_makes_no_entry_run,
                                          unanswered_arp_is_told_run,
                                          waiting_packet_follows_the_answer_run,
                                          makes_a_link_local_address_run,
                                          duplicate_address_is_given_up_run,
                                          solicitation_is_answered_run,
                                          solicitation_from_afar_is_not_run,
                                          option_of_no_length_run,
                                          router_gives_prefix_and_route_run,
                                          lifetime_is_not_cut_short_run,
                                          echo_v6_run,
                                          unknown_next_header_is_told_run,
                                          options_that_must_be_known_run,
                                          routing_header_is_refused_run,
                                          cut_headers_v6_run,
                                          mapped_addresses_do_not_travel_run,
                                          dhcp_run,
                                          dhcp_declines_what_another_has_run,
                                          dhcp_messages_cut_anywhere_run};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cases[i]();
    printf("%u exchanges\n", script.cases);
    return 0;
}
