// Which frames are let in when there are too many (servers/net/stack/admission.h): all of a conversation but its first frames,
// and whatever somebody waits for; not what merely names somebody. Headers that are cut off are not read. Strangers get their
// part of the time.
#include <string.h>

#include "servers/net/stack/ip.h"
#include "tests/host/net/wire.h"

enum { PORT = 80, DATAGRAM_PORT = 53, OTHER_PORT = 81, MESSAGE = 3000, HEADERS = 14 + 20, FRAME = HEADERS + 20 };
enum { PEER = 0x0a000001, STRANGER = 0x0b000001 };

static uint32_t strangers, frames;

static void seen(int from, const uint8_t *frame, uint32_t length) {
    uint8_t *exact = malloc(length); // a byte too many is found
    memcpy(exact, frame, length);
    frames++;
    strangers += admission_look(wire.interfaces[1 - from], exact, length) == ADMISSION_STRANGER;
    free(exact);
}

static void move(struct socket *from, struct socket *to, uint32_t bytes) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    CHECK(stack_socket_stream_room(from, bytes, pieces, &count) == ERR_OK);
    for (uint32_t i = 0; i < count; i++) {
        memset((void *)(uintptr_t)pieces[i].data, 'a', pieces[i].length);
        done += pieces[i].length;
    }
    stack_socket_stream_written(from, done);
    wire_run(NANOSECONDS_PER_SECOND);
    CHECK(stack_socket_bytes_ready(to) == done && stack_socket_stream_data(to, 0, done, pieces, &count) == ERR_OK);
    stack_socket_stream_taken(to, done);
}

static void converse(struct socket *listener, bool v6) {
    struct socket_name name = {.address = wire_address(1, v6), .port = PORT};
    struct socket *client, *server;
    CHECK(stack_socket_open(wire.stacks[0], SOCKET_STREAM, v6, 0, &client) == ERR_OK);
    CHECK(stack_socket_connect(client, &name) == ERR_IN_PROGRESS);
    wire_run(NANOSECONDS_PER_SECOND);
    CHECK(stack_socket_accept(listener, &server) == ERR_OK);
    move(client, server, MESSAGE);
    move(server, client, MESSAGE);
    stack_socket_close(client);
    wire_run(NANOSECONDS_PER_SECOND);
    stack_socket_close(server);
    wire_run(NANOSECONDS_PER_SECOND);
}

static enum admission_class class_of(uint32_t source, uint8_t protocol, uint16_t port, uint8_t flags, uint32_t length) {
    uint8_t frame[FRAME] = {0}, *exact = malloc(length != 0 ? length : 1);
    struct flow flow = {
        .source = address_from_v4(source), .destination = wire_address(1, false), .protocol = protocol, .hops = 64};
    memcpy(frame, wire.interfaces[1]->mac, MAC_BYTES);
    store16(frame + 12, ETHERTYPE_IPV4);
    ipv4_header(frame + 14, &flow, FRAME - HEADERS, 1, 0);
    store16(frame + HEADERS, 4321);
    store16(frame + HEADERS + 2, port);
    frame[HEADERS + 12] = 5 << 4;
    frame[HEADERS + 13] = flags;
    memcpy(exact, frame, length);
    enum admission_class class = admission_look(wire.interfaces[1], exact, length);
    free(exact);
    return class;
}

static bool is_known(uint32_t source, uint8_t protocol, uint16_t port, uint8_t flags, uint32_t length) {
    return class_of(source, protocol, port, flags, length) == ADMISSION_KNOWN;
}

static bool is_stranger(uint32_t source, uint8_t protocol, uint16_t port, uint8_t flags, uint32_t length) {
    return class_of(source, protocol, port, flags, length) == ADMISSION_STRANGER;
}

static void single_frames(void) {
    CHECK(class_of(PEER, PROTOCOL_NUMBER_TCP, PORT, TCP_SYN, FRAME) == ADMISSION_CALL);
    CHECK(is_stranger(PEER, PROTOCOL_NUMBER_TCP, OTHER_PORT, TCP_SYN, FRAME));
    CHECK(is_stranger(STRANGER, PROTOCOL_NUMBER_TCP, PORT, TCP_SYN, FRAME));
    for (uint32_t flags = 0; flags < 64; flags++)
        CHECK((flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN ||
              is_stranger(PEER, PROTOCOL_NUMBER_TCP, PORT, (uint8_t)flags, FRAME));
    CHECK(is_known(STRANGER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT, 0, FRAME));
    CHECK(is_stranger(PEER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT + 1, 0, FRAME));
    CHECK(is_stranger(PEER, PROTOCOL_NUMBER_ICMP, 0, 0, FRAME)); // of a kind that nobody waits for
    for (uint32_t length = 0; length < FRAME; length++)
        CHECK(is_stranger(PEER, PROTOCOL_NUMBER_TCP, PORT, TCP_SYN, length));
}

// However many they are and whatever each costs: about one in `share`.
static void part_of_the_time(enum admission_class class, uint64_t share, uint64_t cost) {
    struct stack *stack = wire.stacks[1];
    uint64_t spent = 0, begun = stack->now;
    while (stack->now - begun < 10 * NANOSECONDS_PER_SECOND) {
        stack->now += cost / 2 + 1;
        if (admission_has_credit(stack, class)) {
            admission_spend(stack, class, cost);
            stack->now += cost;
            spent += cost;
        }
    }
    CHECK(spent > 8 * NANOSECONDS_PER_SECOND / share && spent < 13 * NANOSECONDS_PER_SECOND / share);
}

int main(int argc, char **argv) {
    struct socket_name name = {.address = address_unspecified, .port = PORT};
    struct socket *listener, *datagrams;
    wire_start(argc > 1 ? strtoul(argv[1], NULL, 10) : 2); // with 179 the two addresses have one place in the table
    wire.impairment = (struct impairment){.delay = 50000};
    CHECK(stack_socket_open(wire.stacks[1], SOCKET_STREAM, true, 0, &listener) == ERR_OK);
    CHECK(stack_socket_bind(listener, &name) == ERR_OK && stack_socket_listen(listener, 5) == ERR_OK);
    name.port = DATAGRAM_PORT;
    CHECK(stack_socket_open(wire.stacks[1], SOCKET_DATAGRAM, true, 0, &datagrams) == ERR_OK);
    CHECK(stack_socket_bind(datagrams, &name) == ERR_OK);
    wire.seen = seen;
    for (uint32_t v6 = 0; v6 <= 1; v6++) {
        strangers = 0;
        converse(listener, v6 != 0);
        CHECK(strangers >= 2 && strangers <= 6); // who is it, and the first call
        strangers = frames = 0;
        converse(listener, v6 != 0);
        CHECK(strangers == 0 && frames > 10);
    }
    wire.seen = NULL;
    single_frames();
    for (uint64_t cost = 20000; cost <= 300000; cost += 280000) {
        part_of_the_time(ADMISSION_STRANGER, 16, cost);
        part_of_the_time(ADMISSION_CALL, 4, cost);
    }
    stack_socket_close(listener);
    stack_socket_close(datagrams);
    wire_finish();
    return 0;
}
