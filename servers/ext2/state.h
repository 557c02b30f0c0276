// Every structure that one mounted file system keeps in memory. Invariants that span files are stated beside
// the fields; who may change what under which lock is in README.md. Included by every file of the core and by
// nobody else.
//
// Stores are noted by lines of KEPT_LINE_BYTES (libipc/kept/undo.h), each at its first change between two commits. What one
// operation changes therefore lies together: LINE begins a line in the structures that operations change most, with one field
// (it would begin one for each of several).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/kept/undo.h"
#include "servers/ext2/filesystem.h"
#include "servers/ext2/format.h"
#include "servers/ext2/lock.h"

#define LINE _Alignas(KEPT_LINE_BYTES)

enum {
    PAGE_BYTES = 4096,
    PAGE_SHIFT = 12,
    PAGE_BLOCKS = 4, // 1 KiB blocks in a page, at most
    NO_INDEX = 0xFFFFFFFF,
    WAIT_QUEUES = 64,
    WRITE_TRIES = 4,
    WRITEBACK_ENTRIES = 2048,
    MAPPING_CREDITS = 10, // metadata blocks that one mapping call may dirty: indirect blocks and bitmaps
    WINDOW_BLOCKS = 128,  // blocks kept free behind a growing file
    WINDOWS = 16,
    PARK_ENTRIES = 32,
};

// --- disk transfers (disk.c) ---
struct io_batch { // transfers that somebody waits for together
    uint32_t pending;
    error_t error; // first one
    struct platform_queue queue;
};

struct io_request {
    struct platform_request platform;                    // first: complete() gets a pointer to it
    LINE struct io_batch *batch;                         // may be NULL
    uint32_t last_page;                                  // the page that the last piece lies in
    struct platform_segment segments[PLATFORM_SEGMENTS]; // most requests have one
    struct filesystem *fs;
};
_Static_assert(PLATFORM_REQUESTS == 64, "one bit each of free_requests");

// --- metadata blocks (buffer.c) ---
enum buffer_kind {
    BUFFER_BITMAP,
    BUFFER_INODES,
    BUFFER_INDIRECT_FILE,
    BUFFER_INDIRECT_DIRECTORY,
    BUFFER_DIRECTORY,
    BUFFER_CONTENT, // long symbolic links, attributes
    BUFFER_SUMMARY, // superblock and descriptors
};

enum {
    BUFFER_VALID = 1,
    BUFFER_READING = 2,
    BUFFER_DIRTY = 4,
    BUFFER_FRESH = 8,       // allocated since the last commit: nothing on disk points to it yet
    BUFFER_CHECKED = 16,    // a directory block whose entries were found well-formed
    BUFFER_REFERENCED = 32, // second chance
    BUFFER_SELECTED = 64,   // the commit is about to write it
    BUFFER_ERROR = 128,     // the last read failed
};

struct buffer {
    uint32_t block; // disk block; NO_INDEX: slot is empty
    uint32_t hash_next;
    uint8_t *data;
    uint16_t flags;
    uint16_t pins;
    uint8_t kind;
    uint16_t tombstones; // renamed-away entries that the disk must keep for now (directory blocks)
};

// --- file pages (page.c) ---
enum {
    PAGE_VALID = 1,
    PAGE_READING = 2,
    PAGE_WRITING = 4,
    PAGE_REFERENCED = 8,
    PAGE_NEW = 16, // not read by anybody since it came in
    PAGE_ERROR = 32,
    PAGE_EPOCH = 64, // the epoch in which its write began
};

struct page { // describes the frame of cache memory with the same index
    // what a page that comes or goes and a transfer change
    LINE struct inode *inode; // NULL: the frame holds nothing
    uint32_t index;           // in the file, in pages
    uint32_t hash_next;
    uint32_t inode_next, inode_previous;
    uint16_t pins;
    uint8_t flags;
    uint8_t dirty;     // mask of blocks; in the dirty queue exactly while it is not 0
    uint8_t transfers; // requests in flight that touch it
    uint8_t written;   // mask of blocks in the last write
    uint8_t failures;  // of writes, in a row
    // set by who fills the page; until then it means nothing
    LINE uint32_t blocks[PAGE_BLOCKS];   // disk blocks; 0: hole or not known to be needed
    uint32_t dirty_next, dirty_previous; // the first one's dirty_previous means nothing
    uint32_t stamp;                      // fs->dirty_stamp when it became dirty
    uint16_t lent;                       // loans that name the frame; it outlives its page (lend.c)
};
_Static_assert(sizeof(struct page) == 2 * KEPT_LINE_BYTES, "two lines");

// --- inodes (inode.c) ---
enum {
    INODE_DIRTY = 1,
    INODE_NEW = 2,        // made since the last commit: free on disk
    INODE_REMOVED = 4,    // links fell to 0 by unlink or rmdir since the last commit
    INODE_REPLACED = 8,   // links fell to 0 by a rename over it since the last commit
    INODE_GAINED = 16,    // gained a directory entry since the last commit
    INODE_MOVED_OUT = 32, // a directory that lost an entry whose node lives on, since the last commit
    INODE_UNINDEX = 64,   // EXT2_FLAG_INDEX was cleared since the last commit
    INODE_LOADING = 128,
    INODE_DAMAGED = 256, // found corrupt: not written any more
    INODE_DELETING = 512,
    INODE_LOST = 1024,    // freed; the structure waits for the commit that tells the disk
    INODE_TOUCHED = 2048, // changed since it was last encoded
    INODE_WRITTEN = 4096, // encoded by the commit in progress
    INODE_BLANK = 8192,   // what its place in the table holds is of no account
    INODE_RECENT = 16384, // released since eviction last came by
    INODE_SPARE = 32768,  // the structure is nobody's
};

struct name_index;

struct inode {
    struct filesystem *fs;
    uint32_t number, generation;
    struct core_lock lock; // its last word lies in the next line
    // what names, opening and closing change
    uint32_t references;
    uint16_t flags, links;
    struct inode *dirty_next;     // while INODE_DIRTY; of one that is INODE_SPARE the next such
    struct inode *dirty_previous; // while INODE_DIRTY; the first one's means nothing
    LINE struct file_time change;
    struct file_time modify;
    // file pages, and the run that was mapped last
    LINE uint32_t pages; // first of its pages
    uint32_t page_count, dirty_pages, writing_pages;
    uint32_t run_logical, run_physical, run_count;
    uint32_t next_leaf; // the indirect block that maps what comes after the run, if known
    // what growing and shrinking change
    LINE uint64_t size;
    uint32_t sectors;
    uint32_t last_allocated; // disk block
    uint32_t insert_hint;    // of a directory: first block that may have room
    error_t write_error;     // told at the next fsync
    struct inode *hash_next;
    // the rest of what the disk says
    uint32_t block[EXT2_BLOCK_POINTERS];
    uint16_t mode, extra_size;
    uint32_t disk_flags;
    uint32_t uid, gid;
    uint32_t attribute_block;
    struct file_time access, creation;
    // directories
    uint32_t names_state; // see recent_names.h
    uint32_t level;       // for the commit: a new one's depth below old ones, or a removed one's height over removed ones
    struct name_index *index;
    struct inode *index_next, *index_previous; // least recently used first
};
_Static_assert(offsetof(struct inode, references) == KEPT_LINE_BYTES + 8, "the lock's holders begin a line");
_Static_assert(offsetof(struct inode, block) == 5 * KEPT_LINE_BYTES, "nothing is left between the lines");

// --- groups (group.c, allocate.c) ---
enum { GROUP_DAMAGED = 1, GROUP_BLOCKS_CHECKED = 2, GROUP_INODES_CHECKED = 4, GROUP_DIRTY = 8 };

struct group {
    // what allocating and freeing change
    LINE uint32_t free_blocks;
    uint32_t free_inodes, directories;
    uint32_t block_hint, inode_hint; // no bit below is clear
    uint32_t flags;
    uint32_t pending_block_count;
    // freed since the last commit: still set in the bitmap, since the disk may still point to them
    uint8_t *pending_blocks, *pending_inodes;
    uint32_t block_bitmap, inode_bitmap, inode_table;
    uint32_t first_block, block_count;
};

struct window { // blocks that other files leave alone
    struct inode *inode;
    uint32_t start, end;
};

struct tombstone { // a renamed-away entry: the disk keeps it until the new entry is there
    struct tombstone *next;
    uint32_t block, offset, number;
};

struct filesystem {
    // what all operations change
    LINE uint32_t operations; // in progress
    uint32_t reserved_credits, dirty_inodes, reading_pages, page_hand;
    uint32_t pending_inodes; // sum over the groups
    uint64_t free_requests;  // one bit for each of fs->requests
    // what making and removing nodes changes
    struct platform_disk *disk;
    bool read_only, damaged, stopping, background_running;
    bool adopts;                  // nodes without links may be opened: somebody held them
    struct core_lock commit_lock; // shared: a transaction; exclusive: the commit. Its last word lies in the next line
    struct inode *dirty_inode_last, *spare_inodes;
    uint32_t free_inodes, inode_count; // the first is the sum over the groups, pending ones not included
    // what changes with files' content
    LINE uint32_t dirty_pages;
    uint32_t writing_pages, dirty_first, dirty_last, dirty_stamp;
    uint32_t dirty_buffers, free_blocks, pending_blocks;

    struct inode *dirty_inode_first;
    uint64_t spared_in; // kept_commits() when a structure was given back
    bool summary_dirty;
    // geometry
    uint32_t block_size, block_shift, sectors_per_block, page_blocks;
    uint32_t blocks_count, inodes_count, first_data_block, blocks_per_group, inodes_per_group, group_count;
    uint32_t inode_size, first_inode, inodes_per_block, table_blocks, descriptor_blocks, reserved_gdt_blocks;
    uint32_t feature_compat, feature_incompat, feature_ro_compat, pointers_shift;
    uint32_t reserved_blocks, extra_size, hash_seed;
    uint16_t mounted_state;
    uint8_t uuid[16];
    struct group *groups;
    struct window windows[WINDOWS];
    uint32_t next_window, logged;

    // disk
    struct io_request *requests;
    struct platform_queue request_queue;
    uint64_t writes_done, writes_flushed; // requests; those up to writes_flushed survive a loss of power

    // metadata cache
    uint8_t *metadata;
    struct buffer *buffers;
    uint32_t *buffer_hash;
    uint32_t buffer_count, buffer_hash_mask, buffer_hand, dirty_limit;
    uint8_t *scratch; // the last slot: images that differ from what is cached
    uint32_t scratch_slot;
    struct platform_queue buffer_queue; // a buffer was read, unpinned or cleaned

    // page cache
    struct page *pages;
    uint32_t *page_hash;
    uint64_t page_base; // offset of the first frame in cache memory
    uint32_t page_count, page_hash_mask;
    uint32_t dirty_pages_limit, background_limit;
    uint32_t chunk_pages, ahead_pages, lent_pages;
    struct node_loan *loans;
    struct platform_queue page_queues[WAIT_QUEUES], frame_queue;
    struct core_lock writeback_lock, sync_lock;
    uint32_t write_retries;                // failed writes that made their page dirty again
    uint32_t write_epoch, epoch_pages[2];  // pages being written, by epoch
    uint64_t *writeback, *writeback_spare; // see writeback.c

    // inodes
    struct inode **inode_hash;
    struct inode_chunk *inode_chunks, *evict_chunk; // the latter: where eviction goes on, with its inode
    uint32_t evict_next;
    uint32_t inode_hash_mask, inode_limit, new_directories;
    struct inode *index_first, *index_last;
    struct recent_name *names;
    uint32_t names_mask, names_state; // the state that the next directory gets
    uint64_t index_bytes, index_limit;
    struct platform_queue inode_queue; // an inode was loaded

    // transactions
    struct core_lock rename_lock;
    uint64_t batch; // number of the batch that collects changes now
    struct tombstone *tombstones;
    uint32_t park_block; // an empty block of lost+found; 0: not looked for or none
    bool park_searched;
    uint32_t parked[PARK_ENTRIES], parked_count;
    bool large_file_pending;
    uint32_t *selected; // slots that the commit writes next
    uint32_t selected_count, selected_inodes;

    // operations in progress are limited so that the smallest cache has room for what they pin
    uint32_t operation_limit, write_credits;
    struct platform_queue operation_queue, background_queue, throttle_queue;
    bool background_kicked;
};
_Static_assert(offsetof(struct filesystem, dirty_inode_first) == 4 * KEPT_LINE_BYTES, "nothing is left between the lines");
_Static_assert(offsetof(struct filesystem, dirty_inode_last) == 2 * KEPT_LINE_BYTES + 8, "the lock's holders begin a line");

// Enough for one operation: begin waits for room, so that metadata made dirty never fills the cache.
struct transaction {
    struct filesystem *fs;
    uint32_t credits;        // metadata blocks that it may still make dirty
    struct tombstone *spare; // reserved by tombstone_reserve
};

static inline uint32_t group_of_block(const struct filesystem *fs, uint32_t block) {
    return (block - fs->first_data_block) / fs->blocks_per_group;
}
static inline bool inode_is_directory(const struct inode *inode) {
    return (inode->mode & EXT2_MODE_TYPE) == EXT2_MODE_DIRECTORY;
}
static inline bool inode_is_regular(const struct inode *inode) {
    return (inode->mode & EXT2_MODE_TYPE) == EXT2_MODE_REGULAR;
}
static inline bool inode_is_symlink(const struct inode *inode) {
    return (inode->mode & EXT2_MODE_TYPE) == EXT2_MODE_SYMLINK;
}
static inline uint32_t minimum_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}
static inline uint64_t minimum_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}
static inline uint32_t hash_u32(uint32_t value) {
    value *= 0x9E3779B1u;
    return value ^ (value >> 15);
}
