// See handover.h. The loop's part is in loop.c: it holds requests back while `loop.holding`, and calls
// handover_step whenever it is about to wait.
#include "libipc/server/handover.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/server/loop.h"

enum {
    FIRST_BYTES = 64 * 1024,
    MOST_BYTES = 64 << 20,
    VERSION = 1, // of the form itself; records have their own
    SLOTS_LISTED = 10,
    SLOT_WORDS = CAP_TABLE_SLOTS / 64,
};

static void (*prepare_records)(void);
static error_t (*give_records)(struct handover *handover);
static error_t (*take_records)(struct handover *handover);
static cap_t records;                  // what this actor began with
static uint64_t inherited[SLOT_WORDS]; // slots of the actor before that nobody has claimed

static _Noreturn void leave(uint64_t status) {
    for (;;)
        (void)process_exit(SLOT_SELF, status);
}

// --- giving ---

// Requests that only wait are given up: nothing came of them. True: others are still under way.
static bool wait_for_requests(void) {
    bool busy = false;
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        struct fiber *fiber = loop.fibers[i];
        if (fiber->state == FIBER_IDLE || fiber->state == FIBER_DROPPED || fiber->is_held)
            continue;
        if (!fiber->serves && fiber->function != loop_close_session)
            continue; // work of the server's own: `give` knows what it is
        busy = true;
        if (!fiber->serves || fiber->state != FIBER_WAITING || !fiber->cancellable || fiber->request.cancelled)
            continue;
        fiber->is_dropped = fiber->request.cancelled = true;
        fiber_wait_end(fiber, ERR_CANCELLED);
    }
    return busy || loop.ready.first != NULL || loop.sending.first != NULL;
}

static error_t give_into(uint64_t bytes, cap_t *memory, bool *is_full) {
    uint64_t address;
    struct handover handover = {0};
    *is_full = false;
    error_t error = account_create_memory(SLOT_ACCOUNT, bytes, memory);
    if (error != ERR_OK)
        return error;
    error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, *memory, &address);
    if (error == ERR_OK) {
        error = state_format(&handover.state, (void *)(uintptr_t)address, bytes,
                             VERSION); // NOLINT(performance-no-int-to-ptr)
        if (error == ERR_OK)
            error = give_records(&handover);
        error_t ignored = process_unmap(SLOT_SELF, address, bytes);
        (void)ignored;
    }
    *is_full = handover.is_full;
    if (error != ERR_OK)
        slot_release(*memory);
    return error;
}

// The records of the actor before go only when there are others: until then init may ask for them again.
static void give(void *argument) {
    (void)argument;
    cap_t memory = 0;
    bool is_full = true;
    error_t error = ERR_NO_SPACE;
    for (uint64_t bytes = FIRST_BYTES; is_full && error != ERR_OK && bytes <= MOST_BYTES; bytes *= 4)
        error = give_into(bytes, &memory, &is_full);
    if (!loop.draining)
        return; // this actor took the role back meanwhile, in the memory of the one that was to give it away
    loop.handed_over = true;
    loop.handover_status = error == ERR_OK ? STARTUP_HANDED_OVER | (uint64_t)memory << 32 : STARTUP_KEEPS_ROLE;
}

static void prepare(void *argument) {
    (void)argument;
    prepare_records();
    loop.draining = loop.holding = loop.asked; // not if this actor took the role back meanwhile
}

static void begin(void) {
    loop.preparing = true;
    if (prepare_records != NULL && fiber_start(prepare, NULL) == ERR_OK)
        return;
    loop.draining = loop.holding = true;
}

void handover_step(void) {
    if (!loop.preparing && !loop.taking)
        begin();
    if (!loop.draining)
        return;
    if (loop.finished != NULL)
        loop_answer_now();
    do
        loop_commit();
    while (loop.output_first != loop.output_end);
    if (loop.handed_over)
        leave(loop.handover_status); // before anybody else runs: what they changed would be in no record
    if (loop.giving || wait_for_requests())
        return;
    loop.giving = true;
    if (give_records == NULL || fiber_start(give, NULL) != ERR_OK)
        leave(STARTUP_KEEPS_ROLE);
}

void handover_forget(void) {
    loop.asked = loop.preparing = loop.draining = loop.giving = loop.handed_over = false;
    for (uint32_t i = 0; i < loop.fiber_count; i++) {
        loop.fibers[i]->is_dropped = false;
        if (loop.fibers[i]->state == FIBER_DROPPED)
            fiber_recycle(loop.fibers[i]);
    }
    if (!loop.taking)
        handover_release_held();
}

// --- taking ---

static bool is_inherited(uint64_t slot) {
    return (inherited[slot / 64] >> slot % 64 & 1) != 0;
}

void handover_claim(cap_t slot) {
    if (slot != 0 && slot < CAP_TABLE_SLOTS)
        inherited[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

static void note_inherited(void) {
    uint64_t slot = SLOTS_LISTED;
    while (process_slot_next(SLOT_SELF, slot, &slot, NULL, NULL, NULL, NULL) == ERR_OK) {
        inherited[slot / 64] |= UINT64_C(1) << slot % 64;
        slot++;
    }
}

static void release_unclaimed(void) {
    for (uint64_t slot = SLOTS_LISTED; slot < CAP_TABLE_SLOTS; slot++) {
        if (slot % 64 == 0 && inherited[slot / 64] == 0)
            slot += 63;
        else if (is_inherited(slot))
            slot_release((cap_t)slot);
    }
}

void handover_release_held(void) {
    loop.holding = loop.draining; // the next handover may have been asked for already
    if (loop.holding)
        return;
    for (struct fiber *fiber; (fiber = fiber_unqueue(&loop.held)) != NULL;) {
        fiber->is_held = false;
        fiber_make_ready(fiber);
    }
}

static error_t take_from(cap_t memory) {
    uint64_t length, address;
    struct handover handover = {0};
    error_t error = memory_information(memory, &length, NULL, NULL);
    if (error == ERR_OK)
        error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    if (error != ERR_OK)
        return error;
    error = state_open(&handover.state, (void *)(uintptr_t)address, length,
                       VERSION); // NOLINT(performance-no-int-to-ptr)
    if (error == ERR_OK && handover.state.damaged != 0)
        error = ERR_CORRUPT;
    if (error == ERR_OK)
        error = take_records(&handover);
    error_t ignored = process_unmap(SLOT_SELF, address, length);
    (void)ignored;
    return error;
}

static void take(void *argument) {
    (void)argument;
    if (take_records == NULL || take_from(records) != ERR_OK)
        leave(STARTUP_NOT_TAKEN);
    release_unclaimed();
    loop.taking = false;
    handover_release_held();
}

error_t handover_begin(void) {
    loop.taking = loop.holding = true;
    return fiber_start(take, NULL);
}

static const struct startup_capability *listed(const struct startup *startup) {
    return (const struct startup_capability *)(const void *)((const char *)startup + startup->capability_offset);
}

bool server_takes_over(struct server *server, const struct startup *startup) {
    for (uint32_t i = 0; i < startup->capability_count; i++)
        if (__builtin_strcmp(listed(startup)[i].name, "handover") == 0)
            records = listed(startup)[i].slot;
    server->takes_over = records != 0;
    if (records == 0)
        return false;
    note_inherited();
    for (uint32_t i = 0; i < startup->capability_count; i++)
        handover_claim(listed(startup)[i].slot);
    return true;
}

void server_hands_over(struct server *server, void (*preparing)(void), error_t (*giving)(struct handover *handover),
                       error_t (*taking)(struct handover *handover)) {
    (void)server;
    prepare_records = preparing;
    give_records = giving;
    take_records = taking;
}
