// The stack as records: sockets of every kind and connections in every state go on as another stack's; records that can't be are
// refused. Streams under way over bad lines are handed over by transfer_test.c.
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "servers/net/stack/records.h"
#include "tests/host/net/wire.h"

enum { PORT = 80, RECORD_BYTES = 1 << 20 };

static struct socket *open_socket(int side, enum socket_kind kind, uint16_t port) {
    struct socket *socket;
    struct socket_name name = {.address = wire_address(side, false), .port = port};
    CHECK(stack_socket_open(wire.stacks[side], kind, false, kind == SOCKET_RAW ? 253 : 0, &socket) == ERR_OK);
    if (port != 0)
        CHECK(stack_socket_bind(socket, &name) == ERR_OK);
    return socket;
}

static struct socket *connect_to(uint16_t port) {
    struct socket *socket = open_socket(0, SOCKET_STREAM, 0);
    struct socket_name name = {.address = wire_address(1, false), .port = port};
    CHECK(stack_socket_connect(socket, &name) == ERR_IN_PROGRESS);
    return socket;
}

static void write_word(struct socket *socket, const char *word) {
    struct piece pieces[2];
    uint32_t count, length = (uint32_t)strlen(word);
    CHECK(stack_socket_stream_room(socket, length, pieces, &count) == ERR_OK && count == 1);
    memcpy((void *)(uintptr_t)pieces[0].data, word, length);
    stack_socket_stream_written(socket, length);
}

static bool reads(struct socket *socket, const char *word) {
    struct piece pieces[2];
    uint32_t count;
    CHECK(stack_socket_stream_data(socket, 0, 100, pieces, &count) == ERR_OK);
    bool same = count == 1 && pieces[0].length == strlen(word) && memcmp(pieces[0].data, word, pieces[0].length) == 0;
    stack_socket_stream_taken(socket, count == 1 ? pieces[0].length : 0);
    return same;
}

// Connections that wait for accept keep their order and their bytes; one whose handshake is not done gets through it.
static bool is_last_ack(int from, const uint8_t *frame, uint32_t length) {
    (void)frame;
    return from == 0 && length == 14 + 20 + 20 + 12; // an ACK with timestamps and nothing else
}

static void test_listener(void) {
    struct socket *clients[3], *accepted[3], *listener;
    wire_start(1);
    listener = open_socket(1, SOCKET_STREAM, PORT);
    CHECK(stack_socket_listen(listener, 5) == ERR_OK);
    static const char *const words[] = {"first", "second", "third"};
    for (int i = 0; i < 2; i++) {
        clients[i] = connect_to(PORT);
        wire_run(NANOSECONDS_PER_SECOND / 10);
        write_word(clients[i], words[i]);
    }
    wire_run(NANOSECONDS_PER_SECOND / 10);
    wire.drop = is_last_ack;
    clients[2] = connect_to(PORT);
    wire_run(NANOSECONDS_PER_SECOND / 10);
    wire.drop = NULL;
    CHECK(tcp_of(listener)->waiting == 2 && tcp_of(listener)->half_open == 1);
    struct socket **sockets[] = {&listener};
    wire_hand_over(1, sockets, 1);
    CHECK(tcp_of(listener)->waiting == 2 && tcp_of(listener)->half_open == 1 && wire.stacks[1]->half_open_count == 1);
    write_word(clients[2], words[2]);
    wire_run(NANOSECONDS_PER_SECOND);
    for (int i = 0; i < 3; i++) {
        CHECK(stack_socket_accept(listener, &accepted[i]) == ERR_OK);
        CHECK(accepted[i]->remote.port == clients[i]->local.port && reads(accepted[i], words[i]));
    }
    for (int i = 0; i < 3; i++) {
        stack_socket_close(clients[i]);
        stack_socket_close(accepted[i]);
    }
    stack_socket_close(listener);
    wire_finish();
}

// Both ends are handed over in each state of an end that is closed by steps, and by its own timer at last.
static void test_states(void) {
    struct socket *ends[2] = {NULL, NULL}, *listener;
    wire_start(2);
    wire.impairment.delay = 10 * NANOSECONDS_PER_MILLISECOND;
    listener = open_socket(1, SOCKET_STREAM, PORT);
    CHECK(stack_socket_listen(listener, 5) == ERR_OK);
    struct socket *first = connect_to(PORT + 1); // refused; both know each other from then on
    wire_run(NANOSECONDS_PER_SECOND);
    CHECK(stack_socket_take_error(first) == -ECONNREFUSED);
    stack_socket_close(first);
    ends[0] = connect_to(PORT);
    struct socket **sockets[2][2] = {{&ends[0]}, {&ends[1], &listener}};
    uint32_t seen[2] = {0, 0};
    for (int step = 0; step < 400; step++) {
        wire_run(5 * NANOSECONDS_PER_MILLISECOND);
        if (ends[1] == NULL && stack_socket_accept(listener, &ends[1]) != ERR_OK)
            ends[1] = NULL;
        for (int side = 0; side < 2; side++) {
            if (ends[side] != NULL)
                seen[side] |= 1u << tcp_of(ends[side])->state;
            wire_hand_over(side, sockets[side], side == 0 ? 1 : 2);
        }
        if (step == 40)
            CHECK(stack_socket_shutdown(ends[0], STACK_SIDE_WRITE) == ERR_OK);
        if (step == 80)
            CHECK(stack_socket_shutdown(ends[1], STACK_SIDE_WRITE) == ERR_OK);
    }
    CHECK(seen[0] ==
          (1u << TCP_SYN_SENT | 1u << TCP_ESTABLISHED | 1u << TCP_FIN_WAIT_1 | 1u << TCP_FIN_WAIT_2 | 1u << TCP_TIME_WAIT));
    CHECK(seen[1] == (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSED));
    CHECK(wire.stacks[0]->time_wait_count == 1 && wire.stacks[0]->statistics.tcp_retransmitted == 0);
    stack_socket_close(ends[0]);
    ends[0] = NULL;
    wire_hand_over(0, sockets[0], 1); // nobody holds it now
    CHECK(wire.stacks[0]->time_wait_count == 1);
    wire_run(2 * TCP_MSL);
    CHECK(wire.stacks[0]->time_wait_count == 0);
    stack_socket_close(ends[1]);
    stack_socket_close(listener);
    wire_finish();
}

static void test_datagrams(void) {
    wire_start(3);
    struct socket *sender = open_socket(0, SOCKET_DATAGRAM, 53), *socket = open_socket(1, SOCKET_DATAGRAM, 5353);
    struct socket *raw = open_socket(1, SOCKET_RAW, 0), *packet = open_socket(1, SOCKET_PACKET, 0);
    struct socket_name name = {.address = wire_address(0, false), .port = 53},
                       to = {.address = wire_address(1, false), .port = 5353};
    struct address group = address_from_v4(0xe0010203);
    CHECK(stack_socket_connect(socket, &name) == ERR_OK && stack_socket_join(socket, &group, 2) == ERR_OK);
    CHECK(stack_socket_send(sender, &to, "one", 3) == ERR_OK && stack_socket_send(sender, &to, "three", 5) == ERR_OK);
    wire_run(NANOSECONDS_PER_SECOND);
    uint64_t time = stack_socket_peek(socket)->time;
    struct socket **sockets[] = {&socket, &raw, &packet};
    wire_hand_over(1, sockets, 3);
    CHECK(stack_socket_send(sender, &to, "4444", 4) == ERR_OK);
    wire_run(NANOSECONDS_PER_SECOND);
    static const char *const words[] = {"one", "three", "4444"};
    CHECK(stack_socket_peek(socket)->time == time);
    for (int i = 0; i < 3; i++) {
        const struct datagram *datagram = stack_socket_peek(socket);
        CHECK(datagram != NULL && datagram->length == strlen(words[i]) &&
              memcmp(datagram->bytes, words[i], datagram->length) == 0);
        CHECK(datagram->from.port == 53);
        stack_socket_drop(socket);
    }
    CHECK(socket->connected && socket->remote.port == 53 && wire.stacks[1]->bound[bound_bucket(5353)] == socket);
    CHECK(stack_socket_peek(packet) != NULL && raw->protocol == 253 && wire.stacks[1]->raw != NULL);
    CHECK(stack_socket_leave(socket, &group, 2) == ERR_OK);
    stack_socket_close(sender);
    stack_socket_close(socket);
    stack_socket_close(raw);
    stack_socket_close(packet);
    wire_finish();
}

// --- records that can't be
static error_t attach(struct interface *interface) {
    (void)interface;
    return ERR_OK;
}

// In a process of its own: what a stack that refused has taken already goes with it.
static bool is_taken(const struct handover *handover) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        static const uint8_t random[32] = {1};
        struct stack *stack = malloc(sizeof(*stack));
        struct taken_sockets taken = {0};
        error_t error = stack_initialize(stack, random, UINT64_C(64) << 20, wire.now);
        if (error == ERR_OK)
            error = stack_take(stack, handover, attach);
        if (error == ERR_OK)
            error = stack_sockets_take(stack, handover, &taken);
        _exit(error != ERR_OK);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

// Each byte of each record is changed in turn, under a good checksum: taken or refused, nothing may break. What names another
// record, or tells a length, is refused.
static void test_damage(void) {
    static uint8_t memory[RECORD_BYTES] __attribute__((aligned(STATE_ALIGNMENT)));
    struct handover handover = {0};
    uint32_t last = 0, number, refused = 0, tried = 0;
    wire_start(4);
    struct socket *listener = open_socket(1, SOCKET_STREAM, PORT), *client;
    CHECK(stack_socket_listen(listener, 5) == ERR_OK);
    client = connect_to(PORT);
    wire_run(NANOSECONDS_PER_SECOND / 10);
    write_word(client, "a word");
    wire_run(NANOSECONDS_PER_SECOND / 10);
    CHECK(state_format(&handover.state, memory, sizeof(memory), 1) == ERR_OK);
    CHECK(stack_give(wire.stacks[1], &handover) == ERR_OK);
    CHECK(stack_socket_give(listener, &handover, &last, &number) == ERR_OK && last == 2);
    CHECK(is_taken(&handover));
    struct handover_view view = {0};
    while (handover_next(&handover, 0, &view) == ERR_OK) {
        uint8_t bytes[8192];
        uint32_t length = view.view.length;
        CHECK(length <= sizeof(bytes));
        memcpy(bytes, view.view.data, length);
        CHECK(state_commit(&handover.state, view.view.record, RECORDS_VERSION + 1, bytes, length) == ERR_OK);
        CHECK(view.view.class == CLASS_STATISTICS || !is_taken(&handover)); // another version
        if (length > 1 && view.view.class != CLASS_STATISTICS) {
            CHECK(state_commit(&handover.state, view.view.record, RECORDS_VERSION, bytes, length - 1) == ERR_OK);
            CHECK(!is_taken(&handover)); // cut off
        }
        for (uint32_t at = 0; at < length && view.view.class == CLASS_TCP; at += 1 + at / 64, tried++) {
            bytes[at] ^= 0xff;
            CHECK(state_commit(&handover.state, view.view.record, RECORDS_VERSION, bytes, length) == ERR_OK);
            refused += !is_taken(&handover);
            bytes[at] ^= 0xff;
        }
        CHECK(state_commit(&handover.state, view.view.record, RECORDS_VERSION, bytes, length) == ERR_OK);
    }
    CHECK(is_taken(&handover) && refused > 10 && refused < tried);
    stack_socket_close(client);
    stack_socket_close(listener);
    wire_finish();
}

// What a router said of a path counts for the next build, and routes lead where they led.
static void test_paths(void) {
    wire_start(4);
    struct address peer = wire_address(0, false), other = address_from_v4(0x0a090807);
    struct route way = {.prefix = other, .bits = 128, .gateway = peer, .interface = wire.interfaces[1]->index};
    CHECK(route_add(wire.stacks[1], &way) == ERR_OK);
    CHECK(path_mtu_learned(wire.stacks[1], wire.interfaces[1], &other, 1300));
    wire_hand_over(1, NULL, 0);
    struct interface *out;
    struct address next_hop;
    CHECK(path_mtu(wire.stacks[1], wire.interfaces[1], &other) == 1300 &&
          path_mtu(wire.stacks[1], wire.interfaces[1], &peer) != 1300);
    CHECK(route_find(wire.stacks[1], &other, 0, &out, &next_hop) == ERR_OK && out == wire.interfaces[1]);
    CHECK(address_equal(&next_hop, &peer) && address_common_bits(&peer, &other) == 96 + 8 + 4);
    wire_finish();
}

int main(void) {
    test_listener();
    test_states();
    test_datagrams();
    test_paths();
    test_damage();
    return 0;
}
