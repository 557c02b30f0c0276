// The server side of the protocol block that all disk drivers share: units (disks and their partitions),
// sessions, calls and rings. A driver registers its disks before the loop runs, takes requests by `submit`,
// starts them by `kick`, and ends each with its `done`, followed by block_service_flush once for all that
// ended together.
#pragma once

#include "drivers/block/service/io.h"
#include "drivers/block/service/partition.h"
#include "drivers/framework/driver.h"
#include "libipc/protocols/block.h"
#include "libipc/server/server.h"
#include "libipc/transfer/ring_pair.h"

enum {
    BLOCK_DISKS_MOST = 8,
    BLOCK_SESSIONS_MOST = 64,
    BLOCK_BUFFERS_MOST = 16, // of one session
    BLOCK_RING_IOS = 512,    // requests from all rings at once
    BLOCK_RING_ENTRIES_MOST = 256,
    BLOCK_CALL_BYTES = 64 * 1024, // of one read or write by call
    BLOCK_CALLS_MOST = 8,         // buffers for such calls
    BLOCK_FIRST_RING_BIT = 8,     // of the notification; the bits below are the driver's
    BLOCK_STATE_VERSION = 3,
};
#define BLOCK_STATE_MAGIC UINT64_C(0x6b636f6c62206b)   // "k block"
#define BLOCK_BADGE       UINT64_C(0x00626c6b00000000) // generation and index: 16 bits each

struct block_disk {
    uint64_t sectors;
    uint32_t number;
    uint32_t flags; // enum block_flag
    uint32_t queue_depth;
    char model[48];
    // Queues a request; may end it at once. Then `kick`: start what can be started.
    void (*submit)(struct block_disk *disk, struct block_io *io);
    void (*kick)(struct block_disk *disk);
    char *direct; // the whole content, if it is mapped: calls copy from and to it; else NULL
    struct partition_table table;
};

// A disk or partition, as sessions name it.
struct block_unit {
    struct block_disk *disk;
    uint64_t id; // (disk << 16 | partition) + 1
    uint64_t first, count;
    uint32_t partition; // 0: the disk
};

// In state memory. What is below the line is this actor's own.
struct block_session {
    uint32_t open, generation;
    uint64_t unit; // id
    cap_t ring_memory, client;
    uint64_t client_bits;
    uint32_t entries; // 0: no rings
    uint32_t next_buffer;
    struct block_buffer buffers[BLOCK_BUFFERS_MOST];
    // ----
    uint32_t outstanding; // requests from the ring that are under way
    bool closing, broken;
    struct ring_pair pair;
    void *ring_address;
};

enum block_ring_io_state {
    RING_IO_FREE,
    RING_IO_TAKEN, // under way: a new actor does it again
    RING_IO_DONE   // and its completion pushed: a new actor looks whether that was published. Doing it again could be wrong
};

// A request from a ring, from its taking to the publishing of its completion.
struct block_ring_io {
    struct block_io io;
    struct block_request request;
    uint32_t session;
    uint32_t state;      // enum block_ring_io_state
    uint32_t place;      // TAKEN, DONE: where it came from in the ring
    uint32_t completion; // DONE: its place in the ring
    error_t status;      // DONE
    struct block_ring_io *next;
};

struct block_state {
    uint64_t magic;
    uint32_t version;
    cap_t content;          // memory of the driver's own that outlives an actor; 0: none
    uint64_t content_bytes; // that are used of it
    struct block_session sessions[BLOCK_SESSIONS_MOST];
    struct block_ring_io ios[BLOCK_RING_IOS];
};

struct block_service {
    struct server server;
    const char *prefix; // of units' names: "disk"
    bool is_restart;    // the log knows the disks already
    struct block_disk *disks[BLOCK_DISKS_MOST];
    uint32_t disk_count;
    struct block_state *state;
    struct block_ring_io *free_ios, *done_ios;
    uint64_t unflushed;                          // sessions whose rings have changed, a bit each
    bool starved;                                // a ring waits for a free request
    struct fiber_wait_queue idle;                // sessions that close wait here for their last request
    struct block_buffer calls[BLOCK_CALLS_MOST]; // buffers for calls; memory 0: not there
    bool calls_taken[BLOCK_CALLS_MOST];
    struct fiber_wait_queue call_waiters;
};

extern struct block_service block_service;

// First of all. `prefix`: what units' names begin with. With the start's endpoint, notification and state
// memory.
MUST_USE error_t block_service_open(const char *prefix);

// Makes a disk known and reads its partition table with `read`; says in the log what was found. `disk` stays
// in use.
MUST_USE error_t block_service_add(struct block_disk *disk, partition_reader *read, void *context);

// Memory that the next actor finds as it is, and how much of it is used; 0 from block_service_content: there is none.
void block_service_keep_content(cap_t memory, uint64_t bytes);
cap_t block_service_content(uint64_t *bytes);

// Memory for calls, in pieces of BLOCK_CALL_BYTES; for drivers whose disks have no `direct`.
void block_service_add_call_memory(const struct driver_memory *memory);

// Serves for ever: takes up the sessions of an earlier actor, then runs the loop. Returns when the loop ends.
MUST_USE error_t block_service_run(void);

// After requests were ended: shows completions to clients, takes further requests from rings that waited.
void block_service_flush(void);

// For the files of this folder.
bool block_unit_find(uint64_t id, struct block_unit *unit);
// The unit with the lowest id above `id`.
bool block_unit_next(uint64_t id, struct block_unit *unit);
void block_unit_status(const struct block_unit *unit, struct block_status *status);
struct block_session *block_session_find(uint64_t badge);
uint64_t block_session_badge(const struct block_session *session);
void block_session_close(struct block_session *session); // on a fiber: waits for its requests
MUST_USE error_t block_rings_map(struct block_session *session);
void block_rings_unmap(struct block_session *session);
uint32_t block_rings_bit(const struct block_session *session);
void block_rings_drain(struct block_session *session);
void block_rings_resume(void); // after a restart
void block_ring_ios_initialize(void);
struct block_ops;
extern const struct block_ops block_operations;
