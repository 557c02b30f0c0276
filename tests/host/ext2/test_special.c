// Features one by one: large and sparse files, indexed directories, unlinked-but-open files, extended
// attributes, times, features that are refused, cursors under change, and fibers that fight for the same
// names.
#include <string.h>

#include "servers/ext2/format.h"
#include "tests/host/ext2/test_ext2.h"

static const struct node_creation ordinary = {.type = NODE_REGULAR, .permissions = 0644};
static const char *work_directory;

struct stage { // one mount of one image, and a body that works on it
    struct platform_disk disk;
    struct filesystem_options options;
    struct filesystem *fs;
    struct inode *root;
    void (*body)(struct stage *stage);
    error_t mount_error;
    struct host_random random;
    uint32_t running;
};

static void stage_main(void *argument) {
    struct stage *stage = argument;
    stage->mount_error = filesystem_mount(&stage->options, &stage->fs);
    if (stage->mount_error)
        return;
    CHECK(!node_root(stage->fs, &stage->root), "root");
    if (stage->body)
        stage->body(stage);
    node_release(stage->root);
    error_t error = filesystem_unmount(stage->fs);
    CHECK(!error, "unmount gives %d", error);
}

static error_t stage_run(struct stage *stage, void (*body)(struct stage *), uint64_t cache, bool read_only) {
    stage->options = host_options(&stage->disk, cache, read_only);
    stage->body = body;
    host_start(cache);
    host_call(stage_main, stage);
    return stage->mount_error;
}

// Runs a command on the image, whose path is $1.
static void stage_edit(struct stage *stage, const char *script) {
    char path[300], command[1000];
    snprintf(path, sizeof path, "%s/edited", work_directory);
    host_disk_save(&stage->disk, path);
    host_disk_free(&stage->disk);
    snprintf(command, sizeof command, "set -- '%s'; %s", path, script);
    CHECK(system(command) == 0, "%s", command);
    host_disk_load(&stage->disk, path);
}

static void check_clean(struct stage *stage) {
    image_check_clean(&stage->disk, work_directory);
}

static struct inode *file_make(struct stage *stage, const char *name) {
    struct inode *file;
    error_t error = node_create(stage->root, name, (uint32_t)strlen(name), &ordinary, &file);
    CHECK(!error, "create %s: %d", name, error);
    return file;
}

static struct inode *file_open(struct stage *stage, const char *name) {
    struct inode *file;
    error_t error = node_lookup(stage->root, name, (uint32_t)strlen(name), &file);
    CHECK(!error, "lookup %s: %d", name, error);
    return file;
}

static void bytes_write(struct inode *file, uint64_t offset, uint8_t value, uint32_t length) {
    static uint8_t bytes[65536];
    struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
    uint64_t done;
    memset(bytes, value, sizeof bytes);
    error_t error = node_write(file, offset, false, length, &caller, 0, &done, NULL);
    CHECK(!error && done == length, "write at %lu: %d", (unsigned long)offset, error);
}

static void bytes_expect(struct inode *file, uint64_t offset, uint8_t value, uint32_t length) {
    static uint8_t bytes[65536];
    struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
    uint64_t done;
    error_t error = node_read(file, NULL, offset, length, &caller, 0, &done);
    CHECK(!error && done == length, "read at %lu: %d", (unsigned long)offset, error);
    for (uint32_t i = 0; i < length; i++)
        CHECK(bytes[i] == value, "byte %lu is %u", (unsigned long)offset + i, bytes[i]);
}

// --- large and sparse ---
static const uint64_t far_offsets[] = {12ull << 10, 300ull << 10, 70ull << 20, 3ull << 30, (9ull << 30) + 12345};

static void large_write(struct stage *stage) {
    struct inode *file = file_make(stage, "large");
    for (uint32_t i = 0; i < 5; i++)
        bytes_write(file, far_offsets[i], (uint8_t)(i + 1), 5000);
    node_release(file);
}

static void large_read(struct stage *stage) {
    struct inode *file = file_open(stage, "large");
    struct node_attributes a;
    node_attributes(file, &a);
    CHECK(a.size == far_offsets[4] + 5000, "size %lu", (unsigned long)a.size);
    for (uint32_t i = 0; i < 5; i++) {
        bytes_expect(file, far_offsets[i], (uint8_t)(i + 1), 5000);
        bytes_expect(file, far_offsets[i] - 5000, 0, 5000);
    }
    uint64_t reads = stage->disk.reads;
    bytes_expect(file, 2ull << 30, 0, 65536);
    CHECK(stage->disk.reads <= reads + 3, "reading a hole reads the disk");
    CHECK(node_truncate(file, 1ull << 40) == ERR_OK || stage->disk.image[1024 + 24] == 0, "growing");
    CHECK(node_truncate(file, 71ull << 20) == ERR_OK, "truncate");
    CHECK(node_truncate(file, (70ull << 20) + 100) == ERR_OK, "truncate");
    bytes_expect(file, 70ull << 20, 3, 100);
    node_release(file);
}

static void test_large(const char *options) {
    struct stage stage = {0};
    image_make(&stage.disk, work_directory, options, 16 << 20);
    CHECK(!stage_run(&stage, large_write, 1 << 20, false), "mount");
    check_clean(&stage);
    const struct ext2_superblock *super = (const struct ext2_superblock *)(void *)(stage.disk.image + 1024);
    CHECK(super->feature_ro_compat & EXT2_RO_COMPAT_LARGE_FILE, "large_file is not set");
    CHECK(super->state & EXT2_STATE_VALID && super->mount_count == 1, "state or mount count");
    CHECK(!stage_run(&stage, large_read, 512 << 10, false), "mount");
    check_clean(&stage);
    host_disk_free(&stage.disk);
}

// --- indexed directories ---
static void many_make(struct stage *stage) {
    char name[64];
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t length = (uint32_t)snprintf(name, sizeof name, "some-file-with-number-%u", i);
        struct inode *file;
        CHECK(!node_create(stage->root, name, length, &ordinary, &file), "create %s", name);
        node_release(file);
    }
}

static void many_change(struct stage *stage) {
    char name[64], other[64];
    struct inode *file;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t length = (uint32_t)snprintf(name, sizeof name, "some-file-with-number-%u", i);
        CHECK(!node_lookup(stage->root, name, length, &file), "lookup %s", name);
        node_release(file);
        if (i % 3 == 0)
            CHECK(!node_unlink(stage->root, name, length), "unlink %s", name);
        else if (i % 3 == 1) {
            uint32_t other_length = (uint32_t)snprintf(other, sizeof other, "renamed-to-something-longer-than-before-%u", i);
            CHECK(!node_rename(stage->root, name, length, stage->root, other, other_length), "rename %s", name);
        }
    }
}

static void many_unlink_only(struct stage *stage) {
    CHECK(!node_unlink(stage->root, "some-file-with-number-2999", 26), "unlink");
}

static void test_indexed(const char *options) {
    struct stage stage = {0};
    image_make(&stage.disk, work_directory, options, 16 << 20);
    CHECK(!stage_run(&stage, many_make, 1 << 20, false), "mount");
    check_clean(&stage);
    stage_edit(&stage, "e2fsck -fyD \"$1\" >/dev/null 2>&1; test $? -le 1");
    CHECK(!stage_run(&stage, many_unlink_only, 1 << 20, false), "mount"); // keeps the index
    check_clean(&stage);
    host_disk_free(&stage.disk);
}

static void test_indexed_change(const char *options) {
    struct stage stage = {0};
    image_make(&stage.disk, work_directory, options, 16 << 20);
    CHECK(!stage_run(&stage, many_make, 1 << 20, false), "mount");
    stage_edit(&stage, "e2fsck -fyD \"$1\" >/dev/null 2>&1; test $? -le 1");
    CHECK(!stage_run(&stage, many_change, 300 << 10, false), "mount");
    check_clean(&stage);
    host_disk_free(&stage.disk);
}

// --- unlinked but open ---
static void unlinked(struct stage *stage) {
    struct filesystem_statistics before, after;
    struct inode *file;
    CHECK(!filesystem_synchronize(stage->fs), "sync");
    filesystem_statistics(stage->fs, &before);
    file = file_make(stage, "goes");
    for (uint32_t i = 0; i < 40; i++)
        bytes_write(file, i * 65536ull, (uint8_t)i, 65536);
    CHECK(!filesystem_synchronize(stage->fs), "sync");
    CHECK(!node_unlink(stage->root, "goes", 4), "unlink");
    CHECK(!filesystem_synchronize(stage->fs), "sync");
    bytes_expect(file, 39 * 65536ull, 39, 65536);
    bytes_write(file, 50 * 65536ull, 50, 65536);
    struct platform_disk repaired;
    int status = image_check(&stage->disk, work_directory, "-fp", &repaired); // as after a crash
    CHECK(status <= 1, "e2fsck -p exits %d with an orphan", status);
    image_check_clean(&repaired, work_directory);
    host_disk_free(&repaired);
    bytes_expect(file, 50 * 65536ull, 50, 65536);
    CHECK(node_link(stage->root, "back", 4, file) == ERR_NOT_FOUND, "an unlinked file can be linked");
    node_release(file);
    CHECK(!filesystem_synchronize(stage->fs), "sync");
    filesystem_statistics(stage->fs, &after);
    CHECK(before.blocks_free == after.blocks_free && before.inodes_free == after.inodes_free,
          "%lu blocks and %lu inodes are lost", (unsigned long)(before.blocks_free - after.blocks_free),
          (unsigned long)(before.inodes_free - after.inodes_free));
    image_check_clean(&stage->disk, work_directory); // mounted, synced
}

// --- attributes ---
static void attributes_delete(struct stage *stage) {
    CHECK(!node_unlink(stage->root, "with", 4), "unlink");
}

static void attributes_make(struct stage *stage) {
    node_release(file_make(stage, "with"));
}

static void test_attributes(void) {
    struct stage stage = {0};
    image_make(&stage.disk, work_directory, "-b 1024 -I 128", 4 << 20);
    CHECK(!stage_run(&stage, attributes_make, 1 << 20, false), "mount");
    stage_edit(&stage, "debugfs -w -R 'ea_set /with user.note a-value-that-is-kept' \"$1\" 2>/dev/null && "
                       "debugfs -R 'ea_list /with' \"$1\" 2>/dev/null | grep -q kept");
    check_clean(&stage);
    CHECK(!stage_run(&stage, NULL, 1 << 20, false), "mount");
    check_clean(&stage);
    CHECK(!stage_run(&stage, attributes_delete, 1 << 20, false), "mount");
    check_clean(&stage);
    host_disk_free(&stage.disk);
}

// --- times ---
static const struct file_time moments[] = {
    {0, 1}, {2147483647, 999999999}, {2147483648, 5}, {4294967296 + 7, 123456789}, {-86400, 3}};

static void times_set(struct stage *stage) {
    char name[2] = "0";
    for (uint32_t i = 0; i < 5; i++, name[0]++) {
        struct inode *file = file_make(stage, name);
        struct node_attributes a = {.modify = moments[i], .access = moments[i]};
        CHECK(!node_set_attributes(file, NODE_SET_MODIFY | NODE_SET_ACCESS, &a), "set");
        node_release(file);
    }
}

static void times_get(struct stage *stage) {
    char name[2] = "0";
    for (uint32_t i = 0; i < 5; i++, name[0]++) {
        struct inode *file = file_open(stage, name);
        struct node_attributes a;
        node_attributes(file, &a);
        CHECK(a.modify.seconds == moments[i].seconds && a.modify.nanoseconds == moments[i].nanoseconds, "time %u: %ld.%u", i,
              (long)a.modify.seconds, a.modify.nanoseconds);
        CHECK(a.access.seconds == moments[i].seconds, "access time %u", i);
        node_release(file);
    }
}

static void test_times(void) {
    struct stage stage = {0};
    image_make(&stage.disk, work_directory, "-b 4096 -I 256", 4 << 20);
    CHECK(!stage_run(&stage, times_set, 1 << 20, false), "mount");
    check_clean(&stage);
    CHECK(!stage_run(&stage, times_get, 1 << 20, true), "mount");
    host_disk_free(&stage.disk);
}

// --- features ---
static void must_not_write(struct stage *stage) {
    struct inode *file;
    CHECK(node_create(stage->root, "x", 1, &ordinary, &file) == ERR_READ_ONLY, "creation on a read-only file system");
    CHECK(node_rmdir(stage->root, "lost+found", 10) == ERR_READ_ONLY, "rmdir on a read-only file system");
}

static void test_features(void) {
    static const struct {
        const char *options;
        error_t expected;
        bool read_only;
    } cases[] = {{"-O extents", ERR_NOT_SUPPORTED, false},
                 {"-O 64bit,extents", ERR_NOT_SUPPORTED, false},
                 {"-O meta_bg,^resize_inode", ERR_NOT_SUPPORTED, false},
                 {"-O huge_file", ERR_OK, true},
                 {"-O has_journal", ERR_OK, false},
                 {"-r 0 -O none", ERR_OK, false},
                 {"-O metadata_csum,^resize_inode", ERR_OK, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage stage = {0};
        char options[100];
        snprintf(options, sizeof options, "-b 1024 %s", cases[i].options);
        image_make(&stage.disk, work_directory, options, 8 << 20);
        uint32_t before = checksum(0, stage.disk.image, stage.disk.sectors * 512);
        host_messages = 0;
        error_t error = stage_run(&stage, cases[i].read_only ? must_not_write : NULL, 1 << 20, false);
        CHECK(error == cases[i].expected, "%s gives %d", options, error);
        CHECK((host_messages != 0) == (error || cases[i].read_only), "%s: messages", options);
        if (error || cases[i].read_only)
            CHECK(before == checksum(0, stage.disk.image, stage.disk.sectors * 512), "%s: the disk changed", options);
        else
            check_clean(&stage);
        host_disk_free(&stage.disk);
    }
}

// --- loans ---
enum { LOAN_CACHE = 1 << 20, LENT_BYTES = 16 * 4096, OTHERS = 24 };

static void loan_expect(const struct node_loan *loan, uint8_t value, const char *when) {
    for (uint32_t page = 0; page < loan->count; page++) {
        const uint8_t *bytes = host_cache_page(node_loan_place(loan, page));
        for (uint32_t i = 0; i < 4096; i++)
            CHECK(bytes[i] == value, "%s: page %u byte %u is %u", when, page, i, bytes[i]);
    }
}

// More than the cache holds, so that every frame that is free is used.
static void others_pass(struct stage *stage, uint8_t value) {
    struct inode *file = file_open(stage, "others");
    for (uint32_t i = 0; i < OTHERS; i++)
        bytes_write(file, (uint64_t)i * 65536, value, 65536);
    for (uint32_t i = 0; i < OTHERS; i++)
        bytes_expect(file, (uint64_t)i * 65536, value, 65536);
    node_release(file);
}

static struct node_loan second; // still there when the file system is not

// What the build before had lent, in a cache in which nothing was read yet.
static void loan_again(struct stage *stage) {
    struct node_loan loan = {.count = 2, .frames = {7, LOAN_CACHE / 4096}};
    CHECK(node_loan_restore(stage->fs, &loan) == ERR_CORRUPT, "a frame that is not there");
    loan = (struct node_loan){.count = 2, .frames = {7, 9}};
    CHECK(!node_loan_restore(stage->fs, &loan), "lent by the build before");
    for (uint32_t page = 0; page < 2; page++)
        memset((void *)(uintptr_t)host_cache_page(node_loan_place(&loan, page)), 'r', 4096);
    others_pass(stage, 'q');
    loan_expect(&loan, 'r', "another build read others");
    node_loan_end(&loan);
}

static void loans(struct stage *stage) {
    struct node_loan loan, many[8];
    struct inode *file = file_make(stage, "lent");
    uint64_t length = 0;
    node_release(file_make(stage, "others"));
    loan_again(stage);
    CHECK(node_lend(file, 0, 4096, &loan, &length) == ERR_INVALID, "nothing to lend");
    bytes_write(file, 0, 'a', LENT_BYTES);
    CHECK(node_lend(file, 0, 0, &loan, &length) == ERR_INVALID, "no bytes");
    CHECK(node_lend(file, LENT_BYTES, 1, &loan, &length) == ERR_INVALID, "behind the end");
    CHECK(!node_lend(file, 100, 1 << 20, &loan, &length), "lending");
    CHECK(loan.count == LENT_BYTES / 4096 && length == LENT_BYTES - 100, "%u pages, %lu bytes", loan.count,
          (unsigned long)length);
    CHECK(!node_lend(file, 5000, 100, &second, &length) && second.count == 1 && length == 100, "lending a page again");
    CHECK(node_loan_place(&second, 0) == node_loan_place(&loan, 1), "is the same page");
    node_loan_end(&second);
    others_pass(stage, 'x');
    loan_expect(&loan, 'a', "others were read");
    bytes_write(file, 0, 'b', LENT_BYTES);
    loan_expect(&loan, 'b', "it was written");
    CHECK(!node_truncate(file, 0), "a file is cut while it is lent");
    CHECK(!node_unlink(stage->root, "lent", 4), "and removed");
    node_release(file);
    others_pass(stage, 'y');
    loan_expect(&loan, 'b', "it is no more");
    uint64_t place = node_loan_place(&loan, 3);
    node_loan_end(&loan);
    others_pass(stage, 'z');
    CHECK(host_cache_page(place)[0] == 'z', "a frame that was given back is used");
    file = file_open(stage, "others");
    uint32_t count = 0, pages = 0;
    error_t error = ERR_OK;
    for (; count < 8; count++, pages += many[count - 1].count)
        if ((error = node_lend(file, (uint64_t)count << 20, 1 << 20, &many[count], &length)) != ERR_OK)
            break;
    CHECK(error == ERR_NO_MEMORY && pages > 0 && pages <= LOAN_CACHE / 4096 / 4, "%u pages lent: %d", pages, error);
    others_pass(stage, 'w');
    for (uint32_t i = 0; i < count; i++)
        node_loan_end(&many[i]);
    CHECK(!node_lend(file, 0, 4096, &second, &length), "all were given back");
    node_release(file); // and the unmounting cuts it off
}

static void test_loans(void) {
    struct stage stage = {0};
    for (int size = 1024; size <= 4096; size *= 4) {
        char options[20];
        snprintf(options, sizeof options, "-b %d", size);
        image_make(&stage.disk, work_directory, options, 16 << 20);
        CHECK(!stage_run(&stage, loans, LOAN_CACHE, false), "mount");
        CHECK(second.fs == NULL, "cut off");
        node_loan_end(&second);
        check_clean(&stage);
        host_disk_free(&stage.disk);
    }
}

// --- cursors ---
struct seen {
    uint8_t times[300];
    uint32_t budget;
};

static bool seen_add(void *context, const struct node_entry *entry) {
    struct seen *seen = context;
    char name[256];
    unsigned number;
    if (seen->budget-- == 0)
        return false;
    memcpy(name, entry->name, entry->length);
    name[entry->length] = 0;
    if (sscanf(name, "stays%u", &number) == 1)
        seen->times[number]++;
    return true;
}

static void cursors(struct stage *stage) {
    char name[64];
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "stays%u", i);
        node_release(file_make(stage, name));
        snprintf(name, sizeof name, "goes%u", i);
        node_release(file_make(stage, name));
    }
    for (uint32_t round = 0; round < 20; round++) {
        struct seen seen = {0};
        uint64_t cursor = 0, before;
        do {
            before = cursor;
            seen.budget = 1 + host_random_below(&stage->random, 30);
            CHECK(!node_readdir(stage->root, &cursor, seen_add, &seen), "readdir");
            for (uint32_t i = 0; i < 5; i++) {
                struct inode *file;
                uint32_t length = (uint32_t)snprintf(name, sizeof name, "goes%u", host_random_below(&stage->random, 300));
                if (node_unlink(stage->root, name, length) == ERR_OK)
                    continue;
                CHECK(!node_create(stage->root, name, length, &ordinary, &file), "create");
                node_release(file);
            }
        } while (cursor != before);
        for (uint32_t i = 0; i < 300; i++)
            CHECK(seen.times[i] == 1, "round %u: entry %u is seen %u times", round, i, seen.times[i]);
    }
}

// --- fights ---
struct fighter {
    struct stage *stage;
    struct host_random random;
};

static void fight_step(struct fighter *fighter, struct inode **directories) {
    static const char *const names[] = {"a", "b", "c", "d-with-a-longer-name", "e"};
    struct stage *stage = fighter->stage;
    struct inode *from = directories[host_random_below(&fighter->random, 3)], *node = NULL;
    struct inode *to = directories[host_random_below(&fighter->random, 3)];
    const char *name = names[host_random_below(&fighter->random, 5)], *other = names[host_random_below(&fighter->random, 5)];
    uint32_t length = (uint32_t)strlen(name), other_length = (uint32_t)strlen(other);
    uint8_t bytes[3000] = {7};
    struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
    uint64_t done;
    error_t error = ERR_OK;
    switch (host_random_below(&fighter->random, 9)) {
    case 0:
        error = node_create(from, name, length, &ordinary, &node);
        break;
    case 1:
        error = node_mkdir(from, name, length, &ordinary, &node);
        break;
    case 2:
        error = node_unlink(from, name, length);
        break;
    case 3:
        error = node_rmdir(from, name, length);
        break;
    case 4:
    case 5:
        error = node_rename(from, name, length, to, other, other_length);
        break;
    case 6:
        error = node_lookup(from, name, length, &node);
        if (!error && node_type(node) == NODE_REGULAR)
            error = node_link(to, other, other_length, node);
        break;
    case 7:
        error = node_lookup(from, name, length, &node);
        if (!error && node_type(node) == NODE_REGULAR)
            error = node_write(node, host_random_below(&fighter->random, 50000), false, sizeof bytes, &caller, 0, &done, NULL);
        break;
    default:
        error = host_random_below(&fighter->random, 4) ? ERR_OK : filesystem_synchronize(stage->fs);
    }
    CHECK(error != ERR_CORRUPT && error != ERR_IO && error != ERR_NO_MEMORY && error != ERR_STALE, "error %d", error);
    if (node && node_type(node) == NODE_DIRECTORY && host_random_below(&fighter->random, 3) == 0) { // go on in there
        uint32_t slot = host_random_below(&fighter->random, 3);
        node_release(directories[slot]);
        directories[slot] = node;
        node = NULL;
    }
    if (node)
        node_release(node);
}

static void fighter_main(void *argument) {
    struct fighter *fighter = argument;
    struct inode *directories[3];
    for (uint32_t i = 0; i < 3; i++)
        CHECK(!node_root(fighter->stage->fs, &directories[i]), "root");
    for (uint32_t i = 0; i < 400; i++) {
        fight_step(fighter, directories);
        if (host_random_below(&fighter->random, 30) == 0) { // back up
            node_release(directories[0]);
            CHECK(!node_root(fighter->stage->fs, &directories[0]), "root");
        }
        if (host_random_below(&fighter->random, 3) == 0)
            host_yield();
    }
    for (uint32_t i = 0; i < 3; i++)
        node_release(directories[i]);
    fighter->stage->running--;
}

static void fight(struct stage *stage) {
    struct fighter fighters[5];
    stage->running = 5;
    for (uint32_t i = 0; i < 5; i++) {
        fighters[i] = (struct fighter){stage, {host_random_next(&stage->random)}};
        host_fiber(fighter_main, &fighters[i]);
    }
    while (stage->running)
        host_yield();
}

static void test_fight(uint64_t seed) {
    struct stage stage = {.random = {seed}};
    snprintf(host_context, sizeof host_context, "special: fight, seed %lu", (unsigned long)seed);
    image_make(&stage.disk, work_directory, seed % 2 ? "-b 1024" : "-b 4096", 8 << 20);
    CHECK(!stage_run(&stage, fight, seed % 3 ? 300 << 10 : (1 << 20) + seed * 4096, false), "mount");
    check_clean(&stage);
    host_disk_free(&stage.disk);
}

int test_special(const struct test_run *run) {
    work_directory = run->directory;
    struct stage stage = {.random = {run->first_seed}};
    host_quiet = getenv("VERBOSE") == NULL;
    snprintf(host_context, sizeof host_context, "special: large files");
    test_large("-b 1024 -O ^large_file");
    test_large("-b 4096 -O ^large_file");
    snprintf(host_context, sizeof host_context, "special: indexed directories");
    test_indexed("-b 1024 -N 4000");
    test_indexed_change("-b 1024 -N 4000");
    test_indexed_change("-b 4096 -N 4000");
    snprintf(host_context, sizeof host_context, "special: unlinked but open");
    image_make(&stage.disk, work_directory, "-b 1024", 16 << 20);
    CHECK(!stage_run(&stage, unlinked, 1 << 20, false), "mount");
    check_clean(&stage);
    host_disk_free(&stage.disk);
    snprintf(host_context, sizeof host_context, "special: extended attributes");
    test_attributes();
    snprintf(host_context, sizeof host_context, "special: times");
    test_times();
    snprintf(host_context, sizeof host_context, "special: features");
    test_features();
    snprintf(host_context, sizeof host_context, "special: loans");
    test_loans();
    snprintf(host_context, sizeof host_context, "special: cursors");
    image_make(&stage.disk, work_directory, "-b 1024", 8 << 20);
    CHECK(!stage_run(&stage, cursors, 400 << 10, false), "mount");
    check_clean(&stage);
    host_disk_free(&stage.disk);
    for (uint32_t i = 0; i < run->seeds; i++)
        test_fight(run->first_seed + i);
    host_cache_free();
    host_quiet = false;
    printf("special: large, indexed, unlinked, attributes, times, features, loans, cursors, %u fights\n", run->seeds);
    return 0;
}
