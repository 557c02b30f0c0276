// See host_platform.h. Single-threaded: the scheduler runs on the main stack and switches to fibers and back.
#include "tests/host/ext2/host_platform.h"

#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "libipc/kept/undo.h"

#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#include <sanitizer/common_interface_defs.h>
#else
#define WITH_ASAN 0
#endif

enum { STACK_BYTES = 256 << 10, STACK_PAINT = 0xC3 };

struct fiber {
    ucontext_t context;
    uint8_t *stack;
    void (*body)(void *);
    void *argument;
    struct fiber *next;     // in its queue
    struct fiber *all_next; // in the list of all
    struct platform_queue *queue;
    uint64_t deadline; // 0: none
    bool runnable, ended, timed_out;
    void *fake_stack;
};

struct pending { // a request or a flush in the disk
    struct platform_request *request;
    struct fiber *flusher;
    size_t flush_durable;
    error_t *flush_result;
};

// Nothing is kept here.
void kept_fresh(void *address, uint64_t bytes) {
    (void)address;
    (void)bytes;
}

uint64_t kept_commits(void) {
    return 0;
}

void *kept_set_unnoted(void *to, int byte, uint64_t bytes) {
    return memset(to, byte, bytes);
}

void *kept_copy_unnoted(void *restrict to, const void *restrict from, uint64_t bytes) {
    return memcpy(to, from, bytes);
}

char host_context[256];
bool host_stop, host_quiet;
uint64_t host_messages;
uint32_t host_stack_used;

static ucontext_t scheduler;
static struct fiber *current, *fibers;
static struct host_random schedule;
static uint64_t clock_now;
static struct pending pendings[256];
static uint32_t pending_count;
static uint8_t *cache_metadata, *cache_data;
static uint64_t cache_metadata_bytes, cache_data_bytes;
#if WITH_ASAN
static void *scheduler_fake;
static const void *scheduler_bottom;
static size_t scheduler_size;
#endif

uint64_t host_random_next(struct host_random *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

uint32_t host_random_below(struct host_random *random, uint32_t limit) {
    return limit ? (uint32_t)(host_random_next(random) % limit) : 0;
}

// --- disk ---
void host_disk_make(struct platform_disk *disk, uint64_t bytes) {
    memset(disk, 0, sizeof *disk);
    disk->image = calloc(1, bytes);
    disk->sectors = bytes / PLATFORM_SECTOR_BYTES;
    CHECK(disk->image, "no memory");
}

void host_disk_load(struct platform_disk *disk, const char *path) {
    FILE *file = fopen(path, "rb");
    CHECK(file, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    rewind(file);
    host_disk_make(disk, (uint64_t)bytes);
    CHECK(fread(disk->image, 1, (size_t)bytes, file) == (size_t)bytes, "short read of %s", path);
    fclose(file);
}

void host_disk_save(const struct platform_disk *disk, const char *path) {
    FILE *file = fopen(path, "wb");
    CHECK(file, "cannot create %s", path);
    size_t bytes = disk->sectors * PLATFORM_SECTOR_BYTES;
    CHECK(fwrite(disk->image, 1, bytes, file) == bytes, "short write of %s", path);
    CHECK(fclose(file) == 0, "cannot write %s", path);
}

void host_disk_forget_events(struct platform_disk *disk) {
    for (size_t i = 0; i < disk->event_count; i++)
        free(disk->events[i].data);
    free(disk->events);
    disk->events = NULL;
    disk->event_count = disk->event_room = 0;
}

void host_disk_free(struct platform_disk *disk) {
    host_disk_forget_events(disk);
    free(disk->image);
    disk->image = NULL;
}

static struct host_event *event_add(struct platform_disk *disk) {
    if (disk->event_count == disk->event_room) {
        disk->event_room = disk->event_room ? disk->event_room * 2 : 256;
        disk->events = realloc(disk->events, disk->event_room * sizeof *disk->events);
        CHECK(disk->events, "no memory");
    }
    struct host_event *event = &disk->events[disk->event_count++];
    memset(event, 0, sizeof *event);
    return event;
}

static uint8_t *cache_at(uint64_t offset, uint64_t length) {
    if (offset < cache_metadata_bytes) {
        CHECK(length <= cache_metadata_bytes - offset, "segment over the end of metadata");
        return cache_metadata + offset;
    }
    offset -= cache_metadata_bytes;
    CHECK(offset <= cache_data_bytes && length <= cache_data_bytes - offset, "segment outside the cache");
    return cache_data + offset;
}

static struct platform_disk *request_disk(const struct platform_request *request) {
    return request->platform_link;
}

static error_t request_perform(struct platform_request *request) {
    struct platform_disk *disk = request_disk(request);
    uint64_t at = request->sector * PLATFORM_SECTOR_BYTES, total = 0;
    uint32_t fault = request->write ? disk->write_fault : disk->read_fault;
    for (uint32_t i = 0; i < request->segment_count; i++)
        total += request->segments[i].length;
    CHECK(request->segment_count > 0 && request->segment_count <= PLATFORM_SEGMENTS, "segments");
    CHECK(total <= PLATFORM_TRANSFER_BYTES && total % PLATFORM_SECTOR_BYTES == 0, "length");
    CHECK(request->sector <= disk->sectors && total / PLATFORM_SECTOR_BYTES <= disk->sectors - request->sector,
          "outside the disk: sector %lu", (unsigned long)request->sector);
    if (disk->dead || (fault && host_random_below(&schedule, 1000000) < fault))
        return ERR_IO;
    struct host_event *event = request->write && disk->record ? event_add(disk) : NULL;
    if (event) {
        *event = (struct host_event){.sector = request->sector, .bytes = (uint32_t)total, .data = malloc(total)};
        CHECK(event->data, "no memory");
    }
    for (uint32_t i = 0, done = 0; i < request->segment_count; i++) {
        uint64_t length = request->segments[i].length;
        uint8_t *memory = cache_at(request->segments[i].offset, length);
        if (request->write) {
            memcpy(disk->image + at + done, memory, length);
            if (event)
                memcpy(event->data + done, memory, length);
        } else {
            memcpy(memory, disk->image + at + done, length);
        }
        done += (uint32_t)length;
    }
    if (request->write) {
        disk->writes++;
        disk->write_bytes += total;
    } else {
        disk->reads++;
        disk->read_bytes += total;
    }
    return ERR_OK;
}

void platform_disk_start(struct platform_disk *disk, struct platform_request *request) {
    CHECK(pending_count < sizeof pendings / sizeof pendings[0], "too many requests");
    request->platform_link = disk;
    pendings[pending_count++] = (struct pending){.request = request};
}

uint64_t platform_disk_sectors(struct platform_disk *disk) {
    return disk->sectors;
}

static void fiber_switch_out(void) {
    struct fiber *self = current;
#if WITH_ASAN
    __sanitizer_start_switch_fiber(self->ended ? NULL : &self->fake_stack, scheduler_bottom, scheduler_size);
#endif
    swapcontext(&self->context, &scheduler);
#if WITH_ASAN
    __sanitizer_finish_switch_fiber(self->fake_stack, &scheduler_bottom, &scheduler_size);
#endif
}

error_t platform_disk_flush(struct platform_disk *disk) {
    error_t result = ERR_OK;
    CHECK(current, "flush outside a fiber");
    CHECK(pending_count < sizeof pendings / sizeof pendings[0], "too many requests");
    disk->flushes++;
    pendings[pending_count++] = (struct pending){.flusher = current, .flush_durable = disk->event_count, .flush_result = &result};
    current->runnable = false;
    fiber_switch_out();
    if (disk->dead)
        return ERR_IO;
    if (disk->record)
        *event_add(disk) = (struct host_event){.flush = true, .durable = (size_t)result};
    return ERR_OK;
}

// --- cache memory ---
struct filesystem_options host_options(struct platform_disk *disk, uint64_t cache_bytes, bool read_only) {
    host_cache_free();
    cache_metadata_bytes = filesystem_metadata_share(cache_bytes);
    cache_data_bytes = cache_bytes - cache_metadata_bytes;
    cache_metadata = aligned_alloc(4096, cache_metadata_bytes);
    cache_data = aligned_alloc(4096, cache_data_bytes);
    CHECK(cache_metadata && cache_data, "no memory");
    memset(cache_metadata, 0xA5, cache_metadata_bytes);
    memset(cache_data, 0x5A, cache_data_bytes); // what must not show up in files
    return (struct filesystem_options){disk, cache_metadata, cache_metadata_bytes, cache_bytes, read_only, false, 0};
}

const uint8_t *host_cache_page(uint64_t offset) {
    return cache_at(offset, 4096);
}

void host_cache_free(void) {
    free(cache_metadata);
    free(cache_data);
    cache_metadata = cache_data = NULL;
}

static error_t copy(struct platform_caller *caller, uint64_t at, uint64_t offset, uint64_t length, uint64_t *moved, bool in) {
    CHECK(offset >= cache_metadata_bytes, "copy with metadata memory");
    uint8_t *memory = cache_at(offset, length);
    uint64_t limit = caller->fault_at < caller->size ? caller->fault_at : caller->size;
    *moved = at >= limit ? 0 : length < limit - at ? length : limit - at;
    if (*moved && in)
        memcpy(memory, caller->bytes + at, *moved);
    else if (*moved)
        memcpy(caller->bytes + at, memory, *moved);
    return *moved == length ? ERR_OK : ERR_FAULT;
}

error_t platform_copy_in(struct platform_caller *caller, uint64_t at, uint64_t offset, uint64_t length, uint64_t *moved) {
    return copy(caller, at, offset, length, moved, true);
}

error_t platform_copy_out(struct platform_caller *caller, uint64_t at, uint64_t offset, uint64_t length, uint64_t *moved) {
    return copy(caller, at, offset, length, moved, false);
}

void platform_frames_changed(void) {}

void platform_breathe(void) {}

void platform_commit(void) {}

void platform_zero(struct platform_disk *disk, uint64_t offset, uint64_t length) { // NOLINT
    (void)disk;
    CHECK(offset >= cache_metadata_bytes, "zeroing metadata memory");
    memset(cache_at(offset, length), 0, length);
}

// --- fibers ---
static void fiber_main(void) {
    struct fiber *self = current;
#if WITH_ASAN
    __sanitizer_finish_switch_fiber(NULL, &scheduler_bottom, &scheduler_size);
#endif
    self->body(self->argument);
    self->ended = true;
    self->runnable = false;
    fiber_switch_out();
}

void host_fiber(void (*body)(void *), void *argument) {
    struct fiber *fiber = calloc(1, sizeof *fiber);
    CHECK(fiber, "no memory");
    fiber->stack = malloc(STACK_BYTES);
    CHECK(fiber->stack, "no memory");
    if (!WITH_ASAN) // whose frames say nothing of ours
        memset(fiber->stack, STACK_PAINT, STACK_BYTES);
    fiber->body = body;
    fiber->argument = argument;
    fiber->runnable = true;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, fiber_main, 0);
    fiber->all_next = fibers;
    fibers = fiber;
}

static void fiber_resume(struct fiber *fiber) {
    current = fiber;
#if WITH_ASAN
    __sanitizer_start_switch_fiber(&scheduler_fake, fiber->stack, STACK_BYTES);
#endif
    swapcontext(&scheduler, &fiber->context);
#if WITH_ASAN
    __sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
#endif
    current = NULL;
}

static void queue_remove(struct platform_queue *queue, struct fiber *fiber) {
    struct fiber **link = (struct fiber **)&queue->first, *previous = NULL;
    while (*link != fiber) {
        previous = *link;
        link = &previous->next;
    }
    *link = fiber->next;
    if (queue->last == fiber)
        queue->last = previous;
    fiber->queue = NULL;
}

bool platform_queue_wait_until(struct platform_queue *queue, uint64_t deadline) {
    struct fiber *self = current;
    CHECK(self, "waiting outside a fiber");
    self->next = NULL;
    self->queue = queue;
    self->deadline = deadline;
    self->timed_out = false;
    if (queue->last)
        ((struct fiber *)queue->last)->next = self;
    else
        queue->first = self;
    queue->last = self;
    self->runnable = false;
    fiber_switch_out();
    return !self->timed_out;
}

void platform_queue_wait(struct platform_queue *queue) {
    (void)platform_queue_wait_until(queue, 0);
}

void platform_queue_wake_one(struct platform_queue *queue) {
    struct fiber *fiber = queue->first;
    if (!fiber)
        return;
    queue_remove(queue, fiber);
    fiber->runnable = true;
    fiber->deadline = 0;
}

void platform_queue_wake_all(struct platform_queue *queue) {
    while (queue->first)
        platform_queue_wake_one(queue);
}

void host_yield(void) {
    fiber_switch_out();
}

// How much of the stack was ever used: the rest still has its paint.
static void stack_measure(const struct fiber *fiber) {
    uint32_t clean = 0;
    while (clean < STACK_BYTES && fiber->stack[clean] == STACK_PAINT)
        clean++;
    if (STACK_BYTES - clean > host_stack_used)
        host_stack_used = STACK_BYTES - clean;
}

static void fiber_free(struct fiber *fiber) {
    if (!WITH_ASAN)
        stack_measure(fiber);
    free(fiber->stack);
    free(fiber);
}

void host_start(uint64_t seed) {
    host_abandon();
    schedule.state = seed;
    clock_now = 1700000000000000000ull + seed * 1000;
    host_stop = false;
}

void host_abandon(void) {
    while (fibers) {
        struct fiber *next = fibers->all_next;
        fiber_free(fibers);
        fibers = next;
    }
    pending_count = 0;
}

static void pending_complete(uint32_t index) {
    struct pending pending = pendings[index];
    pendings[index] = pendings[--pending_count];
    if (pending.request) {
        pending.request->complete(pending.request, request_perform(pending.request));
    } else {
        *pending.flush_result = (error_t)pending.flush_durable;
        pending.flusher->runnable = true;
    }
}

// True if the earliest sleeper was woken.
static bool sleeper_wake(void) {
    struct fiber *earliest = NULL;
    for (struct fiber *fiber = fibers; fiber; fiber = fiber->all_next)
        if (fiber->queue && fiber->deadline && (!earliest || fiber->deadline < earliest->deadline))
            earliest = fiber;
    if (!earliest)
        return false;
    if (earliest->deadline > clock_now)
        clock_now = earliest->deadline;
    queue_remove(earliest->queue, earliest);
    earliest->deadline = 0;
    earliest->timed_out = true;
    earliest->runnable = true;
    return true;
}

static void fibers_reap(void) {
    for (struct fiber **link = &fibers; *link;) {
        struct fiber *fiber = *link;
        if (fiber->ended) {
            *link = fiber->all_next;
            fiber_free(fiber);
        } else {
            link = &fiber->all_next;
        }
    }
}

void host_run(void) {
    while (fibers && !host_stop) {
        uint32_t runnable = 0;
        for (struct fiber *fiber = fibers; fiber; fiber = fiber->all_next)
            runnable += fiber->runnable;
        clock_now += 2000 + host_random_below(&schedule, 20000);
        if (!runnable && !pending_count) {
            CHECK(sleeper_wake(), "deadlock: no fiber can run");
            continue;
        }
        // Fibers are favoured three to one over completions, so that requests pile up.
        if (pending_count && (!runnable || host_random_below(&schedule, 4) == 0)) {
            pending_complete(host_random_below(&schedule, pending_count));
            continue;
        }
        uint32_t pick = host_random_below(&schedule, runnable);
        struct fiber *fiber = fibers;
        for (; !fiber->runnable || pick-- > 0; fiber = fiber->all_next)
            ;
        fiber_resume(fiber);
        if (fiber->ended)
            fibers_reap();
    }
}

struct call {
    void (*body)(void *);
    void *argument;
};

static void call_main(void *argument) {
    struct call *call = argument;
    call->body(call->argument);
}

void host_call(void (*body)(void *), void *argument) {
    struct call call = {body, argument};
    host_fiber(call_main, &call);
    host_run();
}

// --- clocks and log ---
uint64_t platform_wall_time(void) {
    return clock_now;
}

uint64_t platform_monotonic_time(void) {
    return clock_now;
}

void platform_log(enum platform_log_level level, const char *text) {
    host_messages++;
    if (!host_quiet)
        fprintf(stderr, "[%d] %s\n", (int)level, text);
}
