// Pipes under random interleaving, against a model: every byte once and in order, writes of at most 4 KiB
// undivided, the end, broken pipes, cancelled calls, readiness.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/vfs.h"
#include "tests/host/servers/check.h"
#include "tests/host/servers/world.h"

unsigned long check_seed, check_step;

enum { CALLS = 6, ATOMIC = 4096, CAPACITY = 65536, LARGEST = 100000 };

// As the generated stubs send them.
static const struct ipc_shape read_shape = {.method = METHOD_FILE_READ, .words_in = 2, .words_out = 1, .writes_max = 1 << 20};
static const struct ipc_shape write_shape = {.method = METHOD_FILE_WRITE, .words_in = 2, .words_out = 1, .reads_max = 1 << 20};

struct job {
    struct machine_call call;
    unsigned char *bytes;
    size_t length;
    unsigned writer; // its number; 0 for a reader
    bool is_used;
};

static cap_t reader, writer;
static struct job jobs[CALLS];
static uint64_t sequence[256]; // bytes that each writer has sent and that were counted as written
static uint64_t seen[256];     // bytes of it that were read

// Byte i of writer w: its number in the even places, a counter in the odd ones would lose order; so records
// of 8 bytes.
struct record {
    uint32_t writer;
    uint32_t number;
};

static void start_write(struct job *job, unsigned number) {
    static uint32_t next[256];
    size_t records = 1 + (size_t)rand() % (rand() % 4 == 0 ? LARGEST / 8 : ATOMIC / 8);
    job->length = records * sizeof(struct record);
    job->bytes = malloc(job->length);
    for (size_t i = 0; i < records; i++) {
        struct record record = {number, next[number]++};
        memcpy(job->bytes + i * sizeof(record), &record, sizeof(record));
    }
    job->writer = number;
    job->is_used = true;
    uint64_t words[2] = {UINT64_MAX, 0};
    struct ipc_extras extras = {.read_address = job->bytes, .read_size = job->length};
    machine_send(&job->call, writer, &write_shape, words, &extras);
}

static void start_read(struct job *job) {
    job->length = (1 + (size_t)rand() % (rand() % 3 == 0 ? CAPACITY / 8 : 64)) * 8;
    job->bytes = malloc(job->length);
    job->writer = 0;
    job->is_used = true;
    uint64_t words[2] = {UINT64_MAX, 0};
    struct ipc_extras extras = {.write_address = job->bytes, .write_size = job->length};
    machine_send(&job->call, reader, &read_shape, words, &extras);
}

static void check_read(const struct job *job, uint64_t count) {
    CHECK(count <= job->length && count % sizeof(struct record) == 0);
    for (uint64_t at = 0; at < count; at += sizeof(struct record)) {
        struct record record;
        memcpy(&record, job->bytes + at, sizeof(record));
        CHECK(record.writer > 0 && record.writer < 256);
        CHECK(record.number == seen[record.writer]);
        seen[record.writer]++;
    }
}

// The reads that are done, in any order of discovery, were served in the order of their sending: only one
// reader at a time is sent.
static void collect(struct job *job) {
    if (!job->is_used || !job->call.is_done)
        return;
    uint64_t count = job->call.status == ERR_OK ? job->call.words[0] : 0;
    if (job->writer == 0) {
        CHECK(job->call.status == ERR_OK || job->call.status == ERR_CANCELLED);
        check_read(job, count);
    } else {
        CHECK(job->call.status == ERR_OK || job->call.status == ERR_BROKEN_PIPE || job->call.status == ERR_CANCELLED);
        CHECK(job->length > ATOMIC || count == 0 || count == job->length);
        sequence[job->writer] += count / sizeof(struct record);
    }
    free(job->bytes);
    *job = (struct job){0};
}

static struct job *free_job(void) {
    for (unsigned i = 0; i < CALLS; i++)
        if (!jobs[i].is_used)
            return &jobs[i];
    return NULL;
}

static bool has_reader(void) {
    for (unsigned i = 0; i < CALLS; i++)
        if (jobs[i].is_used && jobs[i].writer == 0)
            return true;
    return false;
}

static bool writer_is_busy(unsigned number) {
    for (unsigned i = 0; i < CALLS; i++)
        if (jobs[i].is_used && jobs[i].writer == number)
            return true;
    return false;
}

static void collect_all(void) {
    for (unsigned i = 0; i < CALLS; i++)
        collect(&jobs[i]);
}

static void test_random(void) {
    CHECK(vfs_pipe(world_root, 0, &reader, &writer) == ERR_OK);
    static unsigned number;
    for (check_step = 0; check_step < 4000; check_step++) {
        struct job *job = free_job();
        unsigned next = number % 4 + 1;
        if (job != NULL && rand() % 2 && !writer_is_busy(next)) {
            start_write(job, next);
            number++;
        } else if (job != NULL && !has_reader()) {
            start_read(job);
        }
        collect_all();
    }
    // The writers end: what is left is read, then the end is found.
    for (unsigned round = 0;; round++) {
        CHECK(round < 100000);
        bool is_busy = false;
        for (unsigned i = 1; i < 5; i++)
            is_busy = is_busy || writer_is_busy(i);
        if (!is_busy)
            break;
        if (!has_reader())
            start_read(free_job());
        collect_all();
    }
    slot_release(writer);
    for (bool at_end = false; !at_end;) {
        collect_all();
        if (has_reader())
            continue;
        struct job *job = free_job();
        start_read(job);
        CHECK(job->call.is_done);
        at_end = job->call.status == ERR_OK && job->call.words[0] == 0;
        collect_all();
    }
    for (unsigned i = 1; i < 5; i++)
        CHECK(seen[i] == sequence[i]);
    slot_release(reader);
    world_end();
}

static void test_ends(void) {
    unsigned char byte = 0;
    uint64_t count, ready, ticket;
    struct job read = {0}, write = {0};
    CHECK(vfs_pipe(world_root, 0, &reader, &writer) == ERR_OK);
    CHECK(file_read(writer, UINT64_MAX, 0, &byte, 1, &count) == ERR_RIGHTS);
    CHECK(file_write(reader, UINT64_MAX, 0, &byte, 1, &count) == ERR_RIGHTS);
    CHECK(file_read(reader, 0, 0, &byte, 1, &count) == ERR_NOT_SEEKABLE);
    start_read(&read); // waits; the end wakes it
    CHECK(!read.call.is_done);
    cap_t notification = machine_notification();
    CHECK(file_poll(reader, READINESS_READ, 4, 0, notification, &ready, &ticket, NULL) == ERR_OK && ready == 0 && ticket != 0);
    CHECK(file_poll(writer, READINESS_WRITE, 8, 0, notification, &ready, &ticket, NULL) == ERR_OK && ready == READINESS_WRITE);
    slot_release(writer);
    CHECK(read.call.is_done && read.call.status == ERR_OK && read.call.words[0] == 0);
    CHECK(machine_notification_take(notification) == 4);
    CHECK(file_poll(reader, READINESS_READ, 4, 0, 0, &ready, &ticket, NULL) == ERR_OK && ready == READINESS_HANG_UP);
    free(read.bytes);
    slot_release(reader);
    slot_release(notification);

    CHECK(vfs_pipe(world_root, 0, &reader, &writer) == ERR_OK);
    write.bytes = calloc(1, 2 * CAPACITY);
    uint64_t words[2] = {UINT64_MAX, 0};
    struct ipc_extras extras = {.read_address = write.bytes, .read_size = 2 * CAPACITY};
    machine_send(&write.call, writer, &write_shape, words, &extras);
    CHECK(!write.call.is_done);
    slot_release(reader); // what went in counts
    CHECK(write.call.is_done && write.call.status == ERR_OK && write.call.words[0] == CAPACITY);
    CHECK(file_write(writer, UINT64_MAX, 0, &byte, 1, &count) == ERR_BROKEN_PIPE);
    slot_release(writer);

    CHECK(vfs_pipe(world_root, 0, &reader, &writer) == ERR_OK);
    start_read(&read);
    machine_cancel(&read.call);
    CHECK(read.call.status == ERR_CANCELLED);
    free(read.bytes);
    CHECK(file_set_flags(reader, FILE_FLAG_NON_BLOCKING) == ERR_OK && file_set_flags(writer, FILE_FLAG_NON_BLOCKING) == ERR_OK);
    CHECK(file_read(reader, UINT64_MAX, 0, &byte, 1, &count) == ERR_AGAIN);
    CHECK(file_write(writer, UINT64_MAX, 0, write.bytes, CAPACITY - 100, &count) == ERR_OK && count == CAPACITY - 100);
    CHECK(file_write(writer, UINT64_MAX, 0, write.bytes, 200, &count) == ERR_AGAIN);
    CHECK(file_write(writer, UINT64_MAX, 0, write.bytes, 2 * ATOMIC, &count) == ERR_OK && count == 100);
    CHECK(file_write(writer, UINT64_MAX, 0, write.bytes, 2 * ATOMIC, &count) == ERR_AGAIN);
    CHECK(file_set_flags(writer, 0) == ERR_OK);
    extras.read_size = 100;
    machine_send(&write.call, writer, &write_shape, words, &extras);
    CHECK(!write.call.is_done);
    machine_cancel(&write.call);
    CHECK(write.call.status == ERR_CANCELLED);
    free(write.bytes);
    slot_release(reader);
    slot_release(writer);
    world_end();
}

int main(int argc, char **argv) {
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    world_begin();
    CHECK(world_do_mount("tmpfs", "t", "/tmp", "") == ERR_OK && world_unmount("/tmp") == ERR_OK);
    world_end();
    test_ends();
    for (check_seed = first; check_seed < first + 10; check_seed++) {
        srand((unsigned)check_seed);
        test_random();
    }
    printf("ok\n");
    return 0;
}
