// Random operations of several fibers at once, on images of all kinds, with caches from tiny to ample; after
// each round e2fsck -fn must find nothing, and a fresh mount must show what the models say.
#include <string.h>

#include "tests/host/ext2/model.h"

enum { WORKERS = 4, ROUNDS = 2, STEPS = 160 };

struct session {
    struct platform_disk disk;
    struct filesystem_options options;
    struct filesystem *fs;
    struct worker *workers[WORKERS];
    uint32_t count;
};

static const char *const image_options[] = {
    "-b 1024",         "-b 1024 -I 128",           "-b 2048",
    "-b 4096",         "-b 4096 -I 128",           "-b 1024 -O ^dir_index,^filetype",
    "-b 1024 -g 1024", "-b 4096 -O ^resize_inode", "-b 1024 -O ^sparse_super,^resize_inode -g 2048",
    "-b 2048 -N 400",  "-b 1024 -r 0 -O none",
};
static const uint64_t cache_sizes[] = {256 << 10, 300 << 10, 512 << 10, 1 << 20, 4 << 20, 32 << 20};

static void background(void *fs) {
    filesystem_background(fs);
}

static void session_mount(void *argument) {
    struct session *session = argument;
    error_t error = filesystem_mount(&session->options, &session->fs);
    CHECK(!error, "mount gives %d", error);
    host_fiber(background, session->fs);
    for (uint32_t i = 0; i < session->count; i++)
        worker_enter(session->workers[i], session->fs);
    host_stop = true;
}

static void session_end(void *argument) {
    struct session *session = argument;
    error_t error = filesystem_unmount(session->fs);
    CHECK(!error, "unmount gives %d", error);
}

struct join {
    uint32_t left;
};
struct part {
    void (*body)(void *);
    void *argument;
    struct join *join;
};

static void part_main(void *argument) {
    struct part *part = argument;
    part->body(part->argument);
    if (--part->join->left == 0)
        host_stop = true;
}

// Runs the body for every worker, at the same time, with the background fiber going on.
static void session_all(struct session *session, void (*body)(void *)) {
    struct join join = {session->count};
    struct part parts[WORKERS];
    for (uint32_t i = 0; i < session->count; i++) {
        parts[i] = (struct part){body, session->workers[i], &join};
        host_fiber(part_main, &parts[i]);
    }
    host_stop = false;
    host_run();
    host_stop = false;
}

static void session_sync(void *argument) {
    struct session *session = argument;
    error_t error = filesystem_synchronize(session->fs);
    CHECK(!error, "sync gives %d", error);
    host_stop = true;
}

static void one(void (*body)(void *), struct session *session) {
    host_fiber(body, session);
    host_stop = false;
    host_run();
    host_stop = false;
}

static uint64_t seed_run(const struct test_run *run, uint64_t seed) {
    struct host_random random = {seed};
    struct session session = {0};
    uint64_t operations = 0;
    const char *options = image_options[host_random_below(&random, sizeof image_options / sizeof image_options[0])];
    uint64_t cache = cache_sizes[host_random_below(&random, sizeof cache_sizes / sizeof cache_sizes[0])];
    snprintf(host_context, sizeof host_context, "random seed %lu, mke2fs %s, cache %lu", (unsigned long)seed, options,
             (unsigned long)cache);
    image_make(&session.disk, run->directory, options, (14 + host_random_below(&random, 16)) << 20);
    session.count = 1 + host_random_below(&random, WORKERS);
    for (uint32_t i = 0; i < session.count; i++) {
        session.workers[i] = malloc(sizeof *session.workers[i]);
        CHECK(session.workers[i], "no memory");
        worker_make(session.workers[i], i, seed);
        session.workers[i]->steps = STEPS;
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        host_start(seed * 10 + round);
        session.options = host_options(&session.disk, cache, false);
        one(session_mount, &session);
        if (round)
            session_all(&session, worker_verify);
        session_all(&session, worker_run);
        session_all(&session, worker_verify);
        if (host_random_below(&random, 2)) { // what is unlinked and held would be e2fsck's
            session_all(&session, worker_let_go);
            one(session_sync, &session);
            image_check_clean(&session.disk, run->directory);
        } else {
            session_all(&session, worker_let_go);
        }
        host_call(session_end, &session);
        image_check_clean(&session.disk, run->directory);
        cache = cache_sizes[host_random_below(&random, sizeof cache_sizes / sizeof cache_sizes[0])];
    }
    host_start(seed);
    session.options = host_options(&session.disk, cache, false);
    one(session_mount, &session);
    session_all(&session, worker_verify);
    session_all(&session, worker_let_go);
    host_call(session_end, &session);
    image_check_clean(&session.disk, run->directory);
    for (uint32_t i = 0; i < session.count; i++) {
        operations += session.workers[i]->operations;
        worker_free(session.workers[i]);
        free(session.workers[i]);
    }
    host_disk_free(&session.disk);
    host_cache_free();
    return operations;
}

int test_random(const struct test_run *run) {
    uint64_t operations = 0;
    for (uint32_t i = 0; i < run->seeds; i++)
        operations += seed_run(run, run->first_seed + i);
    printf("random: %u seeds, %lu operations\n", run->seeds, (unsigned long)operations);
    return 0;
}
