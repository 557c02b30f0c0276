// Ways through the kernel that neither random lives nor single calls take: each case sets the scene of
// stage.h up, goes one way, and is followed by the checker of invariants and the end of everything. The last
// are odd maps of memory at boot.
#include <stdio.h>
#include <stdlib.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/switch.h"
#include "tests/host/kernel/cases.h"
#include "tests/host/kernel/invariants.h"
#include "tests/host/kernel/life.h"
#include "tests/host/kernel/machine.h"
#include "tests/host/kernel/stage.h"

void system_call(struct thread *thread); // the kernel's

static const char *case_name;

void expect(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", case_name, what);
    abort();
}

struct capability *slot_at(cap_t index) {
    return capability_slot(&stage.process->table, index);
}

int64_t act_as(struct thread *thread, int32_t number, uint64_t target, uint64_t tag, uint64_t second) {
    struct registers *registers = &thread->registers;
    registers->rip = 0x300000;
    registers->rax = (uint32_t)number;
    registers->rdi = target;
    registers->rsi = tag;
    registers->r14 = second;
    system_call(thread);
    invariants_check(stage.root, stage.process);
    if (registers->rax || number != SYS_CALL)
        return (int64_t)registers->rax;
    return tag_status(registers->rsi);
}

int64_t act(int32_t number, uint64_t target, uint64_t tag, uint64_t second) {
    return act_as(stage.thread, number, target, tag, second);
}

bool is_to_go_on(void) {
    return stage.thread->registers.rip == 0x300000 - 2;
}

int64_t act_to_end(uint64_t target, uint64_t tag) {
    int64_t status;
    do
        status = act(SYS_CALL, target, tag, 0);
    while (is_to_go_on());
    return status;
}

struct thread *enter_as(struct process *process, uint8_t priority) {
    struct thread *thread;
    life_must(thread_create(process, priority, false, &thread), "a thread");
    thread_start(thread);
    schedule();
    expect(current_thread() == thread, "it runs");
    return thread;
}

void succeed(void) {
    thread_end(stage.thread);
    stage.thread = enter_as(stage.process, 60);
}

static int64_t send(enum subject call, cap_t moved) {
    stage.thread->page->send_caps[0] = moved | SEND_CAP_MOVE;
    stage.thread->page->receive_slots[0] = 0;
    return act(SYS_SEND, STAGE_SESSION_AWAITED, TAG(0x7001, 0) | UINT64_C(1) << TAG_CAPS_SHIFT, call);
}

// A revocation whose caller is ended half way is finished by the reaper, also if the slot is gone by then.
static void revoker_dies(void) {
    for (cap_t i = 100; i < 300; i++) {
        struct capability *slot;
        life_must(capability_reserve(&stage.process->table, stage.root, i, &slot), "a slot");
        life_must(capability_copy(slot_at(STAGE_MEMORY), slot, RIGHTS_ALL), "a copy");
    }
    stage.thread->registers.words[0] = STAGE_MEMORY;
    (void)act(SYS_CALL, STAGE_SELF, TAG(METHOD_PROCESS_SLOT_REVOKE, 1), 0);
    expect(stage.thread->registers.rip == 0x300000 - 2 && stage.thread->revoking, "the revocation is to go on");
    expect(slot_at(STAGE_MEMORY)->flags & CAPABILITY_REVOKING, "the slot is marked");
    slot_at(SLOT_THREAD)->rights = 0;
    thread_end(stage.thread);
    capability_delete(slot_at(SLOT_THREAD));
    (void)reaper_run(UINT32_MAX);
    expect(!(slot_at(STAGE_MEMORY)->flags & CAPABILITY_REVOKING) && slot_at(299)->kind == CAP_NONE, "the reaper finishes it");
}

static void many_processes(void) {
    struct process *made[80];
    for (cap_t i = 0; i < 80; i++) {
        life_must(process_create(stage.root, &made[i]), "a process");
        (void)life_give(stage.process, stage.root, 100 + i, CAP_PROCESS, made[i]);
    }
    expect(made[79]->table.index > 64, "tables are numbered on");
    invariants_check(stage.root, stage.process);
    for (int i = 0; i < 80; i++)
        process_destroy(made[i]);
}

// A process's table goes in steps if it is large.
static void large_table(void) {
    struct process *made;
    life_must(process_create(stage.root, &made), "a process");
    (void)life_give(stage.process, stage.root, 100, CAP_PROCESS, made);
    for (cap_t i = 1; i < 1000; i++) {
        struct capability *slot;
        life_must(capability_reserve(&made->table, stage.root, i, &slot), "a slot");
        life_must(capability_copy(slot_at(STAGE_MEMORY), slot, RIGHTS_ALL), "a copy");
    }
    process_destroy(made);
    expect(!reaper_run(3), "it takes more than three steps");
    invariants_check(stage.root, stage.process);
    (void)reaper_run(UINT32_MAX);
}

// The buffers of a request that outlived its sender's address space go dark.
static void space_of_lender_is_reset(void) {
    struct call *call = slot_at(STAGE_CALL_IDLE)->object;
    struct process *other = slot_at(STAGE_PROCESS)->object;
    life_must(act(SYS_SEND, STAGE_SESSION, TAG(0x7001, 0) | TAG_LEND_READ, STAGE_CALL_IDLE) ? ERR_INVALID : 0, "sending");
    object_release(&call->request.process->object);
    call->request.process = other; // as if it had sent
    object_reference(&other->object);
    call->request.space_serial = other->space.serial;
    error_t error;
    while (!process_reset_step(other, &error))
        continue;
    invariants_check(stage.root, stage.process);
    for (cap_t aside = STAGE_CHILD + 1; thread_serving(stage.thread) != &call->request; aside++)
        expect(act(SYS_WAIT, STAGE_ENDPOINT_QUEUED, TAG_DEADLINE, aside) == 0, "a request is there");
    stage.thread->registers.words[0] = 0;
    stage.thread->registers.words[1] = 0x200000;
    stage.thread->registers.words[2] = 8;
    expect(act(SYS_COPY, 0, COPY_FROM_CALLER, 0) == ERR_FAULT, "the buffer is dark");
}

// A call object whose answer nobody can receive any more is idle again.
static void home_of_answer_is_gone(void) {
    struct call *call = slot_at(STAGE_CALL_TAKEN)->object;
    capability_delete(slot_at(STAGE_ENDPOINT_EMPTY));
    invariants_check(stage.root, stage.process);
    expect(act(SYS_REPLY, 0, TAG(0, 0), STAGE_REPLY_CALL) == 0, "the answer is given");
    expect(call->request.state == REQUEST_IDLE, "and dropped");
}

// The answer moves the call object away that it answers.
static void answer_moves_its_call(void) {
    stage.thread->page->send_caps[0] = STAGE_CALL_TAKEN | SEND_CAP_MOVE;
    expect(act(SYS_REPLY, 0, TAG(0, 0) | UINT64_C(1) << TAG_CAPS_SHIFT, STAGE_REPLY_CALL) == 0, "the answer is given");
    expect(slot_at(STAGE_CALL_TAKEN)->kind == CAP_NONE, "the call object is gone");
}

// A message to a waiting thread takes away the call object it is made of, the endpoint it goes to, or a
// session of it.
static void message_takes_away(void) {
    expect(send(STAGE_CALL_IDLE, STAGE_CALL_IDLE) == 0, "it sends itself");
    expect(slot_at(STAGE_CALL_IDLE)->kind == CAP_NONE, "and is gone");
}
static void message_takes_endpoint(void) {
    expect(send(STAGE_CALL_IDLE, STAGE_ENDPOINT_AWAITED) == 0, "it sends the endpoint that it goes to");
}
static void message_takes_session(void) {
    expect(send(STAGE_CALL_IDLE, STAGE_SESSION_AWAITED) == 0, "it sends the session that it goes through");
}
static void message_takes_process(void) {
    expect(send(STAGE_CALL_IDLE, STAGE_PROCESS_EXITED) == 0, "it sends a process that is over");
}
static void message_takes_home(void) {
    expect(send(STAGE_CALL_IDLE, STAGE_ENDPOINT_EMPTY) == 0, "it sends the endpoint of its answer");
}

// A keeper that dies with an exception or a missing page: its successor is asked again; without one the
// thread stops.
static void keeper_dies(void) {
    capability_delete(slot_at(STAGE_REPLY_PAGE));
    invariants_check(stage.root, stage.process);
    capability_delete(slot_at(STAGE_REPLY_FAULT));
    invariants_check(stage.root, stage.process);
    struct endpoint *keeper = slot_at(STAGE_ENDPOINT_KEEPER)->object;
    expect(keeper->queued == 4, "all wait in the queue again");
    capability_delete(slot_at(STAGE_ENDPOINT_KEEPER));
    (void)reaper_run(UINT32_MAX);
    invariants_check(stage.root, stage.process);
    struct thread *faulted = slot_at(STAGE_THREAD_FAULTED)->object;
    expect(faulted->state == THREAD_STATE_STOPPED, "the thread stops");
}
static void keeper_vanishes(void) {
    capability_delete(slot_at(STAGE_ENDPOINT_KEEPER));
    capability_delete(slot_at(STAGE_REPLY_FAULT));
    capability_delete(slot_at(STAGE_REPLY_PAGE));
    invariants_check(stage.root, stage.process);
}
static void keeper_answers(void) {
    for (int i = 0; i < 2; i++) {
        stage.thread->registers.words[0] = i ? FAULT_KILL : FAULT_RESUME;
        expect(act(SYS_REPLY, 0, TAG(i ? ERR_FAULT : 0, 1), i ? STAGE_REPLY_PAGE : STAGE_REPLY_FAULT) == 0, "it answers");
    }
}
static void keeper_resumes_both(void) {
    stage.thread->registers.words[0] = FAULT_KILL;
    expect(act(SYS_REPLY, 0, TAG(0, 1), STAGE_REPLY_FAULT) == 0, "it answers");
    expect(act(SYS_REPLY, 0, TAG(0, 1), STAGE_REPLY_PAGE) == 0, "it answers");
}
static void exit_is_told(void) {
    int64_t error = act(SYS_WAIT, STAGE_ENDPOINT_KEEPER, TAG_DEADLINE, STAGE_CHILD + 1);
    expect(error == 0 && tag_method(stage.thread->registers.rsi) == EVENT_EXIT, "the exit is told");
    expect(act(SYS_WAIT, STAGE_ENDPOINT_KEEPER, TAG_DEADLINE, 0) == 0, "and the exception");
}

// The slot is all that keeps the memory.
static void keep(cap_t slot, struct memory *memory) {
    (void)life_give(stage.process, stage.root, slot, CAP_MEMORY, memory);
    object_release(&memory->object);
}

static error_t map(uint64_t address, uint64_t length, uint16_t flags, uint16_t allowed) {
    error_t error =
        space_map(&stage.process->space, slot_at(STAGE_MEMORY_LARGE)->object, &address, length, 0, flags, allowed, NULL);
    invariants_check(stage.root, stage.process);
    return error;
}

static void mappings(void) {
    struct space *space = &stage.process->space;
    const uint16_t both = RIGHT_WRITE | RIGHT_EXECUTE;
    expect(map(0x700000, PAGE_BYTES, both, both) == ERR_RIGHTS, "writable and executable");
    uint64_t done;
    expect(space_protect(space, 0x200000, PAGE_BYTES, both, &done) == ERR_RIGHTS, "nor afterwards");
    expect(space_protect(space, 0x208000, PAGE_BYTES, RIGHT_WRITE, &done) == ERR_RIGHTS, "beyond what was allowed");
    expect(map(PAGE_BYTES, PAGE_BYTES, RIGHT_READ, RIGHT_READ) == ERR_INVALID, "too low");
    expect(map(0x1ff000 + PAGE_BYTES, 2 * PAGE_BYTES, RIGHT_READ, RIGHT_READ) == ERR_EXISTS, "in use at its start");
    expect(map(0x1ff000, 2 * PAGE_BYTES, RIGHT_READ, RIGHT_READ) == ERR_EXISTS || USER_LOWEST > 0x1ff000, "in use at its end");
    expect(map(0x204000, PAGE_BYTES, RIGHT_READ, RIGHT_READ) == 0, "between two");
    for (int i = 0; i < 6; i++)
        expect(map(0, (uint64_t)(1 + i % 3) * PAGE_BYTES, RIGHT_READ, RIGHT_READ) == 0, "anywhere");
    struct memory *huge;
    uint64_t address = 0;
    life_must(memory_create_physical(stage.root, 0, UINT64_C(1) << 46, 0, &huge), "a huge range");
    keep(101, huge);
    (void)space_map(space, huge, &address, UINT64_C(1) << 46, 0, RIGHT_READ, RIGHT_READ, NULL);
    invariants_check(stage.root, stage.process);
    address = 0;
    (void)space_map(space, huge, &address, UINT64_C(1) << 46, 0, RIGHT_READ, RIGHT_READ, NULL);
    struct process *clone;
    life_must(process_create(stage.root, &clone), "a process");
    (void)life_give(stage.process, stage.root, 100, CAP_PROCESS, clone);
    struct memory *building = NULL;
    error_t error;
    do
        error = space_clone(&clone->space, space, &building);
    while (error == ERR_AGAIN);
    life_must(error, "a clone");
    invariants_check(stage.root, stage.process);
    process_destroy(clone);
}

static void supplies(void) {
    struct memory *paged = slot_at(STAGE_MEMORY_PAGED)->object, *source = slot_at(STAGE_MEMORY_LARGE)->object;
    struct memory *small = slot_at(STAGE_MEMORY)->object;
    expect(memory_supply(paged, 0, 4, source, 0) == 0, "pages are supplied");
    expect(memory_supply(paged, 0, 4, small, 0) == 0, "again: those that are there stay");
    invariants_check(stage.root, stage.process);
    memory_discard(paged, 0, 3);
    memory_discard(source, 0, 20);
    invariants_check(stage.root, stage.process);
    source->pinned = true;
    expect(memory_supply(paged, 0, 4, source, 0) == ERR_INVALID, "not from memory that a device knows");
    expect(memory_supply(source, 0, 4, paged, 0) == ERR_INVALID, "nor the other way");
    for (uint32_t left = 0; left < 6; left++) {
        struct memory *clone = NULL;
        machine_leave_frames(left);
        error_t error = memory_clone(source, stage.root, 10 * PAGE_BYTES, 10 * PAGE_BYTES, &clone);
        expect(!error == !!clone, "a clone or an error");
        if (clone)
            object_release(&clone->object);
        (void)reaper_run(UINT32_MAX);
        machine_return_frames();
        invariants_check(stage.root, stage.process);
    }
}

// A clone that its maker leaves half way is taken apart whole.
static void half_a_clone(void) {
    struct memory *source, *clone = NULL;
    life_must(memory_create_anonymous(stage.root, 300 * PAGE_BYTES, &source), "memory");
    for (uint64_t page = 0; page < 300; page++) {
        uint64_t frame;
        bool shared;
        life_must(memory_page(source, page, true, &frame, &shared), "a page");
    }
    uint64_t before = frame_free_bytes();
    expect(memory_clone(source, stage.root, 0, 300 * PAGE_BYTES, &clone) == ERR_AGAIN, "it takes more than a step");
    object_release(&clone->object);
    (void)reaper_run(UINT32_MAX);
    expect(frame_free_bytes() == before, "all pages of half a clone come back");
    object_release(&source->object);
    (void)reaper_run(UINT32_MAX);
    invariants_check(stage.root, stage.process);
}

// Memory runs out, page by page, under whatever makes something.
static void nothing_left(void) {
    for (uint32_t left = 0; left < 12; left++) {
        struct process *process = NULL;
        struct thread *thread = NULL;
        struct memory *memory, *source;
        life_must(memory_create_anonymous(stage.root, 300 * PAGE_BYTES, &memory), "memory");
        keep(101, memory);
        life_must(memory_create_anonymous(stage.root, 300 * PAGE_BYTES / 4, &source), "memory");
        keep(102, source);
        machine_leave_frames(left);
        uint64_t physical;
        bool shared;
        for (uint64_t page = 0; page < 600; page += 100)
            (void)!memory_page(memory, page, page & 1, &physical, &shared);
        if (!process_create(stage.root, &process) && !thread_create(process, 3, true, &thread)) {
            uint64_t address = 0;
            (void)!space_map(&process->space, memory, &address, PAGE_BYTES * 8, 0, RIGHT_READ, RIGHT_READ, NULL);
            void *at;
            (void)!space_touch(&process->space, address, ACCESS_READ, &at);
        }
        struct memory *paged = slot_at(STAGE_MEMORY_PAGED)->object;
        (void)!memory_supply(paged, left % 10, 1, source, left);
        struct capability *slot;
        if (process)
            (void)!capability_reserve(&process->table, stage.root, 300, &slot);
        machine_return_frames();
        if (process)
            process_destroy(process);
        capability_delete(slot_at(101));
        capability_delete(slot_at(102));
        (void)reaper_run(UINT32_MAX);
        invariants_check(stage.root, stage.process);
    }
}

static void run(const char *name, void (*what)(void)) {
    for (int serving = 0; serving < 2; serving++) {
        case_name = name;
        stage_build(serving);
        if (!setjmp(machine_stuck))
            what();
        invariants_check(stage.root, stage.process);
        stage_end();
    }
    printf("ok - %s\n", name);
}

// The largest block there is comes out and goes back whole, and is whole again after one of its frames was out. The range
// before it is exactly as long as the records of frames are.
static void large_block(void) {
    const uint64_t block = (uint64_t)PAGE_BYTES << (FRAME_ORDERS - 1), page = PAGE_BYTES;
    const struct boot_info map = {.memory = {{page, 90 * page, BOOT_MEMORY_KERNEL, 0},
                                             {256 * page, 2048 * page, BOOT_MEMORY_FREE, 0},
                                             {block, block, BOOT_MEMORY_FREE, 0}},
                                  .memory_count = 3};
    uint64_t first, second;
    frame_initialize(&map);
    expect(!frame_is_managed(200 * page) && frame_is_managed(block), "holes are no RAM");
    for (int i = 0; i < 2; i++) {
        expect(!frame_allocate(FRAME_ORDERS - 1, FRAME_ANYWHERE, &first) && first == block, "the block");
        expect(frame_allocate(0, FRAME_ANYWHERE, &second) == ERR_NO_MEMORY, "is all there is");
        frame_free(first, FRAME_ORDERS - 1);
        expect(!frame_allocate(0, FRAME_ANYWHERE, &second), "a frame of it");
        expect(frame_allocate(FRAME_ORDERS - 1, FRAME_ANYWHERE, &first) == ERR_NO_MEMORY, "it is cut");
        frame_free(second, 0);
    }
}

// Maps of memory as firmware gives them; the allocator is begun anew with each, so these come last.
static void boot_maps(void) {
    const uint64_t page = PAGE_BYTES;
    const struct boot_info maps[] = {
        {.memory = {{0, 64 * page, BOOT_MEMORY_FREE, 0},
                    {64 * page, 36 * page, BOOT_MEMORY_RESERVED, 0},
                    {100 * page, 900 * page, BOOT_MEMORY_FREE, 0}},
         .memory_count = 3},
        {.memory = {{page, 3 * page, BOOT_MEMORY_FREE, 0},
                    {7 * page, 5 * page, BOOT_MEMORY_INITRD, 0},
                    {1001 * page, 1000 * page, BOOT_MEMORY_FREE, 0},
                    {3000 * page, 10 * page, BOOT_MEMORY_ACPI, 0}},
         .memory_count = 4},
        {.memory = {{0, 9 * page, BOOT_MEMORY_FREE, 0},
                    {512 * page, 8 * page, BOOT_MEMORY_FREE, 0},
                    {600 * page, 2 * page, BOOT_MEMORY_FREE, 0}},
         .memory_count = 3},
    };
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        uint64_t before = frame_total_bytes(), count = 0, physical, blocks[2000];
        frame_initialize(&maps[i]);
        uint64_t total = frame_total_bytes() - before, free = frame_free_bytes();
        while (!frame_allocate(0, FRAME_ANYWHERE, &physical)) {
            bool is_free = false;
            for (uint32_t j = 0; j < maps[i].memory_count; j++)
                is_free |= maps[i].memory[j].kind == BOOT_MEMORY_FREE && physical >= maps[i].memory[j].start &&
                           physical < maps[i].memory[j].start + maps[i].memory[j].length;
            expect(physical && is_free, "a frame that is none");
            blocks[count++] = physical;
        }
        expect(total && count * page <= total, "frames come out once");
        (void)free;
        while (count > 0)
            frame_free(blocks[--count], 0);
        uint64_t limit = 4 * page;
        if (!frame_allocate(0, limit, &physical))
            expect(physical + page <= limit, "below the limit");
        expect(!frame_is_managed(UINT64_C(1) << 40), "far beyond");
    }
    large_block();
    puts("ok - boot maps");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    machine_start();
    static const struct scene cases[] = {{"a revoker dies", revoker_dies},
                                         {"many processes", many_processes},
                                         {"a large table", large_table},
                                         {"the lender's space is reset", space_of_lender_is_reset},
                                         {"the home of an answer is gone", home_of_answer_is_gone},
                                         {"an answer moves its call", answer_moves_its_call},
                                         {"a message takes itself away", message_takes_away},
                                         {"a message takes its endpoint", message_takes_endpoint},
                                         {"a message takes its session", message_takes_session},
                                         {"a message takes a process", message_takes_process},
                                         {"a message takes its home", message_takes_home},
                                         {"a keeper dies", keeper_dies},
                                         {"a keeper vanishes", keeper_vanishes},
                                         {"a keeper answers", keeper_answers},
                                         {"a keeper resumes", keeper_resumes_both},
                                         {"an exit is told", exit_is_told},
                                         {"mappings", mappings},
                                         {"supplies", supplies},
                                         {"half a clone", half_a_clone},
                                         {"nothing left", nothing_left}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        run(cases[i].name, cases[i].run);
    for (const struct scene *scene = message_scenes; scene->name; scene++)
        run(scene->name, scene->run);
    for (const struct scene *scene = memory_scenes; scene->name; scene++)
        run(scene->name, scene->run);
    case_name = "boot maps";
    boot_maps();
    return 0;
}
