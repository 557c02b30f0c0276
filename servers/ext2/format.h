// What ext2 puts on disk, byte for byte, as "The Second Extended File System" (Dave Poirier) and e2fsprogs'
// ext2_fs.h describe it. Everything is little-endian, as is the machine. Only structures and constants; no
// code.
#pragma once

#include <stdint.h>

enum {
    EXT2_MAGIC = 0xEF53,
    EXT2_SUPERBLOCK_OFFSET = 1024, // bytes
    EXT2_ROOT_INODE = 2,
    EXT2_FIRST_INODE_REVISION_0 = 11,
    EXT2_NAME_BYTES = 255,
    EXT2_LINKS_MAX = 32000,
    EXT2_DIRECT_BLOCKS = 12,
    EXT2_BLOCK_POINTERS = 15,
    EXT2_FAST_SYMLINK_BYTES = 60, // a shorter target lies in i_block

    EXT2_STATE_VALID = 1,
    EXT2_STATE_ERROR = 2,

    EXT2_INCOMPAT_FILETYPE = 0x0002,
    EXT2_INCOMPAT_RECOVER = 0x0004,
    EXT2_INCOMPAT_SUPPORTED = EXT2_INCOMPAT_FILETYPE,
    EXT2_RO_COMPAT_SPARSE_SUPER = 0x0001,
    EXT2_RO_COMPAT_LARGE_FILE = 0x0002,
    EXT2_RO_COMPAT_BTREE_DIR = 0x0004,
    EXT2_RO_COMPAT_SUPPORTED = EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE | EXT2_RO_COMPAT_BTREE_DIR,

    EXT2_FLAG_IMMUTABLE = 0x10,
    EXT2_FLAG_APPEND = 0x20,
    EXT2_FLAG_INDEX = 0x1000, // hash-indexed directory

    EXT2_MODE_TYPE = 0170000,
    EXT2_MODE_FIFO = 0010000,
    EXT2_MODE_CHARACTER = 0020000,
    EXT2_MODE_DIRECTORY = 0040000,
    EXT2_MODE_BLOCK = 0060000,
    EXT2_MODE_REGULAR = 0100000,
    EXT2_MODE_SYMLINK = 0120000,
    EXT2_MODE_SOCKET = 0140000,

    EXT2_XATTR_MAGIC = 0xEA020000,
};

struct ext2_superblock {
    uint32_t inodes_count;
    uint32_t blocks_count;
    uint32_t reserved_blocks_count;
    uint32_t free_blocks_count;
    uint32_t free_inodes_count;
    uint32_t first_data_block;
    uint32_t log_block_size;
    uint32_t log_fragment_size;
    uint32_t blocks_per_group;
    uint32_t fragments_per_group;
    uint32_t inodes_per_group;
    uint32_t mount_time;
    uint32_t write_time;
    uint16_t mount_count;
    int16_t max_mount_count;
    uint16_t magic;
    uint16_t state;
    uint16_t errors;
    uint16_t minor_revision;
    uint32_t last_check;
    uint32_t check_interval;
    uint32_t creator_os;
    uint32_t revision;
    uint16_t reserved_uid;
    uint16_t reserved_gid;
    // revision 1
    uint32_t first_inode;
    uint16_t inode_size;
    uint16_t block_group;
    uint32_t feature_compat;
    uint32_t feature_incompat;
    uint32_t feature_ro_compat;
    uint8_t uuid[16];
    char volume_name[16];
    char last_mounted[64];
    uint32_t algorithm_bitmap;
    uint8_t preallocate_blocks;
    uint8_t preallocate_directory_blocks;
    uint16_t reserved_gdt_blocks;
    uint8_t journal_uuid[16];
    uint32_t journal_inode;
    uint32_t journal_device;
    uint32_t last_orphan;
    uint32_t hash_seed[4];
    uint8_t default_hash_version;
    uint8_t journal_backup_type;
    uint16_t descriptor_size;
    uint32_t default_mount_options;
    uint32_t first_meta_block_group;
    uint32_t mkfs_time;
    uint32_t journal_blocks[17];
    uint32_t high_counts[3];
    uint16_t min_extra_inode_size;
    uint16_t want_extra_inode_size;
    uint32_t flags;
    uint32_t rest[167];
};
_Static_assert(sizeof(struct ext2_superblock) == 1024, "superblock is 1024 bytes");

struct ext2_group_descriptor {
    uint32_t block_bitmap;
    uint32_t inode_bitmap;
    uint32_t inode_table;
    uint16_t free_blocks_count;
    uint16_t free_inodes_count;
    uint16_t used_directories_count;
    uint16_t flags;
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct ext2_group_descriptor) == 32, "descriptor is 32 bytes");

struct ext2_inode {
    uint16_t mode;
    uint16_t uid_low;
    uint32_t size_low;
    uint32_t access_time;
    uint32_t change_time;
    uint32_t modify_time;
    uint32_t delete_time;
    uint16_t gid_low;
    uint16_t links;
    uint32_t sectors; // of 512 bytes, indirect and attribute blocks included
    uint32_t flags;
    uint32_t version;
    uint32_t block[EXT2_BLOCK_POINTERS];
    uint32_t generation;
    uint32_t attribute_block;
    uint32_t size_high;
    uint32_t fragment;
    uint16_t sectors_high;
    uint16_t attribute_block_high;
    uint16_t uid_high;
    uint16_t gid_high;
    uint32_t reserved;
    // inodes of more than 128 bytes
    uint16_t extra_size; // bytes used after the first 128
    uint16_t checksum_high;
    uint32_t change_time_extra; // bits 0-1: high bits of the seconds; 2-31: nanoseconds
    uint32_t modify_time_extra;
    uint32_t access_time_extra;
    uint32_t create_time;
    uint32_t create_time_extra;
    uint32_t version_high;
    uint32_t project;
};
enum { EXT2_INODE_BASE_BYTES = 128, EXT2_EXTRA_BYTES = 32 };
_Static_assert(sizeof(struct ext2_inode) == EXT2_INODE_BASE_BYTES + EXT2_EXTRA_BYTES, "inode layout");

struct ext2_directory_entry {
    uint32_t inode; // 0: unused
    uint16_t length;
    uint8_t name_length;
    uint8_t type; // EXT2_TYPE_; high byte of the name's length without the filetype feature
    char name[];
};
enum { EXT2_ENTRY_HEADER_BYTES = 8 };

enum {
    EXT2_TYPE_UNKNOWN,
    EXT2_TYPE_REGULAR,
    EXT2_TYPE_DIRECTORY,
    EXT2_TYPE_CHARACTER,
    EXT2_TYPE_BLOCK,
    EXT2_TYPE_FIFO,
    EXT2_TYPE_SOCKET,
    EXT2_TYPE_SYMLINK,
};

struct ext2_attribute_header {
    uint32_t magic;
    uint32_t references;
    uint32_t blocks;
    uint32_t hash;
};
