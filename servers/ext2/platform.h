// All that the ext2 core needs from outside: a disk, cache memory, fibers, clocks, a log. The server
// implements it over rings, `copy` and libipc's fibers; tests/host/ext2 implements it over a memory image and
// ucontext fibers. Nothing else is called but string.h, malloc and free. One thread runs everything: a fiber
// loses the processor only inside the functions marked WAITS, so what lies between two of them is atomic.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "libipc/kept/undo.h"

// --- disk ---
enum {
    PLATFORM_SECTOR_BYTES = 512,
    PLATFORM_REQUESTS = 64,           // of one disk at most
    PLATFORM_SEGMENTS = 64,           // segments in one request at most
    PLATFORM_TRANSFER_BYTES = 1 << 20 // bytes in one request at most
};

// A range of cache memory. offset: bytes from the start of the cache memory object. Multiples of 512 bytes.
struct platform_segment {
    uint64_t offset;
    uint64_t length;
};

// One contiguous run of sectors, read into or written from the segments in order. The core owns the structure
// and leaves it untouched until `complete` is called, exactly once, from the server's loop (no fiber is
// current then; it does not wait, and may wake fibers and start further requests). Requests may complete in
// any order. What changes with each request lies in one line.
struct platform_request {
    _Alignas(KEPT_LINE_BYTES) uint64_t sector;
    uint64_t platform_pending; // these four are the platform's
    uint32_t platform_use;
    error_t platform_error;
    uint8_t platform_next;
    uint8_t segment_count;
    bool write;
    uint32_t bytes; // of all segments
    // The rest stays as it is.
    uint32_t number; // below PLATFORM_REQUESTS, and no other request of the disk has it
    struct platform_segment *segments;
    void (*complete)(struct platform_request *request, error_t result); // ERR_OK or ERR_IO...
    void *platform_link;                                                // the platform's, too
};

struct platform_disk; // the platform's own

void platform_disk_start(struct platform_disk *disk, struct platform_request *request);
// WAITS. On ERR_OK every write that completed before the call survives a loss of power.
MUST_USE error_t platform_disk_flush(struct platform_disk *disk);
uint64_t platform_disk_sectors(struct platform_disk *disk); // size in sectors of 512 bytes

// --- cache memory and lent buffers ---

// Cache memory is a memory object of pages. Only its metadata part is mapped (see filesystem_options); file
// pages are moved by these calls alone. None of them waits. `caller` names the request in service whose lent
// buffer is meant.
struct platform_caller;

// Lent read buffer -> cache. *moved is always set; with less than length the error says why
// (ERR_PAGE_MISSING, ERR_FAULT...).
MUST_USE error_t platform_copy_in(struct platform_caller *caller, uint64_t buffer_offset, uint64_t cache_offset, uint64_t length,
                                  uint64_t *moved);
// Cache -> lent write buffer; otherwise the same.
MUST_USE error_t platform_copy_out(struct platform_caller *caller, uint64_t buffer_offset, uint64_t cache_offset, uint64_t length,
                                   uint64_t *moved);
// A frame of cache memory has another owner from now on.
void platform_frames_changed(void);
void platform_zero(struct platform_disk *disk, uint64_t cache_offset,
                   uint64_t length); // of this disk's cache

// --- fibers ---
// A queue of waiting fibers; all zero is an empty one. Waking makes fibers runnable, in order, and never
// switches.
struct platform_queue {
    void *first;
    void *last;
};

void platform_queue_wait(struct platform_queue *queue); // WAITS until woken
// WAITS until woken (true) or until platform_monotonic_time() reaches the deadline (false).
bool platform_queue_wait_until(struct platform_queue *queue, uint64_t deadline);
void platform_queue_wake_one(struct platform_queue *queue);
void platform_queue_wake_all(struct platform_queue *queue);

// Once a turn in loops that change much: what was done until then is not taken back should the server fail. Nobody else runs.
void platform_breathe(void);
// The same at once.
void platform_commit(void);

// --- clocks and the log ---
uint64_t platform_wall_time(void);      // nanoseconds since the epoch, UTC
uint64_t platform_monotonic_time(void); // nanoseconds since some fixed moment

enum platform_log_level { PLATFORM_LOG_ERROR, PLATFORM_LOG_WARNING, PLATFORM_LOG_NOTICE };
void platform_log(enum platform_log_level level, const char *text); // one line, without a newline
