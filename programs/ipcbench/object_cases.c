// Making and ending threads and processes. What a destroyed object leaves to be freed in later steps is freed
// before the next sample, by calls that are not measured.
#include "programs/ipcbench/suite.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "programs/ipcbench/partner.h"

enum { PAGE = 4096, READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE };
enum { CLONE_BYTES = 4 << 20, CLONE_SLOTS = 32 };

static error_t used_bytes(uint64_t *used) {
    return account_information(SLOT_ACCOUNT, NULL, used, NULL, NULL);
}

// Enters the kernel until what was destroyed is freed: every entry does some of it.
static error_t settle(uint64_t used_before) {
    uint64_t used = 0;
    for (int turn = 0; turn < 10000; turn++) {
        error_t error = used_bytes(&used);
        if (error || used <= used_before)
            return error;
    }
    return ERR_BUSY;
}

static error_t thread_create_destroy(const struct bench *bench, struct series *series) {
    uint64_t used;
    error_t error = used_bytes(&used);
    while (!error && series_wants(series)) {
        uint64_t page;
        cap_t thread;
        uint64_t start = measure_now();
        error = process_create_thread(SLOT_SELF, (uint64_t)peer_wait, PAGE, 0, bench->priority, 0, 0, &page, &thread);
        if (!error)
            error = thread_destroy(thread);
        if (!error) {
            slot_release(thread);
            error = process_unmap(SLOT_SELF, page, PAGE);
        }
        series_add(series, start, measure_now());
        if (!error)
            error = settle(used);
    }
    return error;
}

struct child {
    cap_t process, thread;
};

static error_t child_end(struct child *child) {
    error_t error = child->process ? process_destroy(child->process) : ERR_OK;
    slot_release(child->thread);
    slot_release(child->process);
    *child = (struct child){0};
    return error;
}

// A process with the template's memory and capabilities, up to its first instruction, whose time its signal
// carries.
static error_t child_begin(const struct partner *template, uint64_t entry, uint64_t priority, struct child *child,
                           uint64_t *began) {
    uint64_t page;
    *child = (struct child){0};
    error_t error = account_create_process(SLOT_ACCOUNT, &child->process);
    if (!error)
        error = process_clone_space(child->process, template->process);
    if (!error)
        error = process_clone_table(child->process, template->process);
    if (!error)
        error = process_create_thread(child->process, entry, template->address + PAGE, template->address, priority, 0, 0, &page,
                                      &child->thread);
    if (!error)
        error = thread_start(child->thread);
    if (error)
        return error;
    struct ipc_registers registers = {.target = template->notification};
    if (system_call(SYS_WAIT, &registers) != WAIT_NOTIFICATION)
        return ERR_PROTOCOL;
    *began = registers.words[0];
    return ERR_OK;
}

// The template: the peers' code, and 72 KiB of memory of which 64 KiB are there.
static error_t template_make(const struct bench *bench, struct partner *template, uint64_t *entry) {
    uint64_t base;
    error_t error = partner_make(template, bench->code, false);
    if (!error)
        error = process_map(template->process, 0, PAGE, 0, MAP_FLAG_READ | MAP_FLAG_EXECUTE, bench->code, &base);
    if (!error)
        *entry = base + ((uint64_t)peer_begin_process - (uint64_t)peer_begin);
    return error;
}

static error_t process_case(const struct bench *bench, struct series *series, bool until_end) {
    struct partner template;
    uint64_t entry, used = 0, began;
    error_t error = template_make(bench, &template, &entry);
    if (!error)
        error = used_bytes(&used);
    while (!error && series_wants(series)) {
        struct child child;
        uint64_t start = measure_now();
        error = child_begin(&template, entry, bench->priority, &child, &began);
        uint64_t middle = measure_now();
        if (child_end(&child) && !error)
            error = ERR_PROTOCOL;
        if (!error)
            error = settle(used);
        series_add(series, until_end ? middle : start, until_end ? measure_now() : began);
    }
    partner_end(&template);
    return error;
}

static error_t process_start(const struct bench *bench, struct series *series) {
    return process_case(bench, series, false);
}
static error_t process_end(const struct bench *bench, struct series *series) {
    return process_case(bench, series, true);
}

// A process that never runs, with 4 MiB of memory that is there and a table of capabilities.
static error_t large_process_make(struct partner *large, const struct bench *bench, cap_t *memory) {
    uint64_t address, remote;
    *memory = 0;
    error_t error = partner_make(large, bench->code, false);
    if (!error)
        error = account_create_memory(SLOT_ACCOUNT, CLONE_BYTES, memory);
    if (!error)
        error = process_map(SLOT_SELF, 0, CLONE_BYTES, 0, READ_WRITE, *memory, &address);
    if (error)
        return error;
    for (uint64_t at = 0; at < CLONE_BYTES; at += PAGE)
        ((volatile char *)address)[at] = 1; // NOLINT(performance-no-int-to-ptr)
    error = process_unmap(SLOT_SELF, address, CLONE_BYTES);
    if (!error)
        error = process_map(large->process, 0, CLONE_BYTES, 0, READ_WRITE, *memory, &remote);
    for (cap_t slot = PARTNER_FREE; !error && slot < PARTNER_FREE + CLONE_SLOTS; slot++)
        error = partner_install(large, slot, large->session);
    return error;
}

static error_t clone_4m(const struct bench *bench, struct series *series) {
    struct partner large;
    cap_t memory;
    uint64_t used = 0;
    error_t error = large_process_make(&large, bench, &memory);
    if (!error)
        error = used_bytes(&used);
    while (!error && series_wants(series)) {
        struct child child = {0};
        uint64_t start = measure_now();
        error = account_create_process(SLOT_ACCOUNT, &child.process);
        if (!error)
            error = process_clone_space(child.process, large.process);
        if (!error)
            error = process_clone_table(child.process, large.process);
        series_add(series, start, measure_now());
        if (child_end(&child) && !error)
            error = ERR_PROTOCOL;
        if (!error)
            error = settle(used);
    }
    slot_release(memory);
    partner_end(&large);
    return error;
}

const struct bench_case bench_object_cases[] = {
    {"thread_create_destroy", SPAN_WHOLE, 4, "making a thread and ending it, its capability and message page included",
     thread_create_destroy},
    {"process_start", SPAN_ONE_WAY, 10,
     "a process from a template (72 KiB, 2 capabilities): made, cloned, started, until its first instruction", process_start},
    {"process_end", SPAN_WHOLE, 10, "destroying that process, until the last of its memory is free", process_end},
    {"clone_4m", SPAN_WHOLE, 20, "a process with clones of 4 MiB of memory in use and 34 capabilities", clone_4m},
};
const unsigned bench_object_case_count = sizeof(bench_object_cases) / sizeof(bench_object_cases[0]);
