// Threads: registers, start and stop, segments, FPU state, round robin and FIFO, priorities lent with a call, timers.
#include "tests/kernel/harness.h"

static cap_t endpoint, session;

static void counts(struct actor *actor) {
    for (;;)
        actor->values[0]++;
}

static void test_registers(void) {
    struct actor *actor = actor_new(actor_call, ACTOR_PRIORITY, 0);
    struct thread_registers registers, changed;
    check_value(actor_state(actor), THREAD_STATE_STOPPED, "a new thread is stopped");
    check_error(thread_registers(actor->thread, &registers), ERR_OK, "its registers");
    check(registers.rip == (uint64_t)actor_entry && registers.rdi == (uint64_t)actor && registers.rflags == 0x202 &&
              registers.rax == 0 && registers.r15 == 0,
          "are entry, stack, argument and zero");
    changed = registers;
    changed.rip = 0x00007ffffffff000;
    check_error(thread_set_registers(actor->thread, &changed), ERR_INVALID, "rip in the last user page is refused");
    changed.rip = 0xffff800000000000;
    check_error(thread_set_registers(actor->thread, &changed), ERR_INVALID, "rip in the kernel is refused");
    changed.rip = 0x0000900000000000;
    check_error(thread_set_registers(actor->thread, &changed), ERR_INVALID, "rip that is no address is refused");
    changed = registers;
    changed.fs_base = 0xffff800000000000;
    check_error(thread_set_registers(actor->thread, &changed), ERR_INVALID, "a kernel FS base is refused");
    changed = registers;
    changed.gs_base = UINT64_MAX;
    check_error(thread_set_registers(actor->thread, &changed), ERR_INVALID, "a kernel GS base is refused");
    changed = registers;
    changed.rflags = UINT64_MAX;
    changed.rbx = 7, changed.r13 = 8;
    check_error(thread_set_registers(actor->thread, &changed), ERR_OK, "flags of all kinds are taken");
    must(thread_registers(actor->thread, &changed), "registers");
    check_value(changed.rflags & ~UINT64_C(0x240cd5), 0x202, "without interrupts off, I/O privilege, nesting or tracing");
    check(changed.rbx == 7 && changed.r13 == 8, "other registers are set as given");
    must(thread_set_registers(actor->thread, &registers), "setting back");
    actor->number = SYS_WAIT;
    actor->registers.target = endpoint;
    actor_go(actor);
    check_error(thread_set_registers(actor->thread, &registers), ERR_BUSY, "not while it runs or waits");
    must(thread_stop(actor->thread), "stopping");
    check_error(thread_set_registers(actor->thread, &registers), ERR_BUSY, "nor while it is stopped in a wait");
    check_error(thread_set_registers(SLOT_THREAD, &registers), ERR_BUSY, "nor of the caller");
    actor_free(actor);
    cap_t weak = 0;
    must(slot_duplicate(SLOT_THREAD, RIGHT_INSPECT, &weak), "a weak capability");
    check_error(thread_registers(weak, &registers), ERR_OK, "inspecting with the right");
    check_error(thread_stop(weak), ERR_RIGHTS, "stopping without it");
    check_error(thread_destroy(weak), ERR_RIGHTS, "or destroying");
    slot_release(weak);
    uint64_t page;
    check_error(process_create_thread(SLOT_SELF, 0xffff800000000000, 0, 0, 1, 0, 0, &page, &weak), ERR_INVALID,
                "an entry in the kernel is refused");
    check_error(process_create_thread(SLOT_SELF, 0x1000, 0xffff800000000000, 0, 1, 0, 0, &page, &weak), ERR_INVALID,
                "so is a stack there");
    check_error(process_create_thread(SLOT_SELF, 0x1000, 0x1000, 0, 64, 0, 0, &page, &weak), ERR_INVALID, "so is priority 64");
    check_error(process_create_thread(SLOT_SELF, 0x1000, 0x1000, 0, 1, (uint64_t)ipc_page, 0, &page, &weak), ERR_EXISTS,
                "so is a message page over a mapping");
    check_error(process_create_thread(SLOT_SELF, 0x1000, 0x1000, 0, 1, 0x20001, 0, &page, &weak), ERR_INVALID,
                "or at an odd address");
    check_error(process_create_thread(SLOT_SELF, 0x1000, 0x1000, 0, 1, 0, 2, &page, &weak), ERR_INVALID, "or an unknown flag");
}

static void test_stop_start(void) {
    struct actor *actor = actor_new(counts, MAIN_PRIORITY - 1, 0);
    actor_go(actor);
    sleep_for(3 * MILLISECOND);
    check(actor->values[0] != 0, "a thread runs while others sleep");
    check_error(thread_stop(actor->thread), ERR_OK, "stopping it");
    uint64_t now = actor->values[0];
    check_value(actor_state(actor), THREAD_STATE_STOPPED, "is told");
    sleep_for(3 * MILLISECOND);
    check_value(actor->values[0], now, "and it runs no more");
    check_error(thread_start(actor->thread), ERR_OK, "starting it");
    sleep_for(3 * MILLISECOND);
    check(actor->values[0] != now, "it goes on");
    struct thread_information information;
    must(thread_information(actor->thread, &information), "information");
    check(information.cpu_time >= 4 * MILLISECOND && information.cpu_time < 1000 * MILLISECOND && information.priority == 59,
          "its time is counted");
    check_error(thread_destroy(actor->thread), ERR_OK, "destroying it");
    check_error(thread_start(actor->thread), ERR_DYING, "an ended thread can't be started");
    check_error(thread_information(actor->thread, &information), ERR_DYING, "nor asked");
    actor_free(actor);
    actor = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
    actor_go(actor);
    must(thread_stop(actor->thread), "stopping a caller");
    struct ipc_registers in;
    must(receive_poll(endpoint, &in), "receiving");
    must(answer(0, 0, 0), "answering");
    check(!actor->done, "a caller that is stopped is answered, and does not run");
    must(thread_start(actor->thread), "starting it");
    check(actor->done && actor->result == 0, "until it is started");
    actor_free(actor);
}

static void keeps_segments(struct actor *actor) {
    uint64_t fs, gs;
    (void)thread_set_segments(actor->thread, (uint64_t)&actor->arguments[0], (uint64_t)&actor->arguments[1]);
    for (uint64_t i = 0; i < actor->arguments[2]; i++) {
        __asm__ volatile("mov %%fs:0, %0; mov %%gs:0, %1" : "=r"(fs), "=r"(gs));
        actor->values[0] += fs != actor->arguments[0] || gs != actor->arguments[1];
        actor->values[1]++;
        (void)thread_yield(actor->thread);
        if (actor->arguments[3]) // spoils its own bases
            __asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
    }
}

static uint64_t segment_word;

// In a process of its own, at the same GS base as another: spoils it, or looks whether it was spoilt.
static void shares_gs_base(struct actor *actor) {
    segment_word = actor->arguments[0];
    (void)thread_set_segments(30, 0, (uint64_t)&segment_word);
    for (uint64_t i = 0, word; i < 20; i++) {
        if (actor->arguments[1]) {
            __asm__ volatile("mov %0, %%gs" : : "r"(0));
        } else {
            __asm__ volatile("mov %%gs:0, %0" : "=r"(word));
            actor->values[0] += word != actor->arguments[0];
        }
        (void)thread_yield(30);
    }
}

static void test_foreign_segments(void) {
    struct actor *victim = actor_new_process(shares_gs_base, MAIN_PRIORITY - 1, SLOT_ACCOUNT),
                 *spoiler = actor_new_process(shares_gs_base, MAIN_PRIORITY - 1, SLOT_ACCOUNT);
    victim->arguments[0] = 7, spoiler->arguments[1] = 1;
    must(process_install(victim->process, 30, 0, victim->thread), "its thread");
    must(process_install(spoiler->process, 30, 0, spoiler->thread), "its thread");
    actor_go(victim);
    actor_go(spoiler);
    actor_await(victim, THREAD_STATE_ENDED);
    actor_await(spoiler, THREAD_STATE_ENDED);
    check(victim->done && victim->values[0] == 0, "a process can't spoil another's GS base by loading a selector");
    actor_free(victim);
    actor_free(spoiler);
}

static void test_segments(void) {
    struct actor *first = actor_new(keeps_segments, ACTOR_PRIORITY, 0), *second = actor_new(keeps_segments, ACTOR_PRIORITY, 0);
    first->arguments[0] = 11, first->arguments[1] = 12, first->arguments[2] = 50;
    second->arguments[0] = 21, second->arguments[1] = 22, second->arguments[2] = 50;
    must(thread_set_priority(first->thread, MAIN_PRIORITY - 1, 0), "below"); // both are ready before one runs
    must(thread_set_priority(second->thread, MAIN_PRIORITY - 1, 0), "below");
    actor_go(first);
    actor_go(second);
    actor_await(first, THREAD_STATE_ENDED);
    actor_await(second, THREAD_STATE_ENDED);
    check(first->done && second->done && first->values[1] == 50 && second->values[1] == 50, "two threads take turns by yielding");
    check(first->values[0] == 0 && second->values[0] == 0, "each keeps its FS and GS");
    actor_free(first);
    actor_free(second);
    check_error(thread_set_segments(SLOT_THREAD, 0xffff800000000000, 0), ERR_INVALID, "a kernel address is refused");
    check_error(thread_set_segments(SLOT_THREAD, 0, UINT64_C(1) << 47), ERR_INVALID, "so is one past user space");
}

static void adds_vectors(struct actor *actor) {
    uint64_t value = actor->arguments[0], out = 0;
    __asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm15; fninit; fld1" : : "r"(value) : "memory");
    for (uint64_t i = 0; i < actor->arguments[1]; i++) {
        (void)thread_yield(actor->thread);
        __asm__ volatile("movq %%xmm0, %0" : "=r"(out));
        actor->values[0] += out != value;
        __asm__ volatile("movq %%xmm15, %0" : "=r"(out));
        actor->values[0] += out != value;
        value += 3;
        __asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm15" : : "r"(value) : "memory");
        actor->values[1]++;
    }
}

static void test_fpu(void) {
    struct actor *actors[3];
    for (uint64_t i = 0; i < 3; i++) {
        actors[i] = actor_new(adds_vectors, MAIN_PRIORITY - 1, i < 2);
        actors[i]->arguments[0] = 1000 * i, actors[i]->arguments[1] = 40;
        actor_go(actors[i]);
    }
    actor_await(actors[0], THREAD_STATE_ENDED);
    actor_await(actors[1], THREAD_STATE_ENDED);
    check(actors[0]->done && actors[1]->done && actors[0]->values[1] == 40 && actors[1]->values[1] == 40,
          "two threads with FPU state take turns");
    check(actors[0]->values[0] == 0 && actors[1]->values[0] == 0, "each keeps its registers");
    check(!actors[2]->done && actor_state(actors[2]) == THREAD_STATE_STOPPED && actors[2]->values[1] == 0,
          "a thread without is stopped by its first use");
    for (int i = 0; i < 3; i++)
        actor_free(actors[i]);
}

static void turns(struct actor *actor) { // writes down when it runs: values[0] rounds of its own loop
    uint64_t end = actor->arguments[0];
    uint64_t last = clock_monotonic(), now;
    while ((now = clock_monotonic()) < end) {
        if (now - last > MILLISECOND)
            actor->values[1]++; // somebody else had a turn
        actor->values[0] += now - last < MILLISECOND ? now - last : 0;
        last = now;
    }
}

static void test_round_robin(void) {
    struct actor *actors[3];
    uint64_t end = clock_monotonic() + 200 * MILLISECOND;
    for (int i = 0; i < 3; i++) {
        actors[i] = actor_new(turns, MAIN_PRIORITY - 1, 0);
        actors[i]->arguments[0] = end;
        actor_go(actors[i]);
    }
    must(sleep_until(end + 5 * MILLISECOND) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
    bool fair = true;
    for (int i = 0; i < 3; i++)
        fair = fair && actors[i]->values[1] >= 2 && actors[i]->values[0] > 5 * MILLISECOND;
    check(fair, "threads of one priority get turns");
    for (int i = 0; i < 3; i++)
        actor_free(actors[i]);
    end = clock_monotonic() + 60 * MILLISECOND;
    for (int i = 0; i < 2; i++) {
        actors[i] = actor_new(turns, MAIN_PRIORITY - 1, 0);
        actors[i]->arguments[0] = end;
        must(thread_set_priority(actors[i]->thread, MAIN_PRIORITY - 1, 1), "first in first out");
        actor_go(actors[i]);
    }
    for (int i = 0; i < 4; i++) // timer interrupts and the main thread's turns do not end a turn
        sleep_for(5 * MILLISECOND);
    check(actors[0]->values[0] > 0 && actors[1]->values[0] == 0 && actors[1]->values[1] == 0,
          "a thread of class FIFO keeps the processor");
    must(sleep_until(end + 5 * MILLISECOND) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
    for (int i = 0; i < 2; i++)
        actor_free(actors[i]);
}

static void plays(struct actor *actor) { // signals the other and waits for its signal
    for (;;) {
        (void)notification_signal((cap_t)actor->arguments[0], 1);
        struct ipc_registers registers = {.target = actor->arguments[1]};
        (void)system_call(SYS_WAIT, &registers);
        actor->values[0]++;
    }
}

// Two that keep waking each other must not keep a third of their priority from running; nor may one that is woken often
// from above keep its peer from its turn.
static void test_starvation(void) {
    cap_t first = new_notification(), second = new_notification();
    struct actor *ping = actor_new(plays, MAIN_PRIORITY - 1, 0), *pong = actor_new(plays, MAIN_PRIORITY - 1, 0),
                 *third = actor_new(turns, MAIN_PRIORITY - 1, 0), *peer;
    uint64_t end = clock_monotonic() + 150 * MILLISECOND;
    ping->arguments[0] = pong->arguments[1] = first;
    ping->arguments[1] = pong->arguments[0] = second;
    third->arguments[0] = end;
    actor_go(ping);
    actor_go(pong);
    actor_go(third);
    must(sleep_until(end + 30 * MILLISECOND) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
    check(ping->values[0] > 10 && third->values[0] > 5 * MILLISECOND, "two that wake each other leave turns to a third");
    actor_free(ping);
    actor_free(pong);
    actor_free(third);
    slot_release(first);
    slot_release(second);
    third = actor_new(turns, MAIN_PRIORITY - 1, 0);
    peer = actor_new(turns, MAIN_PRIORITY - 1, 0);
    end = clock_monotonic() + 150 * MILLISECOND;
    third->arguments[0] = peer->arguments[0] = end;
    actor_go(third);
    actor_go(peer);
    while (clock_monotonic() < end)
        sleep_for(3 * MILLISECOND); // less than a turn
    actor_await(third, THREAD_STATE_ENDED);
    actor_await(peer, THREAD_STATE_ENDED);
    check(third->values[0] > 5 * MILLISECOND && peer->values[0] > 5 * MILLISECOND,
          "interruptions from above do not lengthen a turn");
    actor_free(third);
    actor_free(peer);
}

static void dozes(struct actor *actor) { // sleeps and wakes; values[1]: how often it ran at most 3 ms late
    while (actor->values[0]++ < actor->arguments[0]) {
        struct ipc_registers registers = {.target = (cap_t)actor->arguments[1], .tag = TAG_DEADLINE};
        actor->page->deadline = clock_monotonic() + 2 * MILLISECOND;
        if (system_call(SYS_WAIT, &registers) == ERR_DEADLINE)
            actor->values[1] += clock_monotonic() < actor->page->deadline + 3 * MILLISECOND;
    }
}

// Who wakes up need not wait for the end of a peer's turn, and that one gets the rest of it.
static void test_patience(void) {
    enum { TIMES = 20 };
    struct actor *sleeper = actor_new(dozes, MAIN_PRIORITY - 1, 0), *busy[2];
    uint64_t end = clock_monotonic() + 200 * MILLISECOND;
    for (int i = 0; i < 2; i++) {
        busy[i] = actor_new(turns, MAIN_PRIORITY - 1, 0);
        busy[i]->arguments[0] = end;
        actor_go(busy[i]);
    }
    sleeper->arguments[0] = TIMES;
    sleeper->arguments[1] = new_notification();
    actor_go(sleeper);
    must(sleep_until(end + 5 * MILLISECOND) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
    actor_await(sleeper, THREAD_STATE_ENDED);
    check_value(sleeper->values[1], TIMES, "who wakes up does not wait for the end of a peer's turn");
    check(busy[0]->values[0] > 40 * MILLISECOND && busy[1]->values[0] > 40 * MILLISECOND, "and its peers have their turns");
    slot_release((cap_t)sleeper->arguments[1]);
    actor_free(sleeper);
    for (int i = 0; i < 2; i++)
        actor_free(busy[i]);
}

static void spin_for(uint64_t nanoseconds) {
    uint64_t end = clock_monotonic() + nanoseconds;
    while (clock_monotonic() < end)
        ;
}

static void gathers(struct actor *actor) { // values: how often it woke up, and when last
    for (;;) {
        struct ipc_registers registers = {.target = (cap_t)actor->arguments[0]};
        (void)system_call(SYS_WAIT, &registers);
        actor->values[1] = clock_monotonic();
        actor->values[0]++;
    }
}

// Who gathers wakes up when nobody of lower priority wants the processor either, or when it has waited long enough.
static void test_gathering(void) {
    enum { TIMES = 20 };
    cap_t notification = new_notification();
    struct actor *actor = actor_new(gathers, MAIN_PRIORITY + 1, 0);
    volatile uint64_t *woken = &actor->values[0], *when = &actor->values[1];
    actor->arguments[0] = notification;
    must(thread_set_priority(actor->thread, MAIN_PRIORITY + 1, 2), "gathering");
    actor_go(actor);
    sleep_for(MILLISECOND);
    bool late = true;
    uint64_t soonest = UINT64_MAX;
    for (uint64_t i = 0; i < TIMES; i++) {
        spin_for(2 * MILLISECOND); // who idled just now is not busy
        uint64_t begun = clock_monotonic(), end = begun + 100 * MILLISECOND;
        must(notification_signal(notification, 1), "signal");
        while (*woken == 2 * i && clock_monotonic() < end)
            ;
        late = late && *woken == 2 * i + 1 && *when >= begun + MILLISECOND;
        spin_for(2 * MILLISECOND);
        begun = clock_monotonic();
        must(notification_signal(notification, 1), "signal");
        sleep_for(5 * MILLISECOND);
        late = late && *woken == 2 * i + 2;
        soonest = *when - begun < soonest ? *when - begun : soonest;
    }
    check(late, "who gathers waits while others are busy, but not longer than a millisecond and what is in its way");
    check(soonest < MILLISECOND / 2, "it runs as soon as the processor has nothing else to do");
    actor_free(actor);
    slot_release(notification);
}

static void works(struct actor *actor) { // serves one request, for as long as arguments[1] says
    struct ipc_registers registers = {.target = actor->arguments[0]};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    struct thread_information information;
    actor->values[1] = thread_information(actor->thread, &information) ? 0 : information.priority;
    registers = (struct ipc_registers){.tag = TAG(0, 0)};
    (void)system_call(SYS_REPLY, &registers);
    actor->values[2] = thread_information(actor->thread, &information) ? 0 : information.priority;
}

static uint64_t priority_of(cap_t thread) {
    struct thread_information information = {0};
    must(thread_information(thread, &information), "information");
    return information.priority;
}

// Serves one after the other: each takes some time, and says at what priority it was done.
static void works_slowly(struct actor *actor) {
    struct ipc_registers in = {.target = actor->arguments[0]};
    error_t error = system_call(SYS_WAIT, &in);
    while (!error) {
        uint64_t until = clock_monotonic() + 5 * MILLISECOND;
        while (clock_monotonic() < until)
            ;
        actor->values[1] = priority_of(actor->thread);
        in = (struct ipc_registers){.target = actor->arguments[0]};
        error = system_call(SYS_REPLY_WAIT, &in);
    }
}

// A server of low priority is busy for one of low priority, below a thread that spins. An important caller that comes must not
// wait for the spinning one.
static void test_queued_caller(void) {
    cap_t own_endpoint = new_endpoint(), own_session = new_session(own_endpoint, 1);
    struct actor *server = actor_new(works_slowly, 20, 0), *busy = actor_new(counts, 30, 0);
    struct actor *low = caller_new(SYS_CALL, own_session, TAG(TEST_METHOD, 0));
    server->arguments[0] = own_endpoint;
    must(thread_set_priority(low->thread, 10, 0), "a low priority");
    actor_go(server);
    actor_await(server, THREAD_STATE_WAITING);
    actor_go(low);
    actor_await(low, THREAD_STATE_CALLING);
    actor_go(busy);
    sleep_for(10 * MILLISECOND);
    check_value(priority_of(server->thread), 20, "a server below a spinning thread does not come to its work");
    struct ipc_registers out = {.target = own_session, .tag = TAG(TEST_METHOD, 0)};
    uint64_t start = clock_monotonic();
    check_error(system_call(SYS_CALL, &out), ERR_OK, "a caller above it is served all the same");
    check(clock_monotonic() - start < 20 * MILLISECOND, "without waiting for it");
    check_value(priority_of(server->thread), 20, "then the server has its own priority back");
    actor_free(busy);
    actor_await(low, THREAD_STATE_ENDED);
    check(low->result == ERR_OK, "and the first caller was answered");
    actor_free(low);
    actor_free(server);
    slot_release(own_session);
    drop_endpoint(own_endpoint);
}

static void test_inheritance(void) {
    struct ipc_registers in;
    struct actor *high = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0)), *low;
    must(thread_set_priority(high->thread, 63, 0), "a high priority");
    actor_go(high);
    check_value(priority_of(SLOT_THREAD), MAIN_PRIORITY, "a thread has its own priority");
    must(receive_poll(endpoint, &in), "receiving");
    check_value(priority_of(SLOT_THREAD), 63, "and that of the request that it serves");
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    check_value(priority_of(SLOT_THREAD), MAIN_PRIORITY, "but not when it is put aside");
    must(serve(0, LOCAL_SLOT), "serving it");
    check_value(priority_of(SLOT_THREAD), 63, "again when it is served");
    must(answer(0, 0, 0), "answering");
    check_value(priority_of(SLOT_THREAD), MAIN_PRIORITY, "and its own after the answer");
    actor_free(high);
    low = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
    must(thread_set_priority(low->thread, 10, 0), "a low priority");
    actor_go(low);
    must(receive(endpoint, &in), "receiving");
    check_value(priority_of(SLOT_THREAD), MAIN_PRIORITY, "a less important request takes nothing away");
    must(answer(0, 0, 0), "answering");
    actor_await(low, THREAD_STATE_ENDED);
    actor_free(low);
    cap_t local = new_endpoint(), to_local = new_session(local, 1);
    struct actor *server = actor_new(works, 20, 0), *busy = actor_new(counts, 30, 0);
    server->arguments[0] = local;
    actor_go(server);
    actor_await(server, THREAD_STATE_WAITING);
    check_value(actor_state(server), THREAD_STATE_WAITING, "a server of low priority waits");
    actor_go(busy);
    struct ipc_registers out = {.target = to_local, .tag = TAG(TEST_METHOD, 0) | TAG_LEND_READ}; // by the slow path
    ipc_page->lend_read = (struct lend){0, 0};
    check_error(system_call(SYS_CALL, &out), ERR_OK, "it serves a call although another thread is more important than it");
    check_value(server->values[1], MAIN_PRIORITY, "at its caller's priority");
    check_value(server->values[2], 0, "then that one runs again");
    actor_free(busy);
    actor_await(server, THREAD_STATE_ENDED);
    check_value(server->values[2], 20, "and the server has its own back");
    actor_free(server);
    slot_release(to_local);
    drop_endpoint(local);
    test_queued_caller();
    check_error(thread_set_priority(SLOT_THREAD, 64, 0), ERR_INVALID, "priority 64 is refused");
    check_error(thread_set_priority(SLOT_THREAD, MAIN_PRIORITY, 3), ERR_INVALID, "class 3 is refused");
}

static void sleeps(struct actor *actor) {
    struct ipc_registers registers = {.target = actor->arguments[0], .tag = TAG_DEADLINE};
    actor->page->deadline = actor->arguments[1];
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    actor->values[1] = clock_monotonic();
    actor->values[2] = shared->words[0]++;
}

static void test_timers(void) {
    enum { SLEEPERS = 6 };
    static const uint64_t after[SLEEPERS] = {30, 10, 50, 20, 40, 31}; // ms
    static const uint64_t order[SLEEPERS] = {2, 0, 5, 1, 4, 3};
    cap_t nothing = new_notification();
    struct actor *actors[SLEEPERS];
    uint64_t start = clock_monotonic();
    shared->words[0] = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        actors[i] = actor_new(sleeps, ACTOR_PRIORITY, 0);
        actors[i]->arguments[0] = nothing;
        actors[i]->arguments[1] = start + after[i] * MILLISECOND;
        actor_go(actors[i]);
    }
    must(sleep_until(start + 200 * MILLISECOND) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
    bool right = true, early = false, late = false;
    for (int i = 0; i < SLEEPERS; i++) {
        uint64_t due = start + after[i] * MILLISECOND;
        right = right && actors[i]->done && actors[i]->values[2] == order[i];
        early = early || actors[i]->values[1] < due;
        late = late || actors[i]->values[1] > due + 8 * MILLISECOND;
        actor_free(actors[i]);
    }
    check(right, "sleepers wake in the order of their deadlines");
    check(!early, "none before its time");
    check(!late, "and none long after it");
    struct actor *woken = actor_new(sleeps, ACTOR_PRIORITY, 0);
    woken->arguments[0] = nothing;
    woken->arguments[1] = clock_monotonic() + 10 * MILLISECOND;
    actor_go(woken);
    must(notification_signal(nothing, 4), "signalling");
    check(woken->done && woken->values[0] == WAIT_NOTIFICATION, "a signal before the deadline ends the wait");
    sleep_for(20 * MILLISECOND);
    actor_free(woken);
    woken = actor_new(sleeps, ACTOR_PRIORITY, 0);
    woken->arguments[0] = nothing;
    woken->arguments[1] = clock_monotonic() + 5 * MILLISECOND;
    actor_go(woken);
    actor_free(woken);
    sleep_for(10 * MILLISECOND);
    check(true, "a thread that ends takes its timer along");
    slot_release(nothing);
}

static void test_affinity(void) {
    struct actor *actor = actor_new(counts, 20, 0);
    check_error(thread_set_affinity(actor->thread, 0), ERR_INVALID, "a thread can't be kept from every processor");
    check_error(thread_set_affinity(actor->thread, UINT64_C(1) << 63), ERR_INVALID, "nor tied to one that is not there");
    check_error(thread_set_affinity(actor->thread, UINT64_C(1) << 63 | 1), ERR_OK, "one that is there is enough");
    actor_go(actor);
    sleep_for(5 * MILLISECOND);
    check(actor->values[0] > 0, "and there it runs");
    check_error(thread_set_affinity(actor->thread, UINT64_MAX), ERR_OK, "a thread that runs can be let loose");
    actor_free(actor);
}

// Serves calls and signals, working a while for each.
static void toils(struct actor *actor) {
    struct ipc_registers registers = {.target = actor->arguments[0]};
    (void)system_call(SYS_WAIT, &registers);
    for (;;) {
        for (uint64_t end = clock_monotonic() + MILLISECOND / 50; clock_monotonic() < end;) {
        }
        registers = (struct ipc_registers){.target = actor->arguments[0], .tag = TAG(0, 1)};
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

// Lends a buffer with each call, so that it goes by the slow path and its answer comes by the fast one.
static void keeps_calling(struct actor *actor) {
    for (;; actor->values[0]++) {
        struct ipc_registers registers = {.target = actor->arguments[0], .tag = TAG(TEST_METHOD, 1) | actor->arguments[1]};
        actor->page->lend_write = (struct lend){(uint64_t)actor, 8};
        (void)system_call(SYS_CALL, &registers);
    }
}

static void keeps_signalling(struct actor *actor) {
    for (;; actor->values[0]++)
        (void)notification_signal((cap_t)actor->arguments[0], 1);
}

// What a server of higher priority does for a thread is part of that one's turn: a peer gets its half.
static void test_turns_of_callers(void) {
    enum { LOW = 20, SERVER = 40 };
    cap_t notification = new_notification();
    struct thread_information information;
    for (int way = 0; way < 3; way++) {
        struct actor *server = actor_new(toils, SERVER, 0), *peer = actor_new(counts, LOW, 0);
        struct actor *caller = actor_new(way == 2 ? keeps_signalling : keeps_calling, LOW, 0);
        server->arguments[0] = way == 2 ? notification : endpoint;
        caller->arguments[0] = way == 2 ? notification : session;
        caller->arguments[1] = way == 1 ? TAG_LEND_WRITE : 0;
        actor_go(server);
        actor_go(caller);
        actor_go(peer);
        sleep_for(60 * MILLISECOND);
        must(thread_information(peer->thread, &information), "the peer's time");
        uint64_t time = information.cpu_time;
        check(caller->values[0] > 100, "one that keeps a server at work goes on");
        check(time >= 20 * MILLISECOND && time <= 42 * MILLISECOND, way == 0
                                                                        ? "and its peer has its turns, calls by the fast path"
                                                                    : way == 1 ? "calls by the slow path"
                                                                               : "signals");
        actor_free(caller);
        actor_free(peer);
        actor_free(server);
    }
    slot_release(notification);
}

void test_threads(void) {
    endpoint = new_endpoint();
    session = new_session(endpoint, 80);
    test_registers();
    test_stop_start();
    test_segments();
    test_foreign_segments();
    test_fpu();
    test_round_robin();
    test_starvation();
    test_patience();
    test_gathering();
    test_turns_of_callers();
    test_affinity();
    test_inheritance();
    test_timers();
    slot_release(session);
    drop_endpoint(endpoint);
}
