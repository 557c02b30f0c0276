// Hostile servers, and an honest client who calls them with a deadline: it comes back in time and is told
// what is known.
#include "tests/guest/hostile/hostile.h"

enum { SERVED = 40 };
#define PATIENCE (2 * MILLISECOND)
#define GRACE    (1001 * MILLISECOND) // what the kernel gives a server that took a request; see kernel/sched/schedule.c

// The endpoint lies in the slot that words[4] names.
static error_t next(struct ipc_registers *registers, cap_t aside) {
    *registers = (struct ipc_registers){.target = shared->words[4], .second = aside};
    return system_call(SYS_WAIT, registers);
}

static void never_receives(struct actor *actor) {
    (void)actor;
    for (;; progress())
        (void)thread_yield(SLOT_THREAD);
}

static void never_replies(struct actor *actor) {
    struct ipc_registers registers;
    (void)actor;
    (void)next(&registers, 0);
    never_receives(actor);
}

static void hoards_replies(struct actor *actor) {
    struct ipc_registers registers;
    (void)actor;
    for (cap_t slot = 0;; slot = take_slot(), progress())
        (void)next(&registers, slot);
}

static void drops_replies(struct actor *actor) {
    struct ipc_registers registers;
    (void)actor;
    for (;; progress()) {
        cap_t slot = take_slot();
        (void)next(&registers, 0);
        (void)serve(slot, 0);
        slot_release(slot);
    }
}

static void dies_while_serving(struct actor *actor) {
    struct ipc_registers registers;
    (void)actor;
    (void)next(&registers, 0);
    progress();
    (void)process_exit(SLOT_SELF, 1);
}

static void lies_in_replies(struct actor *actor) {
    struct ipc_registers registers;
    (void)actor;
    (void)next(&registers, 0);
    for (uint64_t i = 0;; i++, progress()) {
        ipc_page->send_caps[0] = ipc_page->send_caps[1] = (cap_t)random_word();
        registers =
            (struct ipc_registers){.target = shared->words[4],
                                   .tag = i & 1 ? random_word() & ~TAG_DEADLINE : TAG(0, 64) | UINT64_C(7) << TAG_CAPS_SHIFT};
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

static bool once(const char *name, void (*run)(struct actor *), error_t wanted, uint64_t calls, uint64_t most) {
    uint64_t before = free_bytes(), longest = 0, after = 0;
    cap_t account, endpoint = new_endpoint(), session = new_session(endpoint, 3);
    struct actor *actor = attacker_new(run, &account);
    bool ok = true;
    must(process_install(actor->process, endpoint, 0, endpoint), "its endpoint");
    shared->words[0] = 0;
    shared->words[4] = endpoint;
    actor_go(actor);
    for (uint64_t i = 0; i < calls; i++) {
        uint64_t start = clock_monotonic();
        error_t error = call_raw(ipc_page, session, TAG(TEST_METHOD, 2), (uint64_t[6]){1, 2}, PATIENCE);
        uint64_t time = clock_monotonic() - start;
        longest = time > longest ? time : longest;
        if (wanted && error != wanted) {
            note("%s: the call gave %d", name, error);
            ok = false;
        }
    }
    actor_free(actor);
    slot_release(account);
    slot_release(block);
    slot_release(session);
    drop_endpoint(endpoint);
    for (int i = 0; i < 100 && (after = free_bytes()) < before; i++)
        sleep_for(MILLISECOND);
    if (longest > most || after < before)
        note("%s: the longest call took %llu us; free before %llu, after %llu", name, (unsigned long long)longest / 1000,
             (unsigned long long)before, (unsigned long long)after);
    return ok && longest <= most && after >= before;
}

static void try(const char *name, void (*run)(struct actor *), error_t wanted, uint64_t calls, uint64_t most) {
    bool right = once(name, run, wanted, calls, most);
    if (!right)
        right = once(name, run, wanted, calls, most); // the first warmed up
    check(right, name);
}

void hostile_servers(void) {
    try("a server that never receives", never_receives, ERR_DEADLINE, SERVED, PATIENCE + 25 * MILLISECOND);
    try("a server that never replies", never_replies, ERR_OUTCOME_UNKNOWN, 1, PATIENCE + GRACE + 25 * MILLISECOND);
    try("a server that hoards replies", hoards_replies, ERR_OUTCOME_UNKNOWN, 3, PATIENCE + GRACE + 25 * MILLISECOND);
    try("a server that drops replies", drops_replies, ERR_SERVER_LOST, SERVED, PATIENCE + 25 * MILLISECOND);
    try("a server that dies with the request", dies_while_serving, ERR_SERVER_LOST, 1, PATIENCE + 25 * MILLISECOND);
    try("a server whose replies lie", lies_in_replies, 0, SERVED, PATIENCE + GRACE + 25 * MILLISECOND);
}
