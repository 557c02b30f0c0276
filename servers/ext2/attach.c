// Mounting and unmounting a disk for the framework; see volume.h.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "servers/ext2/volume.h"

enum { CACHE_LEAST = 512 << 10, CACHE_MOST = 256 << 20, CACHE_SHARE = 4, PAGE = 4096 };
enum { PROMISED = 16 << 20 }; // of what is free: charged to servers that have not touched it yet, and a few programs

static bool bits_used[VOLUMES_MAX];

// A part of the machine's memory for each disk, less if there is less.
static error_t make_cache(cap_t *memory, uint64_t *bytes) {
    struct kernel_information information;
    uint64_t size = CACHE_MOST;
    if (kernel_information(SLOT_KERNEL, &information) == ERR_OK) {
        uint64_t left = information.free_bytes > PROMISED ? information.free_bytes - PROMISED : 0;
        uint64_t share = left / CACHE_SHARE & ~(uint64_t)(PAGE - 1);
        size = share < CACHE_LEAST ? CACHE_LEAST : share < size ? share : size;
    }
    for (; size >= CACHE_LEAST; size = size / 2 & ~(uint64_t)(PAGE - 1)) {
        if (account_create_memory(SLOT_ACCOUNT, size, memory) == ERR_OK) {
            *bytes = size;
            return ERR_OK;
        }
    }
    return ERR_NO_MEMORY;
}

error_t ext2_take_bit(uint32_t *bit) {
    for (uint32_t i = 0; i < VOLUMES_MAX; i++) {
        if (bits_used[i])
            continue;
        bits_used[i] = true;
        *bit = FIRST_DISK_BIT + i;
        return ERR_OK;
    }
    return ERR_BUSY;
}

static void background(void *filesystem) {
    filesystem_background(filesystem);
}

error_t ext2_mount_volume(struct volume *volume, uint64_t cache_bytes, struct filesystem_options options) {
    uint64_t address;
    volume->cache_bytes = cache_bytes;
    volume->metadata_bytes = filesystem_metadata_share(cache_bytes);
    error_t error = kept_map(volume->disk.memory, volume->metadata_bytes, &address);
    if (error)
        return error;
    volume->metadata = (void *)address; // NOLINT(performance-no-int-to-ptr)
    options.disk = &volume->disk;
    options.metadata = volume->metadata;
    options.metadata_bytes = volume->metadata_bytes;
    options.cache_bytes = cache_bytes;
    error = filesystem_mount(&options, &volume->filesystem);
    if (!error)
        return fiber_start(background, volume->filesystem);
    (void)server_unmap(volume->metadata, volume->metadata_bytes);
    return error;
}

static void free_volume(struct volume *volume) {
    disk_close(&volume->disk);
    bits_used[volume->disk.bit - FIRST_DISK_BIT] = false;
    slot_release(volume->disk.memory);
    free(volume);
}

error_t ext2_attach(struct request *request, const char *source, const char *options, uint64_t flags, cap_t device,
                    struct tree **tree) {
    struct filesystem_statistics statistics;
    uint64_t cache_bytes;
    uint32_t bit = 0;
    cap_t memory = 0;
    if (*options)
        return ERR_INVALID; // none are known
    if (!device)
        return ERR_NO_DEVICE;
    struct volume *volume = calloc(1, sizeof(*volume));
    if (!volume)
        return ERR_NO_MEMORY;
    error_t error = make_cache(&memory, &cache_bytes);
    if (!error)
        error = ext2_take_bit(&bit);
    if (error) {
        slot_release(memory);
        free(volume);
        return error;
    }
    error = disk_open(&volume->disk, request_keep(request, device), memory, 0, bit);
    if (!error)
        error = ext2_mount_volume(volume, cache_bytes, (struct filesystem_options){.read_only = flags & MOUNT_FLAG_READ_ONLY});
    struct inode *root = NULL;
    if (!error)
        error = node_root(volume->filesystem, &root);
    if (error) {
        char line[200];
        (void)snprintf(line, sizeof(line), "%s is not mounted: %s", source, strerror(-error));
        platform_log(PLATFORM_LOG_ERROR, line);
        free_volume(volume);
        return error;
    }
    filesystem_statistics(volume->filesystem, &statistics);
    volume->tree.ops = &ext2_tree_ops;
    volume->tree.root = (struct tree_node *)root;
    volume->tree.own = volume;
    volume->tree.flags = flags | (statistics.read_only ? MOUNT_FLAG_READ_ONLY : 0);
    strcpy(volume->tree.type, "ext2");
    *tree = &volume->tree;
    return ERR_OK;
}

error_t ext2_cache(struct cache_status *status) {
    *status = (struct cache_status){0};
    for (struct tree *tree = ext2_server.trees; tree; tree = tree->next) {
        const struct volume *volume = tree->own;
        struct filesystem_statistics statistics;
        uint64_t resident;
        error_t error = memory_information(volume->disk.memory, NULL, NULL, &resident);
        if (error)
            return error;
        filesystem_statistics(volume->filesystem, &statistics);
        status->cached_bytes += resident;
        status->dirty_bytes += statistics.dirty_bytes;
    }
    return ERR_OK;
}

error_t ext2_detach(struct tree *tree) {
    struct volume *volume = tree->own;
    error_t error = filesystem_unmount(volume->filesystem);
    (void)server_unmap(volume->metadata, volume->metadata_bytes);
    free_volume(volume);
    return error;
}
