// Many connections and floods, between two stacks with the memory that the server gives: 10,000 connections open at once, each
// with data both ways, and closed; then SYNs from everywhere and frames of garbage, far more than there are of the traffic beside
// them, which keeps at least half of its rate in the time of the model. Memory stays within the limit, and all is given back.
// Printed: what a frame costs here.
#include <time.h>

#include "tests/host/net/wire.h"

enum {
    CONNECTIONS = 10000,
    PORT = 80,
    FLOOD_PER_STEP = 20,
    BULK = 1 << 20,
    SHORT = 100,
    MEMORY = 24 << 20,
    MESSAGE = 100,
    TOGETHER = 100
};

enum flood { CALM, SYNS_FAR, SYNS_NEAR, GARBAGE };
static const char *const flood_names[] = {"calm", "SYNs from afar", "SYNs from the link", "garbage"};

static struct socket *clients[CONNECTIONS], *servers[CONNECTIONS], *listener;
static enum flood flooding;
static uint64_t flood_frames;
static double flood_seconds;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Frames to machines that are not there, and questions for them, end nowhere, and take no time of the wire.
static bool to_nobody(int from, const uint8_t *frame, uint32_t length) {
    static const uint8_t everybody[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    (void)length;
    if (load16(frame + 12) == ETHERTYPE_ARP && memcmp(frame, everybody, MAC_BYTES) == 0)
        return load32(frame + 38) != 0x0a000001 + (uint32_t)(1 - from);
    if (load16(frame + 12) == ETHERTYPE_IPV4)
        return load32(frame + 30) != 0x0a000001 + (uint32_t)(1 - from);
    return memcmp(frame, wire.interfaces[1 - from]->mac, MAC_BYTES) != 0;
}

static uint32_t make_syn(uint8_t *frame, bool near) {
    uint32_t from = near ? 0x0a000003 + wire_random(250) : 0x0b000000 + wire_random(1 << 24);
    struct flow flow = {.source = address_from_v4(from), .destination = wire_address(1, false), .protocol = 6, .hops = 64};
    uint8_t *segment = frame + 34;
    memcpy(frame, wire.interfaces[1]->mac, MAC_BYTES);
    memset(frame + 6, 9, MAC_BYTES);
    store16(frame + 12, ETHERTYPE_IPV4);
    ipv4_header(frame + 14, &flow, TCP_HEADER_BYTES, wire_random(65536), 0);
    memset(segment, 0, TCP_HEADER_BYTES);
    store16(segment, 1 + wire_random(65535));
    store16(segment + 2, PORT);
    store32(segment + 4, wire_random(UINT32_MAX));
    segment[12] = 5 << 4;
    segment[13] = TCP_SYN;
    store16(segment + 14, 1000);
    uint64_t sum = checksum_pseudo_header(&flow.source, &flow.destination, 6, TCP_HEADER_BYTES);
    store16(segment + 16, checksum_finish(checksum_add(sum, segment, TCP_HEADER_BYTES)));
    return 34 + TCP_HEADER_BYTES;
}

static uint32_t make_garbage(uint8_t *frame) {
    static const uint16_t kinds[] = {ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_ARP, 0x88cc};
    uint32_t length = 14 + wire_random(1500);
    for (uint32_t i = 0; i < length; i++)
        frame[i] = (uint8_t)wire_random(256);
    memcpy(frame, wire.interfaces[1]->mac, MAC_BYTES);
    store16(frame + 12, kinds[wire_random(4)]);
    if (length > 54 && wire_random(2) == 0) { // sound enough to be looked at further
        struct flow flow = {.source = address_from_v4(0x0a000000 + wire_random(256)),
                            .destination = wire_address(1, false),
                            .protocol = (uint8_t)(wire_random(2) != 0 ? 6 : 17),
                            .hops = 64};
        store16(frame + 12, ETHERTYPE_IPV4);
        ipv4_header(frame + 14, &flow, length - 34, wire_random(8), wire_random(4) == 0 ? 0x2000 | wire_random(100) : 0);
    }
    return length;
}

static void flood(void) {
    uint8_t frame[1600];
    if (flooding == CALM)
        return;
    for (uint32_t i = 0; i < FLOOD_PER_STEP; i++) {
        uint32_t length = flooding == GARBAGE ? make_garbage(frame) : make_syn(frame, flooding == SYNS_NEAR);
        double began = seconds();
        interface_input(wire.interfaces[1], frame, length);
        stack_run(wire.stacks[1]);
        flood_seconds += seconds() - began;
        flood_frames++;
    }
    CHECK(wire.stacks[1]->memory_used <= MEMORY && wire.stacks[1]->half_open_count <= TCP_HALF_OPEN_MAX);
}

static struct socket *connect_one(void) {
    struct socket_name server = {.address = wire_address(1, false), .port = PORT};
    struct socket *socket;
    CHECK(stack_socket_open(wire.stacks[0], SOCKET_STREAM, false, 0, &socket) == ERR_OK);
    CHECK(stack_socket_connect(socket, &server) == ERR_IN_PROGRESS);
    return socket;
}

static uint32_t write_to(struct socket *socket, uint32_t length) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    if (stack_socket_stream_room(socket, length, pieces, &count) != ERR_OK)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        memset((void *)(uintptr_t)pieces[i].data, 'f', pieces[i].length);
        done += pieces[i].length;
    }
    stack_socket_stream_written(socket, done);
    return done;
}

static uint32_t read_from(struct socket *socket) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    if (stack_socket_stream_data(socket, 0, 1 << 20, pieces, &count) != ERR_OK)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        done += pieces[i].length;
    stack_socket_stream_taken(socket, done);
    return done;
}

static void ten_thousand(void) {
    double began = seconds();
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        clients[i] = connect_one();
        wire_run(200000);
        while (stack_socket_accept(listener, &servers[accepted]) == ERR_OK)
            accepted++;
    }
    CHECK(accepted == CONNECTIONS);
    printf("%u connections open: %.2f s, %llu bytes each\n", accepted, seconds() - began,
           (unsigned long long)wire.stacks[1]->memory_used / CONNECTIONS);
    for (uint32_t i = 0; i < CONNECTIONS; i++) { // a buffer of its own only while something is in it
        CHECK(write_to(clients[i], MESSAGE) == MESSAGE && write_to(servers[i], MESSAGE) == MESSAGE);
        if (i % TOGETHER == TOGETHER - 1)
            wire_run(20000000);
        for (uint32_t j = i + 1 - TOGETHER; i % TOGETHER == TOGETHER - 1 && j <= i; j++)
            CHECK(read_from(clients[j]) == MESSAGE && read_from(servers[j]) == MESSAGE);
    }
    CHECK(wire.stacks[1]->memory_used <= MEMORY);
    printf("and data both ways: %.2f s\n", seconds() - began);
    began = seconds();
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        stack_socket_close(clients[i]);
        stack_socket_close(servers[i]);
        if (i % TOGETHER == TOGETHER - 1)
            wire_run(20000000);
    }
    printf("closed: %.2f s\n", seconds() - began);
}

// A stream, then short connections one after another; the time of the model that it takes.
static uint64_t traffic(void) {
    uint64_t began = wire.now, written = 0, read = 0;
    struct socket *client = connect_one(), *server = NULL;
    while (read < BULK) {
        flood();
        CHECK(wire_step(wire.now + 100 * NANOSECONDS_PER_SECOND));
        if (server == NULL && stack_socket_accept(listener, &server) != ERR_OK)
            server = NULL;
        if (tcp_of(client)->state == TCP_ESTABLISHED && written < BULK)
            written += write_to(client, (uint32_t)(BULK - written));
        if (server != NULL)
            read += read_from(server);
    }
    stack_socket_close(client);
    stack_socket_close(server);
    for (uint32_t i = 0; i < SHORT; i++) {
        client = connect_one();
        server = NULL;
        while (server == NULL || read_from(server) == 0) {
            flood();
            CHECK(wire_step(wire.now + 100 * NANOSECONDS_PER_SECOND));
            if (server == NULL && stack_socket_accept(listener, &server) != ERR_OK)
                server = NULL;
            if (tcp_of(client)->state == TCP_ESTABLISHED && tcp_of(client)->send.count == 0)
                write_to(client, MESSAGE);
        }
        stack_socket_close(client);
        stack_socket_close(server);
    }
    return wire.now - began;
}

int main(void) {
    struct socket_name name = {.address = address_v4_unspecified, .port = PORT};
    struct route far = {
        .prefix = address_v4_unspecified, .bits = ADDRESS_V4_PREFIX, .gateway = address_from_v4(0x0a000001), .interface = 2};
    uint64_t calm = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    wire_start(1);
    wire.stacks[0]->memory_limit = wire.stacks[1]->memory_limit = MEMORY;
    wire.impairment = (struct impairment){.delay = 50000, .bytes_per_second = 50000000};
    wire.drop = to_nobody;
    CHECK(route_add(wire.stacks[1], &far) == ERR_OK);
    CHECK(stack_socket_open(wire.stacks[1], SOCKET_STREAM, false, 0, &listener) == ERR_OK);
    CHECK(stack_socket_bind(listener, &name) == ERR_OK && stack_socket_listen(listener, SOCKET_BACKLOG_MAX) == ERR_OK);
    ten_thousand();
    flooding = SYNS_FAR; // while what was closed is in TIME-WAIT
    uint64_t first = traffic();
    wire_run(200 * NANOSECONDS_PER_SECOND); // TIME-WAIT is over
    for (enum flood kind = CALM; kind <= GARBAGE; kind++) {
        flooding = kind;
        flood_frames = 0;
        flood_seconds = 0;
        uint64_t took = traffic();
        calm = kind == CALM ? took : calm; // the first
        printf("%s: %llu frames, %.0f ns each; the traffic beside them took %.0f ms, %.2f of its rate\n", flood_names[kind],
               (unsigned long long)flood_frames, flood_frames != 0 ? flood_seconds * 1e9 / (double)flood_frames : 0,
               (double)took / 1e6, (double)calm / (double)took);
        CHECK(took <= 2 * calm && first <= 2 * calm);
        wire_run(200 * NANOSECONDS_PER_SECOND);
    }
    stack_socket_close(listener);
    wire_finish();
    return 0;
}
