// One mounted disk as the server holds it: the framework's tree, the core's file system, the cache memory and the rings to the
// block driver. Made by attach, freed by detach.
#pragma once

#include "libipc/protocols/block.h"
#include "libipc/transfer/ring_pair.h"
#include "servers/ext2/filesystem.h"
#include "servers/framework/file_server.h"

enum { DISK_ENTRIES = 256, VOLUMES_MAX = 16, FIRST_DISK_BIT = 8 };

// A disk of the platform: requests become ring entries, one per segment; those that find no room wait in a list. Invariant: at
// most DISK_ENTRIES entries are out, each with a bit in its request's platform_pending.
struct platform_disk {
    cap_t block; // session of the driver
    struct ring_pair rings;
    uint64_t sectors;  // of 512 bytes
    cap_t memory;      // the cache memory
    uint32_t buffer;   // its number at the driver
    uint32_t bit;      // of the server's notification
    uint32_t repeated; // completions that came twice, after a driver's restart
    struct platform_request *first_waiting, *last_waiting;
    struct platform_request *requests[PLATFORM_REQUESTS]; // by number, once they were started
};

enum { EXT2_CLASS_VOLUME = 16, EXT2_CLASS_LOAN = 17 }; // of records for another build

struct volume {
    struct tree tree;
    struct platform_disk disk;
    struct filesystem *filesystem;
    void *metadata;
    uint64_t metadata_bytes, cache_bytes;
    uint16_t mounted_state; // while it is handed over
    bool used;
};

// What platform_copy_* need to know of the request in service.
struct platform_caller {
    struct request *request;
    cap_t memory;
};

extern struct file_server ext2_server;
extern const struct tree_ops ext2_tree_ops;

// `buffer`: the number that the driver knows the cache memory by; 0: it does not yet.
error_t disk_open(struct platform_disk *disk, cap_t block, cap_t memory, uint32_t buffer, uint32_t bit) MUST_USE;
void disk_close(struct platform_disk *disk);
// Another actor goes on.
void disks_resumed(void);

error_t ext2_attach(struct request *request, const char *source, const char *options, uint64_t flags, cap_t device,
                    struct tree **tree) MUST_USE;
error_t ext2_detach(struct tree *tree) MUST_USE;
// loan.c: the file's pages as memory, to be read by a device or a mapping.
error_t ext2_map(struct open_file *file, const struct file_map_in *in, struct file_map_out *out) MUST_USE;
// To the next build, and from the one before, when the volumes are there and nothing was read into their caches.
error_t ext2_give_loan(struct handover *handover, const struct loan *loan) MUST_USE;
error_t ext2_take_loans(const struct handover *handover) MUST_USE;
// handover.c: the volumes to the next build, and from the one before.
error_t ext2_give(struct handover *handover) MUST_USE;
error_t ext2_take(struct handover *handover) MUST_USE;
void ext2_taken(void);
// attach.c: a volume of which disk, bit and memory are known, mounted as `options` say (the rest of them is filled in).
error_t ext2_mount_volume(struct volume *volume, uint64_t cache_bytes, struct filesystem_options options) MUST_USE;
error_t ext2_take_bit(uint32_t *bit) MUST_USE;
error_t ext2_cache(struct cache_status *status) MUST_USE; // of all volumes together
