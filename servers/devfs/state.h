// What devfs keeps: one entry per device file. Invariant: entries are never freed and keep their place, so a
// node is its entry and its index a cursor; a disk that went away keeps its entry and answers ERR_NO_DEVICE.
#pragma once

#include "libipc/protocols/block.h"
#include "servers/framework/file_server.h"

enum { DEVICES_MAX = 128, DRIVERS_MAX = 4, TRANSFER_BYTES = 64 * 1024 };

enum device_kind { DEVICE_ROOT, DEVICE_NULL, DEVICE_ZERO, DEVICE_FULL, DEVICE_RANDOM, DEVICE_TERMINAL, DEVICE_DISK };

struct device {
    char name[33];
    enum device_kind kind;
    uint16_t mode;
    uint32_t user, group;
    uint64_t represents; // major << 32 | minor
    cap_t session;       // DEVICE_TERMINAL: that opens it; DEVICE_DISK: the unit, 0 until it is needed
    cap_t driver;        // DEVICE_DISK: the driver's control session
    uint64_t unit;
    struct block_status status; // DEVICE_DISK
    struct fiber_lock lock;     // DEVICE_DISK: exclusive while a sector is read, changed and written back
};

struct devfs {
    struct device devices[DEVICES_MAX]; // the first is the root
    uint32_t count;
    cap_t drivers[DRIVERS_MAX];         // control sessions of block drivers
    bool driver_is_silent[DRIVERS_MAX]; // did not answer in time: it is asked more briefly next time
    uint32_t driver_count;
    int64_t started; // the time that all files show
};

extern struct devfs devfs;
extern struct tree devfs_tree;

// Fills in the fixed devices, and finds terminals and drivers among the capabilities.
void devices_make(void);
// Asks the drivers for units that have come. Waits.
void disks_refresh(void);

// disk.c: any byte range of a disk. ERR_NO_SPACE: behind its end.
MUST_USE error_t disk_read(struct device *disk, struct request *request, uint64_t position, uint64_t length, uint64_t *count);
MUST_USE error_t disk_write(struct device *disk, struct request *request, uint64_t position, uint64_t length, uint64_t *count);
// The unit's session, made at its first use.
MUST_USE error_t disk_open(struct device *disk);
uint64_t disk_bytes(const struct device *disk);

// random.c
MUST_USE error_t random_read(struct request *request, uint64_t length, uint64_t *count);
