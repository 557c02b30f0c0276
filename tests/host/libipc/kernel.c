// See kernel.h. Two files: this one has threads, objects and time; system_call.c has the calls.
#include "tests/host/libipc/kernel_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libipc/client/clock.h"

struct sim sim;
const volatile struct clock_page *ipc_clock_page;

_Noreturn void sim_fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: seed %llu: failed: %s\n", file, line, (unsigned long long)sim.seed, what);
    abort();
}

uint32_t sim_random(uint32_t limit) {
    sim.random = sim.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(sim.random >> 33) % limit;
}

uint64_t sim_now(void) {
    return sim.now;
}
uint64_t clock_monotonic(void) {
    return sim.now;
}

void *sim_allocate_stack(size_t size) {
    struct sim_block *block;
    CHECK(posix_memalign((void **)&block, _Alignof(struct sim_block), sizeof(*block) + size) == 0);
    block->next = sim.blocks;
    sim.blocks = block;
    return block + 1;
}

static void *allocate(size_t size) {
    return memset(sim_allocate_stack(size), 0, size);
}

void *sim_allocate(size_t size) {
    return allocate(size);
}

void sim_reset(uint64_t seed) {
    struct sim_block *block = sim.blocks;
    while (block != NULL) {
        struct sim_block *next = block->next;
        free(block);
        block = next;
    }
    memset(&sim, 0, sizeof(sim));
    for (cap_t slot = BOOT_SLOT_FIRST_FREE; slot < SIM_SLOTS; slot++)
        slot_give_back(slot);
    sim.seed = seed;
    sim.random = seed * 2 + 1;
}

struct sim_process *sim_process_create(void) {
    struct sim_process *process = allocate(sizeof(*process));
    process->next_slot = BOOT_SLOT_FIRST_FREE;
    process->table[SLOT_SELF] = (struct sim_cap){CAP_PROCESS, process};
    process->table[SLOT_ACCOUNT] = (struct sim_cap){CAP_ACCOUNT, process};
    return process;
}

// ---- Threads

static void thread_main(uint32_t low, uint32_t high) {
    struct sim_thread *thread = (struct sim_thread *)((uintptr_t)high << 32 | low);
    thread->body(thread->argument);
    thread->state = SIM_ENDED;
    sim_switch_out();
    abort();
}

void sim_thread_start(struct sim_process *process, void (*body)(void *argument), void *argument) {
    struct sim_thread *thread = allocate(sizeof(*thread));
    thread->process = process;
    thread->body = body;
    thread->argument = argument;
    thread->serial = ++sim.next_serial;
    thread->globals.page = &thread->page;
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = sim_allocate_stack(SIM_STACK_BYTES);
    thread->context.uc_stack.ss_size = SIM_STACK_BYTES;
    thread->context.uc_link = NULL;
    uintptr_t address = (uintptr_t)thread;
    makecontext(&thread->context, (void (*)(void))thread_main, 2, (uint32_t)address, (uint32_t)(address >> 32));
    thread->next = sim.threads;
    sim.threads = thread;
}

// To the scheduler; returns when the thread is chosen again. libipc's per-process variables go along.
void sim_switch_out(void) {
    struct sim_thread *thread = sim.running;
    thread->globals = (struct sim_globals){ipc_page, ipc_exchange, ipc_deadline, loop};
    swapcontext(&thread->context, &sim.scheduler);
}

static void switch_to(struct sim_thread *thread) {
    sim.running = thread;
    ipc_page = thread->globals.page;
    ipc_exchange = thread->globals.exchange;
    ipc_deadline = thread->globals.deadline;
    loop = thread->globals.loop;
    swapcontext(&sim.scheduler, &thread->context);
    sim.running = NULL;
}

static struct sim_thread *choose(void) {
    uint32_t ready = 0;
    for (struct sim_thread *thread = sim.threads; thread != NULL; thread = thread->next)
        ready += thread->state == SIM_READY;
    if (ready == 0)
        return NULL;
    uint32_t index = sim_random(ready);
    for (struct sim_thread *thread = sim.threads;; thread = thread->next)
        if (thread->state == SIM_READY && index-- == 0)
            return thread;
}

// Everybody waits: the earliest deadline passes.
static bool time_passes(void) {
    struct sim_thread *first = NULL;
    for (struct sim_thread *thread = sim.threads; thread != NULL; thread = thread->next)
        if ((thread->state == SIM_WAITING || thread->state == SIM_CALLING) && thread->deadline != 0 &&
            (first == NULL || thread->deadline < first->deadline))
            first = thread;
    if (first == NULL)
        return false;
    if (sim.now < first->deadline)
        sim.now = first->deadline;
    first->deadline = 0;
    if (first->state == SIM_CALLING) {
        sim_request_cancel(&first->request);
        return true;
    }
    first->result = ERR_DEADLINE;
    first->state = SIM_READY;
    return true;
}

uint32_t sim_run(void) {
    for (;;) {
        struct sim_thread *thread = choose();
        if (thread != NULL)
            switch_to(thread);
        else if (!time_passes())
            break;
        if (sim.doomed != NULL) {
            struct sim_process *process = sim.doomed;
            sim.doomed = NULL;
            sim_kill(process);
            process->again(process);
        }
    }
    uint32_t left = 0;
    for (struct sim_thread *thread = sim.threads; thread != NULL; thread = thread->next)
        left += thread->state != SIM_ENDED;
    return left;
}

void sim_kill(struct sim_process *process) {
    for (struct sim_thread *thread = sim.threads; thread != NULL; thread = thread->next) {
        if (thread->process != process || thread->state == SIM_ENDED)
            continue;
        thread->state = SIM_ENDED;
        if (thread->serving != NULL)
            sim_request_finish(thread->serving, ERR_SERVER_LOST);
    }
    for (cap_t slot = 0; slot < SIM_SLOTS; slot++)
        if (process->table[slot].kind == CAP_REPLY)
            sim_request_finish(process->table[slot].object, ERR_SERVER_LOST);
}

void sim_kill_later(struct sim_process *process, uint32_t calls, void (*again)(struct sim_process *process)) {
    process->calls_left = calls;
    process->again = again;
}

// ---- Setting up

static cap_t fill(struct sim_process *process, enum capability_kind kind, void *object) {
    cap_t slot = process->next_slot++;
    slot_reserve(slot);
    process->table[slot] = (struct sim_cap){kind, object};
    return slot;
}

cap_t sim_endpoint(struct sim_process *process) {
    return fill(process, CAP_ENDPOINT, allocate(sizeof(struct sim_endpoint)));
}

cap_t sim_notification(struct sim_process *process) {
    return fill(process, CAP_NOTIFICATION, allocate(sizeof(struct sim_notification)));
}

cap_t sim_memory(struct sim_process *process, void *bytes, uint64_t length) {
    struct sim_memory *memory = allocate(sizeof(*memory));
    *memory = (struct sim_memory){bytes, length};
    return fill(process, CAP_MEMORY, memory);
}

struct sim_session *sim_session_create(struct sim_endpoint *endpoint, uint64_t badge) {
    struct sim_session *session = allocate(sizeof(*session));
    *session = (struct sim_session){.endpoint = endpoint, .badge = badge};
    return session;
}

cap_t sim_session(struct sim_process *to, struct sim_process *server, cap_t endpoint, uint64_t badge) {
    struct sim_session *session = sim_session_create(server->table[endpoint].object, badge);
    session->caps = 1;
    return fill(to, CAP_SESSION, session);
}

cap_t sim_share(struct sim_process *to, struct sim_process *from, cap_t slot) {
    struct sim_cap cap = from->table[slot];
    if (cap.kind == CAP_SESSION)
        ((struct sim_session *)cap.object)->caps++;
    return fill(to, cap.kind, cap.object);
}

enum capability_kind sim_kind(struct sim_process *process, cap_t slot) {
    return slot < SIM_SLOTS ? process->table[slot].kind : CAP_NONE;
}

uint32_t sim_filled(struct sim_process *process) {
    uint32_t count = 0;
    for (cap_t slot = BOOT_SLOT_FIRST_FREE; slot < SIM_SLOTS; slot++)
        count += process->table[slot].kind != CAP_NONE;
    return count;
}

void *sim_memory_bytes(cap_t slot) {
    struct sim_cap cap = sim.running->process->table[slot];
    return cap.kind == CAP_MEMORY ? ((struct sim_memory *)cap.object)->bytes : NULL;
}

void sim_miss_pages(uint32_t count) {
    sim.page_misses = count;
}
