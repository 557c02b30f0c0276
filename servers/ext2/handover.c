// Mounted disks as records for another build of ext2 (servers/framework/handover.c does sessions). The cache
// is not handed over but written back: what the next one needs lies on the disk. The cache memory itself goes
// along, since the driver knows it, and so does the session of the driver.
#include <stdlib.h>
#include <string.h>

#include "servers/ext2/volume.h"

enum { VERSION = 1, REST_ROUNDS = 8 };

struct volume_record { // under the tree's device number
    uint64_t cache_bytes, flags;
    uint32_t block, memory; // slots
    uint32_t buffer;        // the memory's number at the driver
    uint16_t mounted_state;
    uint16_t padding;
};

// One disk's write-back waits, and another's background work may begin meanwhile.
static bool all_at_rest(void) {
    for (const struct tree *tree = ext2_server.trees; tree; tree = tree->next)
        if (!filesystem_is_at_rest(((const struct volume *)tree->own)->filesystem))
            return false;
    return true;
}

static error_t rest_all(void) {
    for (uint32_t round = 0; round < REST_ROUNDS; round++) {
        for (const struct tree *tree = ext2_server.trees; tree; tree = tree->next) {
            struct volume *volume = tree->own;
            error_t error = filesystem_rest(volume->filesystem, &volume->mounted_state);
            if (error)
                return error;
        }
        if (all_at_rest())
            return ERR_OK;
    }
    return ERR_BUSY;
}

error_t ext2_give(struct handover *handover) {
    error_t error = rest_all();
    for (const struct tree *tree = ext2_server.trees; tree && !error; tree = tree->next) {
        const struct volume *volume = tree->own;
        const struct volume_record record = {
            .cache_bytes = volume->cache_bytes,
            .flags = tree->flags,
            .block = volume->disk.block,
            .memory = volume->disk.memory,
            .buffer = volume->disk.buffer,
            .mounted_state = volume->mounted_state,
        };
        error = handover_put(handover, EXT2_CLASS_VOLUME, VERSION, tree->device, &record, sizeof(record));
    }
    return error;
}

static error_t take_volume(const struct volume_record *record, uint64_t device) {
    uint32_t bit;
    struct inode *root;
    struct volume *volume = calloc(1, sizeof(*volume));
    if (!volume)
        return ERR_NO_MEMORY;
    handover_claim(record->block);
    handover_claim(record->memory);
    error_t error = ext2_take_bit(&bit);
    if (!error)
        error = disk_open(&volume->disk, record->block, record->memory, record->buffer, bit);
    const struct filesystem_options options = {
        .read_only = record->flags & MOUNT_FLAG_READ_ONLY, .adopts = true, .mounted_state = record->mounted_state};
    if (!error)
        error = ext2_mount_volume(volume, record->cache_bytes, options);
    if (!error)
        error = node_root(volume->filesystem, &root);
    if (error)
        return error;
    volume->tree.ops = &ext2_tree_ops;
    volume->tree.root = (struct tree_node *)root;
    volume->tree.own = volume;
    volume->tree.flags = record->flags;
    strcpy(volume->tree.type, "ext2");
    file_server_enter_tree(&volume->tree, device);
    return ERR_OK;
}

error_t ext2_take(struct handover *handover) {
    struct handover_view view = {0};
    struct volume_record record;
    while (handover_next(handover, EXT2_CLASS_VOLUME, &view) == ERR_OK) {
        error_t error = handover_read(&view, VERSION, &record, sizeof(record));
        if (!error)
            error = take_volume(&record, view.view.key);
        if (error)
            return error;
    }
    return ext2_take_loans(handover);
}

void ext2_taken(void) {
    for (const struct tree *tree = ext2_server.trees; tree; tree = tree->next)
        filesystem_adopted(((const struct volume *)tree->own)->filesystem);
}
