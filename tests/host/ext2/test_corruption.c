// Corrupt images: each seed damages one kind of structure of a filled image at random places; mounting,
// walking, reading and writing must end with results or clear errors, never with a crash, a memory error or
// an endless loop.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "servers/ext2/format.h"
#include "tests/host/ext2/test_ext2.h"

enum { MOUNT_CACHE = 512 << 10, WALK_NODES = 600, SECONDS = 20 /* for one seed */ };

static const char *const image_options[] = {"-b 1024", "-b 4096", "-b 1024 -I 128 -g 2048", "-b 2048"};
enum { IMAGES = sizeof image_options / sizeof image_options[0] };

struct image {
    uint8_t *bytes;
    uint64_t size;
    uint32_t block_size;
};

struct attempt {
    struct filesystem_options options;
    struct filesystem *fs;
    struct host_random random;
    uint32_t visited, errors;
    uint8_t bytes[16384];
};

// --- filling the image to be damaged ---
static void fill_file(struct inode *parent, const char *name, uint64_t offset, uint64_t length) {
    static uint8_t bytes[65536];
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    struct inode *file;
    uint64_t done, at;
    memset(bytes, name[0], sizeof bytes);
    CHECK(!node_create(parent, name, (uint32_t)strlen(name), &creation, &file), "create %s", name);
    for (uint64_t written = 0; written < length; written += done) {
        struct platform_caller caller = {bytes, sizeof bytes, UINT64_MAX};
        uint64_t part = length - written < sizeof bytes ? length - written : sizeof bytes;
        CHECK(!node_write(file, offset + written, false, part, &caller, 0, &done, &at), "write %s", name);
    }
    node_release(file);
}

static void fill(void *argument) {
    struct attempt *attempt = argument;
    const struct node_creation creation = {.permissions = 0755};
    struct inode *root, *directory, *link;
    char name[64], target[200];
    CHECK(!filesystem_mount(&attempt->options, &attempt->fs), "mount");
    CHECK(!node_root(attempt->fs, &root), "root");
    for (uint32_t d = 0; d < 4; d++) {
        snprintf(name, sizeof name, "directory%u", d);
        CHECK(!node_mkdir(root, name, (uint32_t)strlen(name), &creation, &directory), "mkdir");
        for (uint32_t i = 0; i < 60; i++) {
            snprintf(name, sizeof name, "file-with-a-rather-long-name-%u", i);
            fill_file(directory, name, 0, i * 700);
        }
        memset(target, 't', sizeof target);
        CHECK(!node_symlink(directory, "long", 4, target, sizeof target, &creation, &link), "symlink");
        node_release(link);
        CHECK(!node_symlink(directory, "short", 5, target, 20, &creation, &link), "symlink");
        node_release(link);
        CHECK(!node_mkdir(directory, "inner", 5, &creation, &link), "mkdir");
        node_release(link);
        node_release(directory);
    }
    fill_file(root, "big", 0, 600 << 10);
    fill_file(root, "sparse", 80ull << 20, 20000);
    node_release(root);
    CHECK(!filesystem_unmount(attempt->fs), "unmount");
}

static void image_fill(struct image *image, const struct test_run *run, const char *options) {
    struct platform_disk disk;
    static struct attempt attempt;
    image_make(&disk, run->directory, options, 8 << 20);
    attempt.options = host_options(&disk, 1 << 20, false);
    host_start(1);
    host_call(fill, &attempt);
    image_check_clean(&disk, run->directory);
    image->bytes = disk.image;
    image->size = disk.sectors * 512;
    image->block_size = 1024u << ((struct ext2_superblock *)(void *)(disk.image + 1024))->log_block_size;
}

// --- damage ---
static void damage_bytes(struct host_random *random, uint8_t *at, uint32_t length) {
    uint32_t count = 1 + host_random_below(random, 4);
    while (count--) {
        uint32_t where = host_random_below(random, length);
        switch (host_random_below(random, 5)) {
        case 0:
            at[where] ^= (uint8_t)(1u << host_random_below(random, 8));
            break;
        case 1:
            at[where] = (uint8_t)host_random_next(random);
            break;
        case 2:
            at[where] = host_random_below(random, 2) ? 0xFF : 0;
            break;
        case 3:
            for (uint32_t i = 0; i < 4; i++)
                at[(where & ~3u) + i] = (uint8_t)host_random_next(random);
            break;
        default:
            for (uint32_t i = 0; i < 4; i++)
                at[(where & ~3u) + i] = 0xFF;
        }
    }
}

static uint8_t *block_at(const struct image *image, uint8_t *bytes, uint32_t block) {
    uint64_t at = (uint64_t)block * image->block_size;
    return at + image->block_size <= image->size ? bytes + at : NULL;
}

static struct ext2_inode *inode_random(struct host_random *random, const struct image *image, uint8_t *bytes) {
    const struct ext2_superblock *super = (const struct ext2_superblock *)(void *)(bytes + 1024);
    const struct ext2_group_descriptor *groups =
        (const struct ext2_group_descriptor *)(void *)block_at(image, bytes, super->first_data_block + 1);
    uint32_t count = (super->blocks_count - super->first_data_block + super->blocks_per_group - 1) / super->blocks_per_group;
    for (uint32_t tries = 0; tries < 2000; tries++) {
        uint32_t number = tries < 3 ? 2 : 1 + host_random_below(random, super->inodes_per_group * count);
        const struct ext2_group_descriptor *group = &groups[(number - 1) / super->inodes_per_group];
        uint8_t *table = block_at(image, bytes, group->inode_table);
        struct ext2_inode *inode =
            (struct ext2_inode *)(void *)(table + (size_t)((number - 1) % super->inodes_per_group) * super->inode_size);
        if (inode->links && (number == 2 ? host_random_below(random, 6) == 0 : number > 10))
            return inode;
    }
    return (struct ext2_inode *)(void *)(block_at(image, bytes, groups[0].inode_table) + super->inode_size);
}

// Points somewhere wrong: at metadata, at itself, at another's block, outside.
static uint32_t pointer_random(struct host_random *random, const struct image *image, uint32_t self) {
    switch (host_random_below(random, 4)) {
    case 0:
        return self;
    case 1:
        return host_random_below(random, 40);
    case 2:
        return (uint32_t)host_random_next(random);
    default:
        return host_random_below(random, (uint32_t)(image->size / image->block_size));
    }
}

static void damage_indirect(struct host_random *random, const struct image *image, uint8_t *bytes) {
    for (uint32_t tries = 0; tries < 50; tries++) {
        struct ext2_inode *inode = inode_random(random, image, bytes);
        uint32_t level = host_random_below(random, 3), block = inode->block[12 + level];
        if ((inode->mode & 0170000) == 0120000 || (block == 0 && host_random_below(random, 10)))
            continue;
        uint32_t *pointers = (uint32_t *)(void *)block_at(image, bytes, block);
        if (host_random_below(random, 3) == 0 || !block || !pointers) {
            inode->block[host_random_below(random, 15)] = pointer_random(random, image, block);
            if (host_random_below(random, 4) == 0) { // a whole tree that bites its tail
                inode->block[14] = block;
                if (pointers)
                    for (uint32_t i = 0; i < image->block_size / 4; i++)
                        pointers[i] = block;
                inode->size_low = 0xFFFFFFFF;
            }
        } else {
            for (uint32_t i = 0; i < 3; i++)
                pointers[host_random_below(random, image->block_size / 4)] = pointer_random(random, image, block);
        }
        return;
    }
}

static void damage_directory(struct host_random *random, const struct image *image, uint8_t *bytes) {
    for (uint32_t tries = 0; tries < 200; tries++) {
        struct ext2_inode *inode = inode_random(random, image, bytes);
        uint8_t *block = block_at(image, bytes, inode->block[host_random_below(random, 2)]);
        if ((inode->mode & 0170000) != 0040000 || !block)
            continue;
        if (host_random_below(random, 2)) {
            damage_bytes(random, block, image->block_size < 400 ? image->block_size : 400);
            return;
        }
        uint32_t offset = 0, count = host_random_below(random, 12);
        struct ext2_directory_entry *entry = (struct ext2_directory_entry *)(void *)block;
        while (count-- && entry->length >= 8 && offset + entry->length + 8u < image->block_size) {
            offset += entry->length;
            entry = (struct ext2_directory_entry *)(void *)(block + offset);
        }
        switch (host_random_below(random, 4)) {
        case 0: // to an ancestor, to itself, to a free inode
            entry->inode = host_random_below(random, 80);
            break;
        case 1:
            entry->length = (uint16_t)host_random_next(random);
            break;
        case 2:
            entry->name_length = (uint8_t)host_random_next(random);
            break;
        default:
            entry->length = (uint16_t)(host_random_below(random, 4) * 4);
        }
        return;
    }
}

static void damage(struct host_random *random, const struct image *image, uint8_t *bytes) {
    const struct ext2_superblock *super = (const struct ext2_superblock *)(void *)(bytes + 1024);
    struct ext2_group_descriptor *groups =
        (struct ext2_group_descriptor *)(void *)block_at(image, bytes, super->first_data_block + 1);
    uint8_t *block;
    switch (host_random_below(random, 8)) {
    case 0:
        damage_bytes(random, bytes + 1024, host_random_below(random, 2) ? 120 : 400);
        break;
    case 1:
        damage_bytes(random, (uint8_t *)groups, 32);
        break;
    case 2:
        block = block_at(image, bytes, host_random_below(random, 2) ? groups[0].block_bitmap : groups[0].inode_bitmap);
        if (host_random_below(random, 3) == 0)
            memset(block, host_random_below(random, 2) ? 0 : 0xFF, image->block_size);
        else
            damage_bytes(random, block, 128);
        break;
    case 3:
    case 4:
        damage_bytes(random, (uint8_t *)inode_random(random, image, bytes), 128 + (super->inode_size > 128 ? 32 : 0));
        break;
    case 5:
        damage_directory(random, image, bytes);
        break;
    case 6:
        damage_indirect(random, image, bytes);
        break;
    default: // anywhere near the start, where most structures are
        damage_bytes(random, bytes + 1024, (uint32_t)(image->size / 8));
    }
}

// --- living with it ---
struct found {
    char names[40][256];
    uint32_t lengths[40];
    uint32_t count;
};

static bool found_add(void *context, const struct node_entry *entry) {
    struct found *found = context;
    if (found->count == 40)
        return false;
    memcpy(found->names[found->count], entry->name, entry->length);
    found->lengths[found->count++] = entry->length;
    return true;
}

static void try_file(struct attempt *attempt, struct inode *node) {
    struct platform_caller caller = {attempt->bytes, sizeof attempt->bytes, UINT64_MAX};
    struct node_attributes a;
    struct node_stream stream = {0};
    uint64_t done, at;
    error_t error = ERR_OK;
    node_attributes(node, &a);
    for (at = 0; at < a.size && at < 300000 && !error; at += sizeof attempt->bytes)
        error = node_read(node, &stream, at, sizeof attempt->bytes, &caller, 0, &done);
    attempt->errors += error != 0;
    if (a.size)
        error = node_read(node, NULL, host_random_next(&attempt->random) % a.size, 5000, &caller, 0, &done);
    if (host_random_below(&attempt->random, 3) == 0)
        error = node_write(node, a.size ? host_random_next(&attempt->random) % a.size : 0, false, 9000, &caller, 0, &done, NULL);
    attempt->errors += error != 0;
    if (host_random_below(&attempt->random, 4) == 0)
        error = node_truncate(node, host_random_below(&attempt->random, 20000));
    attempt->errors += error != 0;
}

static void try_changes(struct attempt *attempt, struct inode *directory, const struct found *found) {
    const struct node_creation creation = {.type = NODE_REGULAR, .permissions = 0644};
    struct inode *node;
    char name[32];
    error_t error;
    uint32_t length = (uint32_t)snprintf(name, sizeof name, "new%u", host_random_below(&attempt->random, 9));
    error = node_create(directory, name, length, &creation, &node);
    if (!error) {
        try_file(attempt, node);
        node_release(node);
    }
    error = node_mkdir(directory, "made", 4, &creation, &node);
    if (!error)
        node_release(node);
    for (uint32_t i = 0; i < 3 && found->count; i++) {
        uint32_t pick = host_random_below(&attempt->random, found->count);
        const char *old = found->names[pick];
        switch (host_random_below(&attempt->random, 4)) {
        case 0:
            error = node_unlink(directory, old, found->lengths[pick]);
            break;
        case 1:
            error = node_rmdir(directory, old, found->lengths[pick]);
            break;
        case 2:
            error = node_rename(directory, old, found->lengths[pick], directory, name, length);
            break;
        default:
            error = node_rename(directory, name, length, directory, old, found->lengths[pick]);
        }
        attempt->errors += error != 0;
    }
}

static void walk(struct attempt *attempt, struct inode *node, uint32_t depth) {
    struct found *found;
    uint64_t cursor = 0;
    uint32_t length;
    if (attempt->visited++ > WALK_NODES || depth > 12)
        return;
    switch (node_type(node)) {
    case NODE_REGULAR:
        try_file(attempt, node);
        return;
    case NODE_SYMLINK:
        attempt->errors += node_readlink(node, (char *)attempt->bytes, sizeof attempt->bytes, &length) != 0;
        return;
    case NODE_DIRECTORY:
        break;
    default:
        return;
    }
    found = malloc(sizeof *found);
    CHECK(found, "no memory");
    for (uint32_t part = 0; part < 5; part++) {
        uint64_t before = cursor;
        found->count = 0;
        attempt->errors += node_readdir(node, &cursor, found_add, found) != 0;
        for (uint32_t i = 0; i < found->count; i++) {
            struct inode *child;
            error_t error = node_lookup(node, found->names[i], found->lengths[i], &child);
            attempt->errors += error != 0;
            if (error)
                continue;
            if (found->names[i][0] != '.')
                walk(attempt, child, depth + 1);
            node_release(child);
        }
        if (host_random_below(&attempt->random, 2))
            try_changes(attempt, node, found);
        if (cursor == before)
            break;
    }
    free(found);
}

static void attempt_body(void *argument) {
    struct attempt *attempt = argument;
    struct inode *root;
    struct filesystem_statistics statistics;
    error_t error = filesystem_mount(&attempt->options, &attempt->fs);
    if (error) {
        attempt->errors++;
        CHECK(host_messages, "a refusal without a message: %d", error);
        return;
    }
    error = node_root(attempt->fs, &root);
    if (!error) {
        walk(attempt, root, 0);
        node_release(root);
    }
    filesystem_statistics(attempt->fs, &statistics);
    error = filesystem_synchronize(attempt->fs);
    attempt->errors += error != 0;
    error = filesystem_unmount(attempt->fs);
    attempt->errors += error != 0;
}

static void endless(int signal_number) {
    (void)signal_number;
    fprintf(stderr, "endless loop [%s]\n", host_context);
    abort();
}

// Writes the damaged image of each seed to DIRECTORY/damaged-SEED.img, for others to live with.
int tool_damage(const struct test_run *run) {
    struct image images[IMAGES];
    char path[300];
    for (uint32_t i = 0; i < IMAGES; i++)
        image_fill(&images[i], run, image_options[i]);
    for (uint64_t seed = run->first_seed; seed < run->first_seed + run->seeds; seed++) {
        const struct image *image = &images[seed % IMAGES];
        struct host_random random = {.state = seed};
        uint8_t *bytes = malloc(image->size);
        CHECK(bytes, "no memory");
        memcpy(bytes, image->bytes, image->size);
        damage(&random, image, bytes);
        snprintf(path, sizeof path, "%s/damaged-%lu.img", run->directory, (unsigned long)seed);
        FILE *file = fopen(path, "wb");
        CHECK(file && fwrite(bytes, 1, image->size, file) == image->size && fclose(file) == 0, "write %s", path);
        free(bytes);
    }
    for (uint32_t i = 0; i < IMAGES; i++)
        free(images[i].bytes);
    host_cache_free();
    return 0;
}

int test_corruption(const struct test_run *run) {
    struct image images[IMAGES];
    static struct attempt attempt;
    uint32_t noticed = 0;
    for (uint32_t i = 0; i < IMAGES; i++)
        image_fill(&images[i], run, image_options[i]);
    uint8_t *bytes = malloc(images[0].size); // one for all seeds: its pages are there
    CHECK(bytes, "no memory");
    signal(SIGALRM, endless);
    host_quiet = true;
    for (uint64_t seed = run->first_seed; seed < run->first_seed + run->seeds; seed++) {
        const struct image *image = &images[seed % IMAGES];
        struct platform_disk disk = {.image = bytes, .sectors = image->size / PLATFORM_SECTOR_BYTES};
        CHECK(image->size == images[0].size, "images of several sizes");
        memcpy(disk.image, image->bytes, image->size);
        memset(&attempt, 0, sizeof attempt);
        attempt.random.state = seed;
        damage(&attempt.random, image, disk.image);
        snprintf(host_context, sizeof host_context, "corruption seed %lu", (unsigned long)seed);
        host_messages = 0;
        alarm(SECONDS);
        host_start(seed);
        attempt.options = host_options(&disk, MOUNT_CACHE, seed % 5 == 0);
        host_call(attempt_body, &attempt);
        noticed += host_messages != 0;
        host_disk_forget_events(&disk);
    }
    alarm(0);
    host_quiet = false;
    free(bytes);
    for (uint32_t i = 0; i < IMAGES; i++)
        free(images[i].bytes);
    host_cache_free();
    printf("corruption: %u seeds, %u with a message\n", run->seeds, noticed);
    return 0;
}
