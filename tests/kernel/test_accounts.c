// Accounts: exact charges and refunds, nesting, quotas that refuse, ceilings of priority, set_quota.
#include "tests/kernel/harness.h"

enum { ROOM = 64 }; // more small objects than fit into one page, which is what an account pays

static uint64_t used(cap_t account) {
    uint64_t quota, now = 0, peak, ceiling;
    (void)free_bytes(); // what was dropped is taken apart
    must(account_information(account, &quota, &now, &peak, &ceiling), "account.information");
    return now;
}

static void test_charges(cap_t account) {
    cap_t caps[8] = {0};
    uint64_t before = used(account), physical;
    check_error(account_create_memory(account, 10 * PAGE, &caps[0]), ERR_OK, "memory");
    check(used(account) >= before + 10 * PAGE, "is charged in full");
    check_error(account_create_contiguous(account, 3 * PAGE, 0, &physical, &caps[1]), ERR_OK, "contiguous memory");
    check(physical % PAGE == 0 && physical, "has an address");
    check(used(account) >= before + 14 * PAGE, "is charged by the block");
    check_error(account_create_endpoint(account, &caps[2]), ERR_OK, "an endpoint");
    check_error(account_create_notification(account, &caps[3]), ERR_OK, "a notification");
    check_error(account_create_call(account, 7, caps[2], &caps[4]), ERR_OK, "a call object");
    uint64_t with_call = used(account);
    check(with_call > before + 14 * PAGE, "are charged");
    cap_t sessions[ROOM];
    for (uint64_t i = 0; i < ROOM; i++)
        must(endpoint_create_session(caps[2], 1 + i, &sessions[i]), "a session");
    check(used(account) > with_call, "more sessions than a page has room for are charged to their endpoint's account");
    for (int i = 0; i < ROOM; i++)
        slot_release(sessions[i]);
    check_error(account_create_process(account, &caps[6]), ERR_OK, "a process");
    check_error(memory_clone(caps[0], 0, 10 * PAGE, account, &caps[7]), ERR_OK, "a clone");
    check(used(account) >= before + 24 * PAGE, "is charged in full as well");
    must(process_destroy(caps[6]), "destroying");
    for (int i = 7; i >= 0; i--)
        if (i != 2)
            slot_release(caps[i]);
    drop_endpoint(caps[2]);
    check_value(used(account), before, "all is refunded, exactly");
}

// Pages of each size are filled, then emptied but for an object here and there: what the account holds of the machine is what it
// pays.
static void test_holding(cap_t outer) {
    enum { PAGES = 8, OBJECTS = 512, KEPT = 16 };
    static cap_t made[3][OBJECTS];
    cap_t inner = 0;
    must(account_create_account(outer, PAGES * PAGE, 50, &inner), "an inner account");
    uint64_t before = 0;
    for (int turn = 0; turn < 2; turn++) { // the first makes room for the capabilities
        int counts[3];
        before = free_bytes();
        for (int kind = 0; kind < 3; kind++) {
            int count = 0;
            for (error_t error = ERR_OK; error == ERR_OK && count < OBJECTS; count += error == ERR_OK)
                error = kind == 0   ? account_create_notification(inner, &made[kind][count])
                        : kind == 1 ? account_create_account(inner, PAGE, 50, &made[kind][count])
                                    : account_create_endpoint(inner, &made[kind][count]);
            counts[kind] = count;
            check(kind > 0 || count > KEPT, "objects until the account is full");
            for (int i = 0; i < count; i++)
                if (i % KEPT)
                    slot_release(made[kind][i]);
            if (turn == 1)
                check_value(before - free_bytes(), used(inner), "what is held is paid for");
        }
        for (int kind = 0; kind < 3; kind++)
            for (int i = 0; i < counts[kind]; i += KEPT)
                slot_release(made[kind][i]);
    }
    slot_release(inner);
}

static void test_quota(cap_t outer) {
    cap_t inner = 0, memory = 0;
    check_error(account_create_account(outer, 64 * PAGE, 50, &inner), ERR_OK, "an inner account");
    uint64_t quota, now, peak, ceiling, outer_used = used(outer);
    must(account_information(inner, &quota, &now, &peak, &ceiling), "information");
    check(quota == 64 * PAGE && now == 0 && peak == 0 && ceiling == 50, "its information");
    check_error(account_create_memory(inner, 65 * PAGE, &memory), ERR_QUOTA, "more than the quota");
    check_value(used(inner), 0, "leaves no charge");
    check_value(used(outer), outer_used, "nor one above");
    check_error(account_create_memory(inner, 60 * PAGE, &memory), ERR_OK, "less than the quota");
    uint64_t inner_used = used(inner);
    check_value(used(outer) - outer_used, inner_used, "is charged above as well");
    check_error(account_set_quota(inner, inner_used - 1, 50), ERR_INVALID, "a quota below what is used");
    check_error(account_set_quota(inner, inner_used, 50), ERR_OK, "a quota of what is used");
    cap_t notification = 0;
    check_error(account_create_notification(inner, &notification), ERR_QUOTA, "leaves no byte");
    cap_t process = 0;
    check_error(account_create_process(inner, &process), ERR_QUOTA, "and no process");
    cap_t innermost[ROOM] = {0};
    int made = 0;
    while (made < ROOM - 1 && account_create_account(inner, PAGE, 50, &innermost[made]) == ERR_OK)
        made++;
    check_error(account_create_account(inner, PAGE, 50, &innermost[made]), ERR_QUOTA, "and no account once its page is full");
    for (int i = 0; i < made; i++)
        slot_release(innermost[i]);
    slot_release(memory);
    check_value(used(inner), 0, "it is refunded");
    check_value(used(outer), outer_used, "above as well");
    must(account_information(inner, &quota, &now, &peak, &ceiling), "information");
    check_value(peak, inner_used, "the peak is kept");
    check_error(account_set_quota(inner, UINT64_MAX, 50), ERR_OK, "a quota above the outer one's");
    uint64_t outer_quota;
    must(account_information(outer, &outer_quota, &now, &peak, &ceiling), "information");
    check_error(account_create_memory(inner, outer_quota / PAGE * PAGE + PAGE, &memory), ERR_QUOTA,
                "can't exceed the outer account");
    check_value(used(inner), 0, "and leaves no charge inside");
    check_error(account_create_account(inner, PAGE, 51, innermost), ERR_INVALID, "a ceiling above the account's");
    check_error(account_set_quota(inner, PAGE, 63), ERR_INVALID, "set_quota with a ceiling above the outer account's");
    check_error(account_set_quota(inner, PAGE, 64), ERR_INVALID, "a ceiling out of range");
    check_error(account_set_quota(SLOT_ACCOUNT, PAGE, 63), ERR_INVALID, "the root account's quota is fixed");
    cap_t weak = 0;
    must(slot_duplicate(inner, RIGHT_INSPECT, &weak), "a weak capability");
    check_error(account_create_notification(weak, &notification), ERR_RIGHTS, "creating without CONTROL");
    check_error(account_set_quota(weak, PAGE, 1), ERR_RIGHTS, "set_quota without CONTROL");
    check_error(account_information(weak, &quota, &now, &peak, &ceiling), ERR_OK, "information with INSPECT");
    slot_release(weak);
    must(slot_duplicate(inner, RIGHTS_ALL & ~RIGHT_MINT, &weak), "an account to spend from");
    check_error(account_set_quota(weak, PAGE, 50), ERR_RIGHTS, "set_quota without MINT: who spends does not say how much");
    slot_release(weak);
    slot_release(inner);
}

static void test_arguments(cap_t account) {
    cap_t cap = 0;
    uint64_t physical;
    check_error(account_create_memory(account, 0, &cap), ERR_INVALID, "memory of 0 bytes");
    check_error(account_create_memory(account, PAGE + 1, &cap), ERR_INVALID, "memory of part of a page");
    check_error(account_create_memory(account, UINT64_C(1) << 47, &cap), ERR_INVALID, "memory of 128 TiB");
    check_error(account_create_memory(account, UINT64_C(1) << 45, &cap), ERR_QUOTA, "memory of 32 TiB");
    check_error(account_create_memory(account, UINT64_MAX - PAGE + 1, &cap), ERR_INVALID, "memory of nearly 2^64 bytes");
    check_error(account_create_contiguous(account, 0, 0, &physical, &cap), ERR_INVALID, "0 contiguous bytes");
    check_error(account_create_contiguous(account, UINT64_C(1) << 40, 0, &physical, &cap), ERR_INVALID, "1 TiB contiguous");
    check_error(account_create_contiguous(account, PAGE, 4, &physical, &cap), ERR_INVALID, "an unknown flag");
    check_error(account_create_contiguous(account, PAGE, CREATE_FLAG_BELOW_4G, &physical, &cap), ERR_OK, "below 4 GiB");
    check(physical < UINT64_C(1) << 32, "is below 4 GiB");
    slot_release(cap);
    check_error(account_create_paged(account, PAGE, account, &cap), ERR_WRONG_KIND, "paged memory without a session");
    check_error(account_create_call(account, 0, account, &cap), ERR_WRONG_KIND, "a call object without an endpoint");
    cap_t endpoint = new_endpoint(), weak = 0;
    must(slot_duplicate(endpoint, RIGHT_MINT, &weak), "a weak capability");
    check_error(account_create_call(account, 0, weak, &cap), ERR_RIGHTS, "a call object without RECEIVE");
    slot_release(weak);
    slot_release(endpoint);
}

// A process whose own quota is small: everything that it can make is refused in the end, and comes back with its end.
static void test_exhaustion(cap_t outer) {
    cap_t account = 0;
    uint64_t before = free_bytes();
    must(account_create_account(outer, 40 * PAGE, 10, &account), "an account");
    cap_t process = 0, memory = 0, installed = 0;
    must(account_create_process(account, &process), "a process");
    must(account_create_memory(account, PAGE, &memory), "memory");
    error_t error = ERR_OK;
    uint64_t slot = 100;
    while (!error && slot < CAP_TABLE_SLOTS)
        error = process_install(process, slot += 64, 0, memory);
    check_error(error, ERR_QUOTA, "filling a table ends at the quota");
    uint64_t address, length = PAGE;
    error = ERR_OK;
    for (uint64_t at = 0x10000000; !error && at < 0x100000000; at += 0x200000)
        error = process_map(process, at, length, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &address);
    check_error(error, ERR_QUOTA, "so does mapping");
    cap_t thread = 0;
    uint64_t page;
    check_error(process_create_thread(process, 0x1000, 0x1000, 0, 1, 0, 0, &page, &thread), ERR_QUOTA, "and a thread");
    check_error(process_create_thread(process, 0x1000, 0x1000, 0, 11, 0, 0, &page, &thread), ERR_INVALID,
                "a thread above the account's ceiling");
    check_error(account_create_memory(outer, PAGE, &installed), ERR_OK, "the outer account is not concerned");
    slot_release(installed);
    must(process_destroy(process), "destroying");
    slot_release(process);
    slot_release(memory);
    check_value(used(account), 0, "all comes back");
    slot_release(account);
    check_value(free_bytes(), before, "and memory is as free as before");
}

static void counts(struct actor *actor) {
    for (;;)
        actor->values[0]++;
}

// Counts, and calls now and then, by the fast path: the time after an answer is the caller's all the same.
static void counts_and_calls(struct actor *actor) {
    for (;;) {
        for (int i = 0; i < 1000; i++)
            actor->values[0]++;
        struct ipc_registers out = {.target = actor->arguments[0], .tag = TAG(TEST_METHOD, 1)};
        (void)system_call(SYS_CALL, &out);
    }
}

static void answers(struct actor *actor) {
    struct ipc_registers in = {.target = actor->arguments[0]};
    error_t error = system_call(SYS_WAIT, &in);
    while (!error) {
        in = (struct ipc_registers){.target = actor->arguments[0]};
        error = system_call(SYS_REPLY_WAIT, &in);
    }
}

static uint64_t time_of(const struct actor *actor) {
    struct process_information information;
    must(process_information(actor->process, &information), "information");
    return information.cpu_time;
}

// 2 ms in each 10, at a priority above this thread's: it would never run again.
static void run_within_budget(struct actor *actor, uint64_t class, const char *name) {
    must(thread_set_priority(actor->thread, ACTOR_PRIORITY, class), "its class");
    actor_go(actor);
    uint64_t start = clock_monotonic();
    must(sleep_until(start + 100 * MILLISECOND) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
    uint64_t time = time_of(actor), passed = clock_monotonic() - start;
    bool held = time >= 16 * MILLISECOND && time <= 24 * MILLISECOND && passed < 112 * MILLISECOND;
    check(held, name);
    if (!held)
        note("%lu us in %lu us", time / 1000, passed / 1000);
}

static void test_budget(cap_t outer) {
    cap_t account = 0, endpoint = new_endpoint(), session = new_session(endpoint, 1);
    uint64_t budget, period, spent;
    must(account_create_account(outer, 300 * PAGE, ACTOR_PRIORITY, &account), "an account");
    check_error(account_set_budget(account, 2 * MILLISECOND, 10 * MILLISECOND), ERR_OK, "a budget of time");
    must(account_time(account, &budget, &period, &spent), "its time");
    check(budget == 2 * MILLISECOND && period == 10 * MILLISECOND && spent == 0, "is told");
    struct actor *actor = actor_new_process(counts, 1, account);
    run_within_budget(actor, 0, "a spinning thread gets its budget and no more");
    actor_free(actor);
    actor = actor_new_process(counts, 1, account);
    run_within_budget(actor, 1, "so does one of class FIFO");
    actor_free(actor);
    actor = actor_new_process(counts_and_calls, 1, account);
    struct actor *server = actor_new(answers, ACTOR_PRIORITY, 0);
    server->arguments[0] = endpoint;
    actor->arguments[0] = 100;
    must(process_install(actor->process, 100, 0, session), "a session");
    actor_go(server);
    run_within_budget(actor, 0, "and one that its server answers on the server's time");
    actor_free(actor);
    actor_free(server);
    check_error(account_set_budget(account, 0, 0), ERR_OK, "no budget any more");
    actor = actor_new_process(counts, 1, account);
    must(thread_set_priority(actor->thread, 10, 0), "a low priority");
    actor_go(actor);
    sleep_for(50 * MILLISECOND);
    check(time_of(actor) > 40 * MILLISECOND, "and it runs as it likes");
    actor_free(actor);
    check_error(account_set_budget(account, MILLISECOND / 20, MILLISECOND), ERR_INVALID, "a budget below 100 us");
    check_error(account_set_budget(account, MILLISECOND, MILLISECOND / 2), ERR_INVALID, "a period below 1 ms");
    check_error(account_set_budget(account, 0, MILLISECOND), ERR_INVALID, "a period without a budget");
    check_error(account_set_budget(account, 65 * MILLISECOND, MILLISECOND), ERR_INVALID, "more than all processors have");
    cap_t weak = 0;
    must(slot_duplicate(account, RIGHTS_ALL & ~RIGHT_MINT, &weak), "an account to spend from");
    check_error(account_set_budget(weak, 0, 0), ERR_RIGHTS, "set_budget without MINT");
    slot_release(weak);
    slot_release(session);
    drop_endpoint(endpoint);
    slot_release(account);
}

void test_accounts(void) {
    cap_t account = 0;
    must(account_create_account(SLOT_ACCOUNT, 400 * PAGE, 55, &account), "an account");
    test_charges(account);
    test_holding(account);
    test_quota(account);
    test_arguments(account);
    test_exhaustion(account);
    slot_release(account);
    must(account_create_account(SLOT_ACCOUNT, 1000 * PAGE, 63, &account), "an account");
    test_budget(account);
    slot_release(account);
}
