// The server's loop and the client's calls against each other: plain calls, lent buffers, waiting in every
// way, deferred answers, forwarding, capabilities, cancelling, deadlines, lost servers. Each in many orders.
#include <stdio.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/block_server.h"
#include "libipc/server/loop.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/directory_server.h"
#include "tests/host/libipc/scene.h"

enum { SEEDS = 300, CLIENTS = 5, FILE_BYTES = 5000 };

static struct server server, lower;
static struct sim_process *server_process, *lower_process;
static uint32_t finished;
static unsigned char contents[FILE_BYTES];

static cap_t client_session(struct sim_process *client, uint64_t badge) {
    return sim_session(client, server_process, server.endpoint, badge);
}

static void reset(void) {
    server = lower = (struct server){0};
    finished = 0;
    for (uint32_t i = 0; i < FILE_BYTES; i++)
        contents[i] = (unsigned char)(i * 7 + i / 256);
}

// ---- Calls and lent buffers

static error_t plain_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    if (in->position > FILE_BYTES)
        return ERR_INVALID;
    uint64_t count = FILE_BYTES - in->position;
    if (count > in->data_size)
        count = in->data_size;
    error_t error = request_copy_out(request, 0, contents + in->position, count);
    if (error == ERR_OK)
        out->count = count;
    return error;
}

static error_t plain_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    if (in->position + in->data_size > FILE_BYTES)
        return ERR_NO_SPACE;
    unsigned char copy[FILE_BYTES];
    error_t error = request_copy_in(request, 0, copy, in->data_size);
    if (error != ERR_OK)
        return error;
    memcpy(contents + in->position, copy, in->data_size);
    out->count = in->data_size;
    return ERR_OK;
}

static error_t plain_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)in;
    out->status.inode = request->badge;
    out->status.size = FILE_BYTES;
    out->status.mode = 0644;
    out->status.modified = -5;
    return ERR_OK;
}

static error_t plain_set_status(struct request *request, const struct file_set_status_in *in, struct file_set_status_out *out) {
    (void)out;
    return in->fields == 3 && in->status.user == request->badge && in->status.mode == 0777 ? ERR_OK : ERR_INVALID;
}

static error_t plain_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    (void)request;
    out->position = (uint64_t)(in->offset + 100);
    return in->whence > 2 ? ERR_INVALID : ERR_OK;
}

static const struct file_ops plain_ops = {
    .read = plain_read, .write = plain_write, .status = plain_status, .set_status = plain_set_status, .seek = plain_seek};

static error_t plain_dispatch(struct request *request) {
    return file_dispatch(&plain_ops, request);
}

static void plain_client(void *argument) {
    cap_t file = (cap_t)(uintptr_t)argument;
    uint64_t position, count;
    CHECK(file_seek(file, -30, 1, &position) == ERR_OK && position == 70);
    CHECK(file_seek(file, 0, 9, &position) == ERR_INVALID);
    CHECK(file_truncate(file, 1) == ERR_NOT_SUPPORTED);
    struct file_status status;
    CHECK(file_status(file, &status) == ERR_OK && status.size == FILE_BYTES && status.modified == -5);
    status.user = (uint32_t)status.inode;
    status.mode = 0777;
    CHECK(file_set_status(file, 3, &status) == ERR_OK);
    unsigned char data[FILE_BYTES], expected[FILE_BYTES];
    CHECK(file_read(file, 0, 0, data, sizeof(data), &count) == ERR_OK && count == FILE_BYTES);
    CHECK(memcmp(data, contents, FILE_BYTES) == 0);
    memcpy(expected, contents, FILE_BYTES);
    CHECK(file_read(file, 4990, 0, data, 100, &count) == ERR_OK && count == 10);
    CHECK(memcmp(data, expected + 4990, 10) == 0);
    CHECK(file_write(file, 200, 0, expected + 200, 2500, &count) == ERR_OK && count == 2500);
    CHECK(file_read(file, 0, 0, NULL, 0, &count) == ERR_OK && count == 0);
    finished++;
}

static void plain_play(void) {
    reset();
    server.dispatch = plain_dispatch;
    server_process = scene_server(&server);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        struct sim_process *client = sim_process_create();
        sim_thread_start(client, plain_client, (void *)(uintptr_t)client_session(client, 10 + i));
    }
    sim_miss_pages(sim_random(4)); // brought in twice, then bounced
}

static void plain_judge(uint32_t left) {
    CHECK(left == 1 && finished == CLIENTS);
}

// ---- Waiting: every handler calls a lower server, sleeps, queues for a lock and waits for another request

static struct fiber_lock lock;
static struct fiber_wait_queue meeting;
static uint32_t inside, sharing, met;

static error_t lower_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    (void)request;
    if (sim_random(2) == 0 && fiber_sleep_until(sim_now() + sim_random(50)) != ERR_OK)
        return ERR_CANCELLED;
    out->position = (uint64_t)in->offset * 2;
    return ERR_OK;
}

static const struct file_ops lower_ops = {.seek = lower_seek};

static error_t lower_dispatch(struct request *request) {
    return file_dispatch(&lower_ops, request);
}

static cap_t to_lower;

static error_t waiting_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    uint64_t before = request->badge, position;
    error_t error = file_seek(to_lower, in->offset, 0, &position);
    if (error != ERR_OK)
        return error;
    CHECK(request->badge == before && position == (uint64_t)in->offset * 2);
    if (sim_random(2) == 0) {
        fiber_lock_exclusive(&lock);
        CHECK(inside == 0 && sharing == 0);
        inside++;
        fiber_yield();
        CHECK(file_seek(to_lower, 1, 0, &position) == ERR_OK && position == 2);
        inside--;
    } else {
        fiber_lock_shared(&lock);
        CHECK(inside == 0);
        sharing++;
        CHECK(fiber_sleep_until(sim_now() + 10) == ERR_OK);
        sharing--;
    }
    fiber_unlock(&lock);
    // Every second one is waited for by the one before it, for a while.
    if (++met % 2 != 0) {
        uint64_t until = sim_now() + 30;
        error = fiber_wait_until(&meeting, until);
        CHECK(error == ERR_OK || (error == ERR_DEADLINE && sim_now() >= until));
    } else {
        fiber_wake_all(&meeting);
    }
    out->position = (uint64_t)in->offset + 1000 * request->badge;
    return ERR_OK;
}

static error_t waiting_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    uint64_t position;
    CHECK(file_seek(to_lower, 4, 0, &position) == ERR_OK); // the lent buffer stays reachable over a wait
    unsigned char data[64];
    CHECK(in->data_size == sizeof(data) && request_copy_in(request, 0, data, sizeof(data)) == ERR_OK);
    for (uint32_t i = 0; i < sizeof(data); i++)
        out->count += data[i];
    return ERR_OK;
}

static const struct file_ops waiting_ops = {.seek = waiting_seek, .write = waiting_write};

static error_t waiting_dispatch(struct request *request) {
    return file_dispatch(&waiting_ops, request);
}

static void waiting_client(void *argument) {
    cap_t file = (cap_t)(uintptr_t)argument;
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t position, count;
        CHECK(file_seek(file, (int64_t)i, 0, &position) == ERR_OK);
        CHECK(position % 1000 == i && position / 1000 >= 20);
        unsigned char data[64];
        memset(data, (int)i, sizeof(data));
        CHECK(file_write(file, 0, 0, data, sizeof(data), &count) == ERR_OK && count == 64 * i);
    }
    finished++;
}

static void waiting_play(void) {
    reset();
    lock = (struct fiber_lock){0};
    meeting = (struct fiber_wait_queue){0};
    inside = sharing = met = 0;
    server.dispatch = waiting_dispatch;
    lower.dispatch = lower_dispatch;
    server_process = scene_server(&server);
    lower_process = scene_server(&lower);
    to_lower = sim_session(server_process, lower_process, lower.endpoint, 1);
    for (uint64_t i = 0; i < 6; i++) {
        struct sim_process *client = sim_process_create();
        sim_thread_start(client, waiting_client, (void *)(uintptr_t)client_session(client, 20 + i));
    }
}

static void waiting_judge(uint32_t left) {
    CHECK(left == 2 && finished == 6 && inside == 0 && sharing == 0 && met == 24);
}

// ---- Deferred answers: a pipe

static struct deferred reader;
static bool reader_waits;
static unsigned char pipe_byte;
static bool pipe_full;

static void reader_cancelled(struct deferred *deferred) {
    reader_waits = false;
    file_read_answer(deferred, ERR_CANCELLED, NULL);
}

static error_t pipe_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    (void)in;
    if (!pipe_full) {
        if (reader_waits)
            return ERR_BUSY;
        reader_waits = true;
        error_t error = request_defer(request, &reader);
        reader.cancelled = reader_cancelled;
        return error;
    }
    error_t error = request_copy_out(request, 0, &pipe_byte, 1);
    if (error != ERR_OK)
        return error;
    pipe_full = false;
    out->count = 1;
    return ERR_OK;
}

static error_t pipe_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    (void)in;
    if (pipe_full)
        return ERR_AGAIN;
    error_t error = request_copy_in(request, 0, &pipe_byte, 1);
    if (error != ERR_OK)
        return error;
    pipe_full = true;
    out->count = 1;
    if (!reader_waits)
        return ERR_OK;
    reader_waits = false;
    error = deferred_copy_out(&reader, 0, &pipe_byte, 1);
    struct file_read_out answer = {.count = 1};
    file_read_answer(&reader, error, &answer);
    pipe_full = error != ERR_OK;
    return ERR_OK;
}

static const struct file_ops pipe_ops = {.read = pipe_read, .write = pipe_write};

static error_t pipe_dispatch(struct request *request) {
    return file_dispatch(&pipe_ops, request);
}

static void pipe_reader(void *argument) {
    for (unsigned i = 0; i < 40;) {
        unsigned char byte = 0;
        uint64_t count;
        ipc_deadline = sim_random(3) == 0 ? sim_now() + 5 : 0;
        error_t error = file_read((cap_t)(uintptr_t)argument, 0, 0, &byte, 1, &count);
        ipc_deadline = 0;
        CHECK(error == ERR_OK || error == ERR_CANCELLED || error == ERR_DEADLINE);
        if (error == ERR_OK)
            CHECK(count == 1 && byte == i++);
    }
    finished++;
}

static void pipe_writer(void *argument) {
    for (unsigned i = 0; i < 40;) {
        unsigned char byte = (unsigned char)i;
        uint64_t count;
        error_t error = file_write((cap_t)(uintptr_t)argument, 0, 0, &byte, 1, &count);
        CHECK(error == ERR_OK || error == ERR_AGAIN);
        i += error == ERR_OK;
    }
    finished++;
}

static void pipe_play(void) {
    reset();
    reader_waits = pipe_full = false;
    server.dispatch = pipe_dispatch;
    server_process = scene_server(&server);
    struct sim_process *client = sim_process_create();
    sim_thread_start(client, pipe_reader, (void *)(uintptr_t)client_session(client, 1));
    client = sim_process_create();
    sim_thread_start(client, pipe_writer, (void *)(uintptr_t)client_session(client, 2));
}

static void pipe_judge(uint32_t left) {
    CHECK(left == 1 && finished == 2);
}

// ---- Locks that wait for each other

static void circles(void) {
    static struct fiber one, two, three;
    struct fiber_lock a = {.exclusive = true, .owner = &one}, b = {.exclusive = true, .owner = &two},
                      c = {.exclusive = true, .owner = &three}, open = {0}, read = {.shared = 1};
    one.state = two.state = three.state = FIBER_WAITING;
    one.lock = &b;
    two.lock = &c;
    CHECK(fiber_lock_closes_circle(&a, &three) && fiber_lock_closes_circle(&a, &one) && fiber_lock_closes_circle(&c, &three));
    two.state = FIBER_CALLING; // has got it, and will go on
    CHECK(!fiber_lock_closes_circle(&a, &three));
    two.state = FIBER_WAITING;
    two.lock = &read;
    CHECK(!fiber_lock_closes_circle(&a, &three) && !fiber_lock_closes_circle(&open, &one) &&
          !fiber_lock_closes_circle(&read, &one));
}

int main(void) {
    circles();
    scene_repeat("calls, words and lent buffers, missing pages", SEEDS, plain_play, plain_judge);
    scene_repeat("fibers wait for answers, locks, times and each other", SEEDS, waiting_play, waiting_judge);
    scene_repeat("deferred answers, deadlines and cancelling", SEEDS, pipe_play, pipe_judge);
    return 0;
}
