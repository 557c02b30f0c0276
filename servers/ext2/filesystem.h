// The interface of the ext2 core: one mounted file system and its nodes, for the server's message handlers.
// Every function marked WAITS runs in a fiber and may let other fibers run. Names are bytes with a length,
// without '/', not terminated. Results come through out-parameters; they are set only on ERR_OK unless said
// otherwise. Errors: kernel/abi/errors.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "servers/ext2/platform.h"

struct filesystem;
struct inode; // one node in use; held by references

struct filesystem_options {
    struct platform_disk *disk;
    void *metadata;          // where the metadata part of the cache memory is mapped, page-aligned
    uint64_t metadata_bytes; // a multiple of 4096; offsets [0, metadata_bytes) of cache memory
    uint64_t cache_bytes;    // whole cache memory, at least 256 KiB; the rest holds file pages and is never mapped
    bool read_only;
    bool adopts;            // another build had it mounted and hands it over, at rest: nothing is written, no state looked at
    uint16_t mounted_state; // then: as filesystem_rest said
};

// How much of a cache of cache_bytes is best given to metadata: a multiple of 4096.
uint64_t filesystem_metadata_share(uint64_t cache_bytes);

// WAITS. ERR_INVALID: not ext2; ERR_CORRUPT; ERR_NOT_SUPPORTED: unknown incompatible feature; the log says
// which. Unknown read-only-compatible features and an unfinished ext3 journal give a read-only mount or a
// refusal, with a message.
MUST_USE error_t filesystem_mount(const struct filesystem_options *options, struct filesystem **result);
// WAITS. Writes everything, marks the disk clean, frees fs. No other fiber may be inside
// (filesystem_background is told to end and is waited for). References still held are dropped. The first
// error met is returned; fs is freed regardless.
MUST_USE error_t filesystem_unmount(struct filesystem *fs);
// WAITS. All data and metadata to disk, with a flush.
MUST_USE error_t filesystem_synchronize(struct filesystem *fs);
// WAITS. Everything is on the disk, and no transfer under way, at the moment when it returns. *mounted_state: for who mounts it
// next.
MUST_USE error_t filesystem_rest(struct filesystem *fs, uint16_t *mounted_state);
bool filesystem_is_at_rest(const struct filesystem *fs);
// All that was open is found again: from here on a node without links is an error of the disk.
void filesystem_adopted(struct filesystem *fs);
// WAITS. Body of the one background fiber, which the server starts after mounting: write-back and the
// 5-second sync. Returns when the file system is being unmounted. Without it only fsync, sync and throttling
// write.
void filesystem_background(struct filesystem *fs);

struct filesystem_statistics {
    uint32_t block_size;                            // bytes
    uint64_t blocks, blocks_free, blocks_available; // available: without those reserved for root
    uint64_t inodes, inodes_free;
    uint32_t name_bytes;
    bool read_only;
    uint8_t uuid[16];
    uint64_t dirty_bytes; // in the cache
};
void filesystem_statistics(struct filesystem *fs, struct filesystem_statistics *result);

struct file_time {
    int64_t seconds; // since the epoch
    uint32_t nanoseconds;
};

enum node_type { NODE_REGULAR = 1, NODE_DIRECTORY, NODE_CHARACTER, NODE_BLOCK, NODE_FIFO, NODE_SOCKET, NODE_SYMLINK };

struct node_attributes {
    uint32_t number;
    uint32_t generation;
    uint32_t mode; // type and permissions, POSIX encoding
    uint32_t uid, gid;
    uint32_t links;
    uint32_t device_major, device_minor; // device nodes
    uint32_t block_size;
    uint64_t size;    // bytes
    uint64_t sectors; // of 512 bytes
    struct file_time access, modify, change;
};

enum {
    NODE_SET_MODE = 1, // permission bits only
    NODE_SET_UID = 2,
    NODE_SET_GID = 4,
    NODE_SET_ACCESS = 8,
    NODE_SET_MODIFY = 16,
    NODE_SET_ACCESS_NOW = 32,
    NODE_SET_MODIFY_NOW = 64,
};

// References. A node lives in memory at least as long as it is referenced; an unlinked one is freed on disk
// at the last release.
MUST_USE error_t node_root(struct filesystem *fs, struct inode **result); // WAITS
MUST_USE error_t node_by_number(struct filesystem *fs, uint32_t number, uint32_t generation,
                                struct inode **result); // WAITS
void node_reference(struct inode *inode);
void node_release(struct inode *inode); // WAITS when it is the last of an unlinked node
uint32_t node_number(const struct inode *inode);
uint32_t node_generation(const struct inode *inode); // together with the number: never another node's
enum node_type node_type(const struct inode *inode);

// All below WAIT.
MUST_USE error_t node_lookup(struct inode *directory, const char *name, uint32_t length, struct inode **result);
// mode: permission bits; type: any but NODE_DIRECTORY and NODE_SYMLINK; device numbers for device nodes.
struct node_creation {
    enum node_type type;
    uint32_t permissions, uid, gid, device_major, device_minor;
};
MUST_USE error_t node_create(struct inode *directory, const char *name, uint32_t length, const struct node_creation *creation,
                             struct inode **result);
MUST_USE error_t node_mkdir(struct inode *directory, const char *name, uint32_t length, const struct node_creation *creation,
                            struct inode **result);
MUST_USE error_t node_symlink(struct inode *directory, const char *name, uint32_t length, const char *target,
                              uint32_t target_length, const struct node_creation *creation, struct inode **result);
MUST_USE error_t node_link(struct inode *directory, const char *name, uint32_t length, struct inode *node);
MUST_USE error_t node_unlink(struct inode *directory, const char *name, uint32_t length);
MUST_USE error_t node_rmdir(struct inode *directory, const char *name, uint32_t length);
MUST_USE error_t node_rename(struct inode *from, const char *from_name, uint32_t from_length, struct inode *to,
                             const char *to_name, uint32_t to_length);

// Calls emit for each entry from *cursor (0: the start) until it returns false (the entry is then not
// consumed) or the end is reached; *cursor is where to go on. A cursor stays good while others insert and
// remove: an entry that was there all the time is met once. Entries carry "." and "..". emit must not wait.
struct node_entry {
    const char *name;
    uint32_t length;
    uint32_t number;
    enum node_type type; // 0 if the disk does not say
    uint64_t next;       // cursor after this entry
};
typedef bool node_emit(void *context, const struct node_entry *entry);
MUST_USE error_t node_readdir(struct inode *directory, uint64_t *cursor, node_emit *emit, void *context);
// Up to `size` bytes of the target to `target`; *length is the whole target's length.
MUST_USE error_t node_readlink(struct inode *node, char *target, uint32_t size, uint32_t *length);

// What a reader remembers between calls: one per open file, all zero at first. May be NULL.
struct node_stream {
    uint64_t next;   // byte after the last read
    uint64_t ahead;  // page index up to which read-ahead was started
    uint32_t window; // pages
};
// *done is always set. Both stop early at a fault in the caller's buffer: progress made is success.
MUST_USE error_t node_read(struct inode *node, struct node_stream *stream, uint64_t offset, uint64_t length,
                           struct platform_caller *caller, uint64_t buffer_offset, uint64_t *done);
// append: offset is ignored and the end of the file taken, atomically; *at (may be NULL) is where the bytes
// went.
MUST_USE error_t node_write(struct inode *node, uint64_t offset, bool append, uint64_t length, struct platform_caller *caller,
                            uint64_t buffer_offset, uint64_t *done, uint64_t *at);
// Pages of a file that somebody reads without asking, by their frames in cache memory: these hold nothing else until the end of
// the loan, whatever becomes of the file. What is written to the file meanwhile is seen there.
enum { LOAN_PAGES = 256 }; // at most
struct node_loan {
    struct filesystem *fs; // NULL: unmounted since
    struct node_loan *next, *previous;
    uint32_t count;
    uint32_t frames[LOAN_PAGES];
};
// WAITS. Lends the pages from the one with byte `offset` on, as many of those with `length` bytes as there are and may be lent,
// at least one; *lent: bytes of the file from `offset` on that lie in them. `loan` lies with the caller until it ends.
// ERR_INVALID: nothing is there; ERR_NO_MEMORY: too much is lent.
MUST_USE error_t node_lend(struct inode *node, uint64_t offset, uint64_t length, struct node_loan *loan, uint64_t *lent);
uint64_t node_loan_place(const struct node_loan *loan, uint32_t page); // offset in cache memory
void node_loan_end(struct node_loan *loan);
// Lends the frames that `loan` names once more, in a cache of the same memory that is still empty. ERR_CORRUPT: they can't be.
MUST_USE error_t node_loan_restore(struct filesystem *fs, struct node_loan *loan);
MUST_USE error_t node_truncate(struct inode *node, uint64_t size);
void node_attributes(struct inode *node, struct node_attributes *result); // does not wait
// Changes those of `values` that `set` (NODE_SET_) names, and the change time.
MUST_USE error_t node_set_attributes(struct inode *node, uint32_t set, const struct node_attributes *values);
MUST_USE error_t node_fsync(struct inode *node);

// For a pager: the page with this index, read in and pinned; *cache_offset is where it lies in cache memory.
// for_write allocates its blocks and marks it dirty. Each success is matched by node_page_unpin.
MUST_USE error_t node_page_pin(struct inode *node, uint64_t index, bool for_write, uint64_t *cache_offset);
void node_page_unpin(struct inode *node, uint64_t cache_offset);
