// Loss of power: writes and flushes of a workload are recorded, then the disk is rebuilt as it may be found
// after a cut: everything that a finished flush made safe, and any part of what came after. e2fsck -p must
// repair it unattended, and what fsync promised must be there. A block is written whole or not at all.
#include <string.h>

#include "tests/host/ext2/model.h"

enum { STEPS = 160, RECORDS = 400, CUTS = 24, VERSIONS = 24, DISK_BYTES = 6 << 20 };

static const char *const image_options[] = {"-b 1024", "-b 4096", "-b 2048 -I 128", "-b 1024 -g 1024"};

// A file that was fsynced: from event `since` until event `until` every cut must show it like this.
struct record {
    size_t since, until;
    uint32_t node;
    char path[2048];
    uint8_t *data;
    uint64_t size;
};

struct crash {
    struct platform_disk disk;
    uint8_t *base; // the image before the workload
    struct filesystem_options options;
    struct filesystem *fs;
    struct worker worker;
    struct record records[RECORDS];
    uint32_t record_count;
    // the replacing workload: event numbers at which version i was begun and done
    size_t version_begun[VERSIONS + 1], version_done[VERSIONS + 1];
    uint32_t versions;
    struct host_random random;
    const struct record *checked;
    uint32_t checks;
    size_t cut;
};

// --- workloads ---
static void on_fsynced(struct worker *worker, uint32_t node) {
    struct crash *crash = worker->context;
    struct record *record = &crash->records[crash->record_count];
    if (crash->record_count == RECORDS || !worker_path(worker, node, record->path, sizeof record->path))
        return;
    crash->record_count++;
    record->since = crash->disk.event_count;
    record->until = SIZE_MAX;
    record->node = node;
    record->size = worker->nodes[node].size;
    record->data = malloc(record->size + 1);
    CHECK(record->data, "no memory");
    memcpy(record->data, worker->nodes[node].data, record->size);
}

static void on_changing(struct worker *worker, uint32_t node) {
    struct crash *crash = worker->context;
    for (uint32_t i = 0; i < crash->record_count; i++)
        if (crash->records[i].until == SIZE_MAX && (node == NO_NODE || crash->records[i].node == node))
            crash->records[i].until = crash->disk.event_count;
}

static void background(void *fs) {
    filesystem_background(fs);
}

static void random_workload(void *argument) {
    struct crash *crash = argument;
    CHECK(!filesystem_mount(&crash->options, &crash->fs), "mount");
    host_fiber(background, crash->fs);
    worker_enter(&crash->worker, crash->fs);
    crash->disk.record = true;
    worker_run(&crash->worker);
    crash->disk.record = false;
    worker_let_go(&crash->worker);
    CHECK(!filesystem_unmount(crash->fs), "unmount");
}

static void version_fill(uint8_t *bytes, uint32_t version, uint32_t *size) {
    *size = 500 + version * 377 % 9000;
    for (uint32_t i = 0; i < *size; i++)
        bytes[i] = (uint8_t)(version + i % 7);
}

// An editor saves a file again and again: new content under another name, then renamed over the old.
static void replace_workload(void *argument) {
    struct crash *crash = argument;
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    static uint8_t bytes[16384];
    struct inode *root, *file;
    CHECK(!filesystem_mount(&crash->options, &crash->fs), "mount");
    host_fiber(background, crash->fs);
    CHECK(!node_root(crash->fs, &root), "root");
    for (uint32_t version = 0; version <= VERSIONS; version++) {
        struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
        uint32_t size;
        uint64_t done;
        version_fill(bytes, version, &size);
        crash->version_begun[version] = crash->disk.event_count;
        CHECK(!node_create(root, version ? "new" : "target", version ? 3 : 6, &creation, &file), "create");
        CHECK(!node_write(file, 0, false, size, &caller, 0, &done, NULL) && done == size, "write");
        bool sync = version == 0 || host_random_below(&crash->random, 2);
        if (sync)
            CHECK(!node_fsync(file), "fsync");
        if (version)
            CHECK(!node_rename(root, "new", 3, root, "target", 6), "rename");
        if (version && sync && host_random_below(&crash->random, 2))
            CHECK(!node_fsync(file), "fsync");
        node_release(file);
        crash->version_done[version] = crash->disk.event_count;
        crash->disk.record = true;
    }
    crash->versions = VERSIONS + 1;
    crash->disk.record = false;
    node_release(root);
    CHECK(!filesystem_unmount(crash->fs), "unmount");
}

static struct inode *tree_node(struct inode *parent, const char *name, bool directory) {
    static uint8_t bytes[8192];
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0755};
    struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
    struct inode *node;
    uint64_t done;
    uint32_t length = (uint32_t)strlen(name);
    memset(bytes, name[0], sizeof bytes);
    CHECK(!(directory ? node_mkdir(parent, name, length, &creation, &node) : node_create(parent, name, length, &creation, &node)),
          "create %s", name);
    CHECK(directory || (!node_write(node, 0, false, 100 + length * 1000, &caller, 0, &done, NULL) && done), "write");
    return node;
}

// Trees are made, thinned out by moving files away, and removed from the bottom up, again and again, beside
// an indexed directory that grows.
static void tree_workload(void *argument) {
    struct crash *crash = argument;
    struct inode *root, *chain[6];
    char name[32];
    CHECK(!filesystem_mount(&crash->options, &crash->fs), "mount");
    host_fiber(background, crash->fs);
    CHECK(!node_root(crash->fs, &root), "root");
    crash->disk.record = true;
    for (uint32_t round = 0; round < 12; round++) {
        chain[0] = root;
        for (uint32_t level = 1; level < 6; level++) {
            chain[level] = tree_node(chain[level - 1], "d", true);
            node_release(tree_node(chain[level], "file", false));
            node_release(tree_node(chain[level], "gone", false));
        }
        if (host_random_below(&crash->random, 2))
            CHECK(!filesystem_synchronize(crash->fs), "sync");
        snprintf(name, sizeof name, "kept%u", round);
        struct inode *kept = tree_node(root, name, false);
        for (uint32_t level = 5; level >= 1; level--) {
            CHECK(!node_unlink(chain[level], "gone", 4), "unlink");
            snprintf(name, sizeof name, "out%u.%u", round, level);
            if (host_random_below(&crash->random, 2))
                CHECK(!node_rename(chain[level], "file", 4, root, name, (uint32_t)strlen(name)), "rename");
            else
                CHECK(!node_unlink(chain[level], "file", 4), "unlink");
            node_release(chain[level]);
            CHECK(!node_rmdir(chain[level - 1], "d", 1), "rmdir");
        }
        if (host_random_below(&crash->random, 3) == 0)
            CHECK(!node_fsync(kept), "fsync");
        node_release(kept);
    }
    crash->disk.record = false;
    node_release(root);
    CHECK(!filesystem_unmount(crash->fs), "unmount");
}

// The tree workload's image: its root is large, and indexed by e2fsck -D.
static void index_root(struct crash *crash, const struct test_run *run) {
    char command[500];
    snprintf(command, sizeof command,
             "cd '%s' && for i in $(seq 200); do echo \"write /dev/null file-with-a-long-name-$i\"; done |"
             " debugfs -w -f - image >/dev/null 2>&1 && e2fsck -fyD image >/dev/null 2>&1; test $? -le 1",
             run->directory);
    CHECK(system(command) == 0, "%s", command);
    snprintf(command, sizeof command, "%s/image", run->directory);
    host_disk_free(&crash->disk);
    host_disk_load(&crash->disk, command);
}

// --- cutting ---
static void event_apply(struct platform_disk *disk, const struct host_event *event, uint32_t block_size,
                        struct host_random *random, bool all) {
    for (uint32_t at = 0; at < event->bytes; at += block_size) {
        uint32_t part = event->bytes - at < block_size ? event->bytes - at : block_size;
        if (all || host_random_below(random, 2))
            memcpy(disk->image + event->sector * 512 + at, event->data + at, part);
    }
}

// The disk after events [0, cut), of which those that no flush made safe may be missing.
static void cut_build(const struct crash *crash, struct platform_disk *disk, size_t cut, bool subset, uint32_t block_size,
                      struct host_random *random) {
    size_t safe = 0;
    host_disk_make(disk, crash->disk.sectors * 512);
    memcpy(disk->image, crash->base, disk->sectors * 512);
    for (size_t i = 0; i < cut; i++)
        if (crash->disk.events[i].flush && crash->disk.events[i].durable > safe)
            safe = crash->disk.events[i].durable;
    for (size_t i = 0; i < cut; i++)
        if (!crash->disk.events[i].flush)
            event_apply(disk, &crash->disk.events[i], block_size, random, i < safe || !subset);
}

static error_t path_open(struct filesystem *fs, const char *path, struct inode **result) {
    struct inode *at;
    error_t error = node_root(fs, &at);
    while (!error && *path) {
        const char *end = strchr(++path, '/');
        size_t length = end ? (size_t)(end - path) : strlen(path);
        struct inode *next;
        error = node_lookup(at, path, (uint32_t)length, &next);
        node_release(at);
        at = next;
        path += length;
    }
    *result = at;
    return error;
}

static uint64_t file_content(struct filesystem *fs, const char *path, uint8_t *bytes, uint64_t room) {
    struct inode *file;
    uint64_t done;
    struct platform_caller caller = {bytes, room, UINT64_MAX};
    error_t error = path_open(fs, path, &file);
    CHECK(!error, "%s is lost: %d", path, error);
    CHECK(!node_read(file, NULL, 0, room, &caller, 0, &done), "read of %s", path);
    node_release(file);
    return done;
}

static void versions_check(struct crash *crash, struct filesystem *fs) {
    static uint8_t bytes[16384], expected[16384];
    if (!crash->versions)
        return;
    uint64_t length = file_content(fs, "/target", bytes, sizeof bytes);
    for (uint32_t version = 0; version < crash->versions && crash->version_begun[version] <= crash->cut; version++) {
        uint32_t size;
        version_fill(expected, version, &size);
        if (size == length && memcmp(bytes, expected, size) == 0)
            return;
    }
    CHECK(false, "the replaced file is no version of itself: %lu bytes", (unsigned long)length);
}

static void recovered_check(void *argument) {
    struct crash *crash = argument;
    static uint8_t bytes[MODEL_FILE_BYTES];
    struct filesystem *fs;
    CHECK(!filesystem_mount(&crash->options, &fs), "mount after repair");
    for (uint32_t i = 0; i < crash->record_count; i++) {
        const struct record *record = &crash->records[i];
        if (record->since > crash->cut || record->until < crash->cut)
            continue;
        uint64_t length = file_content(fs, record->path, bytes, sizeof bytes);
        for (uint64_t at = 0; at < length && at < record->size; at++)
            CHECK(bytes[at] == record->data[at], "%s: byte %lu of %lu is %u, not %u; fsynced at event %lu", record->path,
                  (unsigned long)at, (unsigned long)length, bytes[at], record->data[at], (unsigned long)record->since);
        CHECK(length == record->size && memcmp(bytes, record->data, length) == 0, "%s differs: %lu bytes, not %lu", record->path,
              (unsigned long)length, (unsigned long)record->size);
        crash->checks++;
    }
    versions_check(crash, fs);
    CHECK(!filesystem_unmount(fs), "unmount");
}

static void cut_try(struct crash *crash, const struct test_run *run, size_t cut, bool subset, uint32_t block_size) {
    struct platform_disk disk, repaired;
    size_t used = strlen(host_context);
    snprintf(host_context + used, sizeof host_context - used, ", cut %lu%s", (unsigned long)cut, subset ? " subset" : "");
    cut_build(crash, &disk, cut, subset, block_size, &crash->random);
    int status = image_check(&disk, run->directory, "-p", &repaired);
    if (status > 1) {
        char command[400];
        snprintf(command, sizeof command, "cat '%s/e2fsck.log' >&2", run->directory);
        (void)!system(command);
        host_disk_save(&disk, "/tmp/ext2-cut-image");
    }
    CHECK(status <= 1, "e2fsck -p exits %d", status);
    crash->options = host_options(&repaired, 1 << 20, true);
    crash->cut = cut;
    host_start(cut);
    host_call(recovered_check, crash);
    host_disk_free(&disk);
    host_disk_free(&repaired);
    host_context[used] = 0;
}

static void records_free(struct crash *crash) {
    for (uint32_t i = 0; i < crash->record_count; i++)
        free(crash->records[i].data);
}

static uint32_t seed_run(const struct test_run *run, uint64_t seed, bool every) {
    struct crash *crash = calloc(1, sizeof *crash);
    CHECK(crash, "no memory");
    crash->random.state = seed;
    bool replace = seed % 4 == 0, tree = seed % 4 == 2;
    const char *options = image_options[seed / 4 % (sizeof image_options / sizeof image_options[0])];
    uint64_t cache = (uint64_t[]){300 << 10, 1 << 20, 8 << 20}[host_random_below(&crash->random, 3)];
    snprintf(host_context, sizeof host_context, "crash seed %lu, mke2fs %s, cache %lu", (unsigned long)seed, options,
             (unsigned long)cache);
    image_make(&crash->disk, run->directory, options, DISK_BYTES);
    if (tree)
        index_root(crash, run);
    crash->base = malloc(crash->disk.sectors * 512);
    CHECK(crash->base, "no memory");
    uint32_t block_size = 1024u << crash->disk.image[1024 + 24];
    crash->options = host_options(&crash->disk, cache, false);
    host_start(seed);
    crash->disk.record = true;
    memcpy(crash->base, crash->disk.image, crash->disk.sectors * 512);
    if (replace) {
        host_fiber(replace_workload, crash);
    } else if (tree) {
        host_fiber(tree_workload, crash);
    } else {
        worker_make(&crash->worker, 0, seed);
        crash->worker.steps = STEPS;
        crash->worker.small_files = true;
        crash->worker.no_directory_moves = true;
        crash->worker.fsynced = on_fsynced;
        crash->worker.changing = on_changing;
        crash->worker.context = crash;
        host_fiber(random_workload, crash);
    }
    host_run();
    size_t events = crash->disk.event_count;
    // Cuts before the first version or directory was there say nothing about it.
    size_t first = replace ? crash->version_done[0] : 0;
    uint32_t cuts = every ? (uint32_t)(2 * (events - first)) : CUTS;
    for (uint32_t i = 0; i < cuts; i++)
        cut_try(crash, run, every ? first + i / 2 + 1 : first + host_random_below(&crash->random, (uint32_t)(events - first) + 1),
                i % 2, block_size);
    uint32_t checks = crash->checks;
    if (!replace && !tree)
        worker_free(&crash->worker);
    records_free(crash);
    host_disk_free(&crash->disk);
    free(crash->base);
    free(crash);
    host_cache_free();
    return checks;
}

int test_crash(const struct test_run *run) {
    uint64_t checks = 0;
    bool every = run->seeds > 20;
    host_quiet = true;
    for (uint32_t i = 0; i < run->seeds; i++)
        checks += seed_run(run, run->first_seed + i, every);
    host_quiet = false;
    printf("crash: %u seeds, %s, %lu fsynced files found whole\n", run->seeds,
           every ? "cut after every write, and a random part each" : "24 random cuts each", (unsigned long)checks);
    return 0;
}
