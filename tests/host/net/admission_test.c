// Which frames are let in when there are too many (servers/net/stack/admission.h): all of a conversation but its first frames,
// and whatever somebody waits for; not what merely names somebody. Headers that are cut off are not read. Strangers get their
// number. Calls are answered by cookies straight from their frames when too many were not gone on with, and who answers the
// cookie is let in and connected.
#include <string.h>

#include "servers/net/stack/ip.h"
#include "tests/host/net/wire.h"

enum { PORT = 80, DATAGRAM_PORT = 53, OTHER_PORT = 81, MESSAGE = 3000, HEADERS = 14 + 20, BEGINNING = 200, FRAME = HEADERS + 20 };
enum { PEER = 0x0a000001, STRANGER = 0x0b000001 };

static uint32_t strangers, frames;
static uint32_t changed_at; // byte of the next frames that is another; 0: none
static uint8_t changed_to;
static uint32_t syn_length;

static void seen(int from, const uint8_t *frame, uint32_t length) {
    uint8_t *exact = malloc(length); // a byte too many is found
    memcpy(exact, frame, length);
    enum admission_class class = admission_look(wire.interfaces[1 - from], exact, length);
    frames++;
    strangers += class == ADMISSION_STRANGER;
    free(exact);
    if (length > BEGINNING) { // the first part of a frame that lies in several rooms
        exact = malloc(BEGINNING);
        memcpy(exact, frame, BEGINNING);
        CHECK(admission_look(wire.interfaces[1 - from], exact, BEGINNING) == class);
        free(exact);
    }
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
    if (changed_at != 0)
        frame[changed_at] = changed_to;
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
    CHECK(class_of(STRANGER, PROTOCOL_NUMBER_TCP, PORT, TCP_SYN, FRAME) == ADMISSION_FIRST_CALL);
    CHECK(is_stranger(PEER, PROTOCOL_NUMBER_TCP, OTHER_PORT, TCP_SYN, FRAME));
    for (uint32_t flags = 0; flags < 64; flags++) {
        enum admission_class class = class_of(PEER, PROTOCOL_NUMBER_TCP, PORT, (uint8_t)flags, FRAME);
        if ((flags & TCP_RST) != 0)
            CHECK(class == ADMISSION_NOTHING);
        else
            CHECK(class == ((flags & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN ? ADMISSION_CALL : ADMISSION_STRANGER));
    }
    CHECK(is_known(STRANGER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT, 0, FRAME));
    CHECK(is_stranger(PEER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT + 1, 0, FRAME));
    CHECK(is_stranger(PEER, PROTOCOL_NUMBER_ICMP, 0, 0, FRAME)); // of a kind that nobody waits for
    for (uint32_t length = 0; length < FRAME; length++)
        CHECK(class_of(PEER, PROTOCOL_NUMBER_TCP, PORT, TCP_SYN, length) == ADMISSION_NOTHING);
}

// What means nothing to anybody: for another card, of another protocol, or not what its type says.
static void nothing(void) {
    static const struct {
        uint32_t at;
        uint8_t value;
    } changes[] = {{5, 99}, {12, 0x88}, {14, 0x65}, {14, 0x44}};
    for (uint32_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        changed_at = changes[i].at;
        changed_to = changes[i].value;
        CHECK(class_of(PEER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT, 0, FRAME) == ADMISSION_NOTHING);
    }
    changed_at = 0;
    CHECK(is_known(PEER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT, 0, FRAME));
    wire.interfaces[1]->up = false;
    CHECK(class_of(PEER, PROTOCOL_NUMBER_UDP, DATAGRAM_PORT, 0, FRAME) == ADMISSION_NOTHING);
    wire.interfaces[1]->up = true;
}

// So many at once, then so many a second, whenever they are asked for.
static void so_many(enum admission_class class, uint32_t most, uint32_t per_second) {
    struct stack *stack = wire.stacks[1];
    stack->now += 100 * NANOSECONDS_PER_SECOND;
    CHECK(admission_credit(stack, class) == most);
    admission_spend(stack, class, most - 1);
    CHECK(admission_credit(stack, class) == 1);
    admission_spend(stack, class, 5);
    uint64_t taken = 0, began = stack->now;
    while (stack->now - began < 10 * NANOSECONDS_PER_SECOND) {
        stack->now += 1 + wire_random(3000000);
        uint32_t credit = admission_credit(stack, class);
        admission_spend(stack, class, credit);
        taken += credit;
    }
    CHECK(taken >= 10 * per_second - 1 && taken <= 10 * per_second + 1);
}

// --- cookies
static uint8_t syn_frame[TCP_CALL_FRAME_MAX], answers[TCP_COOKIE_FRAME_MAX];

static bool keep_syn(int from, const uint8_t *frame, uint32_t length) {
    bool is_syn = from == 0 && length > HEADERS + 13 && load16(frame + 12) != ETHERTYPE_ARP &&
                  (frame[(load16(frame + 12) == ETHERTYPE_IPV4 ? HEADERS : HEADERS + 20) + 13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    if (!is_syn)
        return false;
    CHECK(length <= sizeof(syn_frame));
    memcpy(syn_frame, frame, length);
    syn_length = length;
    return true;
}

// As servers/net/arrivals.c does it; the answer's length.
static uint32_t answer(uint32_t length) {
    struct interface *interface = wire.interfaces[1];
    uint8_t *exact = malloc(length);
    memcpy(exact, syn_frame, length);
    uint32_t bytes = admission_is_call(admission_look(interface, exact, length))
                         ? tcp_cookie_answer(interface, exact, length, false, answers)
                         : 0;
    free(exact);
    return bytes;
}

static void cookie_call(struct socket *listener, bool v6) {
    struct socket_name name = {.address = wire_address(1, v6), .port = PORT};
    struct stack *stack = wire.stacks[1];
    struct socket *client, *server;
    uint64_t memory = stack->memory_used;
    wire.drop = keep_syn;
    CHECK(stack_socket_open(wire.stacks[0], SOCKET_STREAM, v6, 0, &client) == ERR_OK);
    CHECK(stack_socket_connect(client, &name) == ERR_IN_PROGRESS);
    wire_run(NANOSECONDS_PER_MILLISECOND);
    for (uint32_t at = 0; at < syn_length; at++) { // each bit counts, but for the hardware addresses and hops
        syn_frame[at] ^= 0x10;
        bool free_to_change = at < ETHERNET_HEADER_BYTES || (v6 && at < ETHERNET_HEADER_BYTES + 8);
        CHECK(free_to_change || answer(syn_length) == 0);
        syn_frame[at] ^= 0x10;
    }
    uint32_t length = answer(syn_length);
    CHECK(length != 0 && length <= TCP_COOKIE_FRAME_MAX && stack->memory_used == memory && stack->half_open_count == 0);
    CHECK(memcmp(answers, wire.interfaces[0]->mac, MAC_BYTES) == 0);
    stack->cookie_at = stack->now;
    wire.drop = NULL;
    interface_input(wire.interfaces[0], answers, length);
    strangers = 0;
    wire.seen = seen;
    wire_run(NANOSECONDS_PER_SECOND);
    wire.seen = NULL;
    CHECK(strangers == 0 && stack_socket_accept(listener, &server) == ERR_OK);
    const struct tcp *tcp = tcp_of(server), *peer = tcp_of(client);
    CHECK(tcp->sack_ok && tcp->scale_ok && tcp->timestamp_ok && tcp->snd_scale == peer->rcv_scale && tcp->mss == peer->mss);
    move(client, server, MESSAGE);
    move(server, client, MESSAGE);
    stack_socket_close(client);
    wire_run(NANOSECONDS_PER_SECOND);
    stack_socket_close(server);
    wire_run(NANOSECONDS_PER_SECOND);
}

static void cookies(struct socket *listener) {
    cookie_call(listener, false);
    cookie_call(listener, true);
    syn_frame[0] |= 1; // to a group
    CHECK(answer(syn_length) == 0);
}

// Calls that do not complete use up their places, each that does gives one back.
static void places(void) {
    struct stack *stack = wire.stacks[1];
    stack->now += 100 * NANOSECONDS_PER_SECOND;
    CHECK(!tcp_wants_cookies(stack));
    admission_spend(stack, ADMISSION_CALL, ADMISSION_CALLS);
    CHECK(tcp_wants_cookies(stack));
    admission_call_completed(stack);
    CHECK(!tcp_wants_cookies(stack));
    admission_spend(stack, ADMISSION_CALL, 1);
    CHECK(tcp_wants_cookies(stack));
    stack->now += NANOSECONDS_PER_SECOND / ADMISSION_CALLS_PER_SECOND;
    CHECK(!tcp_wants_cookies(stack));
    for (uint32_t i = 0; i < 2 * ADMISSION_CALLS; i++)
        admission_call_completed(stack);
    CHECK(admission_credit(stack, ADMISSION_CALL) == ADMISSION_CALLS);
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
        CHECK(strangers >= 1 && strangers <= 6); // who is it
        strangers = frames = 0;
        converse(listener, v6 != 0);
        CHECK(strangers == 0 && frames > 10);
    }
    wire.seen = NULL;
    single_frames();
    nothing();
    so_many(ADMISSION_STRANGER, ADMISSION_STRANGERS, ADMISSION_STRANGERS_PER_SECOND);
    so_many(ADMISSION_CALL, ADMISSION_CALLS, ADMISSION_CALLS_PER_SECOND);
    so_many(ADMISSION_FIRST_CALL, ADMISSION_FIRST_CALLS, ADMISSION_FIRST_CALLS_PER_SECOND);
    places();
    cookies(listener);
    stack_socket_close(listener);
    stack_socket_close(datagrams);
    wire_finish();
    return 0;
}
