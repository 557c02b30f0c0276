// Superblock and group descriptors. Invariant: after superblock_decode and superblock_read_groups succeeded,
// every geometry field in fs is in range, so that arithmetic with checked block and inode numbers can't
// overflow or leave an array. Called by mount and by the commit.
#include "servers/ext2/superblock.h"

#include <stdlib.h>
#include <string.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/directory.h"
#include "servers/ext2/disk.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"

static error_t super_bad(struct filesystem *fs, const char *what) {
    message_log(fs, PLATFORM_LOG_ERROR, "ext2: corrupt superblock: %s", what);
    return ERR_CORRUPT;
}

static error_t features_check(struct filesystem *fs) {
    uint32_t unknown = fs->feature_incompat & ~(uint32_t)EXT2_INCOMPAT_SUPPORTED;
    if (unknown) {
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: not mounted: unsupported incompatible features (mask %u)%s", unknown,
                    unknown & EXT2_INCOMPAT_RECOVER ? "; the journal must be replayed by e2fsck first"
                    : unknown & 0x2C0               ? "; this is an ext4 file system"
                                                    : "");
        return ERR_NOT_SUPPORTED;
    }
    unknown = fs->feature_ro_compat & ~(uint32_t)EXT2_RO_COMPAT_SUPPORTED;
    if (unknown && !fs->read_only) {
        message_log(fs, PLATFORM_LOG_WARNING, "ext2: mounted read-only: unsupported features (mask %u)", unknown);
        fs->read_only = true;
    }
    return ERR_OK;
}

static error_t geometry_check(struct filesystem *fs, const struct ext2_superblock *super) {
    uint32_t bits = 8 * fs->block_size;
    uint64_t disk_blocks = platform_disk_sectors(fs->disk) / fs->sectors_per_block;
    if (super->first_data_block != (fs->block_size == 1024 ? 1 : 0))
        return super_bad(fs, "first data block");
    if (super->blocks_per_group == 0 || super->blocks_per_group > bits || super->blocks_per_group % 8)
        return super_bad(fs, "blocks per group");
    if (super->inodes_per_group == 0 || super->inodes_per_group > bits)
        return super_bad(fs, "inodes per group");
    if (fs->inode_size < EXT2_INODE_BASE_BYTES || fs->inode_size > fs->block_size || fs->inode_size & (fs->inode_size - 1))
        return super_bad(fs, "inode size");
    if (super->inodes_per_group % (fs->block_size / fs->inode_size))
        return super_bad(fs, "inodes per group do not fill blocks");
    if (fs->first_inode < EXT2_FIRST_INODE_REVISION_0 || fs->first_inode > super->inodes_per_group)
        return super_bad(fs, "first inode");
    if (super->blocks_count <= super->first_data_block + 1 || super->blocks_count > disk_blocks) {
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: corrupt superblock: %u blocks, but the disk has %q", super->blocks_count,
                    disk_blocks);
        return ERR_CORRUPT;
    }
    uint32_t groups = (super->blocks_count - super->first_data_block + super->blocks_per_group - 1) / super->blocks_per_group;
    if ((uint64_t)groups * super->inodes_per_group != super->inodes_count)
        return super_bad(fs, "inode count");
    if (super->revision && super->reserved_gdt_blocks > fs->block_size / 4)
        return super_bad(fs, "reserved descriptor blocks");
    if (super->reserved_blocks_count > super->blocks_count)
        return super_bad(fs, "reserved blocks");
    fs->group_count = groups;
    return ERR_OK;
}

error_t superblock_decode(struct filesystem *fs, const struct ext2_superblock *super) {
    if (super->magic != EXT2_MAGIC) {
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: not an ext2 file system");
        return ERR_INVALID;
    }
    if (super->revision > 1 || super->log_block_size > 2) {
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: unsupported revision %u or block size (1024 << %u)", super->revision,
                    super->log_block_size);
        return super->log_block_size > 6 ? ERR_CORRUPT : ERR_NOT_SUPPORTED;
    }
    bool dynamic = super->revision == 1;
    fs->block_shift = 10 + super->log_block_size;
    fs->block_size = 1u << fs->block_shift;
    fs->sectors_per_block = fs->block_size / PLATFORM_SECTOR_BYTES;
    fs->page_blocks = PAGE_BYTES / fs->block_size;
    fs->pointers_shift = fs->block_shift - 2;
    fs->inode_size = dynamic ? super->inode_size : EXT2_INODE_BASE_BYTES;
    fs->first_inode = dynamic ? super->first_inode : EXT2_FIRST_INODE_REVISION_0;
    fs->feature_compat = dynamic ? super->feature_compat : 0;
    fs->feature_incompat = dynamic ? super->feature_incompat : 0;
    fs->feature_ro_compat = dynamic ? super->feature_ro_compat : 0;
    error_t error = features_check(fs);
    if (!error)
        error = geometry_check(fs, super);
    if (error)
        return error;
    fs->blocks_count = super->blocks_count;
    fs->inodes_count = super->inodes_count;
    fs->first_data_block = super->first_data_block;
    fs->blocks_per_group = super->blocks_per_group;
    fs->inodes_per_group = super->inodes_per_group;
    fs->inodes_per_block = fs->block_size / fs->inode_size;
    fs->table_blocks = fs->inodes_per_group / fs->inodes_per_block;
    fs->descriptor_blocks = (fs->group_count * 32 + fs->block_size - 1) / fs->block_size;
    fs->reserved_gdt_blocks = dynamic ? super->reserved_gdt_blocks : 0;
    fs->reserved_blocks = super->reserved_blocks_count;
    fs->mounted_state = super->state;
    fs->extra_size = 0;
    if (fs->inode_size >= EXT2_INODE_BASE_BYTES + EXT2_EXTRA_BYTES) {
        uint32_t want = super->want_extra_inode_size;
        fs->extra_size =
            want > EXT2_EXTRA_BYTES && want % 4 == 0 && want <= fs->inode_size - EXT2_INODE_BASE_BYTES ? want : EXT2_EXTRA_BYTES;
    }
    memcpy(fs->uuid, super->uuid, sizeof fs->uuid);
    return ERR_OK;
}

static bool power_of(uint32_t value, uint32_t base) {
    while (value > 1 && value % base == 0)
        value /= base;
    return value == 1;
}

bool superblock_group_has_copy(const struct filesystem *fs, uint32_t group) {
    if (!(fs->feature_ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER) || group <= 1)
        return true;
    return group % 2 && (power_of(group, 3) || power_of(group, 5) || power_of(group, 7));
}

static error_t group_decode(struct filesystem *fs, uint32_t number, const struct ext2_group_descriptor *descriptor) {
    struct group *group = &fs->groups[number];
    group->first_block = fs->first_data_block + number * fs->blocks_per_group;
    group->block_count = minimum_u32(fs->blocks_per_group, fs->blocks_count - group->first_block);
    group->block_bitmap = descriptor->block_bitmap;
    group->inode_bitmap = descriptor->inode_bitmap;
    group->inode_table = descriptor->inode_table;
    group->free_blocks = minimum_u32(descriptor->free_blocks_count, group->block_count);
    group->free_inodes = minimum_u32(descriptor->free_inodes_count, fs->inodes_per_group);
    group->directories = descriptor->used_directories_count;
    uint32_t end = group->first_block + group->block_count, table = group->inode_table;
    bool good =
        group->block_bitmap >= group->first_block && group->block_bitmap < end && group->inode_bitmap >= group->first_block &&
        group->inode_bitmap < end && group->block_bitmap != group->inode_bitmap && table >= group->first_block && table < end &&
        fs->table_blocks <= end - table && (group->block_bitmap < table || group->block_bitmap - table >= fs->table_blocks) &&
        (group->inode_bitmap < table || group->inode_bitmap - table >= fs->table_blocks);
    if (good && superblock_group_has_copy(fs, number)) {
        uint32_t copy_end = group->first_block + 1 + fs->descriptor_blocks;
        good = group->block_bitmap >= copy_end && group->inode_bitmap >= copy_end && table >= copy_end;
    }
    if (!good) {
        message_log(fs, PLATFORM_LOG_ERROR, "ext2: corrupt descriptor of group %u: bitmaps %u and %u, inode table %u", number,
                    group->block_bitmap, group->inode_bitmap, group->inode_table);
        return ERR_CORRUPT;
    }
    fs->free_blocks += group->free_blocks;
    fs->free_inodes += group->free_inodes;
    return ERR_OK;
}

error_t superblock_read_groups(struct filesystem *fs) {
    uint32_t per_block = fs->block_size / sizeof(struct ext2_group_descriptor);
    error_t error = ERR_OK;
    fs->groups = aligned_alloc(_Alignof(struct group), fs->group_count * sizeof *fs->groups);
    if (!fs->groups)
        return ERR_NO_MEMORY;
    memset(fs->groups, 0, fs->group_count * sizeof *fs->groups);
    for (uint32_t i = 0; i < fs->descriptor_blocks && !error; i++) {
        struct buffer *buffer;
        error = buffer_read(fs, fs->first_data_block + 1 + i, BUFFER_SUMMARY, &buffer);
        if (error)
            break;
        const struct ext2_group_descriptor *descriptors = (const struct ext2_group_descriptor *)(const void *)buffer->data;
        for (uint32_t at = 0; at < per_block && i * per_block + at < fs->group_count && !error; at++)
            error = group_decode(fs, i * per_block + at, &descriptors[at]);
        buffer_release(fs, buffer);
    }
    return error;
}

// The superblock in its cached block.
static error_t super_get(struct filesystem *fs, struct buffer **buffer, struct ext2_superblock **super) {
    error_t error = buffer_read(fs, EXT2_SUPERBLOCK_OFFSET >> fs->block_shift, BUFFER_SUMMARY, buffer);
    if (!error)
        *super = (struct ext2_superblock *)(void *)((*buffer)->data + (EXT2_SUPERBLOCK_OFFSET & (fs->block_size - 1)));
    return error;
}

static void super_encode(struct filesystem *fs, struct ext2_superblock *super) {
    super->free_blocks_count = (uint32_t)fs->free_blocks;
    super->free_inodes_count = (uint32_t)fs->free_inodes;
    super->write_time = (uint32_t)time_now().seconds;
    if (super->revision)
        super->feature_ro_compat = fs->feature_ro_compat;
    if (fs->damaged)
        super->state |= EXT2_STATE_ERROR;
}

error_t superblock_encode_summary(struct filesystem *fs) {
    struct transaction transaction = {.fs = fs};
    uint32_t per_block = fs->block_size / sizeof(struct ext2_group_descriptor);
    struct buffer *buffer;
    struct ext2_superblock *super;
    if (!fs->summary_dirty)
        return ERR_OK;
    for (uint32_t number = 0; number < fs->group_count; number++) {
        struct group *group = &fs->groups[number];
        if (!(group->flags & GROUP_DIRTY))
            continue;
        if (fs->dirty_buffers + 4 > fs->dirty_limit)
            return ERR_OK; // written first; summary_dirty stays
        error_t error = buffer_read(fs, fs->first_data_block + 1 + number / per_block, BUFFER_SUMMARY, &buffer);
        if (error)
            return error;
        struct ext2_group_descriptor *descriptor = (struct ext2_group_descriptor *)(void *)buffer->data + number % per_block;
        descriptor->free_blocks_count = (uint16_t)group->free_blocks;
        descriptor->free_inodes_count = (uint16_t)group->free_inodes;
        descriptor->used_directories_count = (uint16_t)group->directories;
        group->flags &= ~(uint32_t)GROUP_DIRTY;
        buffer_dirty(&transaction, buffer);
        buffer_release(fs, buffer);
    }
    error_t error = super_get(fs, &buffer, &super);
    if (error)
        return error;
    super_encode(fs, super);
    buffer_dirty(&transaction, buffer);
    buffer_release(fs, buffer);
    fs->summary_dirty = false;
    return ERR_OK;
}

error_t superblock_write_state(struct filesystem *fs, bool mounted) {
    struct buffer *buffer;
    struct ext2_superblock *super;
    error_t error = super_get(fs, &buffer, &super);
    if (error)
        return error;
    super_encode(fs, super);
    if (mounted) {
        super->state &= (uint16_t)~EXT2_STATE_VALID;
        super->mount_count++;
        super->mount_time = super->write_time;
    } else if (fs->mounted_state & EXT2_STATE_VALID && !fs->damaged) {
        super->state |= EXT2_STATE_VALID;
    }
    struct io_batch batch = {0};
    struct transfer transfer = {.fs = fs, .batch = &batch, .write = true};
    transfer_add(&transfer, EXT2_SUPERBLOCK_OFFSET >> fs->block_shift, buffer_offset(fs, buffer), fs->block_size);
    transfer_finish(&transfer);
    error = io_batch_wait(&batch);
    if (!error)
        buffer_clean(fs, buffer);
    buffer_release(fs, buffer);
    return error ? error : disk_flush(fs);
}

uint32_t superblock_find_park(struct filesystem *fs) {
    struct inode *root, *found;
    uint32_t result = 0;
    if (inode_get(fs, EXT2_ROOT_INODE, &root))
        return 0;
    struct directory_place place;
    core_lock_shared(&root->lock);
    error_t error = directory_find(root, "lost+found", 10, &place);
    core_unlock(&root->lock);
    inode_drop(root);
    if (error || inode_get(fs, place.number, &found))
        return 0;
    core_lock_shared(&found->lock);
    for (uint32_t i = 1; inode_is_directory(found) && found->links && i < found->size >> fs->block_shift && !result; i++) {
        struct buffer *buffer;
        if (directory_block_get(found, i, &buffer))
            break;
        const struct ext2_directory_entry *entry = (const struct ext2_directory_entry *)(const void *)buffer->data;
        if (entry->inode == 0 && entry->length == fs->block_size && !(buffer->flags & (BUFFER_DIRTY | BUFFER_FRESH)))
            result = buffer->block;
    }
    core_unlock(&found->lock);
    inode_drop(found);
    return result;
}
