// Buffers marked `inline`: up to the limit they travel in the message's registers, one byte more is lent, and
// a handler cannot tell which. Both ways, forwarded, deferred, with a memory object, and with a caller that
// dies.
#include <stdio.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/directory_server.h"
#include "tests/host/libipc/kernel_state.h"
#include "tests/host/libipc/scene.h"

// The registers that the arguments leave free, less one for the length.
enum {
    SEEDS = 100,
    WRITE_LIMIT = (6 - 2 - 1) * 8,
    READ_LIMIT = (6 - 1 - 1) * 8,
    STATUS_LIMIT = (6 - 2 - 1) * 8,
    BYTES = 64,
    FLAG_MEMORY = 1, // of file.read and file.write here: through a memory object
    FLAG_SKIP = 2,   // only the bytes from `position` on
    GUARD = 0xa5
};

static struct server front, back;
static struct sim_process *front_process, *back_process;
static cap_t front_to_back, memory;
static unsigned char contents[BYTES], memory_bytes[3 * BYTES]; // read from its start, written to behind
static uint32_t finished, inline_requests, lent_requests, forwarded_aside;

static unsigned char pattern(uint64_t i) {
    return (unsigned char)(i * 11 + 3);
}

// Which form came must follow from the length alone.
static void form_check(const struct request *request, uint64_t size, uint64_t limit, bool out) {
    bool lent = (request->tag & (out ? TAG_LEND_WRITE : TAG_LEND_READ)) != 0;
    bool carried = out ? request->carried.out : request->carried.in;
    CHECK(lent == (size > limit) && carried == !lent);
    CHECK((out ? request->carried.in : request->carried.out) == false);
    if (lent)
        lent_requests++;
    else
        inline_requests++;
}

// ---- The server below

static error_t back_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    unsigned char bytes[BYTES + 1];
    form_check(request, in->data_size, WRITE_LIMIT, false);
    CHECK(request_copy_in(request, 0, bytes, in->data_size + 1) == ERR_INVALID);
    error_t error;
    if ((in->flags & FLAG_MEMORY) != 0) {
        memset(memory_bytes + BYTES, 0, 2 * BYTES);
        error = request_copy_in_memory(request, 0, memory, BYTES + 3, in->data_size);
        memcpy(bytes, memory_bytes + BYTES + 3, in->data_size);
    } else {
        fiber_yield(); // others come in between
        error = request_copy_in(request, 0, bytes, in->data_size);
    }
    CHECK(error == ERR_OK);
    for (uint64_t i = 0; i < in->data_size; i++)
        CHECK(bytes[i] == pattern(i + in->position));
    if (in->data_size > 4) { // from the middle
        CHECK(request_copy_in(request, 3, bytes, 2) == ERR_OK);
        CHECK(bytes[0] == pattern(3 + in->position) && bytes[1] == pattern(4 + in->position));
    }
    out->count = in->data_size;
    return ERR_OK;
}

static error_t back_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    form_check(request, in->data_size, READ_LIMIT, true);
    CHECK(request_copy_out(request, in->data_size, contents, 1) == ERR_INVALID);
    uint64_t skipped = (in->flags & FLAG_SKIP) != 0 ? in->position : 0;
    uint64_t length = in->data_size - skipped;
    if ((in->flags & FLAG_SKIP) == 0 && in->position < length)
        length = in->position; // a short one
    error_t error = (in->flags & FLAG_MEMORY) != 0 ? request_copy_out_memory(request, skipped, memory, skipped, length)
                                                   : request_copy_out(request, skipped, contents + skipped, length);
    out->count = skipped + length;
    return error;
}

static error_t back_status(struct request *request, const struct directory_status_in *in, struct directory_status_out *out) {
    unsigned char path[BYTES];
    form_check(request, in->path_size, STATUS_LIMIT, false);
    CHECK(in->start == 7); // what the front made of it
    CHECK(request_copy_in(request, 0, path, in->path_size) == ERR_OK);
    for (uint64_t i = 0; i < in->path_size; i++)
        CHECK(path[i] == pattern(i));
    out->status.size = in->path_size;
    return in->flags != 0 ? ERR_NOT_FOUND : ERR_OK;
}

static const struct file_ops back_file_ops = {.read = back_read, .write = back_write};
static const struct directory_ops back_directory_ops = {.status = back_status};

static error_t back_dispatch(struct request *request) {
    return request_protocol(request) == PROTOCOL_DIRECTORY ? directory_dispatch(&back_directory_ops, request)
                                                           : file_dispatch(&back_file_ops, request);
}

// ---- The server in front hands everything on: at once, or after it has put the request aside

static struct deferred waiting;

static error_t front_status(struct request *request, const struct directory_status_in *in, struct directory_status_out *out) {
    (void)out;
    unsigned char first;
    if (in->path_size != 0)
        CHECK(request_copy_in(request, 0, &first, 1) == ERR_OK && first == pattern(0));
    struct directory_status_in below = *in;
    below.start = 7;
    return directory_status_forward(request, front_to_back, &below);
}

// As file_read_forward and file_write_forward do, but after the request was put aside.
static error_t aside_forward(struct request *request, const struct ipc_shape *shape) {
    struct deferred aside;
    CHECK(request_defer(request, &aside) == ERR_OK);
    fiber_yield(); // the request that comes in between must not show in this one
    static const struct ipc_shape narrow = {.method = METHOD_FILE_TRUNCATE, .words_in = 1};
    if (request->carried.in && aside.lent_read_length != 0)
        CHECK(deferred_forward(&aside, front_to_back, &narrow, request->words) == ERR_MESSAGE_SIZE);
    CHECK(deferred_forward(&aside, front_to_back, shape, request->words) == ERR_OK);
    forwarded_aside++;
    return ERR_OK;
}

static error_t front_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    (void)out;
    static const struct ipc_shape shape = {.method = METHOD_FILE_READ, .words_in = 2, .words_out = 1, .carries_out = READ_LIMIT};
    return sim_random(2) != 0 ? file_read_forward(request, front_to_back, in) : aside_forward(request, &shape);
}

static error_t front_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    (void)out;
    static const struct ipc_shape narrow = {.method = METHOD_FILE_TRUNCATE, .words_in = 1};
    CHECK(request->carried.in && in->data_size != 0);
    CHECK(request_forward(request, front_to_back, &narrow, request->words) == ERR_MESSAGE_SIZE);
    static const struct ipc_shape shape = {.method = METHOD_FILE_WRITE, .words_in = 2, .words_out = 1, .carries_in = WRITE_LIMIT};
    return sim_random(2) != 0 ? file_write_forward(request, front_to_back, in) : aside_forward(request, &shape);
}

static const struct directory_ops front_directory_ops = {.status = front_status};
static const struct file_ops front_file_ops = {.read = front_read, .write = front_write};

static error_t front_dispatch(struct request *request) {
    return request_protocol(request) == PROTOCOL_DIRECTORY ? directory_dispatch(&front_directory_ops, request)
                                                           : file_dispatch(&front_file_ops, request);
}

// ---- The client

static void write_try(cap_t file, uint64_t size, uint64_t flags) {
    unsigned char data[BYTES];
    uint64_t count = 99, position = size % 5;
    for (uint64_t i = 0; i < size; i++)
        data[i] = pattern(i + position);
    CHECK(file_write(file, position, flags, size != 0 ? data : NULL, size, &count) == ERR_OK && count == size);
}

// `position`: see back_read. What the server did not write stays as it was, except the bytes that it skipped.
static void read_try(cap_t file, uint64_t size, uint64_t position, uint64_t flags) {
    unsigned char data[BYTES];
    memset(data, GUARD, BYTES);
    uint64_t count = 99, skipped = (flags & FLAG_SKIP) != 0 ? position : 0;
    CHECK(file_read(file, position, flags, size != 0 ? data : NULL, size, &count) == ERR_OK);
    CHECK(count == ((flags & FLAG_SKIP) == 0 && position < size ? position : size));
    for (uint64_t i = skipped; i < BYTES; i++)
        CHECK(data[i] == (i < count ? pattern(i) : GUARD));
    for (uint64_t i = 0; i < skipped; i++)
        CHECK(data[i] == (size <= READ_LIMIT ? 0 : GUARD));
}

static void both_try(cap_t file) {
    // The limits, and one byte beyond.
    static const uint64_t sizes[] = {
        0, 1, 7, 8, 9, WRITE_LIMIT - 1, WRITE_LIMIT, WRITE_LIMIT + 1, READ_LIMIT - 1, READ_LIMIT, READ_LIMIT + 1, BYTES};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t size = sizes[i];
        for (uint64_t flags = 0; flags <= FLAG_MEMORY; flags++) {
            write_try(file, size, flags);
            read_try(file, size, UINT64_MAX, flags);
            if (size != 0) {
                read_try(file, size, size - 1, flags);
                read_try(file, size, size / 2, flags | FLAG_SKIP);
            }
        }
    }
}

// Whole words come back, and the server's fiber has had other requests in its hands: none of those may show.
static void stale_try(cap_t file) {
    write_try(file, WRITE_LIMIT, 0);
    struct ipc_registers registers = {.target = file, .tag = TAG(METHOD_FILE_READ, 3), .words = {1, 0, READ_LIMIT}};
    CHECK(system_call(SYS_CALL, &registers) == ERR_OK && tag_status(registers.tag) == ERR_OK);
    CHECK(tag_words(registers.tag) == 3 && registers.words[0] == 1 && registers.words[1] == 1);
    CHECK(registers.words[2] == pattern(0));
}

// Forms that no stub sends.
static void malformed_try(cap_t file) {
    static const struct {
        uint32_t method, words;
        uint64_t length;
    } cases[] = {{METHOD_FILE_WRITE, 3, 1},  {METHOD_FILE_WRITE, 4, 9},          {METHOD_FILE_WRITE, 4, 0},
                 {METHOD_FILE_WRITE, 6, 25}, {METHOD_FILE_WRITE, 3, UINT64_MAX}, {METHOD_FILE_WRITE, 7, 24},
                 {METHOD_FILE_READ, 3, 33},  {METHOD_FILE_READ, 4, 8},           {METHOD_FILE_READ, 3, UINT64_MAX}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ipc_registers registers = {
            .target = file, .tag = TAG(cases[i].method, cases[i].words), .words = {0, 0, cases[i].length}};
        CHECK(system_call(SYS_CALL, &registers) == ERR_OK);
        CHECK(tag_status(registers.tag) == ERR_BAD_MESSAGE && tag_words(registers.tag) == 0);
    }
}

static void direct_client(void *argument) {
    cap_t file = (cap_t)(uintptr_t)argument;
    both_try(file);
    stale_try(file);
    malformed_try(file);
    finished++;
}

static void forward_client(void *argument) {
    cap_t session = (cap_t)(uintptr_t)argument;
    unsigned char path[BYTES];
    for (uint64_t i = 0; i < BYTES; i++)
        path[i] = pattern(i);
    for (uint64_t size = 0; size <= BYTES; size++) {
        struct file_status status;
        CHECK(directory_status(session, 1, 0, (const char *)path, size, &status) == ERR_OK && status.size == size);
        CHECK(directory_status(session, 1, 1, (const char *)path, size, &status) == ERR_NOT_FOUND);
    }
    for (uint64_t size = 0; size <= READ_LIMIT + 1; size++)
        read_try(session, size, UINT64_MAX, 0);
    for (uint64_t size = 1; size <= WRITE_LIMIT; size++)
        write_try(session, size, 0);
    finished++;
}

static void reset(void) {
    front = back = (struct server){0};
    finished = inline_requests = lent_requests = forwarded_aside = 0;
    for (uint64_t i = 0; i < BYTES; i++)
        contents[i] = pattern(i);
    back.dispatch = back_dispatch;
    back_process = scene_server(&back);
    memory = 0;
}

static void direct_play(void) {
    reset();
    memcpy(memory_bytes, contents, BYTES);
    memory = sim_memory(back_process, memory_bytes, sizeof(memory_bytes));
    struct sim_process *client = sim_process_create();
    sim_thread_start(client, direct_client, (void *)(uintptr_t)sim_session(client, back_process, back.endpoint, 1));
}

static void direct_judge(uint32_t left) {
    CHECK(left == 1 && finished == 1 && inline_requests > 20 && lent_requests > 20);
}

static void forward_play(void) {
    reset();
    front.dispatch = front_dispatch;
    front_process = scene_server(&front);
    front_to_back = sim_session(front_process, back_process, back.endpoint, 1);
    for (uint64_t i = 0; i < 3; i++) {
        struct sim_process *client = sim_process_create();
        sim_thread_start(client, forward_client, (void *)(uintptr_t)sim_session(client, front_process, front.endpoint, i));
    }
}

static void forward_judge(uint32_t left) {
    CHECK(left == 2 && finished == 3 && forwarded_aside > 20);
    CHECK(lent_requests == 3 * (2 * (BYTES - STATUS_LIMIT) + 1));
    CHECK(inline_requests == 3 * (2 * (STATUS_LIMIT + 1) + READ_LIMIT + 1 + WRITE_LIMIT));
}

// ---- Deferred: a reader waits for a writer. One that died meanwhile must not get the bytes.

static bool is_waiting;
static struct sim_process *reader_process;
static uint32_t refused, delivered;

static error_t meet_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    (void)in, (void)out;
    CHECK(!is_waiting);
    is_waiting = true;
    return request_defer(request, &waiting);
}

static error_t meet_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    unsigned char bytes[BYTES];
    if (!is_waiting)
        return ERR_AGAIN;
    CHECK(request_copy_in(request, 0, bytes, in->data_size) == ERR_OK);
    is_waiting = false;
    error_t error = deferred_copy_out(&waiting, 0, bytes, in->data_size);
    struct file_read_out answer = {.count = in->data_size};
    file_read_answer(&waiting, error, &answer);
    CHECK(error == ERR_OK || error == ERR_BAD_CAPABILITY);
    if (error == ERR_OK)
        delivered++;
    else
        refused++;
    out->count = error == ERR_OK ? in->data_size : 0;
    return ERR_OK;
}

static const struct file_ops meet_ops = {.read = meet_read, .write = meet_write};

static error_t meet_dispatch(struct request *request) {
    return file_dispatch(&meet_ops, request);
}

static void meet_reader(void *argument) {
    uint64_t size = 1 + sim_random(READ_LIMIT + 1), count;
    unsigned char data[BYTES];
    memset(data, GUARD, BYTES);
    CHECK(file_read((cap_t)(uintptr_t)argument, 0, 0, data, size, &count) == ERR_OK && count == 1);
    CHECK(data[0] == pattern(0) && data[1] == GUARD);
    finished++;
}

static void meet_writer(void *argument) {
    unsigned char byte = pattern(0);
    uint64_t count;
    error_t error;
    while ((error = file_write((cap_t)(uintptr_t)argument, 0, 0, &byte, 1, &count)) == ERR_AGAIN)
        continue;
    CHECK(error == ERR_OK);
    finished++;
}

// Kills the reader once it waits, then lets a writer come.
static void meet_killer(void *argument) {
    struct sim_process *writer = argument;
    uint64_t count;
    while (!is_waiting) // any call: the others go on
        CHECK(file_read(999, 0, 0, NULL, 0, &count) == ERR_BAD_CAPABILITY);
    for (struct sim_thread *thread = sim.threads; thread != NULL; thread = thread->next) {
        if (thread->process == reader_process) {
            thread->state = SIM_ENDED;
            sim_request_finish(&thread->request, ERR_SERVER_LOST);
        }
    }
    sim_thread_start(writer, meet_writer, (void *)(uintptr_t)sim_session(writer, back_process, back.endpoint, 3));
}

static void meet_begin(void) {
    reset();
    is_waiting = false;
    refused = delivered = 0;
    back.dispatch = meet_dispatch;
    reader_process = sim_process_create();
    sim_thread_start(reader_process, meet_reader, (void *)(uintptr_t)sim_session(reader_process, back_process, back.endpoint, 2));
}

static void meet_play(void) {
    meet_begin();
    struct sim_process *writer = sim_process_create();
    sim_thread_start(writer, meet_writer, (void *)(uintptr_t)sim_session(writer, back_process, back.endpoint, 3));
}

static void meet_judge(uint32_t left) {
    CHECK(left == 1 && finished == 2 && delivered == 1 && refused == 0);
}

static void dead_play(void) {
    meet_begin();
    sim_thread_start(sim_process_create(), meet_killer, sim_process_create());
}

static void dead_judge(uint32_t left) {
    CHECK(left == 1 && finished == 1 && delivered == 0 && refused == 1);
}

int main(void) {
    scene_repeat("at the limit, one byte over, none, malformed", SEEDS, direct_play, direct_judge);
    scene_repeat("forwarded inline and lent buffers", SEEDS, forward_play, forward_judge);
    scene_repeat("deferred inline answers", SEEDS, meet_play, meet_judge);
    scene_repeat("a deferred reader that died gets nothing", SEEDS, dead_play, dead_judge);
    return 0;
}
