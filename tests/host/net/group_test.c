// Multicast groups are told to routers (servers/net/stack/group.c): IGMPv2 by RFC 2236, MLDv1 by RFC 2710. Section numbers are of
// the first. And sums that the link fills in are the same as the stack's own.
#include <string.h>

#include "servers/net/stack/checksum.h"
#include "servers/net/stack/icmp.h"
#include "tests/host/net/wire.h"

enum { TYPES = 16 };

// What host 0 has sent of IGMP and MLD: types, and the last frame.
static uint8_t types[TYPES];
static uint32_t count;
static uint8_t last[256];
static uint32_t last_length;
static struct address group4, group6;

static void seen(int from, const uint8_t *frame, uint32_t length) {
    const uint8_t *ip = frame + ETHERNET_HEADER_BYTES;
    bool igmp = load16(frame + 12) == ETHERTYPE_IPV4 && ip[9] == 2;
    bool mld = load16(frame + 12) == ETHERTYPE_IPV6 && ip[6] == 0 && ip[48] >= 130 && ip[48] <= 132;
    if (from != 0 || (!igmp && !mld))
        return;
    CHECK(count < TYPES && length <= sizeof(last));
    types[count++] = igmp ? ip[24] : ip[48];
    memcpy(last, frame, length);
    last_length = length;
}

static void check_igmp(uint8_t type, uint32_t to) {
    const uint8_t *ip = last + ETHERNET_HEADER_BYTES;
    CHECK(last_length == ETHERNET_HEADER_BYTES + 32 && ip[0] == 0x46 && ip[8] == 1 &&
          ip[20] == 0x94); // section 2: one hop, router alert
    CHECK(checksum_finish(checksum_add(0, ip, 24)) == 0 && checksum_finish(checksum_add(0, ip + 24, 8)) == 0);
    CHECK(ip[24] == type && load32(ip + 16) == to && load32(ip + 28) == address_v4(&group4));
    CHECK(last[0] == 1 && last[1] == 0 && last[2] == 0x5e && last[3] == (to >> 16 & 0x7f)); // RFC 1112 section 6.4
}

static void check_mld(uint8_t type, const struct address *to) {
    const uint8_t *ip = last + ETHERNET_HEADER_BYTES, *message = ip + 48;
    struct address source = address_from_bytes(ip + 8);
    CHECK(last_length == ETHERNET_HEADER_BYTES + 72 && ip[7] == 1 && ip[6] == 0 && ip[40] == 58 && ip[42] == 5);
    CHECK(memcmp(ip + 24, to->bytes, 16) == 0 && message[0] == type && memcmp(message + 8, group6.bytes, 16) == 0);
    CHECK(address_is_link_local(&source));
    CHECK(checksum_finish(checksum_add(checksum_pseudo_header(&source, to, 58, 24), message, 24)) == 0);
}

static void give_igmp(uint8_t type, uint8_t tenths, uint32_t to, uint32_t group) {
    uint8_t frame[ETHERNET_HEADER_BYTES + 28] = {0};
    uint8_t *ip = frame + ETHERNET_HEADER_BYTES, *message = ip + 20;
    memcpy(frame, (uint8_t[]){1, 0, 0x5e, (uint8_t)(to >> 16 & 0x7f), (uint8_t)(to >> 8), (uint8_t)to}, 6);
    store16(frame + 12, ETHERTYPE_IPV4);
    ip[0] = 0x45;
    store16(ip + 2, 28);
    ip[8] = 1;
    ip[9] = 2;
    store32(ip + 12, 0x0a000002);
    store32(ip + 16, to);
    store16(ip + 10, checksum_finish(checksum_add(0, ip, 20)));
    message[0] = type;
    message[1] = tenths;
    store32(message + 4, group);
    store16(message + 2, checksum_finish(checksum_add(0, message, 8)));
    wire.stacks[0]->now = wire.now;
    interface_input(wire.interfaces[0], frame, sizeof(frame));
}

static void run(uint64_t milliseconds) {
    wire_run(milliseconds * NANOSECONDS_PER_MILLISECOND);
}

static struct socket *open_socket(bool v6) {
    struct socket *socket;
    CHECK(stack_socket_open(wire.stacks[0], SOCKET_DATAGRAM, v6, PROTOCOL_NUMBER_UDP, &socket) == ERR_OK);
    return socket;
}

static void test_join_and_leave(void) {
    struct socket *first = open_socket(false), *second = open_socket(false);
    CHECK(stack_socket_join(first, &group4, 2) == ERR_OK);
    run(10);
    CHECK(count == 1); // section 3: at once,
    check_igmp(0x16, address_v4(&group4));
    run(5000);
    CHECK(count == 2); // and once more (section 8.1)
    CHECK(stack_socket_join(second, &group4, 2) == ERR_OK);
    run(5000);
    stack_socket_close(first);
    run(5000);
    CHECK(count == 2); // the machine was a member, and is one
    stack_socket_close(second);
    run(5000);
    CHECK(count == 3);
    check_igmp(0x17, 0xe0000002);
}

static void test_queries(void) {
    struct socket *socket = open_socket(false);
    CHECK(stack_socket_join(socket, &group4, 2) == ERR_OK);
    run(5000);
    CHECK(count == 2);
    give_igmp(0x11, 20, 0xe0000001, 0); // all groups, within two seconds
    run(2100);
    CHECK(count == 3 && types[2] == 0x16);
    give_igmp(0x11, 20, address_v4(&group4), address_v4(&group4)); // this one
    run(2100);
    CHECK(count == 4);
    give_igmp(0x11, 20, 0xe0000001, address_v4(&group4) + 1); // another
    run(20000);
    CHECK(count == 4);
    give_igmp(0x11, 0, 0xe0000001, 0); // section 4: version 1, ten seconds
    run(10100);
    CHECK(count == 5);
    give_igmp(0x11, 100, 0xe0000001, 0);
    give_igmp(0x16, 0, address_v4(&group4), address_v4(&group4)); // section 3: another host has told of it
    run(20000);
    CHECK(count == 5);
    stack_socket_close(socket);
    run(5000);
    CHECK(count == 5); // and it was the last to do so
}

static void test_no_link(void) {
    struct socket *socket = open_socket(false);
    interface_set_link(wire.interfaces[0], false);
    CHECK(stack_socket_join(socket, &group4, 2) == ERR_OK);
    run(5000);
    CHECK(count == 0);
    interface_set_link(wire.interfaces[0], true);
    run(5000);
    CHECK(count == 2 && types[0] == 0x16);
    stack_socket_close(socket);
    run(1000);
}

static void test_ipv6(void) {
    static const struct address routers = {.bytes = {0xff, 0x02, [15] = 2}};
    struct socket *socket = open_socket(true);
    run(5000); // the link-local address is ours
    count = 0;
    CHECK(stack_socket_join(socket, &group6, 2) == ERR_OK);
    run(5000);
    CHECK(count == 2);
    check_mld(131, &group6);
    stack_socket_close(socket);
    run(1000);
    CHECK(count == 3);
    check_mld(132, &routers);
}

// What a link must do, for all lengths of an odd and even kind.
static void test_sums(void) {
    struct interface *interface = wire.interfaces[0];
    uint8_t frame[200];
    for (uint32_t length = 60; length < sizeof(frame); length++) {
        for (uint32_t i = 0; i < sizeof(frame); i++)
            frame[i] = (uint8_t)(i * 7 + length);
        struct address source = wire_address(0, false), destination = wire_address(1, false);
        uint64_t pseudo = checksum_pseudo_header(&source, &destination, PROTOCOL_NUMBER_TCP, length - 34);
        store16(frame + 50, (uint16_t)~checksum_finish(pseudo));
        interface->sum = (struct link_sum){.start = 34, .offset = 16};
        interface_fill_sum(interface, frame, length);
        CHECK(checksum_finish(checksum_add(pseudo, frame + 34, length - 34)) == 0 && interface->sum.start == 0);
    }
}

int main(void) {
    static void (*const tests[])(void) = {test_join_and_leave, test_queries, test_no_link, test_ipv6, test_sums};
    group4 = address_from_v4(0xe0010203);
    group6 = (struct address){.bytes = {0xff, 0x05, [15] = 9}};
    for (uint32_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        wire_start(i + 1);
        wire.seen = seen;
        wire.interfaces[0]->autoconfigure = true;
        interface_set_link(wire.interfaces[0], false);
        interface_set_link(wire.interfaces[0], true);
        count = 0;
        tests[i]();
        wire_finish();
    }
    return 0;
}
