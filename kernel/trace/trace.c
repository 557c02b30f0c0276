// Rings and records; see trace.h. Only the processor that a ring belongs to writes to it, under the kernel
// lock.
#include "kernel/trace/trace.h"

#include "kernel/ipc/request.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/switch.h"

enum { RECORD_WORDS = 3, RING_BYTES_MAX = 1 << 26, TRACE_CLASSES = 2 * TRACE_CLASS_OBJECT - 1 };

_Static_assert(sizeof(struct trace_record) == 32 && sizeof(struct trace_ring) == 32, "records of one size");

uint32_t trace_on;
static uint32_t trace_rings;           // how many there are
static struct memory *rings[CPUS_MAX]; // as long as a capability names it

// Writes the record at the processor's place; the reader sees it before it is counted, and counts it after.
static void append(struct trace_record record) {
    struct cpu *cpu = cpu_self();
    if (!rings[cpu->index])
        return;
    struct trace_ring *ring = direct_map(rings[cpu->index]->physical);
    uint64_t written = ring->written;
    record.cpu = (uint8_t)cpu->index;
    ((struct trace_record *)ring)[1 + written % ring->records] = record;
    __atomic_store_n(&ring->written, written + 1, __ATOMIC_RELEASE);
}

void trace_write(enum trace_event event, const struct thread *thread, uint64_t code, uint64_t other,
                 uint64_t value) {
    thread = thread ? thread : cpu_self()->current;
    append((struct trace_record){.time = __builtin_ia32_rdtsc(),
                                 .event = (uint8_t)event,
                                 .code = (uint16_t)code,
                                 .thread = thread ? (uint32_t)thread->request.serial : 0,
                                 .process = thread ? (uint32_t)thread->process->serial : 0,
                                 .other = (uint32_t)other,
                                 .value = value});
}

// A record that belongs to the one before: 24 bytes of its own.
static void append_bytes(enum trace_event event, uint32_t code, const void *bytes, size_t length) {
    uint64_t words[RECORD_WORDS] = {0};
    memcpy(words, bytes, length);
    struct trace_record record = {
        .time = words[0], .event = (uint8_t)event, .code = (uint16_t)code, .value = words[2]};
    memcpy(&record.process, &words[1], sizeof(words[1]));
    append(record);
}

void trace_write_words(const uint64_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i += RECORD_WORDS)
        append_bytes(TRACE_EVENT_WORDS, i, &words[i],
                     (count - i < RECORD_WORDS ? count - i : RECORD_WORDS) * sizeof(*words));
}

// `length` bytes of the space on one page that is there; no page is brought in.
static const void *peek(struct space *space, uint64_t address, uint64_t length) {
    uint64_t entry = address < USER_HIGHEST && space->serial ? page_lookup(&space->tables, address) : 0;
    if (!entry || !frame_is_managed(entry & PAGE_ADDRESS) || address % PAGE_BYTES + length > PAGE_BYTES)
        return NULL;
    return (const char *)direct_map(entry & PAGE_ADDRESS) + address % PAGE_BYTES;
}

void trace_write_request(enum trace_event event, const struct request *request, uint64_t code,
                         const uint64_t *words) {
    trace_write(event, NULL, code, request->serial, request->count);
    if (!words)
        return;
    uint32_t count = tag_words(event == TRACE_EVENT_CALL ? request->tag : cpu_self()->current->registers.rsi);
    trace_write_words(words, count < MESSAGE_REGISTER_WORDS ? count : MESSAGE_REGISTER_WORDS);
    if (event != TRACE_EVENT_CALL || !(request->tag & TAG_LEND_READ))
        return;
    uint64_t length = request->lend_read.length, most = RECORD_WORDS * sizeof(uint64_t);
    length = length < most ? length : most;
    const void *bytes = peek(&request->process->space, request->lend_read.address, length);
    if (bytes)
        append_bytes(TRACE_EVENT_LENT, (uint32_t)length, bytes, length);
}

error_t trace_ring_create(uint64_t cpu, uint64_t length, struct account *account, struct memory **out) {
    if (cpu >= cpu_count)
        return ERR_NOT_FOUND;
    if (rings[cpu])
        return ERR_BUSY;
    if (length < PAGE_BYTES || length > RING_BYTES_MAX || length & (length - 1))
        return ERR_INVALID;
    error_t error = memory_create_contiguous(account, length, FRAME_ANYWHERE, out);
    if (error)
        return error;
    rings[cpu] = *out;
    trace_rings++;
    ((struct trace_ring *)direct_map((*out)->physical))->records = length / sizeof(struct trace_record) - 1;
    return ERR_OK;
}

error_t trace_start(uint64_t classes, uint64_t rate) {
    if ((classes & ~(uint64_t)TRACE_CLASSES) || rate || (classes && !trace_rings))
        return ERR_INVALID;
    trace_on = (uint32_t)classes;
    switch_choose_entries();
    return ERR_OK;
}

void trace_memory_unreachable(struct object *object) {
    for (uint32_t i = 0; trace_rings && i < cpu_count; i++) {
        if (!rings[i] || &rings[i]->object != object)
            continue;
        rings[i] = NULL;
        if (--trace_rings == 0)
            (void)trace_start(0, 0);
    }
}
