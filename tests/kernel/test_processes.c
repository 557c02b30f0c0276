// Processes: keepers told of exits and faults, reset with what a role keeps, destruction while others wait, clones of
// spaces, peek and poke, foreign system calls, capabilities of the dead.
#include "tests/kernel/harness.h"

enum { READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE };

static cap_t keeper, kept; // an endpoint and a session to it

static void exits(struct actor *actor) {
    (void)process_exit(SLOT_SELF, actor->arguments[0]);
}

static void idles(struct actor *actor) {
    struct ipc_registers registers = {.target = 30};
    actor->result = system_call(SYS_WAIT, &registers);
}

static cap_t never; // a notification that nobody signals

static struct actor *process_new(void (*run)(struct actor *)) {
    struct actor *actor = actor_new_process(run, ACTOR_PRIORITY, SLOT_ACCOUNT);
    must(process_set_keeper(actor->process, kept), "its keeper");
    if (run == idles)
        must(process_install(actor->process, 30, RIGHT_RECEIVE, never), "what it waits for");
    return actor;
}

static void test_exit(void) {
    struct ipc_registers in;
    struct actor *actor = process_new(exits);
    actor->arguments[0] = 41;
    actor_go(actor);
    check_error(receive_poll(keeper, &in), ERR_OK, "a keeper is told of an exit");
    check(tag_method(in.tag) == EVENT_EXIT && in.words[0] == 41 && in.target == 70, "with status, by its badge");
    check_error(receive_poll(keeper, &in), ERR_DEADLINE, "once; it is not answered");
    struct process_information information = {0};
    must(process_information(actor->process, &information), "information");
    check_value(information.threads, 0, "no thread is left");
    uint64_t slot, kind, rights, badge, object;
    check_error(process_slot_next(actor->process, 1, &slot, &kind, &rights, &badge, &object), ERR_OK, "the table is");
    actor_free(actor);
    actor = actor_new_process(exits, ACTOR_PRIORITY, SLOT_ACCOUNT);
    actor_go(actor);
    check_error(process_information(actor->process, &information), ERR_DYING, "without a keeper an exit is the end");
    actor_free(actor);
    cap_t gone = new_endpoint(), session = new_session(gone, 1);
    actor = process_new(exits);
    must(process_set_keeper(actor->process, session), "another keeper");
    slot_release(session);
    slot_release(gone);
    actor_go(actor);
    check_error(process_information(actor->process, &information), ERR_DYING, "with a keeper that is gone, too");
    actor_free(actor);
    gone = new_endpoint();
    session = new_session(gone, 1);
    actor = process_new(exits);
    must(process_set_keeper(actor->process, session), "another keeper");
    slot_release(session);
    actor_go(actor);
    slot_release(gone);
    check_error(process_information(actor->process, &information), ERR_DYING, "or that goes before it was told");
    actor_free(actor);
    actor = process_new(idles);
    actor_go(actor);
    check_error(process_exit(actor->process, 9), ERR_OK, "an exit from outside");
    must(receive_poll(keeper, &in), "the event");
    check(tag_method(in.tag) == EVENT_EXIT && in.words[0] == 9, "is told as well");
    actor_free(actor);
    actor = process_new(idles);
    actor_go(actor);
    must(process_destroy(actor->process), "destroying");
    check_error(receive_poll(keeper, &in), ERR_DEADLINE, "a destruction is not");
    actor_free(actor);
    check_error(process_set_keeper(SLOT_SELF, SLOT_ACCOUNT), ERR_WRONG_KIND, "an account is no keeper");
}

static volatile uint64_t *bad_address = (volatile uint64_t *)0x123000;

static void faults(struct actor *actor) {
    actor->values[1] = 1;
    *bad_address = 5; // the keeper may redirect
    actor->values[2] = 1;
}

static void redirected(struct actor *actor) {
    actor->values[3] = 1;
    actor->done = true;
    (void)process_exit(SLOT_SELF, 77);
}

static void test_keeper(void) {
    struct ipc_registers in;
    struct actor *actor = process_new(faults);
    uint64_t address = 0;
    cap_t memory = new_memory(PAGE);
    actor_go(actor);
    check_value(actor_state(actor), THREAD_STATE_FAULTED, "a fault blocks its thread");
    must(receive_poll(keeper, &in), "the fault");
    check(tag_method(in.tag) == EVENT_FAULT && in.target == 70, "the keeper is told");
    check(in.words[FAULT_WORD_CAUSE] == 14 && in.words[FAULT_WORD_ADDRESS] == 0x123000 && in.words[FAULT_WORD_CODE] == 6,
          "cause, address and code");
    struct thread_registers registers;
    must(thread_registers(actor->thread, &registers), "registers");
    check(registers.rip == in.words[FAULT_WORD_RIP] && registers.rsp == in.words[FAULT_WORD_RSP] &&
              registers.rbp == in.words[FAULT_WORD_RBP],
          "and where");
    must(process_map(actor->process, 0x123000, PAGE, 0, MAP_FLAG_FIXED | READ_WRITE, memory, &address), "repairing");
    must(answer(0, 0, FAULT_RESUME), "answering");
    check(actor->values[2] == 1 && actor->done, "a repaired thread goes on");
    uint64_t word = 0, moved;
    must(memory_read(memory, 0, &word, 8, &moved), "reading");
    check_value(word, 5, "and its write has happened");
    must(receive_poll(keeper, &in), "the exit");
    actor_free(actor);
    slot_release(memory);
    actor = process_new(faults);
    actor_go(actor);
    must(receive_poll(keeper, &in), "the fault");
    must(thread_registers(actor->thread, &registers), "registers");
    registers.rip = (uint64_t)redirected;
    registers.rdi = (uint64_t)actor;
    registers.rsp = ((uint64_t)actor->stack + 8192) & ~UINT64_C(15);
    registers.rsp -= 8;
    check_error(thread_set_registers(actor->thread, &registers), ERR_OK, "redirecting a faulted thread");
    must(answer(0, 0, FAULT_RESUME), "answering");
    check(actor->values[3] == 1 && !actor->values[2], "makes it go on elsewhere");
    must(receive_poll(keeper, &in), "the exit");
    check_value(in.words[0], 77, "to its exit");
    actor_free(actor);
    actor = process_new(faults);
    actor_go(actor);
    must(receive_poll(keeper, &in), "the fault");
    must(answer(0, 0, FAULT_KILL), "answering");
    check_value(actor_state(actor), THREAD_STATE_STOPPED, "a keeper may leave it stopped");
    must(thread_start(actor->thread), "starting it");
    check_error(receive_poll(keeper, &in), ERR_OK, "started again it faults again");
    must(receive_aside(keeper, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    must(process_slot_delete(SLOT_SELF, LOCAL_SLOT), "dropping the reply");
    check_error(receive_poll(keeper, &in), ERR_OK, "a fault that was dropped is told again");
    actor_free(actor);
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "its end takes the fault away");
    actor = actor_new_process(faults, ACTOR_PRIORITY, SLOT_ACCOUNT);
    actor_go(actor);
    check_value(actor_state(actor), THREAD_STATE_STOPPED, "without a keeper a fault stops its thread");
    actor_free(actor);
    actor = process_new(faults);
    actor_go(actor);
    check_error(process_destroy(actor->process), ERR_OK, "destroying a process whose fault is queued");
    check_error(receive_poll(keeper, &in), ERR_DEADLINE, "takes it out of the queue");
    actor_free(actor);
}

// A server of the role: serves one request and puts one aside, then waits for more.
static void role_server(struct actor *actor) {
    struct ipc_registers registers = {.target = 20};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    registers = (struct ipc_registers){.target = 20, .second = 40};
    actor->values[1] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    actor->values[2] = registers.words[0];
    for (;;)
        *bad_address = 1;
}

static void test_reset(void) {
    cap_t endpoint = new_endpoint(), session = new_session(endpoint, 71), closing = new_session(endpoint, 72);
    struct actor *server = process_new(role_server);
    struct ipc_registers in;
    must(process_install(server->process, 20, 0, endpoint), "its endpoint");
    must(process_install(server->process, SLOT_ACCOUNT, 0, SLOT_ACCOUNT), "its account");
    actor_go(server);
    slot_release(closing); // shown to the actor, which puts nothing aside for it
    struct actor *first = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1)),
                 *second = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1)),
                 *third = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1));
    actor_go(first);
    actor_go(second);
    actor_go(third);
    must(receive_poll(keeper, &in), "the server's crash");
    check_value(tag_method(in.tag), EVENT_FAULT, "a server crashes");
    check_error(process_reset(SLOT_SELF), ERR_INVALID, "a process can't reset itself");
    check_error(process_reset(server->process), ERR_OK, "its role is reset");
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "the fault goes with it");
    check(first->done && first->result == ERR_SERVER_LOST, "the request that it served is lost");
    check(!second->done && !third->done, "requests that it did not take wait on");
    uint64_t slot = 0, kind, rights, badge, object, count = 0;
    while (process_slot_next(server->process, slot, &slot, &kind, &rights, &badge, &object) == ERR_OK)
        slot++, count++;
    check_value(count, 3, "its capabilities stay (and no reply)");
    uint8_t byte;
    uint64_t moved, start, length, offset, flags;
    check_error(process_peek(server->process, (uint64_t)actor_entry, &byte, 1, &moved), ERR_FAULT, "its memory is gone");
    check_error(process_region(server->process, 0, &start, &length, &offset, &flags), ERR_NOT_FOUND, "all of it");
    check_value(actor_state(server), THREAD_STATE_ENDED, "its thread has ended");
    must(process_clone_space(server->process, SLOT_SELF), "the next actor's space");
    uint64_t page;
    slot_release(server->thread);
    must(process_create_thread(server->process, (uint64_t)actor_entry, (uint64_t)server->stack + 16384, (uint64_t)server,
                               ACTOR_PRIORITY, 0, 0, &page, &server->thread),
         "its thread");
    server->page = (struct message_page *)page;
    server->values[0] = server->values[1] = UINT64_MAX;
    actor_go(server);
    check(server->values[0] == 0 && server->values[1] == 0, "the next actor receives");
    must(receive_poll(keeper, &in), "its crash");
    must(process_reset(server->process), "resetting");
    check(second->done || third->done, "what it took is lost as well");
    check_error(process_reset(server->process), ERR_OK, "a reset of an empty space");
    check_error(receive_poll(endpoint, &in), ERR_OK, "a session that an actor was shown as closed");
    check(tag_method(in.tag) == EVENT_SESSION_CLOSED && in.target == 72, "is shown again after the reset");
    must(endpoint_acknowledge(endpoint, 72), "acknowledging");
    actor_free(server);
    actor_free(first);
    actor_free(second);
    actor_free(third);
    slot_release(session);
    drop_endpoint(endpoint);
}

static void test_clone_space(void) {
    cap_t process = 0, shared_memory = 0, memory = new_memory(3 * PAGE);
    uint64_t physical, moved, word = 0;
    must(account_create_process(SLOT_ACCOUNT, &process), "a process");
    must(account_create_contiguous(SLOT_ACCOUNT, PAGE, 0, &physical, &shared_memory), "contiguous memory");
    uint64_t *private_words = map_memory(memory, 3 * PAGE, READ_WRITE),
             *shared_words = map_memory(shared_memory, PAGE, READ_WRITE);
    private_words[0] = 1, shared_words[0] = 2;
    check_error(process_clone_space(process, SLOT_SELF), ERR_OK, "cloning a space");
    private_words[0] = 3, shared_words[0] = 4;
    must(process_peek(process, (uint64_t)private_words, &word, 8, &moved), "peeking");
    check_value(word, 1, "anonymous memory is a copy");
    must(process_peek(process, (uint64_t)shared_words, &word, 8, &moved), "peeking");
    check_value(word, 4, "other memory is shared");
    check_error(process_peek(process, (uint64_t)ipc_page, &word, 8, &moved), ERR_FAULT, "message pages are left out");
    word = 9;
    must(process_poke(process, (uint64_t)private_words + PAGE - 4, &word, 8, &moved), "poking over a page boundary");
    check_value(private_words[PAGE / 8], 0, "does not change the original");
    must(process_peek(process, (uint64_t)private_words + PAGE - 4, &word, 8, &moved), "peeking");
    check_value(word, 9, "but the clone");
    check_error(process_poke(process, (uint64_t)actor_entry, &word, 8, &moved), ERR_FAULT, "code can't be poked");
    check_error(process_clone_space(process, SLOT_SELF), ERR_EXISTS, "cloning into a space that is not empty");
    check_error(process_clone_space(process, SLOT_ACCOUNT), ERR_WRONG_KIND, "cloning an account");
    check_error(process_peek(process, 0xffff800000000000, &word, 8, &moved), ERR_FAULT, "peeking at the kernel");
    must(process_destroy(process), "destroying");
    check_error(process_peek(process, (uint64_t)private_words, &word, 8, &moved), ERR_DYING, "peeking at the dead");
    check_error(process_clone_space(SLOT_SELF, process), ERR_DYING, "cloning the dead");
    check_error(process_clone_table(SLOT_SELF, process), ERR_DYING, "and their table");
    slot_release(process);
    unmap(private_words, 3 * PAGE);
    unmap(shared_words, PAGE);
    slot_release(memory);
    slot_release(shared_memory);
}

// Makes a call object, sends through it with a lent buffer, hands the call object to the main process and ends.
static uint8_t lent_byte[PAGE];

static void leaves_a_call(struct actor *actor) {
    cap_t call = 0;
    actor->values[2] = (uint64_t)(int64_t)account_create_call(SLOT_ACCOUNT, 1, 22, &call);
    struct ipc_registers registers = {.target = 20, .tag = TAG(TEST_METHOD, 0), .second = call};
    registers.tag |= TAG_LEND_READ | TAG_LEND_WRITE;
    ipc_page->lend_read = ipc_page->lend_write = (struct lend){(uint64_t)lent_byte, PAGE};
    ipc_page->receive_slots[0] = 50;
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_SEND, &registers);
    registers = (struct ipc_registers){.target = 20, .tag = TAG(TEST_METHOD, 0) | 1ull << TAG_CAPS_SHIFT};
    ipc_page->send_caps[0] = call | SEND_CAP_MOVE;
    actor->values[1] = (uint64_t)(int64_t)system_call(SYS_CALL, &registers);
    registers = (struct ipc_registers){.target = 30};
    actor->result = system_call(SYS_WAIT, &registers);
}

// A call object can outlive the process that sent through it: neither its memory nor its table may be touched then.
static void test_call_of_the_dead(bool reset) {
    cap_t endpoint = new_endpoint(), home = new_endpoint(), session = new_session(endpoint, 73);
    struct ipc_registers in;
    struct actor *actor = process_new(leaves_a_call);
    uint64_t moved = 0;
    uint8_t bytes[8] = {1, 2, 3};
    must(process_install(actor->process, 20, 0, session), "its session");
    must(process_install(actor->process, SLOT_ACCOUNT, 0, SLOT_ACCOUNT), "its account");
    must(process_install(actor->process, 22, 0, home), "the answers' endpoint");
    actor_go(actor);
    ipc_page->receive_slots[0] = LOCAL_SLOT + 1;
    must(receive_poll(endpoint, &in), "what was sent");
    check_error(copy_from(0, 0, bytes, 8, &moved), ERR_OK, "its buffer can be read while it lives");
    must(receive_aside(endpoint, LOCAL_SLOT, &in), "the call object");
    must(answer(0, 0, 0), "answering");
    ipc_page->receive_slots[0] = 0;
    if (reset)
        must(process_reset(actor->process), "resetting");
    else
        must(process_destroy(actor->process), "destroying");
    (void)free_bytes();
    if (reset)
        must(process_clone_space(actor->process, SLOT_SELF), "the next actor's space");
    check_error(copy_from(LOCAL_SLOT, 0, bytes, 8, &moved), ERR_FAULT,
                reset ? "the buffer of an actor before can't be read" : "a dead process's buffer can't be read");
    check_error(copy_to(LOCAL_SLOT, 0, bytes, 8, &moved), ERR_FAULT, "nor written");
    ipc_page->send_caps[0] = endpoint;
    struct ipc_registers out = {.tag = TAG(0, 0) | 1ull << TAG_CAPS_SHIFT, .second = LOCAL_SLOT};
    check_error(system_call(SYS_REPLY, &out), ERR_OK, "it can be answered");
    must(receive_poll(home, &in), "the answer");
    check(in.tag & TAG_ANSWER, "which arrives");
    must(process_slot_delete(SLOT_SELF, LOCAL_SLOT + 1), "dropping the call object");
    slot_release(session);
    actor_free(actor);
    drop_endpoint(endpoint);
    drop_endpoint(home);
}

// Sends through a call object, takes the answer, and is then in the middle of something for ever.
static uint64_t kept_word;

static void takes_and_ends(struct actor *actor) {
    cap_t call = 0;
    actor->values[2] = (uint64_t)(int64_t)account_create_call(SLOT_ACCOUNT, 91, 22, &call);
    struct ipc_registers registers = {.target = 20, .tag = TAG(TEST_METHOD, 0), .second = call};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_SEND, &registers);
    kept_word = 17;
    registers = (struct ipc_registers){.target = 22};
    (void)system_call(SYS_WAIT, &registers);
    actor->values[1] = registers.target;
    actor->values[3] = registers.third;
    (void)thread_stop(SLOT_THREAD); // for ever
}

static void takes_again(struct actor *actor) {
    struct ipc_registers registers = {.target = 22, .tag = TAG_DEADLINE};
    actor->page->deadline = 0;
    actor->values[7] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    actor->values[4] = registers.target;
    actor->values[5] = registers.third;
    actor->values[6] = registers.words[0];
    registers = (struct ipc_registers){.target = 22, .tag = TAG_DEADLINE};
    actor->result = system_call(SYS_WAIT, &registers); // notes it
    actor->arguments[0] = kept_word;
    registers = (struct ipc_registers){.target = 22};
    (void)system_call(SYS_WAIT, &registers);
}

static void next_thread(struct actor *actor, void (*run)(struct actor *)) {
    uint64_t page;
    slot_release(actor->thread);
    actor->run = run;
    must(process_create_thread(actor->process, (uint64_t)actor_entry, (uint64_t)actor->stack + 16384, (uint64_t)actor,
                               ACTOR_PRIORITY, 0, 0, &page, &actor->thread),
         "the next thread");
    actor->page = (struct message_page *)page;
    must(process_slot_delete(actor->process, SLOT_THREAD), "the thread before");
    must(process_install(actor->process, SLOT_THREAD, 0, actor->thread), "its thread");
    actor_go(actor);
}

// The next actor finds the memory of the one before, and what that one was told last.
static void test_end_threads(void) {
    cap_t endpoint = new_endpoint(), home = new_endpoint(), session = new_session(endpoint, 74);
    struct ipc_registers in;
    struct actor *actor = process_new(takes_and_ends);
    must(process_install(actor->process, 20, 0, session), "its session");
    must(process_install(actor->process, SLOT_ACCOUNT, 0, SLOT_ACCOUNT), "its account");
    must(process_install(actor->process, SLOT_THREAD, 0, actor->thread), "its thread");
    must(process_install(actor->process, 22, 0, home), "the answers' endpoint");
    check_error(process_end_threads(SLOT_SELF), ERR_INVALID, "nobody ends the thread that asks");
    actor_go(actor);
    must(receive_poll(endpoint, &in), "what was sent");
    must(answer(0, 0, 5), "answering");
    check_value(actor->values[1], 91, "an answer is taken");
    check_error(process_end_threads(actor->process), ERR_OK, "and the thread that took it ends");
    next_thread(actor, takes_again);
    check(actor->values[4] == 91 && actor->values[6] == 5, "the next one is shown the answer again");
    check(actor->values[5] == actor->values[3] && actor->values[5] != 0, "under its number");
    check_error(actor->result, ERR_DEADLINE, "once");
    check_value(actor->arguments[0], 17, "and finds the memory as it was");
    check_error(process_end_threads(actor->process), ERR_OK, "it ends where it waits");
    next_thread(actor, takes_again);
    check_error((error_t)actor->values[7], ERR_DEADLINE, "and what was noted is not shown again");
    slot_release(session);
    actor_free(actor);
    drop_endpoint(endpoint);
    drop_endpoint(home);
}

static void foreign_caller(struct actor *actor) {
    uint64_t rax = 60, rdx = 21; // a Linux number
    __asm__ volatile("syscall" : "+a"(rax), "+d"(rdx) : : "rcx", "r11", "memory");
    actor->values[0] = rax;
    actor->values[1] = rdx;
    actor->values[2] = 1;
}

static void test_foreign(void) {
    struct ipc_registers in;
    struct actor *actor = process_new(foreign_caller);
    check_error(process_set_foreign(actor->process, (uint64_t)foreign_entry), ERR_OK, "an address for foreign system calls");
    actor_go(actor);
    check(actor->done && actor->values[1] == 42, "they are handed back there");
    check(actor->values[0] > (uint64_t)foreign_caller && actor->values[0] < (uint64_t)foreign_caller + 200,
          "with the return address");
    must(receive_poll(keeper, &in), "the exit");
    actor_free(actor);
    actor = process_new(foreign_caller);
    actor_go(actor);
    must(receive_poll(keeper, &in), "the fault");
    check(tag_method(in.tag) == EVENT_FAULT && in.words[FAULT_WORD_CAUSE] == 6, "without one they are faults");
    actor_free(actor);
    check_error(process_set_foreign(SLOT_SELF, 0xffff800000000000), ERR_INVALID, "not to a kernel address");
    check_error(process_set_foreign(SLOT_SELF, 0), ERR_OK, "0 takes it away");
}

// The end of everything while others wait for it.
static void test_destruction(void) {
    cap_t endpoint = new_endpoint(), session = new_session(endpoint, 74);
    struct actor *actor = process_new(idles), *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
    must(process_slot_delete(actor->process, 30), "deleting");
    must(process_install(actor->process, 30, 0, endpoint), "its endpoint");
    actor_go(actor);
    check_value(actor_state(actor), THREAD_STATE_WAITING, "a process waits at an endpoint");
    slot_release(endpoint);
    check_error(process_destroy(actor->process), ERR_OK, "destroying it");
    (void)free_bytes();
    actor_go(caller);
    check(caller->done && caller->result == ERR_DYING, "ends the endpoint that only it held");
    actor_free(caller);
    actor_free(actor);
    slot_release(session);
    actor = process_new(idles);
    cap_t notification = new_notification();
    must(process_slot_delete(actor->process, 30), "deleting");
    must(process_install(actor->process, 30, 0, notification), "its notification");
    actor_go(actor);
    slot_release(actor->process); // its last capability but its own
    must(notification_signal(notification, 1), "signalling");
    check(actor->done, "a process runs on without a capability outside");
    struct ipc_registers in;
    must(receive_poll(keeper, &in), "the exit");
    check_value(tag_method(in.tag), EVENT_EXIT, "until its exit");
    slot_release(actor->thread);
    actor->run = NULL;
    slot_release(notification);
}

void test_processes(void) {
    keeper = new_endpoint();
    kept = new_session(keeper, 70);
    never = new_notification();
    test_exit();
    test_keeper();
    test_reset();
    test_clone_space();
    test_call_of_the_dead(false);
    test_call_of_the_dead(true);
    test_end_threads();
    test_foreign();
    test_destruction();
    slot_release(never);
    slot_release(kept);
    drop_endpoint(keeper);
}
