// What comes and goes: capabilities in requests and answers, forwarded requests, sessions that nobody holds
// any more, servers that die and come back in the midst of it, servers that never answer. Nothing may leak,
// double or hang.
#include <stdio.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/block_server.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/directory_server.h"
#include "libipc/server/session_table.h"
#include "tests/host/libipc/kernel_state.h"
#include "tests/host/libipc/scene.h"

enum { SEEDS = 200, CLIENTS = 4, OPENS = 8, WRITES = 30 };
// A server enters the kernel at least once for each write that it answers: one that dies within so many calls
// dies before the last of them.
enum { LIFE_CALLS = WRITES };

static struct server front, back;
static struct sim_process *front_process, *back_process;
static uint32_t finished, closed, opened;
static cap_t front_to_back;

// ---- open: forwarded by one server, answered by the other with a new session

static struct session_entry entries[CLIENTS * OPENS + 2];
static struct session_table table;
static uint32_t objects[CLIENTS * OPENS];

static error_t front_open(struct request *request, const struct directory_open_in *in, struct directory_open_out *out) {
    (void)out;
    char path[8];
    if (in->path_size > sizeof(path) || request_copy_in(request, 0, path, in->path_size) != ERR_OK)
        return ERR_NAME_TOO_LONG;
    struct directory_open_in below = *in;
    below.start = in->start + 2;
    return directory_open_forward(request, front_to_back, &below);
}

static error_t front_adopt(struct request *request, const struct directory_adopt_in *in, struct directory_adopt_out *out) {
    (void)request;
    error_t error = slot_duplicate(in->file, 0, &out->node); // the received one is released by the loop
    return error;
}

static const struct directory_ops front_ops = {.open = front_open, .adopt = front_adopt};

static error_t front_dispatch(struct request *request) {
    return directory_dispatch(&front_ops, request);
}

static error_t back_open(struct request *request, const struct directory_open_in *in, struct directory_open_out *out) {
    char path[8];
    CHECK(in->start == 2 && in->path_size == 5);
    error_t error = request_copy_in(request, in->start, path, in->path_size - in->start);
    if (error != ERR_OK)
        return error;
    if (memcmp(path, "abc", 3) != 0)
        return ERR_NOT_FOUND;
    uint64_t badge;
    objects[opened] = 1;
    error = session_table_insert(&table, &objects[opened++], &badge);
    if (error == ERR_OK)
        error = server_create_session(&back, badge, &out->file);
    out->kind = FILE_KIND_REGULAR;
    return error;
}

static error_t back_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)in;
    uint32_t *object = session_table_find(&table, request->badge);
    CHECK(object != NULL && *object == 1);
    out->status.inode = (uint64_t)(object - objects);
    return ERR_OK;
}

static const struct directory_ops back_directory_ops = {.open = back_open};
static const struct file_ops back_file_ops = {.status = back_status};

static error_t back_dispatch(struct request *request) {
    if (request_protocol(request) == PROTOCOL_DIRECTORY)
        return directory_dispatch(&back_directory_ops, request);
    return file_dispatch(&back_file_ops, request);
}

static void back_closed(uint64_t badge) {
    uint32_t *object = session_table_remove(&table, badge);
    CHECK(object != NULL && *object == 1);
    *object = 0;
    closed++;
}

static void open_client(void *argument) {
    cap_t root = (cap_t)(uintptr_t)argument;
    uint32_t filled = sim_filled(sim.running->process);
    cap_t files[OPENS];
    for (uint32_t i = 0; i < OPENS; i++) {
        uint64_t kind;
        CHECK(directory_open(root, 0, 0, 0, "m/abd", 5, &kind, &files[i]) == ERR_NOT_FOUND);
        CHECK(directory_open(root, 0, 0, 0, "m/abc", 5, &kind, &files[i]) == ERR_OK);
        CHECK(kind == FILE_KIND_REGULAR && sim_kind(sim.running->process, files[i]) == CAP_SESSION);
        struct file_status status;
        CHECK(file_status(files[i], &status) == ERR_OK);
        cap_t copy;
        CHECK(directory_adopt(root, files[i], &copy) == ERR_OK);
        slot_release(copy);
        CHECK(directory_adopt(root, files[i], NULL) == ERR_OK); // an unwanted result is dropped
    }
    for (uint32_t i = 0; i < OPENS; i++)
        slot_release(files[i]);
    CHECK(sim_filled(sim.running->process) == filled);
    finished++;
}

static void open_play(void) {
    front = back = (struct server){0};
    finished = closed = opened = 0;
    memset(entries, 0, sizeof(entries));
    session_table_initialize(&table, entries, CLIENTS * OPENS + 2);
    front.dispatch = front_dispatch;
    back.dispatch = back_dispatch;
    back.session_closed = back_closed;
    front_process = scene_server(&front);
    back_process = scene_server(&back);
    front_to_back = sim_session(front_process, back_process, back.endpoint, 77);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        struct sim_process *client = sim_process_create();
        cap_t root = sim_session(client, front_process, front.endpoint, i);
        sim_thread_start(client, open_client, (void *)(uintptr_t)root);
    }
}

static void open_judge(uint32_t left) {
    CHECK(left == 2 && finished == CLIENTS && opened == CLIENTS * OPENS && closed == opened && table.count == 0);
    // What is left in the servers: endpoint, the session below, and a call object for each fiber.
    uint32_t sessions = 0;
    for (cap_t slot = 0; slot < SIM_SLOTS; slot++)
        sessions += sim_kind(back_process, slot) == CAP_SESSION || sim_kind(front_process, slot) == CAP_SESSION;
    CHECK(sessions == 1);
}

// ---- A server that is killed again and again: each write takes effect once

static uint64_t total, committed_thread[CLIENTS], committed_count[CLIENTS], committed_answer[CLIENTS];
static uint32_t deaths;
static struct fiber_wait_queue nowhere;

static error_t once_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    uint64_t who = request->badge;
    unsigned char bytes[16];
    if (request_copy_in(request, 0, bytes, in->data_size) != ERR_OK)
        return ERR_IO;
    if (sim_random(2) == 0)
        CHECK(fiber_sleep_until(sim_now() + sim_random(20)) == ERR_OK);
    if (committed_thread[who] != request->number_thread || committed_count[who] != request->number_count) {
        total += bytes[0]; // effect, number and answer in one step
        committed_thread[who] = request->number_thread;
        committed_count[who] = request->number_count;
        committed_answer[who] = total;
    }
    out->count = committed_answer[who];
    return ERR_OK;
}

static const struct file_ops once_ops = {.write = once_write};

static error_t once_dispatch(struct request *request) {
    return file_dispatch(&once_ops, request);
}

static error_t middle_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    unsigned char bytes[16];
    error_t error = request_copy_in(request, 0, bytes, in->data_size);
    return error != ERR_OK ? error : file_write(front_to_back, 0, 0, bytes, in->data_size, &out->count);
}

static const struct file_ops middle_ops = {.write = middle_write};

static error_t middle_dispatch(struct request *request) {
    return file_dispatch(&middle_ops, request);
}

static void back_body(void *argument) {
    CHECK(server_run(argument) == ERR_OK);
}

static void back_again(struct sim_process *process) {
    if (++deaths < 12)
        sim_kill_later(process, 1 + sim_random(LIFE_CALLS), back_again);
    sim_thread_start(process, back_body, &back);
}

static void once_client(void *argument) {
    uint64_t last = 0;
    for (unsigned i = 0; i < WRITES; i++) {
        unsigned char byte = 3;
        uint64_t sum;
        CHECK(file_write((cap_t)(uintptr_t)argument, 0, 0, &byte, 1, &sum) == ERR_OK);
        CHECK(sum > last && sum % 3 == 0);
        last = sum;
    }
    finished++;
}

static void once_play(void) {
    front = back = (struct server){0};
    finished = deaths = 0;
    total = 0;
    memset(committed_thread, 0, sizeof(committed_thread));
    memset(committed_count, 0, sizeof(committed_count));
    back.dispatch = once_dispatch;
    back_process = scene_server(&back);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        struct sim_process *client = sim_process_create();
        sim_thread_start(client, once_client, (void *)(uintptr_t)sim_session(client, back_process, back.endpoint, i));
    }
    sim_kill_later(back_process, 1 + sim_random(LIFE_CALLS), back_again);
}

static void once_judge(uint32_t left) {
    CHECK(left == 1 && finished == CLIENTS && total == 3 * CLIENTS * WRITES && deaths >= 1);
}

// The same through a server in the middle, whose fibers repeat what was lost below.
static void middle_play(void) {
    front = back = (struct server){0};
    finished = deaths = 0;
    total = 0;
    memset(committed_thread, 0, sizeof(committed_thread));
    memset(committed_count, 0, sizeof(committed_count));
    front.dispatch = middle_dispatch;
    front_process = scene_server(&front);
    back.dispatch = once_dispatch;
    back_process = scene_server(&back);
    front_to_back = sim_session(front_process, back_process, back.endpoint, 0);
    struct sim_process *client = sim_process_create();
    sim_thread_start(client, once_client, (void *)(uintptr_t)sim_session(client, front_process, front.endpoint, 0));
    sim_kill_later(back_process, 1 + sim_random(LIFE_CALLS), back_again);
}

static void middle_judge(uint32_t left) {
    CHECK(left == 2 && finished == 1 && total == 3 * WRITES && deaths >= 1);
}

// ---- A server below that never answers

static error_t silent_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    (void)request, (void)out;
    if (in->whence == 0)
        return fiber_wait(&nowhere); // gives up when it is asked to
    fiber_wait_always(&nowhere);     // does not
    return ERR_OK;
}

static const struct file_ops silent_ops = {.seek = silent_seek};

static error_t silent_dispatch(struct request *request) {
    return file_dispatch(&silent_ops, request);
}

static error_t impatient_seek(struct request *request, const struct file_seek_in *in, struct file_seek_out *out) {
    (void)request;
    ipc_deadline = sim_now() + 40;
    error_t error = file_seek(front_to_back, 0, in->whence, &out->position);
    ipc_deadline = 0;
    if (in->whence == 0)
        return error == ERR_DEADLINE ? ERR_OK : ERR_PROTOCOL;
    return error == ERR_OUTCOME_UNKNOWN ? ERR_OK : ERR_PROTOCOL;
}

static const struct file_ops impatient_ops = {.seek = impatient_seek};

static error_t impatient_dispatch(struct request *request) {
    return file_dispatch(&impatient_ops, request);
}

static void impatient_client(void *argument) {
    uint64_t position;
    for (unsigned i = 0; i < 6; i++)
        CHECK(file_seek((cap_t)(uintptr_t)argument, 0, sim_random(2), &position) == ERR_OK);
    // The caller's own deadline: the chain below is given up with it.
    ipc_deadline = sim_now() + 5;
    error_t error = file_seek((cap_t)(uintptr_t)argument, 0, 0, &position);
    CHECK(error == ERR_CANCELLED || error == ERR_DEADLINE || error == ERR_PROTOCOL || error == ERR_OUTCOME_UNKNOWN);
    ipc_deadline = 0;
    finished++;
}

static void silent_play(void) {
    front = back = (struct server){0};
    nowhere = (struct fiber_wait_queue){0};
    finished = 0;
    front.dispatch = impatient_dispatch;
    back.dispatch = silent_dispatch;
    front_process = scene_server(&front);
    back_process = scene_server(&back);
    front_to_back = sim_session(front_process, back_process, back.endpoint, 0);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        struct sim_process *client = sim_process_create();
        sim_thread_start(client, impatient_client, (void *)(uintptr_t)sim_session(client, front_process, front.endpoint, 0));
    }
}

static void silent_judge(uint32_t left) {
    CHECK(left == 2 && finished == CLIENTS);
}

// ---- Notifications, background fibers, stopping

static uint32_t signals, background;
static cap_t doorbell;

static void background_work(void *argument) {
    (void)argument;
    CHECK(fiber_sleep_until(sim_now() + 7) == ERR_OK);
    if (++background == 10)
        server_stop(&back);
}

static void bit_set(void *argument, uint32_t bit) {
    CHECK(argument == &signals && bit == 3);
    signals++;
    CHECK(fiber_start(background_work, NULL) == ERR_OK);
}

static void ringer(void *argument) {
    (void)argument;
    while (background < 10) {
        CHECK(notification_signal(doorbell, 1 << 3 | 1 << 5) == ERR_OK);
        uint64_t position; // any call: time goes on
        error_t error = file_seek(999, 0, 0, &position);
        CHECK(error == ERR_BAD_CAPABILITY);
        sim.now += 3;
    }
    finished++;
}

static void signal_play(void) {
    back = (struct server){0};
    signals = background = finished = 0;
    back.dispatch = silent_dispatch;
    server_on_bit(&back, 3, bit_set, &signals);
    back_process = scene_server(&back);
    back.notification = sim_notification(back_process);
    struct sim_process *client = sim_process_create();
    doorbell = sim_share(client, back_process, back.notification);
    sim_thread_start(client, ringer, NULL);
}

static void signal_judge(uint32_t left) {
    CHECK(left == 0 && finished == 1 && signals >= 10);
}

int main(void) {
    scene_repeat("forwarded opens, moved sessions, sessions closed", SEEDS, open_play, open_judge);
    scene_repeat("a killed server: every write once", SEEDS, once_play, once_judge);
    scene_repeat("a server killed below another: every write once", SEEDS, middle_play, middle_judge);
    scene_repeat("a silent server: deadlines and cancelling through a chain", SEEDS, silent_play, silent_judge);
    scene_repeat("signals, background fibers, stopping", SEEDS, signal_play, signal_judge);
    return 0;
}
