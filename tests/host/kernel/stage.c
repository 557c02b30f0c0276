// See stage.h. Threads take their places one after the other: each that is started runs until it blocks, and
// then the one below.
#include "tests/host/kernel/stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/call.h"
#include "kernel/ipc/notification.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/irq/irq.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/switch.h"
#include "tests/host/kernel/life.h"
#include "tests/host/kernel/machine.h"

enum { METHOD = 0x7001, PRIORITY = 10 };

static uint8_t next_priority; // above all before: one that serves has its caller's

struct stage stage;

void system_call(struct thread *thread);                                          // the kernel's
void interrupt_from_user(struct thread *thread, uint64_t vector, uint64_t error); // likewise

static void *put(enum subject subject, enum capability_kind kind, void *object) {
    (void)life_give(stage.process, stage.root, (cap_t)subject, kind, object);
    if (object && kind != CAP_PROCESS && kind != CAP_THREAD)
        object_release(object); // those two live by themselves
    return object;
}

static struct thread *enter(struct process *process, uint8_t priority) {
    struct thread *thread;
    life_must(thread_create(process, priority, false, &thread), "a thread");
    thread_start(thread);
    schedule();
    if (current_thread() != thread)
        abort();
    return thread;
}

static void act(struct thread *thread, int32_t number, uint64_t target, uint64_t tag, uint64_t second) {
    thread->registers.rax = (uint32_t)number;
    thread->registers.rdi = target;
    thread->registers.rsi = tag;
    thread->registers.r14 = second;
    system_call(thread);
}

// A thread of the stage's process that calls and stays in the queue.
static struct thread *calling(enum subject session) {
    struct thread *thread = enter(stage.process, next_priority++);
    thread->page->lend_read = (struct lend){0x200000, 3 * PAGE_BYTES};
    thread->page->lend_write = (struct lend){0x200000 + PAGE_BYTES - 5, PAGE_BYTES};
    act(thread, SYS_CALL, session, TAG(METHOD, 2) | TAG_LEND_READ | TAG_LEND_WRITE, 0);
    return thread;
}

static struct endpoint *endpoint(enum subject subject) {
    struct endpoint *made;
    life_must(endpoint_create(stage.root, &made), "an endpoint");
    return put(subject, CAP_ENDPOINT, made);
}

static struct session *session(enum subject subject, struct endpoint *of, uint64_t badge) {
    struct session *made;
    life_must(session_create(of, stage.root, badge, &made), "a session");
    (void)life_give(stage.process, stage.root, (cap_t)subject, CAP_SESSION, made)->object;
    return made;
}

static struct call *call_object(enum subject subject, struct endpoint *home) {
    struct call *made;
    life_must(call_create(stage.root, home, subject, &made), "a call object");
    return put(subject, CAP_CALL, made);
}

static struct notification *notification(enum subject subject, uint64_t bits) {
    struct notification *made;
    life_must(notification_create(stage.root, &made), "a notification");
    made->bits = bits;
    return put(subject, CAP_NOTIFICATION, made);
}

static struct process *process(enum subject subject) {
    struct process *made;
    life_must(process_create(stage.root, &made), "a process");
    return put(subject, CAP_PROCESS, made);
}

static void build_memory(struct session *pager) {
    struct memory *memory, *clone = NULL;
    uint64_t address = 0x200000;
    void *at;
    life_must(memory_create_anonymous(stage.root, 4 * PAGE_BYTES, &memory), "memory");
    life_must(space_map(&stage.process->space, memory, &address, 4 * PAGE_BYTES, 0, RIGHT_READ | RIGHT_WRITE,
                        RIGHT_READ | RIGHT_WRITE, NULL),
              "a mapping");
    life_must(space_touch(&stage.process->space, address, ACCESS_WRITE, &at), "a page");
    life_must(memory_clone(memory, stage.root, 0, 2 * PAGE_BYTES, &clone), "a clone");
    put(STAGE_MEMORY, CAP_MEMORY, memory);
    put(STAGE_MEMORY_CLONE, CAP_MEMORY, clone);
    life_must(memory_create_anonymous(stage.root, 20 * PAGE_BYTES, &memory), "memory");
    uint64_t physical;
    bool shared;
    life_must(memory_page(memory, 15, true, &physical, &shared), "a page");
    put(STAGE_MEMORY_LARGE, CAP_MEMORY, memory);
    life_must(memory_create_paged(stage.root, 10 * PAGE_BYTES, pager, &memory), "memory");
    put(STAGE_MEMORY_PAGED, CAP_MEMORY, memory);
    life_must(memory_create_physical(stage.root, 0xfe000000, 2 * PAGE_BYTES, PAGE_UNCACHED, &memory), "memory");
    put(STAGE_MEMORY_PHYSICAL, CAP_MEMORY, memory);
    static const uint16_t read = RIGHT_READ, run = RIGHT_READ | RIGHT_EXECUTE;
    address = 0x206000;
    life_must(space_map(&stage.process->space, memory, &address, PAGE_BYTES, 0, read, read | RIGHT_WRITE, NULL), "a mapping");
    address = 0x208000;
    memory = capability_slot(&stage.process->table, STAGE_MEMORY_LARGE)->object;
    life_must(space_map(&stage.process->space, memory, &address, 6 * PAGE_BYTES, 10 * PAGE_BYTES, run, run, NULL), "a mapping");
    life_must(space_touch(&stage.process->space, address + 5 * PAGE_BYTES, ACCESS_EXECUTE, &at), "a page");
    address = stage.process->space.search_base + PAGE_BYTES; // in the way of addresses that are picked
    life_must(space_map(&stage.process->space, memory, &address, PAGE_BYTES, 0, read, read, NULL), "a mapping");
    memory = NULL;
    life_must(memory_create_contiguous(stage.root, 2 * PAGE_BYTES, UINT64_MAX, &memory), "memory");
    put(STAGE_MEMORY_CONTIGUOUS, CAP_MEMORY, memory);
}

static struct thread *faulting(struct process *of, uint64_t address) {
    struct thread *thread = enter(of, next_priority++);
    boot_processor.fault_address = address;
    interrupt_from_user(thread, 14, 4);
    return thread;
}

static void *object_at(enum subject subject) {
    return capability_slot(&stage.process->table, (cap_t)subject)->object;
}

// Exceptions, a missing page and an exit, of which the first two are put aside.
static void build_processes(struct session *keeper) {
    struct process *other = process(STAGE_PROCESS), *exited = process(STAGE_PROCESS_EXITED);
    struct process *resetting = process(STAGE_PROCESS_RESETTING);
    process_destroy(process(STAGE_PROCESS_DESTROYED));
    process_set_keeper(other, keeper);
    process_set_keeper(exited, keeper);
    for (uint64_t i = 0, address = 0x200000; i < 20; i++, address += PAGE_BYTES)
        life_must(space_map(&resetting->space, object_at(STAGE_MEMORY), &address, PAGE_BYTES, 0, RIGHT_READ, RIGHT_READ, NULL),
                  "a mapping");
    error_t error;
    if (process_reset_step(resetting, &error))
        abort();
    struct thread *thread;
    life_must(thread_create(other, PRIORITY, true, &thread), "a thread");
    put(STAGE_THREAD_HELD, CAP_THREAD, thread);
    life_must(thread_create(other, PRIORITY, false, &thread), "a thread");
    put(STAGE_THREAD_ENDED, CAP_THREAD, thread);
    thread_end(thread);
    uint64_t address = 0x300000;
    life_must(space_map(&other->space, object_at(STAGE_MEMORY_PAGED), &address, PAGE_BYTES, 0, RIGHT_READ, RIGHT_READ, NULL),
              "a mapping");
    struct request *served = thread_serving(stage.thread);
    if (served)
        act(stage.thread, SYS_SERVE, 0, STAGE_CHILD, 0);
    faulting(other, address);
    act(stage.thread, SYS_WAIT, STAGE_ENDPOINT_KEEPER, 0, 0);
    act(stage.thread, SYS_SERVE, 0, STAGE_REPLY_PAGE, 0);
    faulting(other, 0x1000);
    act(stage.thread, SYS_WAIT, STAGE_ENDPOINT_KEEPER, 0, 0);
    act(stage.thread, SYS_SERVE, 0, STAGE_REPLY_FAULT, 0);
    if (served)
        act(stage.thread, SYS_SERVE, 0, 0, STAGE_CHILD);
    process_exit(exited, 7);
    put(STAGE_THREAD_FAULTED, CAP_THREAD, faulting(other, 0x1000));
    life_give(other, stage.root, 20, CAP_NOTIFICATION, object_at(STAGE_NOTIFICATION_SET));
    life_give(other, stage.root, 21, CAP_ENDPOINT, object_at(STAGE_ENDPOINT_AWAITED));
    thread = enter(other, next_priority++);
    act(thread, SYS_WAIT, 21, 0, 0);
    put(STAGE_THREAD_WAITING, CAP_THREAD, thread);
}

static void build_devices(struct notification *told) {
    struct irq *irq;
    uint64_t address, data;
    put(STAGE_IRQ_CONTROL, CAP_IRQ, NULL);
    put(STAGE_IOPORT, CAP_IOPORT, NULL);
    life_must(irq_create_line(stage.root, 5, false, false, &irq), "an irq");
    irq_bind(irq, told, 1);
    irq_deliver(irq->vector);
    put(STAGE_IRQ_LINE, CAP_IRQ, irq);
    life_must(irq_create_message(stage.root, &irq, &address, &data), "an irq");
    put(STAGE_IRQ_MESSAGE, CAP_IRQ, irq);
    put(STAGE_KERNEL_AGAIN, CAP_KERNEL, NULL);
}

static void build_accounts(void) {
    struct account *account;
    life_must(account_create(stage.root, 60 * PAGE_BYTES, 8, &account), "an account");
    put(STAGE_ACCOUNT, CAP_ACCOUNT, account);
    life_must(account_create(stage.root, 10, 0, &account), "an account");
    put(STAGE_ACCOUNT_FULL, CAP_ACCOUNT, account);
}

// Requests in every state: a call object's answer, one of a call object and one of a thread put aside, one
// served, and one of each still queued.
static void build_requests(bool serving) {
    struct endpoint *home = capability_slot(&stage.process->table, STAGE_ENDPOINT_EMPTY)->object;
    struct thread *thread = stage.thread;
    call_object(STAGE_CALL_IDLE, home);
    call_object(STAGE_CALL_ANSWERED, home);
    call_object(STAGE_CALL_TAKEN, home);
    call_object(STAGE_CALL_QUEUED, home);
    act(thread, SYS_SEND, STAGE_SESSION, TAG(METHOD, 1), STAGE_CALL_ANSWERED);
    act(thread, SYS_WAIT, STAGE_ENDPOINT_QUEUED, 0, 0);
    act(thread, SYS_REPLY, 0, TAG(0, 8), 0);
    act(thread, SYS_SEND, STAGE_SESSION, TAG(METHOD, 1), STAGE_CALL_TAKEN);
    act(thread, SYS_WAIT, STAGE_ENDPOINT_QUEUED, 0, 0);
    calling(STAGE_SESSION);
    act(thread, SYS_WAIT, STAGE_ENDPOINT_QUEUED, 0, STAGE_REPLY_CALL);
    if (serving)
        calling(STAGE_SESSION);
    thread->page->deadline = 0;
    act(thread, SYS_WAIT, STAGE_ENDPOINT_QUEUED, TAG_DEADLINE, STAGE_REPLY_THREAD);
    put(STAGE_THREAD_CALLING, CAP_THREAD, calling(STAGE_SESSION));
    act(thread, SYS_SEND, STAGE_SESSION, TAG(METHOD, 1), STAGE_CALL_QUEUED);
    if (current_thread() != thread || !thread_serving(thread) != !serving)
        abort();
}

void stage_build(bool serving) {
    stage = (struct stage){0};
    next_priority = PRIORITY;
    life_must(account_create(NULL, 900 * PAGE_BYTES, 20, &stage.root), "an account");
    life_must(process_create(stage.root, &stage.process), "a process");
    object_reference(&stage.process->object);
    (void)enter(stage.process, 0); // runs when nobody else does
    stage.thread = enter(stage.process, 5);
    life_give(stage.process, stage.root, SLOT_SELF, CAP_PROCESS, stage.process);
    life_give(stage.process, stage.root, SLOT_THREAD, CAP_THREAD, stage.thread);
    life_give(stage.process, stage.root, SLOT_ACCOUNT, CAP_ACCOUNT, stage.root);
    life_give(stage.process, stage.root, SLOT_KERNEL, CAP_KERNEL, NULL);
    session(STAGE_SESSION, endpoint(STAGE_ENDPOINT_QUEUED), 11);
    struct session *keeper = session(STAGE_RESULT, endpoint(STAGE_ENDPOINT_KEEPER), 15);
    session_hold(keeper); // by the stage, until the keeper and the pager hold it
    capability_delete(capability_slot(&stage.process->table, STAGE_RESULT));
    session(STAGE_SESSION_AWAITED, endpoint(STAGE_ENDPOINT_AWAITED), 12);
    struct endpoint *empty = endpoint(STAGE_ENDPOINT_EMPTY);
    session(STAGE_STALE, empty, 13);
    capability_delete(capability_slot(&stage.process->table, STAGE_STALE));
    endpoint(STAGE_RESULT);
    session(STAGE_SESSION_DEAD, capability_slot(&stage.process->table, STAGE_RESULT)->object, 14);
    capability_delete(capability_slot(&stage.process->table, STAGE_RESULT));
    notification(STAGE_NOTIFICATION_CLEAR, 0);
    act(enter(stage.process, next_priority++), SYS_WAIT, STAGE_NOTIFICATION_CLEAR, 0, 0);
    struct notification *set = notification(STAGE_NOTIFICATION_SET, 6);
    notification_bind(notification(STAGE_NOTIFICATION_BOUND, 0), empty);
    build_memory(keeper);
    build_requests(serving);
    build_processes(keeper);
    build_devices(set);
    build_accounts();
    session_unhold(keeper);
}

void stage_end(void) {
    life_end(stage.root, stage.process);
}
