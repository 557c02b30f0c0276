// See script.h.
#include "tests/host/net/script.h"

struct script script;

static const uint8_t own_mac[MAC_BYTES] = {2, 0, 0, 0, 0, 1}, peer_mac[MAC_BYTES] = {2, 0, 0, 0, 0, 2};
static uint8_t outgoing[FRAME_BYTES];
static uint32_t own = 0x0a000001, peer = 0x0a000002;

static uint8_t *frame_begin(void *context) {
    (void)context;
    return outgoing;
}

static void frame_send(void *context, uint8_t *frame, uint32_t length) {
    (void)context;
    if (length == 0)
        return;
    CHECK(script.count < FRAMES_MAX);
    struct frame *place = &script.frames[(script.first + script.count++) % FRAMES_MAX];
    place->length = length;
    memcpy(place->bytes, frame, length);
}

static const struct link_ops ops = {.frame_begin = frame_begin, .frame_send = frame_send};

void script_show(void) {
    for (uint32_t i = 0; i < CONNECTION_BUCKETS; i++)
        for (const struct tcp *at = script.stack.connections[i]; at != NULL; at = at->next)
            fprintf(stderr, "  %s una %u nxt %u rcv_nxt %u\n", tcp_state_name(at->state), at->snd_una - script.stack_iss,
                    at->snd_nxt - script.stack_iss, at->rcv_nxt - script.peer_iss);
}

void script_begin(const char *name) {
    uint8_t random[32] = {1, 2, 3};
    struct address address = address_from_v4(own), neighbour = address_from_v4(peer);
    uint32_t cases = script.cases;
    memset(&script, 0, sizeof(script));
    script.name = name;
    script.cases = cases + 1;
    script.peer_iss = 1000000;
    CHECK(stack_initialize(&script.stack, random, 64 << 20, 1000 * NANOSECONDS_PER_SECOND) == ERR_OK);
    CHECK(interface_add(&script.stack, "eth0", own_mac, ETHERNET_MTU, &ops, NULL, &script.interface) == ERR_OK);
    interface_set_up(script.interface, true);
    interface_set_link(script.interface, true);
    CHECK(interface_add_address(script.interface, &address, ADDRESS_V4_PREFIX + 24) == ERR_OK);
    neighbour_learned(script.interface, &neighbour, peer_mac, false, true, true);
    neighbour_find(script.interface, &neighbour)->state = NEIGHBOUR_PERMANENT;
    drop_frames();
}

void script_end(void) {
    if (script.socket != NULL)
        stack_socket_close(script.socket);
    if (script.listener != NULL)
        stack_socket_close(script.listener);
    for (uint32_t i = 0; i < 2000; i++) {
        script.stack.now += NANOSECONDS_PER_SECOND;
        stack_run(&script.stack);
        drop_frames();
    }
    stack_finish(&script.stack);
    CHECK(script.stack.memory_used == 0);
}

void pass_time(uint64_t milliseconds) {
    uint64_t until = script.stack.now + milliseconds * NANOSECONDS_PER_MILLISECOND;
    uint64_t next;
    while ((next = stack_next_time(&script.stack)) != 0 && next <= until) {
        script.stack.now = next > script.stack.now ? next : script.stack.now;
        stack_run(&script.stack);
    }
    script.stack.now = until;
}

// --- frames
void give_frame(const uint8_t *frame, uint32_t length) {
    uint8_t *copy = malloc(length != 0 ? length : 1); // so that the sanitizer sees each byte too many
    memcpy(copy, frame, length);
    interface_input(script.interface, copy, length);
    free(copy);
    stack_run(&script.stack);
}

const struct frame *next_frame(void) {
    if (script.count == 0)
        return NULL;
    const struct frame *frame = &script.frames[script.first];
    script.first = (script.first + 1) % FRAMES_MAX;
    script.count--;
    return frame;
}

void drop_frames(void) {
    script.count = 0;
}

void give_ipv4(uint8_t protocol, const uint8_t *payload, uint32_t length, uint32_t fragment) {
    static uint8_t frame[70000];
    struct flow flow = {.source = address_from_v4(peer), .destination = address_from_v4(own), .protocol = protocol, .hops = 64};
    memcpy(frame, own_mac, MAC_BYTES);
    memcpy(frame + 6, peer_mac, MAC_BYTES);
    store16(frame + 12, ETHERTYPE_IPV4);
    ipv4_header(frame + 14, &flow, length, 77, fragment);
    memcpy(frame + 34, payload, length);
    give_frame(frame, 34 + length);
}

// --- TCP
void give_with(uint8_t flags, uint32_t sequence, uint32_t acknowledgement, uint32_t window, uint32_t length,
               const uint8_t *options, uint32_t options_length) {
    uint8_t segment[1600] = {0};
    struct address source = address_from_v4(peer), destination = address_from_v4(own);
    uint32_t header = TCP_HEADER_BYTES + options_length;
    store16(segment, PEER_PORT);
    store16(segment + 2, script.socket != NULL ? script.socket->local.port : STACK_PORT);
    store32(segment + 4, script.peer_iss + sequence);
    if ((flags & TCP_ACK) != 0)
        store32(segment + 8, script.stack_iss + acknowledgement);
    if (options_length != 0)
        memcpy(segment + TCP_HEADER_BYTES, options, options_length);
    if (script.timestamp != 0) {
        uint8_t *at = segment + header;
        at[0] = at[1] = 1;
        at[2] = 8;
        at[3] = 10;
        store32(at + 4, script.timestamp);
        store32(at + 8, script.timestamp_echo);
        header += 12;
    }
    segment[12] = (uint8_t)(header / 4 << 4);
    segment[13] = flags;
    store16(segment + 14, window);
    for (uint32_t i = 0; i < length; i++)
        segment[header + i] = (uint8_t)(sequence + i);
    uint64_t sum = checksum_pseudo_header(&source, &destination, PROTOCOL_NUMBER_TCP, header + length);
    store16(segment + 16, checksum_finish(checksum_add(sum, segment, header + length)));
    give_ipv4(PROTOCOL_NUMBER_TCP, segment, header + length, 0);
}

void give(uint8_t flags, uint32_t sequence, uint32_t acknowledgement, uint32_t window, uint32_t length) {
    give_with(flags, sequence, acknowledgement, window, length, NULL, 0);
}

struct seen next_segment(void) {
    const struct frame *frame = next_frame();
    struct seen seen = {0};
    if (frame == NULL)
        return seen;
    CHECK(load16(frame->bytes + 12) == ETHERTYPE_IPV4 && frame->bytes[23] == PROTOCOL_NUMBER_TCP);
    CHECK(checksum_finish(checksum_add(0, frame->bytes + 14, 20)) == 0);
    seen.packet = (struct packet){.source = address_from_v4(own),
                                  .destination = address_from_v4(peer),
                                  .v4 = true,
                                  .payload = frame->bytes + 34,
                                  .length = frame->length - 34};
    CHECK(load16(frame->bytes + 16) == frame->length - 14);
    CHECK(tcp_parse(&seen.packet, &seen.segment) == ERR_OK);
    if ((seen.segment.flags & TCP_SYN) != 0)
        script.stack_iss = seen.segment.sequence;
    seen.flags = seen.segment.flags;
    seen.sequence = seen.segment.sequence - script.stack_iss;
    seen.acknowledgement = (seen.flags & TCP_ACK) != 0 ? seen.segment.acknowledgement - script.peer_iss : 0;
    seen.window = seen.segment.window;
    seen.length = seen.segment.length;
    if (seen.segment.has_timestamp)
        script.last_timestamp = seen.segment.timestamp;
    return seen;
}

// --- connections
void do_listen(void) {
    struct socket_name name = {.address = address_v4_unspecified, .port = STACK_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.listener) == ERR_OK);
    CHECK(stack_socket_bind(script.listener, &name) == ERR_OK);
    CHECK(stack_socket_listen(script.listener, 4) == ERR_OK);
}

void do_accept_with(const uint8_t *options, uint32_t options_length) {
    do_listen();
    give_with(TCP_SYN, 0, 0, 10000, 0, options, options_length);
    EXPECT(TCP_SYN | TCP_ACK, 0, 1, 0);
    script.timestamp_echo = script.last_timestamp;
    give(TCP_ACK, 1, 1, 10000, 0);
    EXPECT_NOTHING();
    CHECK(stack_socket_accept(script.listener, &script.socket) == ERR_OK);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

void do_accept(void) {
    static const uint8_t mss[4] = {2, 4, 1000 >> 8, 1000 & 255};
    do_accept_with(mss, sizeof(mss));
}

void do_connect(void) {
    static const uint8_t mss[4] = {2, 4, 1000 >> 8, 1000 & 255};
    struct socket_name name = {.address = address_from_v4(peer), .port = PEER_PORT};
    CHECK(stack_socket_open(&script.stack, SOCKET_STREAM, false, 0, &script.socket) == ERR_OK);
    CHECK(stack_socket_connect(script.socket, &name) == ERR_IN_PROGRESS);
    EXPECT(TCP_SYN, 0, 0, 0);
    give_with(TCP_SYN | TCP_ACK, 0, 1, 10000, 0, mss, sizeof(mss));
    EXPECT(TCP_ACK, 1, 1, 0);
    CHECK(state_of(script.socket) == TCP_ESTABLISHED);
}

void do_write(uint32_t length) {
    while (length != 0) {
        struct piece pieces[2];
        uint32_t count, done = 0;
        CHECK(stack_socket_stream_room(script.socket, length, pieces, &count) == ERR_OK);
        for (uint32_t i = 0; i < count; i++) {
            memset((void *)(uintptr_t)pieces[i].data, 'w', pieces[i].length);
            done += pieces[i].length;
        }
        stack_socket_stream_written(script.socket, done);
        length -= done;
    }
}

uint32_t do_read(void) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    if (stack_socket_stream_data(script.socket, 0, 1 << 20, pieces, &count) != ERR_OK)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        done += pieces[i].length;
    stack_socket_stream_taken(script.socket, done);
    return done;
}

enum tcp_state state_of(struct socket *socket) {
    return tcp_of(socket)->state;
}
