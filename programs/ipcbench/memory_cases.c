// Memory: page faults answered by the kernel and by a pager, mappings. Faults are taken in batches on fresh
// pages; making a batch is not measured.
#include "programs/ipcbench/suite.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "programs/ipcbench/partner.h"

enum { PAGE = 4096, BATCH_PAGES = 256, BATCH_BYTES = BATCH_PAGES * PAGE, READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE };

// A memory object of BATCH_PAGES that this process has mapped.
struct area {
    cap_t memory;
    volatile char *bytes;
};

static error_t area_map(struct area *area) {
    uint64_t address;
    error_t error = process_map(SLOT_SELF, 0, BATCH_BYTES, 0, READ_WRITE, area->memory, &address);
    if (!error)
        area->bytes = (volatile char *)address; // NOLINT(performance-no-int-to-ptr)
    return error;
}

static error_t area_make(struct area *area) {
    *area = (struct area){0};
    error_t error = account_create_memory(SLOT_ACCOUNT, BATCH_BYTES, &area->memory);
    return error ? error : area_map(area);
}

static void area_end(struct area *area) {
    if (area->bytes && process_unmap(SLOT_SELF, (uint64_t)area->bytes, BATCH_BYTES))
        __builtin_trap(); // it was mapped here
    slot_release(area->memory);
}

static void touch_all(const struct area *area) {
    for (uint32_t page = 0; page < BATCH_PAGES; page++)
        area->bytes[page * PAGE] = 1;
}

// Writes to each page once and measures every write.
static void measure_touches(const struct area *area, struct series *series) {
    for (uint32_t page = 0; page < BATCH_PAGES && series_wants(series); page++) {
        uint64_t start = measure_now();
        area->bytes[page * PAGE] = 1;
        series_add(series, start, measure_now());
    }
}

static error_t fault_zero(const struct bench *bench, struct series *series) {
    (void)bench;
    struct area area;
    error_t error = area_make(&area);
    while (!error && series_wants(series)) {
        measure_touches(&area, series);
        error = memory_discard(area.memory, 0, BATCH_BYTES);
    }
    area_end(&area);
    return error;
}

static error_t fault_copy(const struct bench *bench, struct series *series) {
    (void)bench;
    struct area area;
    error_t error = area_make(&area);
    if (!error)
        touch_all(&area);
    while (!error && series_wants(series)) {
        cap_t clone;
        error = memory_clone(area.memory, 0, BATCH_BYTES, SLOT_ACCOUNT, &clone);
        if (error)
            break;
        measure_touches(&area, series);
        slot_release(clone);
    }
    area_end(&area);
    return error;
}

static error_t pager_make(const struct bench *bench, struct partner *partner, struct area *area, struct area *source) {
    *area = (struct area){0};
    *source = (struct area){0};
    error_t error = partner_make(partner, bench->code, false);
    if (!error)
        error = area_make(source);
    if (!error)
        error = account_create_paged(SLOT_ACCOUNT, BATCH_BYTES, partner->session, &area->memory);
    if (!error)
        error = area_map(area);
    if (!error)
        error = partner_install(partner, PARTNER_TARGET, area->memory);
    if (!error)
        error = partner_install(partner, PARTNER_SOURCE, source->memory);
    if (!error)
        error = partner_start(partner, peer_page, bench->priority);
    return error;
}

static error_t fault_pager(const struct bench *bench, struct series *series) {
    struct partner partner;
    struct area area, source;
    error_t error = pager_make(bench, &partner, &area, &source);
    while (!error && series_wants(series)) {
        touch_all(&source); // the pages that the pager will hand over
        measure_touches(&area, series);
        error = memory_discard(area.memory, 0, BATCH_BYTES);
    }
    area_end(&area);
    area_end(&source);
    partner_end(&partner);
    return error;
}

static error_t map_unmap(struct series *series, bool touch) {
    cap_t memory;
    error_t error = account_create_memory(SLOT_ACCOUNT, PAGE, &memory);
    if (error)
        return error;
    while (!error && series_wants(series)) {
        uint64_t address, start = measure_now();
        error = process_map(SLOT_SELF, 0, PAGE, 0, READ_WRITE, memory, &address);
        if (!error && touch)
            *(volatile char *)address = 1; // NOLINT(performance-no-int-to-ptr)
        if (!error)
            error = process_unmap(SLOT_SELF, address, PAGE);
        series_add(series, start, measure_now());
    }
    slot_release(memory);
    return error;
}

static error_t map_and_unmap(const struct bench *bench, struct series *series) {
    (void)bench;
    return map_unmap(series, false);
}
static error_t map_touch_unmap(const struct bench *bench, struct series *series) {
    (void)bench;
    return map_unmap(series, true);
}

const struct bench_case bench_memory_cases[] = {
    {"fault_zero", SPAN_WHOLE, 1, "first write to a page of anonymous memory: the kernel gives a zeroed page", fault_zero},
    {"fault_copy", SPAN_WHOLE, 1, "first write to a page that a clone shares: the kernel copies it", fault_copy},
    {"fault_pager", SPAN_ROUND_TRIP, 1, "first write to a page that a pager in another process supplies", fault_pager},
    {"map_unmap", SPAN_WHOLE, 1, "mapping a page and taking it away, untouched", map_and_unmap},
    {"map_touch_unmap", SPAN_WHOLE, 1, "the same, with one write to it in between", map_touch_unmap},
};
const unsigned bench_memory_case_count = sizeof(bench_memory_cases) / sizeof(bench_memory_cases[0]);
