// See recorder.h. A ring is read after recording has stopped, so it holds still; what it lost is what was
// written before the records that it still holds.
#include "programs/trace/recorder.h"

#include <stdlib.h>
#include <unistd.h>

#include "kernel/abi/capability.h"
#include "kernel/abi/errors.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"
#include "programs/common/program.h"

enum { PROCESSORS_MAX = 64 };

struct ring {
    cap_t memory;
    const struct trace_ring *head;
    uint64_t next, end; // numbers of the records that are yet to be taken
};

static struct ring rings[PROCESSORS_MAX];
static uint32_t ring_count;
static cap_t kernel;

void recorder_start(uint64_t classes, uint64_t rate, uint64_t bytes) {
    error_t error = ERR_OK;
    uint64_t address;
    kernel = startup_capability("trace");
    if (!kernel)
        program_fail(NULL, "this program was not given the right to trace");
    while (ring_count < PROCESSORS_MAX && !error) {
        struct ring *ring = &rings[ring_count];
        error = kernel_trace_ring(kernel, ring_count, bytes, &ring->memory);
        if (!error)
            error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ, ring->memory, &address);
        if (!error) {
            ring->head = (const struct trace_ring *)(uintptr_t)address; // NOLINT(performance-no-int-to-ptr)
            ring_count++;
        }
    }
    if (error == ERR_BUSY)
        program_fail(NULL, "somebody else is tracing");
    if (error != ERR_NOT_FOUND) // there are no more processors
        program_fail(NULL, "no buffer of %llu KiB: %s", (unsigned long long)bytes / 1024, error_text(-error));
    error = kernel_trace_start(kernel, classes, rate);
    if (error)
        program_fail(NULL, "the kernel does not trace this: %s", error_text(-error));
}

static const struct trace_record *record_at(const struct ring *ring, uint64_t number) {
    return (const struct trace_record *)ring->head + 1 + number % ring->head->records;
}

// Takes a record and those that belong to it.
static void take(struct trace *trace, struct ring *ring) {
    do
        trace->records[trace->header.record_count++] = *record_at(ring, ring->next++);
    while (ring->next < ring->end && trace_is_continuation(record_at(ring, ring->next)));
}

// The ring whose next record is the oldest, or NULL.
static struct ring *oldest(void) {
    struct ring *found = NULL;
    for (uint32_t i = 0; i < ring_count; i++)
        if (rings[i].next < rings[i].end &&
            (!found || record_at(&rings[i], rings[i].next)->time < record_at(found, found->next)->time))
            found = &rings[i];
    return found;
}

void recorder_stop(struct trace *trace) {
    uint64_t total = 0;
    (void)kernel_trace_start(kernel, 0, 0);
    for (uint32_t i = 0; i < ring_count; i++) {
        struct ring *ring = &rings[i];
        ring->end = ring->head->written;
        ring->next = ring->end > ring->head->records ? ring->end - ring->head->records : 0;
        while (ring->next > 0 && ring->next < ring->end && trace_is_continuation(record_at(ring, ring->next)))
            ring->next++; // what it belongs to is lost
        trace->header.lost += ring->next;
        total += ring->end - ring->next;
    }
    trace->records = memory_allocate((total + 1) * sizeof(struct trace_record));
    for (struct ring *ring; (ring = oldest());)
        take(trace, ring);
    trace->header.magic = TRACE_FILE_MAGIC;
    trace->header.processors = ring_count;
    trace->header.multiplier = ipc_clock_page->multiplier;
    trace->header.shift = ipc_clock_page->shift;
    trace->header.end = __builtin_ia32_rdtsc();
    trace->header.wall = clock_wall();
    for (uint32_t i = 0; i < ring_count; i++)
        slot_release(rings[i].memory);
}
