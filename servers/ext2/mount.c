// Mounting, unmounting, sync, statistics, and the background fiber. Called by the server.
#include <stdlib.h>
#include <string.h>

#include "servers/ext2/allocate.h"
#include "servers/ext2/buffer.h"
#include "servers/ext2/disk.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/message.h"
#include "servers/ext2/page.h"
#include "servers/ext2/superblock.h"
#include "servers/ext2/transaction.h"
#include "servers/ext2/writeback.h"

#define SYNC_NANOSECONDS 5000000000ull
enum { REST_TRIES = 4 };

uint64_t filesystem_metadata_share(uint64_t cache_bytes) {
    uint64_t least = 160 << 10, share = cache_bytes / 6;
    if (share < least)
        share = least < cache_bytes / 8 * 5 ? least : cache_bytes / 8 * 5;
    if (share > 64 << 20)
        share = 64 << 20;
    return share & ~(uint64_t)(PAGE_BYTES - 1);
}

static void filesystem_free(struct filesystem *fs) {
    if (fs->inode_hash)
        inode_cache_free(fs);
    for (uint32_t i = 0; fs->groups && i < fs->group_count; i++) {
        free(fs->groups[i].pending_blocks);
        free(fs->groups[i].pending_inodes);
    }
    while (fs->tombstones) {
        struct tombstone *next = fs->tombstones->next;
        free(fs->tombstones);
        fs->tombstones = next;
    }
    free(fs->groups);
    page_cache_free(fs);
    buffer_cache_free(fs);
    disk_requests_free(fs);
    free(fs);
}

// The superblock lies at byte 1024 whatever the block size: read through a cache of 1 KiB blocks that is
// thrown away.
static error_t mount_read_super(struct filesystem *fs, uint8_t *metadata, uint64_t bytes) {
    struct buffer *buffer;
    fs->block_shift = 10;
    fs->block_size = 1024;
    fs->sectors_per_block = 2;
    error_t error = buffer_cache_make(fs, metadata, bytes);
    if (!error)
        error = buffer_read(fs, 1, BUFFER_SUMMARY, &buffer);
    if (!error) {
        struct ext2_superblock *super = malloc(sizeof *super);
        error = super ? ERR_OK : ERR_NO_MEMORY;
        if (super) {
            memcpy(super, buffer->data, sizeof *super);
            error = superblock_decode(fs, super);
        }
        free(super);
    }
    buffer_cache_free(fs);
    platform_commit(); // or the memory just freed would have to be there again, and all of the new cache be noted
    return error ? error : buffer_cache_make(fs, metadata, bytes);
}

static error_t mount_check_root(struct filesystem *fs) {
    struct inode *root;
    error_t error = inode_get(fs, EXT2_ROOT_INODE, &root);
    if (error)
        return error;
    if (!inode_is_directory(root))
        error = filesystem_corrupt(fs, "ext2: the root inode is no directory");
    inode_drop(root);
    return error;
}

static void mount_set_limits(struct filesystem *fs) {
    uint32_t operations = minimum_u32(fs->buffer_count / 12, fs->page_count / 6);
    fs->operation_limit = operations < 2 ? 2 : minimum_u32(operations, 32);
    fs->write_credits =
        fs->dirty_limit / 2 < MAPPING_CREDITS + 4 ? MAPPING_CREDITS + 4 : minimum_u32(fs->dirty_limit / 2, 4 * MAPPING_CREDITS);
}

static error_t mount_do(struct filesystem *fs, const struct filesystem_options *options) {
    platform_commit(); // what is made from here on is much, and need not be taken back with what was done before
    error_t error = disk_requests_make(fs);
    if (!error)
        error = page_cache_make(fs, options->metadata_bytes, options->cache_bytes - options->metadata_bytes);
    if (!error)
        error = mount_read_super(fs, options->metadata, options->metadata_bytes);
    if (!error)
        error = superblock_read_groups(fs);
    if (!error)
        error = inode_cache_make(fs, options->cache_bytes);
    if (error)
        return error;
    mount_set_limits(fs);
    fs->hash_seed = (uint32_t)platform_wall_time() ^ (uint32_t)(platform_wall_time() >> 32);
    error = mount_check_root(fs);
    if (error)
        return error;
    if (fs->adopts) {
        fs->mounted_state = options->mounted_state;
        return ERR_OK;
    }
    if (!(fs->mounted_state & EXT2_STATE_VALID))
        message_log(fs, PLATFORM_LOG_WARNING, "ext2: not cleanly unmounted: run e2fsck when possible");
    else if (fs->mounted_state & EXT2_STATE_ERROR)
        message_log(fs, PLATFORM_LOG_WARNING, "ext2: marked as having errors: run e2fsck when possible");
    return fs->read_only ? ERR_OK : superblock_write_state(fs, true);
}

error_t filesystem_mount(const struct filesystem_options *options, struct filesystem **result) {
    if (options->cache_bytes < 256 << 10 || options->metadata_bytes < 96 << 10 || options->metadata_bytes % PAGE_BYTES ||
        options->cache_bytes < options->metadata_bytes + 16 * PAGE_BYTES)
        return ERR_INVALID;
    struct filesystem *fs = aligned_alloc(_Alignof(struct filesystem), sizeof *fs);
    if (!fs)
        return ERR_NO_MEMORY;
    memset(fs, 0, sizeof *fs);
    fs->disk = options->disk;
    fs->read_only = options->read_only;
    fs->adopts = options->adopts;
    error_t error = mount_do(fs, options);
    if (error) {
        filesystem_free(fs);
        return error;
    }
    *result = fs;
    return ERR_OK;
}

error_t filesystem_synchronize(struct filesystem *fs) {
    uint32_t retries;
    do {
        retries = fs->write_retries;
        writeback_all(fs);
    } while (retries != fs->write_retries);
    error_t error = commit_with_summary(fs);
    return error ? error : disk_flush(fs);
}

// Unlinked inodes that are still referenced go now; e2fsck would otherwise have to.
static void unmount_free_unlinked(struct filesystem *fs) {
    for (uint32_t i = 0; i <= fs->inode_hash_mask; i++) {
        struct inode *inode = fs->inode_hash[i];
        while (inode) {
            if (inode->links == 0 && !(inode->flags & (INODE_LOST | INODE_LOADING)) && inode->references) {
                inode->references = 1;
                inode_drop(inode);
                inode = fs->inode_hash[i];
            } else {
                inode = inode->hash_next;
            }
        }
    }
}

// Reads ahead may still be on their way into memory that is about to go.
static void wait_for_transfers(struct filesystem *fs) {
    while (fs->reading_pages || fs->writing_pages)
        platform_queue_wait(&fs->frame_queue);
    for (uint32_t i = 0; i < fs->buffer_count; i++)
        while (fs->buffers[i].flags & BUFFER_READING)
            platform_queue_wait(&fs->buffer_queue);
}

bool filesystem_is_at_rest(const struct filesystem *fs) {
    for (uint32_t i = 0; i < fs->buffer_count; i++)
        if (fs->buffers[i].flags & BUFFER_READING)
            return false;
    return !fs->reading_pages && !fs->writing_pages && !fs->dirty_pages && !fs->dirty_inodes && !fs->dirty_buffers &&
           !fs->summary_dirty && !fs->operations && fs->writes_flushed == fs->writes_done;
}

// Files without a name that somebody has open. One that came and went since the last commit is not on the disk, and must be
// for the next build to find it.
static void write_nameless(struct filesystem *fs) {
    for (uint32_t i = 0; i <= fs->inode_hash_mask; i++)
        for (struct inode *inode = fs->inode_hash[i]; inode; inode = inode->hash_next)
            if (inode->links == 0 && inode->references && !(inode->flags & (INODE_LOST | INODE_DELETING | INODE_LOADING))) {
                inode->flags &= (uint16_t)~INODE_NEW;
                inode_mark_dirty(inode);
            }
}

error_t filesystem_rest(struct filesystem *fs, uint16_t *mounted_state) {
    error_t error = ERR_OK;
    *mounted_state = fs->mounted_state;
    write_nameless(fs);
    for (uint32_t tries = 0; tries < REST_TRIES && !error && !filesystem_is_at_rest(fs); tries++) {
        error = fs->read_only ? ERR_OK : filesystem_synchronize(fs);
        wait_for_transfers(fs);
    }
    return error || filesystem_is_at_rest(fs) ? error : ERR_IO;
}

void filesystem_adopted(struct filesystem *fs) {
    fs->adopts = false;
}

error_t filesystem_unmount(struct filesystem *fs) {
    fs->stopping = true;
    platform_queue_wake_all(&fs->background_queue);
    platform_queue_wake_all(&fs->throttle_queue);
    while (fs->background_running)
        platform_queue_wait(&fs->operation_queue);
    unmount_free_unlinked(fs);
    error_t error = filesystem_synchronize(fs);
    for (uint32_t i = 0; i <= fs->inode_hash_mask && !error; i++)
        for (struct inode *inode = fs->inode_hash[i]; inode && !error; inode = inode->hash_next)
            error = inode->write_error;
    if (!error && !fs->read_only)
        error = superblock_write_state(fs, false);
    wait_for_transfers(fs);
    filesystem_free(fs);
    return error;
}

static void background_write(struct filesystem *fs) {
    fs->background_kicked = true;
    while (fs->dirty_pages > fs->background_limit && !fs->stopping) {
        if (writeback_start(fs, NULL, WRITEBACK_ENTRIES, NULL))
            continue;
        if (!fs->writing_pages)
            break;
        platform_queue_wait(&fs->throttle_queue);
    }
    fs->background_kicked = false;
    platform_queue_wake_all(&fs->throttle_queue);
}

void filesystem_background(struct filesystem *fs) {
    uint64_t next_sync = platform_monotonic_time() + SYNC_NANOSECONDS;
    fs->background_running = true;
    while (!fs->stopping) {
        if (!fs->background_kicked)
            (void)platform_queue_wait_until(&fs->background_queue, next_sync);
        if (fs->stopping)
            break;
        background_write(fs);
        if (platform_monotonic_time() < next_sync)
            continue;
        if (fs->dirty_pages || fs->dirty_inodes || fs->dirty_buffers || fs->summary_dirty || fs->writes_flushed < fs->writes_done)
            (void)filesystem_synchronize(fs); // a failure is in the log, and tried again
        next_sync = platform_monotonic_time() + SYNC_NANOSECONDS;
    }
    fs->background_running = false;
    platform_queue_wake_all(&fs->throttle_queue);
    platform_queue_wake_all(&fs->operation_queue);
}

void filesystem_statistics(struct filesystem *fs, struct filesystem_statistics *result) {
    uint64_t free = fs->free_blocks + fs->pending_blocks;
    uint64_t overhead = (uint64_t)fs->group_count * (2 + fs->table_blocks) + fs->first_data_block;
    for (uint32_t group = 0; group < fs->group_count; group++)
        if (superblock_group_has_copy(fs, group))
            overhead += 1 + fs->descriptor_blocks;
    *result = (struct filesystem_statistics){
        .block_size = fs->block_size,
        .blocks = fs->blocks_count > overhead ? fs->blocks_count - overhead : 0,
        .blocks_free = free,
        .blocks_available = free > fs->reserved_blocks ? free - fs->reserved_blocks : 0,
        .inodes = fs->inodes_count,
        .inodes_free = fs->free_inodes + fs->pending_inodes,
        .name_bytes = EXT2_NAME_BYTES,
        .read_only = fs->read_only,
        .dirty_bytes = (uint64_t)fs->dirty_pages * PAGE_BYTES + (uint64_t)fs->dirty_buffers * fs->block_size,
    };
    memcpy(result->uuid, fs->uuid, sizeof result->uuid);
}
