// Not a test of right or wrong: processor time and disk requests of the operations that Keelson is compared
// with Linux by. Build it without sanitizers to read the times.
#include <string.h>
#include <time.h>

#include "tests/host/ext2/test_ext2.h"

enum { FILE_MIB = 64, FILES = 5000, CHUNK = 65536 };

struct bench {
    struct platform_disk disk;
    struct filesystem_options options;
    struct filesystem *fs;
    double started;
    uint64_t requests, bytes;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void begin(struct bench *bench) {
    bench->requests = bench->disk.reads + bench->disk.writes;
    bench->bytes = bench->disk.read_bytes + bench->disk.write_bytes;
    bench->started = now();
}

static void end(struct bench *bench, const char *what, uint32_t operations) {
    double seconds = now() - bench->started;
    uint64_t requests = bench->disk.reads + bench->disk.writes - bench->requests;
    uint64_t bytes = bench->disk.read_bytes + bench->disk.write_bytes - bench->bytes;
    printf("%-34s %8.0f ns each of %u, %6lu requests of %lu KiB\n", what, seconds * 1e9 / operations, operations,
           (unsigned long)requests, (unsigned long)(requests ? bytes / requests >> 10 : 0));
}

static void remount(struct bench *bench) {
    if (bench->fs)
        CHECK(!filesystem_unmount(bench->fs), "unmount");
    CHECK(!filesystem_mount(&bench->options, &bench->fs), "mount");
}

static void sequential(struct bench *bench, bool write, const char *what) {
    static uint8_t bytes[CHUNK];
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    struct platform_caller caller = {bytes, CHUNK, UINT64_MAX};
    struct node_stream stream = {0};
    struct inode *root, *file;
    uint64_t done;
    CHECK(!node_root(bench->fs, &root), "root");
    begin(bench);
    CHECK(!(write ? node_create(root, "big", 3, &creation, &file) : node_lookup(root, "big", 3, &file)), "big");
    for (uint64_t at = 0; at < (uint64_t)FILE_MIB << 20; at += CHUNK)
        CHECK(!(write ? node_write(file, at, false, CHUNK, &caller, 0, &done, NULL)
                      : node_read(file, &stream, at, CHUNK, &caller, 0, &done)) &&
                  done == CHUNK,
              "transfer");
    if (write)
        CHECK(!node_fsync(file), "fsync");
    end(bench, what, FILE_MIB * 256);
    node_release(file);
    node_release(root);
}

static void random_reads(struct bench *bench, const char *what) {
    static uint8_t bytes[4096];
    struct platform_caller caller = {bytes, 4096, UINT64_MAX};
    struct host_random random = {1};
    struct node_stream stream = {0};
    struct inode *root, *file;
    uint64_t done;
    CHECK(!node_root(bench->fs, &root) && !node_lookup(root, "big", 3, &file), "big");
    begin(bench);
    for (uint32_t i = 0; i < 4096; i++)
        CHECK(!node_read(file, &stream, (uint64_t)host_random_below(&random, FILE_MIB * 256) << 12, 4096, &caller, 0, &done),
              "read");
    end(bench, what, 4096);
    node_release(file);
    node_release(root);
}

static void files(struct bench *bench) {
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    struct inode *root, *file;
    struct node_attributes a;
    char name[32];
    CHECK(!node_root(bench->fs, &root), "root");
    begin(bench);
    for (uint32_t i = 0; i < FILES; i++) {
        uint32_t length = (uint32_t)snprintf(name, sizeof name, "file%u", i);
        CHECK(!node_create(root, name, length, &creation, &file), "create");
        node_release(file);
    }
    end(bench, "create", FILES);
    begin(bench);
    for (uint32_t i = 0; i < FILES; i++) {
        uint32_t length = (uint32_t)snprintf(name, sizeof name, "file%u", i);
        CHECK(!node_lookup(root, name, length, &file), "lookup");
        node_attributes(file, &a);
        node_release(file);
    }
    end(bench, "stat, warm", FILES);
    begin(bench);
    for (uint32_t i = 0; i < FILES; i++) {
        uint32_t length = (uint32_t)snprintf(name, sizeof name, "file%u", i);
        CHECK(!node_unlink(root, name, length), "unlink");
    }
    end(bench, "unlink", FILES);
    begin(bench);
    CHECK(!filesystem_synchronize(bench->fs), "sync");
    end(bench, "sync after it", 1);
    node_release(root);
}

static void background(void *fs) {
    filesystem_background(fs);
}

static void bench_main(void *argument) {
    struct bench *bench = argument;
    remount(bench);
    host_fiber(background, bench->fs);
    host_yield();
    sequential(bench, true, "sequential write, page");
    remount(bench);
    sequential(bench, false, "sequential read, cold, page");
    sequential(bench, false, "sequential read, again, page");
    remount(bench);
    random_reads(bench, "random read of 4 KiB, cold");
    random_reads(bench, "random read of 4 KiB, again");
    files(bench);
    CHECK(!filesystem_unmount(bench->fs), "unmount");
}

int test_bench(const struct test_run *run) {
    static const char *const options[] = {"-b 4096", "-b 1024"};
    for (uint32_t i = 0; i < 2; i++) {
        struct bench bench = {0};
        uint64_t cache = run->seeds > 20 ? (uint64_t)run->seeds << 20 : 128 << 20;
        image_make(&bench.disk, run->directory, options[i], 160 << 20);
        printf("mke2fs %s, cache of %lu MiB\n", options[i], (unsigned long)(cache >> 20));
        bench.options = host_options(&bench.disk, cache, false);
        host_start(1);
        host_call(bench_main, &bench);
        image_check_clean(&bench.disk, run->directory);
        host_disk_free(&bench.disk);
    }
    host_cache_free();
    return 0;
}
