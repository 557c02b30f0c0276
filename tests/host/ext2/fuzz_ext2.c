// libFuzzer target: the input changes bytes of a small valid image (pairs of a position and a value);
// mounting, walking and a few changes must end in results or errors. `fuzz_ext2 -runs=N`; the image is made
// with mke2fs at the start.
#include <string.h>

#include "tests/host/ext2/test_ext2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct filesystem_options options;
    uint32_t visited;
};

static struct platform_disk pristine;

static void prepare(void) {
    char directory[] = "/tmp/ext2-fuzz-XXXXXX", command[600];
    CHECK(mkdtemp(directory), "no directory");
    snprintf(command, sizeof command,
             "mkdir -p '%s/tree/a/b' && head -c 300000 /dev/zero | tr '\\0' x >'%s/tree/big' && echo hello "
             ">'%s/tree/a/file' && "
             "ln -s ../big '%s/tree/a/link' && seq 1 200 | sed 's|^|%s/tree/a/b/name|' | xargs touch",
             directory, directory, directory, directory, directory);
    CHECK(system(command) == 0, "cannot fill %s", directory);
    snprintf(command, sizeof command, "-b 1024 -N 256 -d %s/tree", directory);
    image_make(&pristine, directory, command, 1 << 20);
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK(system(command) == 0, "cannot remove %s", directory);
    host_quiet = true;
}

static bool first_name(void *context, const struct node_entry *entry) {
    char *name = context;
    if (entry->name[0] == '.' || name[0])
        return true;
    memcpy(name, entry->name, entry->length);
    name[entry->length] = 0;
    return true;
}

static void walk(struct fuzz *fuzz, struct inode *node, uint32_t depth) {
    static uint8_t bytes[8192];
    struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    struct node_attributes a;
    struct inode *child;
    uint64_t done, cursor = 0;
    uint32_t length;
    char name[256] = "";
    error_t error = ERR_OK;
    if (depth > 8 || fuzz->visited++ > 60)
        return;
    node_attributes(node, &a);
    if (node_type(node) == NODE_SYMLINK) {
        error = node_readlink(node, (char *)bytes, sizeof bytes, &length);
    } else if (node_type(node) == NODE_REGULAR) {
        for (uint64_t at = 0; at < a.size && at < 400000 && !error; at += sizeof bytes)
            error = node_read(node, NULL, at, sizeof bytes, &caller, 0, &done);
        error = node_write(node, a.size / 2, false, 3000, &caller, 0, &done, NULL);
        error = node_truncate(node, a.size / 3);
    } else if (node_type(node) == NODE_DIRECTORY) {
        error = node_readdir(node, &cursor, first_name, name);
        for (uint32_t i = 0; i < 4; i++) {
            static const char *const known[] = {"a", "b", "big", "link"};
            const char *pick = i == 0 && name[0] ? name : known[i];
            error = node_lookup(node, pick, (uint32_t)strlen(pick), &child);
            if (error)
                continue;
            walk(fuzz, child, depth + 1);
            node_release(child);
        }
        error = node_create(node, "made", 4, &creation, &child);
        if (!error)
            node_release(child);
        error = node_rename(node, "made", 4, node, name[0] ? name : "other", name[0] ? (uint32_t)strlen(name) : 5);
        error = node_rmdir(node, "b", 1);
    }
    (void)error;
}

static void body(void *argument) {
    struct fuzz *fuzz = argument;
    struct filesystem *fs;
    struct inode *root;
    if (filesystem_mount(&fuzz->options, &fs))
        return;
    if (node_root(fs, &root) == ERR_OK) {
        walk(fuzz, root, 0);
        node_release(root);
    }
    error_t error = filesystem_unmount(fs);
    (void)error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct platform_disk disk;
    struct fuzz fuzz = {.visited = 0};
    if (!pristine.image)
        prepare();
    host_disk_make(&disk, pristine.sectors * 512);
    memcpy(disk.image, pristine.image, disk.sectors * 512);
    for (size_t i = 0; i + 5 <= size; i += 5) {
        uint32_t at;
        memcpy(&at, data + i, 4);
        // Most of the metadata lies in the first 80 KiB.
        disk.image[1024 + at % (at & 1u << 31 ? 80 << 10 : disk.sectors * 512 - 1024)] = data[i + 4];
    }
    fuzz.options = host_options(&disk, 256 << 10, false);
    host_start(size);
    host_call(body, &fuzz);
    host_disk_free(&disk);
    return 0;
}
