// Actors and the system calls of the main thread; see harness.h.
#include "tests/kernel/harness.h"

enum { STACK_BYTES = 16384, ACTORS = 16, SYSTEM_STACKS = ACTORS };

struct shared *shared;

static char stacks[SYSTEM_STACKS][STACK_BYTES] __attribute__((aligned(16)));

cap_t take_slot(void) {
    cap_t slot;
    must(slot_take(&slot), "a slot");
    return slot;
}

static struct actor *actor_place(void (*run)(struct actor *)) {
    for (int i = 0; i < ACTORS; i++) {
        struct actor *actor = &shared->actors[i];
        if (actor->run)
            continue;
        memset(actor, 0, sizeof(*actor));
        actor->run = run;
        actor->stack = stacks[i];
        return actor;
    }
    must(ERR_NO_SPACE, "a place for an actor");
    return NULL;
}

static void actor_thread(struct actor *actor, cap_t process, uint64_t priority, uint64_t flags) {
    uint64_t page;
    must(process_create_thread(process, (uint64_t)actor_entry, (uint64_t)actor->stack + STACK_BYTES, (uint64_t)actor, priority, 0,
                               flags, &page, &actor->thread),
         "an actor's thread");
    actor->page = (struct message_page *)page;
}

struct actor *actor_new(void (*run)(struct actor *), uint64_t priority, uint64_t flags) {
    struct actor *actor = actor_place(run);
    actor_thread(actor, SLOT_SELF, priority, flags);
    return actor;
}

struct actor *actor_new_process(void (*run)(struct actor *), uint64_t priority, cap_t account) {
    struct actor *actor = actor_place(run);
    must(account_create_process(account, &actor->process), "an actor's process");
    must(process_clone_space(actor->process, SLOT_SELF), "an actor's space");
    must(process_install(actor->process, SLOT_SELF, 0, actor->process), "its capability to itself");
    actor_thread(actor, actor->process, priority, 0);
    return actor;
}

struct actor *caller_new(int32_t number, cap_t target, uint64_t tag) {
    struct actor *actor = actor_new(actor_call, ACTOR_PRIORITY, 0);
    actor->number = number;
    actor->registers = (struct ipc_registers){.target = target, .tag = tag};
    return actor;
}

void actor_call(struct actor *actor) {
    actor->result = system_call(actor->number, &actor->registers);
}

void actor_main(struct actor *actor) {
    if (actor->process)
        ipc_page = actor->page;
    actor->run(actor);
    actor->done = true;
    if (actor->process)
        (void)process_exit(SLOT_SELF, 0);
    (void)thread_destroy(actor->thread); // registers only: the stub needs no message page
}

void actor_go(struct actor *actor) {
    must(thread_start(actor->thread), "starting an actor");
}

void actor_free(struct actor *actor) {
    if (actor->process) {
        error_t error = process_destroy(actor->process);
        if (error != ERR_DYING)
            must(error, "destroying an actor's process");
    } else {
        error_t error = thread_destroy(actor->thread);
        if (error != ERR_DYING)
            must(error, "destroying an actor");
        unmap(actor->page, PAGE);
    }
    slot_release(actor->thread);
    slot_release(actor->process);
    actor->run = NULL;
}

uint32_t actor_state(const struct actor *actor) {
    struct thread_information information;
    error_t error = thread_information(actor->thread, &information);
    return error == ERR_DYING ? THREAD_STATE_ENDED : error ? UINT32_MAX : information.state;
}

void actor_await(const struct actor *actor, uint32_t state) {
    for (int i = 0; i < 1000 && actor_state(actor) != state; i++)
        sleep_for(MILLISECOND);
}

error_t receive(cap_t endpoint, struct ipc_registers *registers) {
    *registers = (struct ipc_registers){.target = endpoint};
    return system_call(SYS_WAIT, registers);
}

error_t receive_aside(cap_t endpoint, cap_t slot, struct ipc_registers *registers) {
    *registers = (struct ipc_registers){.target = endpoint, .tag = TAG_DEADLINE, .second = slot};
    ipc_page->deadline = 0; // at once
    return system_call(SYS_WAIT, registers);
}

error_t receive_poll(cap_t endpoint, struct ipc_registers *registers) {
    return receive_aside(endpoint, 0, registers);
}

error_t answer(cap_t slot, int32_t status, uint64_t word0) {
    struct ipc_registers registers = {.tag = TAG(status, 1), .words = {word0}, .second = slot};
    error_t error = system_call(SYS_REPLY, &registers);
    must(thread_yield(SLOT_THREAD), "yielding"); // while a caller is served this thread has that one's priority
    return error;
}

error_t serve(cap_t aside, cap_t next) {
    struct ipc_registers registers = {.tag = aside, .second = next};
    return system_call(SYS_SERVE, &registers);
}

static error_t copy(cap_t slot, uint64_t direction, uint64_t offset, uint64_t address, uint64_t length, uint64_t *moved) {
    struct ipc_registers registers = {.tag = direction, .words = {offset, address, length}, .second = slot};
    error_t error = system_call(SYS_COPY, &registers);
    *moved = registers.words[0];
    return error;
}

error_t copy_from(cap_t slot, uint64_t offset, void *to, uint64_t length, uint64_t *moved) {
    return copy(slot, COPY_FROM_CALLER, offset, (uint64_t)to, length, moved);
}

error_t copy_to(cap_t slot, uint64_t offset, const void *from, uint64_t length, uint64_t *moved) {
    return copy(slot, COPY_TO_CALLER, offset, (uint64_t)from, length, moved);
}

error_t sleep_until(uint64_t time) {
    static cap_t nothing;
    if (!nothing)
        nothing = new_notification();
    struct ipc_registers registers = {.target = nothing, .tag = TAG_DEADLINE};
    ipc_page->deadline = time;
    return system_call(SYS_WAIT, &registers);
}

void sleep_for(uint64_t nanoseconds) {
    must(sleep_until(clock_monotonic() + nanoseconds) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "sleeping");
}

cap_t new_endpoint(void) {
    cap_t endpoint = 0;
    must(account_create_endpoint(SLOT_ACCOUNT, &endpoint), "an endpoint");
    return endpoint;
}

cap_t new_session(cap_t endpoint, uint64_t badge) {
    cap_t session = 0;
    must(endpoint_create_session(endpoint, badge, &session), "a session");
    return session;
}

cap_t new_notification(void) {
    cap_t notification = 0;
    must(account_create_notification(SLOT_ACCOUNT, &notification), "a notification");
    return notification;
}

cap_t new_memory(uint64_t length) {
    cap_t memory = 0;
    must(account_create_memory(SLOT_ACCOUNT, length, &memory), "memory");
    return memory;
}

void *map_memory(cap_t memory, uint64_t length, uint64_t flags) {
    uint64_t address = 0;
    must(process_map(SLOT_SELF, 0, length, 0, flags, memory, &address), "a mapping");
    return (void *)address;
}

void unmap(volatile void *address, uint64_t length) {
    must(process_unmap(SLOT_SELF, (uint64_t)address, length), "unmapping");
}

void drop_endpoint(cap_t endpoint) {
    struct ipc_registers registers;
    while (receive_poll(endpoint, &registers) == ERR_OK)
        if (tag_method(registers.tag) == EVENT_SESSION_CLOSED)
            must(endpoint_acknowledge(endpoint, registers.target), "acknowledging");
    slot_release(endpoint);
}
