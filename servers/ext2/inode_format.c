// Inodes as the disk has them: decoding with every check, encoding without touching what this code does not
// know (attributes in the inode, versions, authors' fields). Times have 34 bits of seconds and nanoseconds
// where the inode has room
// ("ext4 inode timestamps" in e2fsprogs), else 32. Called by the inode cache and the commit.
#include <string.h>

#include "libipc/kept/undo.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/inode_format.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"

static struct file_time time_decode(uint32_t seconds, uint32_t extra, bool has_extra) {
    struct file_time time = {.seconds = (int32_t)seconds};
    if (has_extra) {
        time.seconds += (int64_t)(extra & 3) << 32;
        time.nanoseconds = extra >> 2 < 1000000000 ? extra >> 2 : 0;
    }
    return time;
}

static uint32_t time_low(const struct file_time *time, bool has_extra) {
    int64_t last = has_extra ? INT32_MAX + (3ll << 32) : INT32_MAX;
    if (time->seconds > last)
        return (uint32_t)last;
    return time->seconds < INT32_MIN ? (uint32_t)INT32_MIN : (uint32_t)time->seconds;
}

static uint32_t time_extra(const struct file_time *time) {
    int64_t seconds = time->seconds > INT32_MAX + (3ll << 32) ? INT32_MAX + (3ll << 32) : time->seconds;
    uint32_t epoch = seconds < INT32_MIN ? 0 : (uint32_t)((seconds - (int32_t)seconds) >> 32) & 3;
    return epoch | time->nanoseconds << 2;
}

// Whether the field that ends `end` bytes into the inode is in use.
static bool extra_reaches(const struct inode *inode, size_t end) {
    return EXT2_INODE_BASE_BYTES + (size_t)inode->extra_size >= end;
}
#define EXTRA_HAS(inode, field) extra_reaches(inode, offsetof(struct ext2_inode, field) + sizeof((struct ext2_inode *)0)->field)

static bool mode_known(uint16_t mode) {
    switch (mode & EXT2_MODE_TYPE) {
    case EXT2_MODE_REGULAR:
    case EXT2_MODE_DIRECTORY:
    case EXT2_MODE_SYMLINK:
    case EXT2_MODE_FIFO:
    case EXT2_MODE_CHARACTER:
    case EXT2_MODE_BLOCK:
    case EXT2_MODE_SOCKET:
        return true;
    default:
        return false;
    }
}

static error_t inode_check(const struct inode *inode) {
    struct filesystem *fs = inode->fs;
    uint32_t number = inode->number;
    if (inode->links == 0 && !fs->adopts)
        return filesystem_corrupt(fs, "ext2: inode %u: in use, but marked deleted", number);
    if (!mode_known(inode->mode))
        return filesystem_corrupt(fs, "ext2: inode %u: unknown type, mode %u", number, inode->mode);
    if (inode->size > map_size_limit(fs))
        return filesystem_corrupt(fs, "ext2: inode %u: impossible size %q", number, inode->size);
    if (inode_is_directory(inode) &&
        (inode->size == 0 || inode->size & (fs->block_size - 1) || inode->size / 512 > inode->sectors))
        return filesystem_corrupt(fs, "ext2: directory inode %u: impossible size %q", number, inode->size);
    if (inode_is_symlink(inode) && inode->size >= (inode_is_fast_symlink(inode) ? EXT2_FAST_SYMLINK_BYTES : fs->block_size + 1))
        return filesystem_corrupt(fs, "ext2: symbolic link inode %u: impossible size %q", number, inode->size);
    return ERR_OK;
}

error_t inode_decode(struct inode *inode, const struct ext2_inode *raw) {
    struct filesystem *fs = inode->fs;
    inode->mode = raw->mode;
    inode->links = raw->links;
    inode->uid = raw->uid_low | (uint32_t)raw->uid_high << 16;
    inode->gid = raw->gid_low | (uint32_t)raw->gid_high << 16;
    inode->size = raw->size_low;
    if (inode_is_regular(inode))
        inode->size |= (uint64_t)raw->size_high << 32;
    inode->sectors = raw->sectors;
    inode->disk_flags = raw->flags;
    inode->generation = raw->generation;
    inode->attribute_block = raw->attribute_block;
    inode->extra_size = 0;
    if (fs->inode_size > EXT2_INODE_BASE_BYTES) {
        if (raw->extra_size % 4 == 0 && raw->extra_size <= fs->inode_size - EXT2_INODE_BASE_BYTES)
            inode->extra_size = raw->extra_size;
        else
            (void)filesystem_corrupt(fs, "ext2: inode %u: impossible extra size %u", inode->number, raw->extra_size);
    }
    bool has_change = EXTRA_HAS(inode, change_time_extra), has_modify = EXTRA_HAS(inode, modify_time_extra);
    bool has_access = EXTRA_HAS(inode, access_time_extra);
    inode->change = time_decode(raw->change_time, has_change ? raw->change_time_extra : 0, has_change);
    inode->modify = time_decode(raw->modify_time, has_modify ? raw->modify_time_extra : 0, has_modify);
    inode->access = time_decode(raw->access_time, has_access ? raw->access_time_extra : 0, has_access);
    memcpy(inode->block, raw->block, sizeof inode->block);
    return inode_check(inode);
}

// Not noted: what is taken back is encoded again, alike, since the commit's lock is held; and until it is written nobody looks
// at its place, since the structure stays.
KEPT_UNNOTED void inode_encode(const struct inode *inode, struct ext2_inode *raw) {
    if (inode->flags & INODE_BLANK) {
        kept_set_unnoted(raw, 0, inode->fs->inode_size);
        if (inode->fs->inode_size > EXT2_INODE_BASE_BYTES)
            raw->extra_size = inode->extra_size;
    }
    raw->mode = inode->mode;
    raw->links = inode->links;
    raw->uid_low = (uint16_t)inode->uid;
    raw->uid_high = (uint16_t)(inode->uid >> 16);
    raw->gid_low = (uint16_t)inode->gid;
    raw->gid_high = (uint16_t)(inode->gid >> 16);
    raw->size_low = (uint32_t)inode->size;
    if (inode_is_regular(inode))
        raw->size_high = (uint32_t)(inode->size >> 32);
    raw->sectors = inode->sectors;
    raw->flags = inode->disk_flags;
    raw->generation = inode->generation;
    raw->attribute_block = inode->attribute_block;
    raw->delete_time = inode->links ? 0 : (uint32_t)inode->change.seconds;
    bool has_change = EXTRA_HAS(inode, change_time_extra), has_modify = EXTRA_HAS(inode, modify_time_extra);
    bool has_access = EXTRA_HAS(inode, access_time_extra);
    raw->change_time = time_low(&inode->change, has_change);
    raw->modify_time = time_low(&inode->modify, has_modify);
    raw->access_time = time_low(&inode->access, has_access);
    if (has_change)
        raw->change_time_extra = time_extra(&inode->change);
    if (has_modify)
        raw->modify_time_extra = time_extra(&inode->modify);
    if (has_access)
        raw->access_time_extra = time_extra(&inode->access);
    if (inode->flags & INODE_BLANK && EXTRA_HAS(inode, create_time_extra)) {
        raw->create_time = time_low(&inode->creation, true);
        raw->create_time_extra = time_extra(&inode->creation);
    }
    kept_copy_unnoted(raw->block, inode->block, sizeof raw->block);
}
