// Where records come from: the kernel's ring, asked by call, and rings that init hands over for roles. Each
// is lossy, and what was lost is counted in the next record.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/server/timer.h"
#include "servers/log/state.h"

#define GATHER_NANOSECONDS UINT64_C(1000000000)

static struct timer gather_timer;

static void gather_kernel(void) {
    char text[RECORD_TEXT_MAX];
    uint64_t sequence, count, level, time;
    while (kernel_log_read(SLOT_KERNEL, log_state.kernel_sequence, text, sizeof(text), &sequence, &count, &level, &time) ==
           ERR_OK) {
        struct log_record record = {.time = time, .level = (uint32_t)level};
        uint64_t missed = sequence - log_state.kernel_sequence - 1;
        record.dropped = missed > UINT16_MAX ? UINT16_MAX : (uint16_t)missed;
        if (count > sizeof(text))
            count = sizeof(text);
        size_t start = log_split_sender(text, count, record.sender);
        log_state.kernel_sequence = sequence;
        log_store_add(&log_state.store, &record, text + start, count - start);
    }
}

static void gather_source(struct log_source *source) {
    unsigned char bytes[BYTE_RING_RECORD_MAX];
    uint32_t length;
    error_t error;
    do {
        while ((error = byte_ring_read(&source->ring, bytes, sizeof(bytes), &length)) == ERR_OK) {
            struct log_record record;
            if (length < sizeof(record))
                continue;
            memcpy(&record, bytes, sizeof(record));
            memcpy(record.sender, source->name, sizeof(record.sender));
            size_t most = length - sizeof(record);
            log_store_add(&log_state.store, &record, (const char *)bytes + sizeof(record),
                          record.length < most ? record.length : most);
        }
        ring_release(&source->ring);
    } while (error == ERR_AGAIN && !ring_sleep(&source->ring));
    if (error == ERR_CORRUPT)
        source->is_used = false; // it lied about its own ring and is heard no more
}

void log_gather(void) {
    uint64_t before = log_state.store.head;
    gather_kernel();
    for (unsigned i = 0; i < SOURCES_MAX; i++)
        if (log_state.sources[i].is_used)
            gather_source(&log_state.sources[i]);
    if (log_state.store.head != before)
        poll_list_notify(&log_state.waiters, READINESS_READ);
}

static void gather_on_timer(struct timer *timer) {
    (void)timer;
    log_gather();
    log_gather_later();
}

void log_gather_later(void) {
    timer_set(&gather_timer, clock_monotonic() + GATHER_NANOSECONDS, gather_on_timer);
}

// --- the protocol `log`
// ---------------------------------------------------------------------------------------------
static error_t ring_map(struct log_source *source, cap_t memory) {
    uint64_t length, kind, resident, address;
    error_t error = memory_information(memory, &length, &kind, &resident);
    if (error != ERR_OK)
        return error;
    uint32_t entries = 1;
    while (entries < RING_ENTRIES_MAX && ring_bytes(2 * entries, BYTE_RING_UNIT) <= length)
        entries *= 2;
    error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    if (error != ERR_OK)
        return error;
    error = ring_attach_consumer(&source->ring, (void *)(uintptr_t)address, length, entries, BYTE_RING_UNIT);
    if (error != ERR_OK) {
        error_t ignored = process_unmap(SLOT_SELF, address, length);
        (void)ignored;
    }
    return error;
}

// The log's notification with no right but to signal; made once, and copied to each who asks.
static error_t signal_capability(cap_t *result) {
    static cap_t signal;
    error_t error = signal != 0 ? ERR_OK : slot_duplicate(log_state.server.notification, RIGHT_SIGNAL | RIGHT_COPY, &signal);
    *result = signal;
    return error;
}

static error_t handle_attach(struct request *request, const struct log_attach_in *in, struct log_attach_out *out) {
    struct log_source made = {.is_used = true};
    unsigned place = 0;
    if (request->badge != startup_badge("attach")) // sessions to read are handed to every program
        return ERR_NOT_PERMITTED;
    while (place < SOURCES_MAX && log_state.sources[place].is_used)
        place++;
    if (place == SOURCES_MAX)
        return ERR_NO_MEMORY;
    error_t error = request_copy_in(request, 0, made.name, in->name_size);
    made.name[sizeof(made.name) - 1] = '\0';
    if (error == ERR_OK)
        error = signal_capability(&out->notification);
    if (error == ERR_OK)
        error = ring_map(&made, in->ring);
    if (error != ERR_OK)
        return error;
    log_state.sources[place] = made;
    out->bits = UINT64_C(1) << place;
    log_gather();
    return ERR_OK;
}

static error_t handle_read(struct request *request, const struct log_read_in *in, struct log_read_out *out) {
    static unsigned char buffer[16 * 1024]; // nothing waits between its filling and its use
    log_gather();
    uint64_t position = in->position;
    size_t size = in->records_size < sizeof(buffer) ? in->records_size : sizeof(buffer);
    size_t count = log_store_read(&log_state.store, &position, in->level, buffer, size);
    error_t error = request_copy_out(request, 0, buffer, count);
    out->position = position;
    out->count = count;
    return error;
}

static error_t handle_wait(struct request *request, const struct log_wait_in *in, struct log_wait_out *out) {
    uint64_t ticket;
    log_gather();
    if (log_state.store.head > in->position) {
        out->ready = 1;
        return ERR_OK;
    }
    cap_t notification = request_keep(request, in->notification);
    return poll_list_add(&log_state.waiters, notification, in->bits, READINESS_READ, &ticket);
}

const struct log_ops log_server_ops = {.attach = handle_attach, .read = handle_read, .wait = handle_wait};
