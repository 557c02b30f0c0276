// A full disk and a disk that fails: operations end in clear errors, nothing else is lost, and e2fsck is
// satisfied afterwards: with nothing to do after a full disk, with repairs it makes unattended after write
// errors that went away.
#include <string.h>

#include "tests/host/ext2/model.h"

enum { WORKERS = 3, STEPS = 220 };

struct session {
    struct platform_disk disk;
    struct filesystem_options options;
    struct filesystem *fs;
    struct worker workers[WORKERS];
    uint32_t running, read_fault, write_fault;
    bool disk_fails;
    error_t unmount_error;
};

static void background(void *fs) {
    filesystem_background(fs);
}

struct part {
    struct session *session;
    struct worker *worker;
};

static void part_main(void *argument) {
    struct part *part = argument;
    worker_run(part->worker);
    worker_verify(part->worker);
    worker_let_go(part->worker);
    part->session->running--;
}

static void session_main(void *argument) {
    struct session *session = argument;
    struct part parts[WORKERS];
    CHECK(!filesystem_mount(&session->options, &session->fs), "mount");
    host_fiber(background, session->fs);
    for (uint32_t i = 0; i < WORKERS; i++)
        worker_enter(&session->workers[i], session->fs);
    session->running = WORKERS;
    session->disk.read_fault = session->read_fault;
    session->disk.write_fault = session->write_fault;
    for (uint32_t i = 0; i < WORKERS; i++) {
        parts[i] = (struct part){session, &session->workers[i]};
        host_fiber(part_main, &parts[i]);
    }
    while (session->running)
        host_yield();
    session->disk.read_fault = session->disk.write_fault = 0;
    session->unmount_error = filesystem_unmount(session->fs);
}

static void remount_main(void *argument) {
    struct session *session = argument;
    CHECK(!filesystem_mount(&session->options, &session->fs), "mount");
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker_enter(&session->workers[i], session->fs);
        worker_verify(&session->workers[i]);
        worker_let_go(&session->workers[i]);
    }
    CHECK(!filesystem_unmount(session->fs), "unmount");
}

// kind 0: a full disk; 1: reads fail; 2: writes fail.
static uint64_t seed_run(const struct test_run *run, uint64_t seed, uint32_t kind) {
    static struct session session;
    uint64_t refused = 0;
    memset(&session, 0, sizeof session);
    snprintf(host_context, sizeof host_context, "faults seed %lu, kind %u", (unsigned long)seed, kind);
    image_make(&session.disk, run->directory, seed % 2 ? "-b 1024 -N 128" : "-b 4096 -N 128",
               kind == 0 ? (1200 << 10) + seed % 5 * (200 << 10) : 16 << 20);
    session.options = host_options(&session.disk, seed % 3 ? 300 << 10 : 2 << 20, false);
    session.read_fault = kind == 1 ? 3000 : 0;
    session.write_fault = kind == 2 ? 20000 : 0;
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker_make(&session.workers[i], i, seed);
        session.workers[i].steps = STEPS;
        session.workers[i].tolerant = true;
    }
    host_start(seed);
    host_call(session_main, &session);
    for (uint32_t i = 0; i < WORKERS; i++)
        refused += session.workers[i].refused;
    if (kind == 0) {
        CHECK(!session.unmount_error, "unmount gives %d", session.unmount_error);
        image_check_clean(&session.disk, run->directory);
        for (uint32_t i = 0; i < WORKERS; i++)
            session.workers[i].tolerant = false;
        host_start(seed);
        session.options = host_options(&session.disk, 1 << 20, false);
        host_call(remount_main, &session);
        image_check_clean(&session.disk, run->directory);
    } else {
        int status = image_check(&session.disk, run->directory, "-fp", NULL);
        CHECK(status <= 1, "e2fsck -fp exits %d; image in %s/checked", status, run->directory);
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        worker_free(&session.workers[i]);
    host_disk_free(&session.disk);
    host_cache_free();
    return refused;
}

// A disk that is gone: everything ends in an error, unmounting included, and nothing hangs.
struct dead {
    struct platform_disk disk;
    struct filesystem_options options;
};

static void dead_main(void *argument) {
    struct dead *dead = argument;
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    struct filesystem *fs;
    struct inode *root, *file;
    uint8_t bytes[5000] = {1};
    struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
    uint64_t done;
    CHECK(!filesystem_mount(&dead->options, &fs) && !node_root(fs, &root), "mount");
    CHECK(!node_create(root, "file", 4, &creation, &file), "create");
    dead->disk.dead = true;
    error_t error = node_write(file, 0, false, sizeof bytes, &caller, 0, &done, NULL);
    CHECK(error == ERR_IO || (!error && done == sizeof bytes), "write gives %d", error);
    CHECK(node_fsync(file) == ERR_IO, "fsync succeeds without a disk");
    CHECK(filesystem_synchronize(fs) == ERR_IO, "sync succeeds without a disk");
    CHECK(node_read(file, NULL, 0, sizeof bytes, &caller, 0, &done) == ERR_OK || done == 0, "read");
    node_release(file);
    node_release(root);
    CHECK(filesystem_unmount(fs) == ERR_IO, "unmount succeeds without a disk");
    CHECK(filesystem_mount(&dead->options, &fs) == ERR_IO, "mount succeeds without a disk");
}

int test_faults(const struct test_run *run) {
    uint64_t refused = 0;
    static struct dead dead;
    host_quiet = true;
    for (uint32_t i = 0; i < run->seeds; i++)
        refused += seed_run(run, run->first_seed + i, i % 3);
    snprintf(host_context, sizeof host_context, "faults: a dead disk");
    image_make(&dead.disk, run->directory, "-b 1024", 4 << 20);
    dead.options = host_options(&dead.disk, 1 << 20, false);
    host_start(1);
    host_call(dead_main, &dead);
    host_disk_free(&dead.disk);
    host_cache_free();
    host_quiet = false;
    printf("faults: %u seeds, %lu operations refused\n", run->seeds, (unsigned long)refused);
    return 0;
}
