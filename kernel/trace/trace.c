// Rings and records; see trace.h. Only the processor that a ring belongs to writes to it, under the kernel
// lock.
#include "kernel/trace/trace.h"

#include "kernel/ipc/request.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/ioapic.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/switch.h"

enum { RECORD_WORDS = 3, RING_BYTES_MAX = 1 << 26, SAMPLE_FRAMES = 12, TRACE_CLASSES = 2 * TRACE_CLASS_SAMPLE - 1 };

_Static_assert(sizeof(struct trace_record) == 32 && sizeof(struct trace_ring) == 32, "records of one size");

uint32_t trace_on;
static uint32_t trace_rings;                 // how many there are
static struct memory *rings[CPUS_MAX];       // as long as a capability names it
static bool sampling[CPUS_MAX];              // a sample of the kernel, which takes no lock, is being written there
extern char image_start[], image_text_end[]; // boot/kernel.ld

// Writes the record at the processor's place, then counts it. A sample of the kernel may come between the
// two: one is lost.
static void append(uint32_t cpu, struct trace_record record) {
    if (!rings[cpu])
        return;
    struct trace_ring *ring = direct_map(rings[cpu]->physical);
    uint64_t written = ring->written;
    record.cpu = (uint8_t)cpu;
    ((struct trace_record *)ring)[1 + written % ring->records] = record;
    __atomic_store_n(&ring->written, written + 1, __ATOMIC_RELEASE);
}

static void append_event(uint32_t cpu, enum trace_event event, const struct thread *thread, uint64_t code, uint64_t other,
                         uint64_t value) {
    append(cpu, (struct trace_record){.time = __builtin_ia32_rdtsc(),
                                      .event = (uint8_t)event,
                                      .code = (uint16_t)code,
                                      .thread = thread ? (uint32_t)thread->request.serial : 0,
                                      .process = thread ? (uint32_t)thread->process->serial : 0,
                                      .other = (uint32_t)other,
                                      .value = value});
}

void trace_write(enum trace_event event, const struct thread *thread, uint64_t code, uint64_t other, uint64_t value) {
    append_event(cpu_self()->index, event, thread ? thread : cpu_self()->current, code, other, value);
}

// A record that belongs to the one before: 24 bytes of its own.
static void append_bytes(uint32_t cpu, enum trace_event event, uint32_t code, const void *bytes, size_t length) {
    uint64_t words[RECORD_WORDS] = {0};
    memcpy(words, bytes, length);
    struct trace_record record = {.time = words[0], .event = (uint8_t)event, .code = (uint16_t)code, .value = words[2]};
    memcpy(&record.process, &words[1], sizeof(words[1]));
    append(cpu, record);
}

void trace_write_words(const uint64_t *words, uint32_t count) {
    count = count < MESSAGE_REGISTER_WORDS ? count : MESSAGE_REGISTER_WORDS;
    for (uint32_t i = 0; i < count; i += RECORD_WORDS)
        append_bytes(cpu_self()->index, TRACE_EVENT_WORDS, i, &words[i],
                     (count - i < RECORD_WORDS ? count - i : RECORD_WORDS) * sizeof(*words));
}

// `length` bytes of the space on one page that is there; no page is brought in.
static const void *peek(struct space *space, uint64_t address, uint64_t length) {
    uint64_t entry = address < USER_HIGHEST && space->serial ? page_lookup(&space->tables, address) : 0;
    if (!entry || !frame_is_managed(entry & PAGE_ADDRESS) || address % PAGE_BYTES + length > PAGE_BYTES)
        return NULL;
    return (const char *)direct_map(entry & PAGE_ADDRESS) + address % PAGE_BYTES;
}

void trace_write_request(enum trace_event event, const struct request *request, uint64_t code, const uint64_t *words) {
    trace_write(event, NULL, code, request->serial, request->count);
    if (!words)
        return;
    trace_write_words(words, tag_words(event == TRACE_EVENT_CALL ? request->tag : cpu_self()->current->registers.rsi));
    if (event != TRACE_EVENT_CALL || !(request->tag & TAG_LEND_READ))
        return;
    uint64_t length = request->lend_read.length, most = RECORD_WORDS * sizeof(uint64_t);
    length = length < most ? length : most;
    const void *bytes = peek(&request->process->space, request->lend_read.address, length);
    if (bytes)
        append_bytes(cpu_self()->index, TRACE_EVENT_LENT, (uint32_t)length, bytes, length);
}

static void append_sample(uint32_t cpu, const struct thread *thread, bool kernel, uint64_t address, const uint64_t *frames,
                          uint32_t count) {
    append_event(cpu, TRACE_EVENT_SAMPLE, thread, kernel, 0, address);
    for (uint32_t i = 0; i < count; i += RECORD_WORDS)
        append_bytes(cpu, TRACE_EVENT_FRAMES, i, &frames[i], RECORD_WORDS * sizeof(*frames));
}

void trace_sample_user(const struct thread *thread) {
    uint64_t frames[SAMPLE_FRAMES] = {0}, frame = thread->registers.rbp;
    const uint64_t *pair;
    uint32_t count = 0;
    while (count < SAMPLE_FRAMES && frame % 8 == 0 && (pair = peek(&thread->process->space, frame, 2 * sizeof(*pair)))) {
        frames[count++] = pair[1];
        frame = pair[0] > frame ? pair[0] : 1;
    }
    append_sample(cpu_self()->index, thread, false, thread->registers.rip, frames, count);
}

void trace_sample_kernel(uint32_t cpu, uint64_t address, uint64_t frame) {
    uint64_t frames[SAMPLE_FRAMES] = {0};
    uint32_t count = 0;
    while (count < SAMPLE_FRAMES && stack_trace_next(&frame, &frames[count]) &&
           frames[count] - (uint64_t)image_start < (uint64_t)(image_text_end - image_start))
        frames[count++] -= (uint64_t)image_start;
    if (count < SAMPLE_FRAMES)
        frames[count] = 0;                                    // what was no return address into the kernel
    __atomic_store_n(&sampling[cpu], true, __ATOMIC_SEQ_CST); // before the ring is looked at
    append_sample(cpu, cpus[cpu]->current, true, address - (uint64_t)image_start, frames, count);
    __atomic_store_n(&sampling[cpu], false, __ATOMIC_RELEASE);
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
    if ((classes & ~(uint64_t)TRACE_CLASSES) || !(classes & TRACE_CLASS_SAMPLE) != !rate || (classes && !trace_rings))
        return ERR_INVALID;
    if (rate && paging_isolated) // an NMI may find a program's page tables in the kernel
        return ERR_NOT_SUPPORTED;
    error_t error = rate || (trace_on & TRACE_CLASS_SAMPLE) ? ioapic_sample(rate) : ERR_OK;
    if (error)
        return error;
    trace_on = (uint32_t)classes;
    switch_choose_entries();
    return ERR_OK;
}

void trace_memory_unreachable(struct object *object) {
    for (uint32_t i = 0; trace_rings && i < cpu_count; i++) {
        if (!rings[i] || &rings[i]->object != object)
            continue;
        __atomic_store_n(&rings[i], NULL, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&sampling[i], __ATOMIC_SEQ_CST))
            __builtin_ia32_pause();
        if (--trace_rings == 0)
            (void)trace_start(0, 0);
    }
}
