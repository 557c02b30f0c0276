// Images by mke2fs, judged by e2fsck; and a dump of an image's tree as the core sees it, for comparison with
// the host's.
#include <string.h>
#include <sys/wait.h>

#include "tests/host/ext2/test_ext2.h"

uint32_t checksum(uint32_t sum, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
            table[i] = value;
        }
    sum = ~sum;
    while (length--)
        sum = table[(sum ^ *at++) & 0xFF] ^ sum >> 8;
    return ~sum;
}

static int command_run(const char *command) {
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void image_make(struct platform_disk *disk, const char *directory, const char *options, uint64_t bytes) {
    char path[300], command[1000];
    snprintf(path, sizeof path, "%s/image", directory);
    snprintf(command, sizeof command, "rm -f '%s' && mke2fs -q -F -t ext2 %s '%s' %luk >'%s/mke2fs.log' 2>&1", path, options,
             path, (unsigned long)(bytes >> 10), directory);
    CHECK(command_run(command) == 0, "mke2fs failed: %s", command);
    host_disk_load(disk, path);
}

int image_check(const struct platform_disk *disk, const char *directory, const char *options, struct platform_disk *repaired) {
    char path[300], command[1000];
    snprintf(path, sizeof path, "%s/checked", directory);
    host_disk_save(disk, path);
    snprintf(command, sizeof command, "e2fsck %s '%s' >'%s/e2fsck.log' 2>&1", options, path, directory);
    int status = command_run(command);
    if (repaired)
        host_disk_load(repaired, path);
    return status;
}

void image_check_clean(const struct platform_disk *disk, const char *directory) {
    int status = image_check(disk, directory, "-fn", NULL);
    if (status != 0) {
        char command[400];
        snprintf(command, sizeof command, "cat '%s/e2fsck.log' >&2", directory);
        (void)command_run(command);
    }
    CHECK(status == 0, "e2fsck -fn exits %d; image in %s/checked", status, directory);
}

// --- dump ---
struct dump {
    struct filesystem_options options;
    struct filesystem *fs;
    char path[8192];
    error_t error;
};

struct listing {
    char names[4096][256];
    uint32_t count;
};

static bool listing_add(void *context, const struct node_entry *entry) {
    struct listing *listing = context;
    if (listing->count == 4096)
        return false;
    if (entry->length <= 2 && entry->name[0] == '.' && (entry->length == 1 || entry->name[1] == '.'))
        return true;
    memcpy(listing->names[listing->count], entry->name, entry->length);
    listing->names[listing->count++][entry->length] = 0;
    return true;
}

static uint32_t dump_content(struct inode *node, uint64_t size) {
    static uint8_t bytes[65536];
    struct node_stream stream = {0};
    uint32_t sum = 0;
    for (uint64_t at = 0; at < size;) {
        struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
        uint64_t done;
        error_t error = node_read(node, &stream, at, sizeof bytes, &caller, 0, &done);
        CHECK(!error && done, "read fails: %d", error);
        sum = checksum(sum, bytes, done);
        at += done;
    }
    return sum;
}

static void dump_node(struct dump *dump, struct inode *node);

static void dump_directory(struct dump *dump, struct inode *node) {
    struct listing *listing = malloc(sizeof *listing);
    CHECK(listing, "no memory");
    uint64_t cursor = 0;
    size_t end = strlen(dump->path);
    do {
        listing->count = 0;
        error_t error = node_readdir(node, &cursor, listing_add, listing);
        CHECK(!error, "readdir of %s: %d", dump->path, error);
        for (uint32_t i = 0; i < listing->count; i++) {
            struct inode *child;
            snprintf(dump->path + end, sizeof dump->path - end, "/%s", listing->names[i]);
            error = node_lookup(node, listing->names[i], (uint32_t)strlen(listing->names[i]), &child);
            CHECK(!error, "lookup of %s: %d", dump->path, error);
            dump_node(dump, child);
            node_release(child);
        }
        dump->path[end] = 0;
    } while (listing->count == 4096);
    free(listing);
}

static void dump_node(struct dump *dump, struct inode *node) {
    struct node_attributes a;
    static char target[4097]; // not on the stack: trees are deep
    uint32_t length = 0;
    node_attributes(node, &a);
    printf("%s\t%o\t%u\t%u\t%u\t%ld", dump->path[0] ? dump->path : "/", a.mode, a.uid, a.gid, a.links, (long)a.modify.seconds);
    switch (node_type(node)) {
    case NODE_REGULAR:
        printf("\t%lu\t%08x\n", (unsigned long)a.size, dump_content(node, a.size));
        break;
    case NODE_SYMLINK: {
        error_t error = node_readlink(node, target, 4096, &length);
        CHECK(!error, "readlink of %s: %d", dump->path, error);
        target[length] = 0;
        printf("\t%s\n", target);
        break;
    }
    case NODE_DIRECTORY:
        printf("\n");
        dump_directory(dump, node);
        break;
    default:
        printf("\t%u:%u\n", a.device_major, a.device_minor);
    }
}

static void dump_body(void *argument) {
    struct dump *dump = argument;
    struct inode *root;
    dump->error = filesystem_mount(&dump->options, &dump->fs);
    if (dump->error)
        return;
    CHECK(!node_root(dump->fs, &root), "no root");
    dump_node(dump, root);
    node_release(root);
    dump->error = filesystem_unmount(dump->fs);
}

int tool_dump(const char *image, uint64_t cache_bytes) {
    struct platform_disk disk;
    static struct dump dump;
    host_disk_load(&disk, image);
    dump.options = host_options(&disk, cache_bytes, true);
    host_start(1);
    host_call(dump_body, &dump);
    host_cache_free();
    host_disk_free(&disk);
    return dump.error ? 1 : 0;
}
