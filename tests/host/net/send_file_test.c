// Bytes of files in a stream: which frames carry them as they are, what is copied instead, sums that are right whatever happens
// to the file, who frees a file and when. Streams over bad lines, with files and bytes in turn, are in transfer_test.c.
#include <errno.h>

#include "tests/host/net/wire.h"

enum { PORT = 80, FILE_BYTES = 40000, OFFSET = 100 };

static struct socket *listener, *sender, *receiver;
static uint64_t received;

static void start(uint64_t seed) {
    struct socket_name name = {.address = wire_address(1, false), .port = PORT};
    wire_start(seed);
    wire_read_files();
    wire.impairment.delay = NANOSECONDS_PER_MILLISECOND;
    received = 0;
    CHECK(stack_socket_open(wire.stacks[1], SOCKET_STREAM, false, 0, &listener) == ERR_OK);
    CHECK(stack_socket_bind(listener, &name) == ERR_OK && stack_socket_listen(listener, 5) == ERR_OK);
    CHECK(stack_socket_open(wire.stacks[0], SOCKET_STREAM, false, 0, &sender) == ERR_OK);
    CHECK(stack_socket_connect(sender, &name) == ERR_IN_PROGRESS);
    wire_run(NANOSECONDS_PER_SECOND / 10);
    CHECK(stack_socket_accept(listener, &receiver) == ERR_OK);
}

static void finish(void) {
    stack_socket_close(sender);
    stack_socket_close(receiver);
    stack_socket_close(listener);
    CHECK(wire.stacks[0]->statistics.tcp_bad == 0 && wire.stacks[1]->statistics.tcp_bad == 0);
    wire_finish();
}

static uint8_t byte_at(uint64_t position) {
    return (uint8_t)(position * 7 + position / 256);
}

static struct wire_file *file_of(uint64_t position, uint32_t length) {
    struct wire_file *file = wire_file_make(0, OFFSET + length);
    for (uint32_t i = 0; i < length; i++)
        file->bytes[OFFSET + i] = byte_at(position + i);
    return file;
}

static void send_file(struct wire_file *file, uint32_t length) {
    CHECK(stack_socket_stream_file(sender, &file->file, OFFSET, length) == ERR_OK);
    stack_file_release(sender->stack, &file->file);
}

static void write_bytes(uint64_t position, uint32_t length) {
    struct piece pieces[2];
    uint32_t count, done = 0;
    CHECK(stack_socket_stream_room(sender, length, pieces, &count) == ERR_OK);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < pieces[i].length; j++, done++)
            ((uint8_t *)(uintptr_t)pieces[i].data)[j] = byte_at(position + done);
    CHECK(done == length);
    stack_socket_stream_written(sender, done);
}

// Takes what has come; false: a byte is not the one of its place.
static bool read_all(void) {
    struct piece pieces[2];
    uint32_t count;
    bool good = true;
    while (stack_socket_stream_data(receiver, 0, UINT32_MAX, pieces, &count) == ERR_OK && count != 0) {
        uint32_t done = 0;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j < pieces[i].length; j++, done++)
                good = good && ((const uint8_t *)pieces[i].data)[j] == byte_at(received + done);
        received += done;
        stack_socket_stream_taken(receiver, done);
    }
    return good;
}

// Bytes, a file, bytes, a file: the cards read all of both files, nobody copies one of them.
static void test_carried(void) {
    start(1);
    const struct interface *interface;
    CHECK(stack_socket_stream_card(sender, &interface) == ERR_OK && interface == wire.interfaces[0]);
    write_bytes(0, 300);
    send_file(file_of(300, FILE_BYTES), FILE_BYTES);
    write_bytes(300 + FILE_BYTES, 77);
    send_file(file_of(377 + FILE_BYTES, FILE_BYTES), FILE_BYTES);
    CHECK(wire.files == 2 && stack_socket_bytes_unsent(sender) == 377 + 2 * FILE_BYTES);
    for (int i = 0; i < 100; i++) {
        wire_run(NANOSECONDS_PER_SECOND / 100);
        CHECK(read_all());
    }
    CHECK(received == 377 + 2 * FILE_BYTES && wire.files == 0);
    const struct stack_statistics *statistics = &wire.stacks[0]->statistics;
    CHECK(statistics->file_bytes_by_card == 2 * FILE_BYTES && statistics->file_bytes_copied == 0);
    CHECK(statistics->tcp_retransmitted == 0);
    finish();
}

static uint32_t to_lose;
static bool lose(int from, const uint8_t *frame, uint32_t length) {
    (void)frame;
    if (from != 0 || length < 1000 || to_lose == 0)
        return false;
    to_lose--;
    return true;
}

// The first frames are lost and the file is changed before they are sent again: the peer gets what it is then, with good sums.
static void test_changed(void) {
    start(2);
    struct wire_file *file = file_of(0, FILE_BYTES);
    to_lose = 3;
    wire.drop = lose;
    send_file(file, FILE_BYTES);
    CHECK(to_lose == 0);
    for (uint32_t i = 0; i < 3000; i++)
        file->bytes[OFFSET + i] ^= 0xff;
    wire_run(5 * NANOSECONDS_PER_SECOND);
    CHECK(!read_all() && received == FILE_BYTES && wire.files == 0);
    const struct stack_statistics *statistics = &wire.stacks[0]->statistics;
    CHECK(statistics->tcp_retransmitted >= 3 && statistics->file_bytes_copied == 0);
    CHECK(statistics->file_bytes_by_card > FILE_BYTES && wire.stacks[1]->statistics.tcp_bad == 0);
    finish();
}

// What can't be carried is copied: somebody captures, or another card has the file.
static void test_copied(void) {
    for (int round = 0; round < 2; round++) {
        struct socket *capture = NULL;
        const struct interface *interface;
        start(3);
        struct wire_file *file = file_of(0, FILE_BYTES);
        if (round == 0) {
            CHECK(stack_socket_open(wire.stacks[0], SOCKET_PACKET, false, 0, &capture) == ERR_OK);
            CHECK(stack_socket_stream_card(sender, &interface) == ERR_NOT_SUPPORTED);
        } else {
            file->file.interface = wire.interfaces[1];
        }
        send_file(file, FILE_BYTES);
        wire_run(NANOSECONDS_PER_SECOND);
        CHECK(read_all() && received == FILE_BYTES && wire.files == 0);
        const struct stack_statistics *statistics = &wire.stacks[0]->statistics;
        CHECK(statistics->file_bytes_by_card == 0 && statistics->file_bytes_copied == FILE_BYTES);
        if (capture != NULL)
            stack_socket_close(capture);
        finish();
    }
}

// Bounds, and what a full queue says.
static void test_bounds(void) {
    start(4);
    const struct interface *interface;
    wire.drop = lose;
    to_lose = UINT32_MAX; // nothing arrives
    for (int i = 0; i < FILE_RANGES_MOST; i++) {
        CHECK(stack_socket_stream_card(sender, &interface) == ERR_OK);
        send_file(file_of(0, FILE_BYTES), FILE_BYTES);
    }
    CHECK(stack_socket_stream_card(sender, &interface) == ERR_NOT_SUPPORTED);
    struct wire_file *more = file_of(0, FILE_BYTES);
    CHECK(stack_socket_stream_file(sender, &more->file, 0, FILE_BYTES) == ERR_NOT_SUPPORTED && more->file.references == 1);
    stack_socket_set_limits(sender, 4 * FILE_BYTES, 4096);
    CHECK(stack_socket_stream_card(sender, &interface) == ERR_AGAIN);
    CHECK(stack_socket_stream_file(sender, &more->file, 0, FILE_BYTES) == ERR_AGAIN);
    CHECK((stack_socket_readiness(sender) & SOCKET_CAN_WRITE) == 0);
    CHECK(wire.files == FILE_RANGES_MOST + 1);
    stack_file_release(sender->stack, &more->file);
    CHECK(stack_socket_shutdown(sender, STACK_SIDE_WRITE) == ERR_OK);
    CHECK(stack_socket_stream_card(sender, &interface) == ERR_BROKEN_PIPE && wire.files == FILE_RANGES_MOST);
    wire.drop = NULL;
    finish();
}

// The connection ends with files in its queue: by a reset, and by the holder's close, which still sends all.
static void test_ends(void) {
    start(5);
    wire.drop = lose;
    to_lose = UINT32_MAX;
    send_file(file_of(0, FILE_BYTES), FILE_BYTES);
    tcp_send_reset(tcp_of(receiver));
    wire_run(NANOSECONDS_PER_SECOND / 10);
    CHECK(wire.files == 0 && tcp_of(sender)->state == TCP_CLOSED);
    const struct interface *interface;
    CHECK(stack_socket_stream_card(sender, &interface) == -ECONNRESET);
    wire.drop = NULL;
    finish();
    start(6);
    send_file(file_of(0, FILE_BYTES), FILE_BYTES);
    stack_socket_close(sender);
    CHECK(wire.files == 1);
    wire_run(NANOSECONDS_PER_SECOND);
    CHECK(read_all() && received == FILE_BYTES && wire.files == 0);
    stack_socket_close(receiver);
    stack_socket_close(listener);
    wire_finish();
}

// Another build gets the bytes, as they are then, and no file.
static void test_handed_over(void) {
    start(7);
    wire.drop = lose;
    to_lose = 5;
    write_bytes(0, 300);
    send_file(file_of(300, FILE_BYTES), FILE_BYTES);
    write_bytes(300 + FILE_BYTES, 400);
    struct socket **sockets[] = {&sender};
    wire_hand_over(0, sockets, 1);
    CHECK(wire.files == 0 && stack_socket_bytes_unsent(sender) == 700 + FILE_BYTES);
    wire_run(5 * NANOSECONDS_PER_SECOND);
    CHECK(read_all() && received == 700 + FILE_BYTES);
    finish();
}

int main(void) {
    test_carried();
    test_changed();
    test_copied();
    test_bounds();
    test_ends();
    test_handed_over();
    printf("files in streams: carried, changed, copied, bounded, ended, handed over\n");
    return 0;
}
