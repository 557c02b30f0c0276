// The ext2 core's platform on the host: a disk in memory, fibers over ucontext, and a scheduler that picks
// the next fiber or the next disk completion at random, from a seed. Faults can be injected, and writes
// recorded for cutting. Used by every test here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "servers/ext2/filesystem.h"

#define CHECK(condition, ...)                                                                                                    \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                      \
            fprintf(stderr, __VA_ARGS__);                                                                                        \
            fprintf(stderr, " (%s) [%s]\n", #condition, host_context);                                                           \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)
extern char host_context[256]; // what is being tested, for messages

// --- random numbers (splitmix64) ---
struct host_random {
    uint64_t state;
};
uint64_t host_random_next(struct host_random *random);
uint32_t host_random_below(struct host_random *random, uint32_t limit);

// --- the disk ---
struct host_event { // one write, or a flush that made the first `durable` writes safe
    bool flush;
    uint64_t sector;
    uint32_t bytes;
    uint8_t *data;
    size_t durable;
};
struct platform_disk {
    uint8_t *image;
    uint64_t sectors;
    // faults: chance in 1,000,000 of an error per request
    uint32_t read_fault, write_fault;
    bool dead; // every request fails
    // recording
    bool record;
    struct host_event *events;
    size_t event_count, event_room;
    // counters
    uint64_t reads, writes, read_bytes, write_bytes, flushes;
};
void host_disk_make(struct platform_disk *disk, uint64_t bytes);
void host_disk_load(struct platform_disk *disk, const char *path);
void host_disk_save(const struct platform_disk *disk, const char *path);
void host_disk_free(struct platform_disk *disk);
void host_disk_forget_events(struct platform_disk *disk);

// --- lent buffers ---
struct platform_caller {
    uint8_t *bytes;
    uint64_t size;
    uint64_t fault_at; // copies stop here with ERR_FAULT; UINT64_MAX: never
};

// --- cache memory ---

// Makes
// the arena and the options for a mount; the metadata part is a mapping of its own, so that the core can't
// reach file pages.
struct filesystem_options host_options(struct platform_disk *disk, uint64_t cache_bytes, bool read_only);
void host_cache_free(void);
const uint8_t *host_cache_page(uint64_t offset); // a page of files in cache memory

// --- fibers ---
void host_start(uint64_t seed); // resets the scheduler
void host_fiber(void (*body)(void *), void *argument);
void host_run(void);     // until every fiber ended
void host_abandon(void); // drops all fibers and requests: a crash of the machine
extern bool host_stop;   // set by a fiber: host_run returns at the next switch
void host_yield(void);
void host_call(void (*body)(void *), void *argument); // one fiber, to its end, together with the others

extern bool host_quiet; // core messages are kept back
extern uint64_t host_messages;
extern uint32_t host_stack_used; // bytes that the deepest fiber took, the test's own frames included; 0 under sanitizers
