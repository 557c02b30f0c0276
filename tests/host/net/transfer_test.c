// Streams between two stacks through an impaired wire: every byte arrives once, in order, both ways; both
// ends close, and nothing is left. In every second transfer the stacks are handed over again and again. `transfer_test FIRST
// COUNT` runs other seeds.
#include <errno.h>

#include "tests/host/net/wire.h"

struct end {
    struct socket *socket;
    uint64_t written, read, total, expect;
    uint64_t random_write, random_read;
    bool shut, done;
};

// The stream is a sequence of its own, so that each side can check without a copy.
static uint8_t pattern(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + 1;
    return (uint8_t)(*state >> 56);
}

// A range of a file, all of it or nothing. False: bytes are to be written.
static bool send_file(struct end *end) {
    const struct interface *interface;
    uint64_t random = end->random_write;
    uint32_t length = FILE_BYTES_LEAST + wire_random(100000), offset = wire_random(5000);
    if (end->total - end->written < length || stack_socket_stream_card(end->socket, &interface) != ERR_OK || wire_random(3) == 0)
        return false;
    struct wire_file *file = wire_file_make(interface == wire.interfaces[1], offset + length);
    if (wire_random(8) == 0)
        file->file.interface = NULL; // the route has changed since
    for (uint32_t i = 0; i < length; i++)
        file->bytes[offset + i] = pattern(&random);
    CHECK(stack_socket_stream_file(end->socket, &file->file, offset, length) == ERR_OK);
    stack_file_release(end->socket->stack, &file->file);
    end->random_write = random;
    end->written += length;
    return true;
}

static void write_some(struct end *end) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    while (end->written < end->total) {
        if (send_file(end))
            continue;
        uint32_t want = 1 + wire_random(20000);
        if (want > end->total - end->written)
            want = (uint32_t)(end->total - end->written);
        error_t error = stack_socket_stream_room(end->socket, want, pieces, &count);
        if (error == ERR_AGAIN)
            return;
        CHECK(error == ERR_OK);
        done = 0;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j < pieces[i].length; j++, done++)
                ((uint8_t *)(uintptr_t)pieces[i].data)[j] = pattern(&end->random_write);
        stack_socket_stream_written(end->socket, done);
        end->written += done;
    }
    if (!end->shut) {
        end->shut = true;
        CHECK(stack_socket_shutdown(end->socket, STACK_SIDE_WRITE) == ERR_OK);
    }
}

static void read_some(struct end *end) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    while (!end->done) {
        error_t error = stack_socket_stream_data(end->socket, 0, 1 + wire_random(30000), pieces, &count);
        if (error == ERR_AGAIN)
            return;
        CHECK(error == ERR_OK);
        if (count == 0) {
            CHECK(end->read == end->expect);
            end->done = true;
            return;
        }
        done = 0;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j < pieces[i].length; j++, done++)
                CHECK(((const uint8_t *)pieces[i].data)[j] == pattern(&end->random_read));
        end->read += done;
        stack_socket_stream_taken(end->socket, done);
        CHECK(end->read <= end->expect);
        if (wire_random(4) == 0)
            return; // reads later: windows close
    }
}

// Either side, sometimes.
static void hand_over(struct end *ends, struct socket **listener) {
    int side = (int)wire_random(2);
    struct socket **of_side[2][2] = {{&ends[0].socket}, {&ends[1].socket, listener}};
    if (wire_random(40) == 0)
        wire_hand_over(side, of_side[side], side == 0 ? 1 : 2);
}

static void transfer(uint64_t seed, const struct impairment *impairment, bool v6, bool newreno, uint64_t bytes_max) {
    struct socket *listener;
    struct end ends[2] = {0};
    wire_start(seed);
    wire.impairment = *impairment;
    if (seed % 3 != 0)
        wire_read_files();
    wire.stacks[0]->newreno = wire.stacks[1]->newreno = newreno;
    wire.stacks[1]->forced_cookies = wire_random(8) == 0;
    for (int side = 0; side < 2; side++) {
        ends[side].total = wire_random((uint32_t)bytes_max);
        ends[side].random_write = ends[1 - side].random_read = seed * 3 + (uint64_t)side;
    }
    ends[0].expect = ends[1].total;
    ends[1].expect = ends[0].total;
    struct socket_name server = {.address = wire_address(1, v6), .port = 80};
    CHECK(stack_socket_open(wire.stacks[1], SOCKET_STREAM, v6, 0, &listener) == ERR_OK);
    CHECK(stack_socket_bind(listener, &server) == ERR_OK);
    CHECK(stack_socket_listen(listener, 5) == ERR_OK);
    CHECK(stack_socket_open(wire.stacks[0], SOCKET_STREAM, v6, 0, &ends[0].socket) == ERR_OK);
    if (wire_random(3) == 0) // a peer without SACK, or without timestamps
        tcp_of(ends[0].socket)->sack_ok = wire_random(2) == 0;
    tcp_of(ends[0].socket)->timestamp_ok = wire_random(3) != 0;
    stack_socket_set_limits(ends[0].socket, 4096 + wire_random(200000), 4096 + wire_random(200000));
    stack_socket_set_limits(listener, 4096 + wire_random(200000), 4096 + wire_random(200000));
    CHECK(stack_socket_connect(ends[0].socket, &server) == ERR_IN_PROGRESS);
    uint64_t limit = wire.now + 36000 * NANOSECONDS_PER_SECOND, steps = 0;
    for (uint32_t idle = 0; !ends[0].done || !ends[1].done; steps++) {
        idle = wire_step(limit) ? 0 : idle + 1; // readers may be slow
        CHECK(idle < 1000 && steps < 3000000);
        if (seed % 2 == 0)
            hand_over(ends, &listener);
        if (ends[1].socket == NULL && tcp_of(ends[0].socket)->state == TCP_CLOSED)
            break; // all of its SYNs were lost, which 20 % of loss does at times
        if (ends[1].socket == NULL && stack_socket_accept(listener, &ends[1].socket) != ERR_OK)
            ends[1].socket = NULL;
        for (int side = 0; side < 2; side++) {
            if (ends[side].socket == NULL || tcp_of(ends[side].socket)->state == TCP_SYN_SENT)
                continue;
            write_some(&ends[side]);
            if (wire_random(3) == 0)
                read_some(&ends[side]);
        }
    }
    stack_socket_close(ends[0].socket);
    if (ends[1].socket != NULL)
        stack_socket_close(ends[1].socket);
    stack_socket_close(listener);
    if (seed % 2 == 0) // what nobody holds any more
        for (int side = 0; side < 2; side++) {
            wire_run(wire_random(200000000));
            wire_hand_over(side, NULL, 0);
        }
    wire_finish();
}

int main(int argc, char **argv) {
    static const struct impairment impairments[] = {
        {.delay = 1000000},
        {.loss = 100, .delay = 5000000, .jitter = 1000000},
        {.loss = 500, .duplicate = 300, .corrupt = 200, .delay = 2000000, .jitter = 8000000},
        {.loss = 2000, .delay = 20000000, .jitter = 20000000, .duplicate = 1000},
        {.delay = 10000000, .bytes_per_second = 1000000, .queue = 20},
        {.loss = 10, .delay = 50000000, .bytes_per_second = 5000000, .queue = 50},
    };
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 0) : 60;
    for (uint64_t seed = first; seed < first + count; seed++) {
        const struct impairment *impairment = &impairments[seed % 6];
        transfer(seed, impairment, seed / 6 % 2 != 0, seed / 12 % 3 == 0, impairment->loss > 1000 ? 100000 : 600000);
    }
    printf("%llu transfers\n", (unsigned long long)count);
    return 0;
}
