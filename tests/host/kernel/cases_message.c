// Cases of messages and capabilities: actors that end between receiving and waiting again, requests that are given up, replies
// that move, revocations that find their slot gone, priorities lent by who waits. See cases.h.
#include "tests/host/kernel/cases.h"

#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notification.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/processor.h"
#include "tests/host/kernel/invariants.h"
#include "tests/host/kernel/life.h"
#include "tests/host/kernel/machine.h"

enum { ASIDE = STAGE_CHILD + 1 };

// The stage's thread takes the answer that waits, eight words of it, past the session that is gone.
static struct call *receive_answer(void) {
    struct call *call = slot_at(STAGE_CALL_ANSWERED)->object;
    struct registers *registers = &stage.thread->registers;
    cap_t aside = ASIDE;
    do {
        stage.thread->page->words[7] = 0;
        stage.thread->page->deadline = 0;
        expect(act(SYS_WAIT, STAGE_ENDPOINT_EMPTY, TAG_DEADLINE, aside) == 0, "something is there");
    } while (!(registers->rsi & TAG_ANSWER));
    expect(registers->rdi == STAGE_CALL_ANSWERED && registers->r14 == 0 && registers->r15 == call->count, "the answer");
    expect(stage.thread->page->words[7] == call->words[7], "and the words in the page");
    expect(call->request.state == REQUEST_IDLE && stage.thread->shown == &call->request, "may be lost with its actor");
    return call;
}

static void answer_is_shown_again(void) {
    struct call *call = slot_at(STAGE_CALL_ANSWERED)->object;
    call->words[7] = 77;
    (void)receive_answer();
    succeed();
    expect(call->request.state == REQUEST_ANSWERED, "it waits for the next actor");
    (void)receive_answer();
    stage.thread->page->deadline = 0;
    expect(act(SYS_WAIT, STAGE_ENDPOINT_EMPTY, TAG_DEADLINE, ASIDE) == ERR_DEADLINE, "nothing more");
    succeed();
    expect(call->request.state == REQUEST_IDLE, "who waited again had done with it");
}

static void answer_is_followed(void) {
    struct call *call = receive_answer();
    expect(act(SYS_SEND, STAGE_SESSION, TAG(0x7001, 1), STAGE_CALL_ANSWERED) == 0, "it sends the next request");
    succeed();
    expect(call->request.state == REQUEST_QUEUED, "the answer before is not shown any more");
}

static void answer_is_closed(void) {
    (void)receive_answer();
    capability_delete(slot_at(STAGE_CALL_ANSWERED));
    expect(!stage.thread->shown, "there is nothing to show");
    succeed();
    capability_delete(slot_at(STAGE_CALL_TAKEN));
    expect(slot_at(STAGE_REPLY_CALL)->kind == CAP_NONE, "a request goes with its call object");
}

static void answer_loses_its_home(void) {
    struct call *call = receive_answer();
    capability_delete(slot_at(STAGE_ENDPOINT_EMPTY));
    succeed();
    expect(call->request.state == REQUEST_IDLE, "no actor can come");
}

static void receive_exit(void) {
    expect(act(SYS_WAIT, STAGE_ENDPOINT_KEEPER, TAG_DEADLINE, ASIDE) == 0, "something is there");
    expect(tag_method(stage.thread->registers.rsi) == EVENT_EXIT && stage.thread->registers.words[0] == 7, "the exit");
}

static void exit_is_shown_again(void) {
    struct endpoint *keeper = slot_at(STAGE_ENDPOINT_KEEPER)->object;
    uint32_t queued = keeper->queued;
    receive_exit();
    expect(keeper->queued == queued - 1, "out of the queue");
    succeed();
    expect(keeper->queued == queued, "and in it again");
    capability_delete(slot_at(STAGE_PROCESS_EXITED)); // nobody asks about it: it ends, once it is told
    (void)reaper_run(UINT32_MAX);
    invariants_check(stage.root, stage.process);
}
static void exit_was_of_another_actor(void) {
    struct process *exited = slot_at(STAGE_PROCESS_EXITED)->object;
    receive_exit();
    expect(act_to_end(STAGE_PROCESS_EXITED, TAG(METHOD_PROCESS_RESET, 0)) == 0, "the next actor's space");
    succeed();
    expect(exited->exit_event.state == REQUEST_IDLE, "the exit before it is not told again");
}
static void keeper_of_exit_is_gone(void) {
    struct process *exited = slot_at(STAGE_PROCESS_EXITED)->object;
    receive_exit();
    capability_delete(slot_at(STAGE_ENDPOINT_KEEPER));
    succeed();
    expect(exited->exit_event.state == REQUEST_IDLE, "there is nobody to tell");
}

static void cancelled_is_forwarded(void) {
    struct call *call = slot_at(STAGE_CALL_TAKEN)->object;
    expect(act(SYS_CALL, STAGE_CALL_TAKEN, TAG(METHOD_CALL_CANCEL, 0), 0) == 0 && call->request.cancelling, "it is given up");
    expect(act(SYS_FORWARD, STAGE_SESSION_AWAITED, TAG(0x7001, 0), STAGE_REPLY_CALL) == 0, "and handed on");
    expect(call->request.state == REQUEST_ANSWERED && call->error == ERR_DEADLINE, "but goes no further");
    expect(slot_at(STAGE_REPLY_CALL)->kind == CAP_NONE, "the server has done with it");
}

static void reply_moves(void) {
    struct call *call = slot_at(STAGE_CALL_TAKEN)->object;
    stage.thread->registers.words[0] = STAGE_REPLY_CALL;
    stage.thread->registers.words[1] = STAGE_RESULT;
    expect(act(SYS_CALL, STAGE_SELF, TAG(METHOD_PROCESS_SLOT_MOVE, 2), 0) == 0, "a reply moves");
    stage.thread->registers.words[0] = STAGE_RESULT;
    stage.thread->registers.words[1] = STAGE_RESULT + 1;
    stage.thread->registers.words[2] = RIGHTS_ALL;
    expect(act(SYS_CALL, STAGE_SELF, TAG(METHOD_PROCESS_SLOT_COPY, 3), 0) == ERR_BAD_CAPABILITY, "but is not copied");
    expect(act(SYS_REPLY, 0, TAG(0, 0), STAGE_REPLY_CALL) == ERR_BAD_CAPABILITY, "it is not where it was");
    expect(act(SYS_REPLY, 0, TAG(0, 0), STAGE_RESULT) == 0 && call->request.state == REQUEST_ANSWERED, "it answers from there");
}

// A process that is destroyed has more threads than one step ends; one of those left is answered, with a capability.
static void dying_caller_is_answered(void) {
    struct process *made;
    struct thread *last = NULL;
    life_must(process_create(stage.root, &made), "a process");
    (void)life_give(stage.process, stage.root, 100, CAP_PROCESS, made);
    (void)life_give(made, stage.root, 5, CAP_SESSION, slot_at(STAGE_SESSION)->object);
    for (int i = 0; i < 20; i++) {
        last = enter_as(made, 30);
        last->page->receive_slots[0] = 6;
        (void)act_as(last, SYS_CALL, 5, TAG(0x7001, 0), 0);
    }
    cap_t aside = ASIDE;
    while (thread_serving(stage.thread) != &last->request)
        expect(act(SYS_WAIT, STAGE_ENDPOINT_QUEUED, TAG_DEADLINE, aside++) == 0, "its request comes");
    process_destroy(made);
    expect(last->state == THREAD_STATE_CALLING, "it is not among the first that end");
    stage.thread->page->send_caps[0] = STAGE_MEMORY;
    stage.thread->page->send_rights[0] = 0;
    last->page->received_caps[0] = 1;
    stage.thread->registers.rsi = TAG(0, 0) | UINT64_C(1) << TAG_CAPS_SHIFT;
    request_reply(&last->request, stage.thread);
    expect(last->page->received_caps[0] == 0, "nothing arrives in a table that goes");
}

// Copies, in the stage's table, of what a slot of its own or of another process holds; their revocation begins.
static void begin_revocation(cap_t process, struct capability *from, cap_t index) {
    for (cap_t i = 101; i < 300; i++) {
        struct capability *slot;
        life_must(capability_reserve(&stage.process->table, stage.root, i, &slot), "a slot");
        life_must(capability_copy(from, slot, RIGHTS_ALL), "a copy");
    }
    stage.thread->registers.words[0] = index;
    (void)act(SYS_CALL, process, TAG(METHOD_PROCESS_SLOT_REVOKE, 1), 0);
    expect(is_to_go_on() && stage.thread->revoking, "the revocation is to go on");
}

static void end_revoker(void) {
    capability_delete(slot_at(SLOT_THREAD));
    thread_end(stage.thread);
    (void)reaper_run(UINT32_MAX);
    invariants_check(stage.root, stage.process);
}

static void revoked_table_is_gone(void) {
    struct process *made;
    struct capability *slot;
    life_must(process_create(stage.root, &made), "a process");
    (void)life_give(stage.process, stage.root, 100, CAP_PROCESS, made);
    life_must(capability_reserve(&made->table, stage.root, 7, &slot), "a slot");
    life_must(capability_copy(slot_at(STAGE_MEMORY), slot, RIGHTS_ALL), "a copy");
    begin_revocation(100, slot, 7);
    process_destroy(made);
    (void)reaper_run(UINT32_MAX);
    end_revoker();
    uint32_t left = 0;
    for (cap_t i = 101; i < 300; i++)
        left += slot_at(i)->kind == CAP_MEMORY;
    expect(left > 0, "what was not revoked yet belongs to the slot above");
}

static void revocation_is_done(void) {
    begin_revocation(STAGE_SELF, slot_at(STAGE_MEMORY), STAGE_MEMORY);
    while (!capability_revoke_step(slot_at(STAGE_MEMORY), 64))
        continue;
    life_must(capability_copy(slot_at(STAGE_MEMORY), slot_at(101), RIGHTS_ALL), "a new copy");
    end_revoker();
    expect(slot_at(101)->kind == CAP_MEMORY, "what was derived after another had finished it stays");
}

static void many_wait_for_a_notification(void) {
    enum { WAITERS = 40 };
    struct thread *waiters[WAITERS];
    struct notification *notification;
    life_must(notification_create(stage.root, &notification), "a notification");
    (void)life_give(stage.process, stage.root, 100, CAP_NOTIFICATION, notification);
    object_release(&notification->object);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = enter_as(stage.process, 30);
        (void)act_as(waiters[i], SYS_WAIT, 100, 0, 0);
    }
    capability_delete(slot_at(100));
    expect(!reaper_run(1), "it takes more than a step");
    (void)reaper_run(UINT32_MAX);
    for (int i = 0; i < WAITERS; i++)
        expect(waiters[i]->state == THREAD_STATE_READY && waiters[i]->registers.rax == (uint64_t)ERR_DYING, "each is told");
}

static void budgets_within_budgets(void) {
    struct account *inner = slot_at(STAGE_ACCOUNT)->object;
    uint64_t refilled = 0;
    for (int swap = 0; swap < 2; swap++) {
        stage.root->budget = swap ? 200000 : 900000;
        inner->budget = swap ? 900000 : 200000;
        stage.root->period = inner->period = 1000000;
        stage.root->spent = inner->spent = 0;
        stage.root->period_start = inner->period_start = machine_now;
        expect(account_time_left(inner, machine_now, &refilled) == 200000, "the least of them holds");
    }
    account_spend(inner, 200000, machine_now);
    expect(account_time_left(inner, machine_now, &refilled) == 0 && refilled == machine_now + 1000000, "until it is refilled");
    stage.root->budget = inner->budget = 0;
}

// Who is first in a queue lends its priority to the endpoint's server, whoever takes the one before it; and a thread that goes
// to wait elsewhere runs for that endpoint's callers no more.
static void server_moves_on(void) {
    cap_t aside = ASIDE;
    struct endpoint *queued = slot_at(STAGE_ENDPOINT_QUEUED)->object;
    struct thread *server = enter_as(stage.process, 45);
    while (queued->queued > 0)
        expect(act_as(server, SYS_WAIT, STAGE_ENDPOINT_QUEUED, TAG_DEADLINE, aside++) == 0, "a request is there");
    (void)act_as(server, SYS_WAIT, STAGE_ENDPOINT_QUEUED, 0, aside++); // waits: it is the server
    expect(queued->server == server, "its server");
    expect(act(SYS_SEND, STAGE_SESSION, TAG(0x7001, 0), STAGE_CALL_IDLE) == 0, "it gets a request");
    struct thread *caller = enter_as(stage.process, 50), *second = enter_as(stage.process, 55);
    (void)act_as(second, SYS_CALL, STAGE_SESSION, TAG(0x7001, 0), 0);
    (void)act_as(caller, SYS_CALL, STAGE_SESSION, TAG(0x7001, 0), 0);
    expect(server->effective == 55 && current_thread() == server, "it runs for the first in the queue");
    struct thread *helper = enter_as(stage.process, 60);
    expect(act_as(helper, SYS_WAIT, STAGE_ENDPOINT_QUEUED, TAG_DEADLINE, 0) == 0, "another takes that one");
    expect(server->effective == 50, "now for the next");
    thread_hold(helper);
    schedule();
    struct endpoint *elsewhere;
    life_must(endpoint_create(stage.root, &elsewhere), "an endpoint");
    (void)life_give(stage.process, stage.root, 100, CAP_ENDPOINT, elsewhere);
    object_release(&elsewhere->object);
    (void)act_as(server, SYS_WAIT, 100, 0, aside);
    expect(server->effective == 45, "who waits elsewhere runs for itself");
}

// A new actor is told of sessions that are gone; whoever else waits there is, if it can't take that itself.
static void session_is_shown_again(void) {
    struct endpoint *endpoint = slot_at(STAGE_ENDPOINT_EMPTY)->object;
    struct process *other = slot_at(STAGE_PROCESS)->object;
    (void)life_give(other, stage.root, 22, CAP_ENDPOINT, endpoint);
    struct thread *waiter = enter_as(stage.process, 40);
    uint32_t told = 0;
    do {
        (void)act_as(waiter, SYS_WAIT, STAGE_ENDPOINT_EMPTY, 0, 0);
        told += waiter->state == THREAD_STATE_READY && tag_method(waiter->registers.rsi) == EVENT_SESSION_CLOSED;
    } while (waiter->state != THREAD_STATE_WAITING);
    expect(told == 1 && endpoint->events == 0, "it is told once, and waits");
    error_t error;
    while (!process_reset_step(other, &error))
        continue;
    invariants_check(stage.root, stage.process);
    expect(waiter->state == THREAD_STATE_READY && tag_method(waiter->registers.rsi) == EVENT_SESSION_CLOSED, "and again");
    schedule();
}

// An answer in the queue counts as a request does.
static void answer_lends_priority(void) {
    struct endpoint *home = slot_at(STAGE_ENDPOINT_EMPTY)->object;
    struct thread *server = enter_as(stage.process, 40);
    do
        (void)act_as(server, SYS_WAIT, STAGE_ENDPOINT_EMPTY, 0, 0);
    while (server->state != THREAD_STATE_WAITING);
    expect(home->server == server, "its server");
    struct call *call = slot_at(STAGE_CALL_TAKEN)->object;
    thread_hold(server);
    call->request.priority = 62;
    notification_signal(home->notification, 1); // it goes off with that
    expect(act(SYS_REPLY, 0, TAG(0, 0), STAGE_REPLY_CALL) == 0, "the answer");
    expect(call->request.state == REQUEST_ANSWERED && server->effective == 62, "its server runs for it");
    capability_delete(slot_at(STAGE_CALL_TAKEN));
    expect(server->effective == 40, "not when it is gone");
    invariants_check(stage.root, stage.process);
}

// The caller's turn is over, unnoticed since nobody waited for its end; then one of its priority does.
static void peer_comes_late(void) {
    struct thread *server = stage.thread, *caller = server->caller, *peer;
    if (!caller)
        return;
    server->priority = server->effective = 62;
    thread_end(enter_as(stage.process, 63));
    schedule();
    expect(current_thread() == server && cpu_self()->payer == caller, "it runs in its caller's turn");
    cpu_self()->armed = UINT64_MAX;
    machine_now += 2 * TIME_SLICE_NS;
    life_must(thread_create(stage.process, caller->effective, false, &peer), "a peer");
    thread_start(peer);
    schedule();
    expect(current_thread() == server && caller->extras & EXTRA_TIMER, "the fast path is no way back to the caller");
    expect(act(SYS_REPLY, 0, TAG(0, 0), 0) == 0, "the answer");
    thread_end(server);
    schedule();
    expect(current_thread() == peer, "it is the peer's turn");
}

// The turn in which the caller came was that of a thread below it, which had set it off.
static void turn_was_begun_below(void) {
    struct thread *server = stage.thread, *caller = server->caller, *below;
    if (!caller)
        return;
    server->priority = server->effective = 62;
    life_must(thread_create(stage.process, caller->effective - 1, false, &below), "one below");
    thread_start(below);
    cpu_self()->payer = below;
    machine_now = cpu_self()->slice_end;
    schedule_tick();
    expect(caller->extras & EXTRA_TIMER && !(below->extras & EXTRA_TIMER), "it is the caller that is to wait");
}

const struct scene message_scenes[] = {{"a peer of the caller comes late", peer_comes_late},
                                       {"a turn was begun below", turn_was_begun_below},
                                       {"an answer is shown again", answer_is_shown_again},
                                       {"an answer is followed by a request", answer_is_followed},
                                       {"an answer is closed", answer_is_closed},
                                       {"an answer loses its home", answer_loses_its_home},
                                       {"an exit is shown again", exit_is_shown_again},
                                       {"an exit was of another actor", exit_was_of_another_actor},
                                       {"the keeper of an exit is gone", keeper_of_exit_is_gone},
                                       {"a cancelled request is forwarded", cancelled_is_forwarded},
                                       {"a reply moves", reply_moves},
                                       {"a dying caller is answered", dying_caller_is_answered},
                                       {"a table with a revocation is gone", revoked_table_is_gone},
                                       {"a revocation is done by another", revocation_is_done},
                                       {"many wait for a notification", many_wait_for_a_notification},
                                       {"budgets within budgets", budgets_within_budgets},
                                       {"a server moves on", server_moves_on},
                                       {"a session is shown again", session_is_shown_again},
                                       {"an answer lends its priority", answer_lends_priority},
                                       {0}};
