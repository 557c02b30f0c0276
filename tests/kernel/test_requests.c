// Requests on their way: sent through call objects, put aside, served again, forwarded, cancelled, past their deadline,
// lost with their server, repeated.
#include "tests/kernel/harness.h"

static cap_t endpoint, session;

static struct actor *calling(uint64_t word) {
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1));
    caller->registers.words[0] = word;
    actor_go(caller);
    return caller;
}

static error_t send(cap_t target, cap_t call, uint64_t word) {
    struct ipc_registers registers = {.target = target, .tag = TAG(TEST_METHOD, 1), .words = {word}, .second = call};
    return system_call(SYS_SEND, &registers);
}

static error_t forward(cap_t target, cap_t slot, uint64_t method, uint64_t word) {
    struct ipc_registers registers = {.target = target, .tag = TAG(method, 1), .words = {word}, .second = slot};
    return system_call(SYS_FORWARD, &registers);
}

static void test_send(void) {
    cap_t home = new_endpoint(), call = 0;
    struct ipc_registers in;
    must(account_create_call(SLOT_ACCOUNT, 77, home, &call), "a call object");
    check_error(send(session, call, 1), ERR_OK, "sending does not wait");
    check_error(send(session, call, 2), ERR_BUSY, "a call object carries one request");
    check_error(receive_poll(endpoint, &in), ERR_OK, "it arrives");
    check(in.target == 8 && in.words[0] == 1 && in.second && in.third == 1, "with badge, words and a number");
    check_error(send(session, call, 2), ERR_BUSY, "it is busy while it is served");
    must(answer(0, ERR_NOT_FOUND, 5), "answering");
    check_error(send(session, call, 2), ERR_BUSY, "and until its answer was received");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "the answer comes to the endpoint that it was made with");
    check_error(receive_poll(home, &in), ERR_OK, "as a message");
    check((in.tag & TAG_ANSWER) && in.target == 77 && in.second == 0, "with the cookie and no error of the way");
    check(tag_status(in.tag) == ERR_NOT_FOUND && in.words[0] == 5, "status and words");
    for (uint64_t i = 6; i < 20; i++)
        ipc_page->words[i] = 300 + i;
    struct ipc_registers out = {.target = session, .tag = TAG(TEST_METHOD, 20), .second = call};
    ipc_page->send_caps[0] = home;
    ipc_page->receive_slots[0] = LOCAL_SLOT;
    check_error(system_call(SYS_SEND, &out), ERR_OK, "a message with page words can be sent");
    for (uint64_t i = 6; i < 20; i++)
        ipc_page->words[i] = 0;
    must(receive_poll(endpoint, &in), "receiving");
    check(ipc_page->words[6] == 306 && ipc_page->words[19] == 319 && in.third == 2,
          "it has copies of its words, and the next number");
    for (uint64_t i = 6; i < 64; i++)
        ipc_page->words[i] = 500 + i;
    ipc_page->send_caps[0] = call;
    ipc_page->send_caps[1] = home;
    ipc_page->send_rights[1] = RIGHT_MINT;
    ipc_page->receive_slots[1] = LOCAL_SLOT + 1;
    out = (struct ipc_registers){.tag = TAG(0, 64) | 1ull << TAG_CAPS_SHIFT};
    ipc_page->send_caps[0] = home;
    ipc_page->send_rights[0] = RIGHT_MINT;
    must(system_call(SYS_REPLY, &out), "answering");
    ipc_page->send_rights[0] = ipc_page->send_rights[1] = 0;
    ipc_page->receive_slots[0] = ipc_page->receive_slots[1] = 0;
    for (uint64_t i = 6; i < 64; i++)
        ipc_page->words[i] = 0;
    must(receive_poll(home, &in), "the answer");
    cap_t received = ipc_page->received_caps[0];
    check(ipc_page->words[6] == 506 && ipc_page->words[63] == 563 && tag_words(in.tag) == 64, "an answer brings page words");
    check_value(received, LOCAL_SLOT, "and a capability to the slot named when it was sent");
    must(process_slot_delete(SLOT_SELF, LOCAL_SLOT), "deleting");
    check_error(send(call, call, 0), ERR_WRONG_KIND, "sending to a call object");
    check_error(send(session, session, 0), ERR_WRONG_KIND, "sending through a session");
    check_error(send(session, 0, 0), ERR_BAD_CAPABILITY, "sending through nothing");
    must(send(session, call, 3), "sending");
    check_error(call_cancel(call), ERR_OK, "cancelling what is queued");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "takes it out of the queue");
    must(receive_poll(home, &in), "the answer");
    check((error_t)in.second == ERR_DEADLINE && (in.tag & TAG_ANSWER), "and answers it with DEADLINE");
    check_error(call_cancel(call), ERR_NO_REQUEST, "there is nothing to cancel then");
    must(send(session, call, 4), "sending");
    must(receive_poll(endpoint, &in), "receiving");
    must(process_slot_move(SLOT_SELF, call, LOCAL_SLOT), "moving the call object");
    must(process_slot_move(SLOT_SELF, LOCAL_SLOT, call), "and back");
    slot_release(call);
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "with the call object goes its request");
    check_error(receive_poll(home, &in), ERR_DEADLINE, "and no answer comes");
    must(account_create_call(SLOT_ACCOUNT, 78, home, &call), "a call object");
    must(send(session, call, 5), "sending");
    must(receive_poll(endpoint, &in), "receiving");
    must(answer(0, 0, 0), "answering");
    slot_release(home);
    must(send(session, call, 6), "a call object whose endpoint is gone can send");
    must(receive_poll(endpoint, &in), "receiving");
    must(answer(0, 0, 0), "answering");
    check_error(send(session, call, 7), ERR_OK, "and drops its answers");
    must(receive_poll(endpoint, &in), "receiving");
    slot_release(call);
}

static void test_aside(void) {
    struct actor *first = calling(1), *second = calling(2), *third = calling(3);
    struct ipc_registers in;
    uint64_t queued = 0, oldest, sessions;
    must(endpoint_information(endpoint, &queued, &oldest, &sessions), "information");
    check(queued == 3 && sessions == 1, "three requests wait");
    must(receive_poll(endpoint, &in), "receiving");
    check_value(in.words[0], 1, "the oldest comes first");
    check_error(receive_poll(endpoint, &in), ERR_BUSY, "waiting on without a slot for the one being served");
    check_error(receive_aside(endpoint, SLOT_SELF, &in), ERR_SLOT_IN_USE, "nor in a slot in use");
    check_error(receive_aside(endpoint, LOCAL_SLOT, &in), ERR_OK, "it is put aside");
    check_value(in.words[0], 2, "and the next is served");
    uint64_t slot, kind = 0, rights, badge, object;
    must(process_slot_next(SLOT_SELF, LOCAL_SLOT, &slot, &kind, &rights, &badge, &object), "its slot");
    check(slot == LOCAL_SLOT && kind == CAP_REPLY, "the slot holds a reply");
    check_error(process_slot_copy(SLOT_SELF, LOCAL_SLOT, LOCAL_SLOT + 9, RIGHTS_ALL), ERR_BAD_CAPABILITY,
                "which can't be copied");
    cap_t process = 0;
    must(account_create_process(SLOT_ACCOUNT, &process), "a process");
    check_error(process_install(process, 30, 0, LOCAL_SLOT), ERR_BAD_CAPABILITY, "nor installed elsewhere");
    must(process_destroy(process), "destroying");
    slot_release(process);
    check_error(receive_aside(endpoint, LOCAL_SLOT + 1, &in), ERR_OK, "another is put aside");
    check_value(in.words[0], 3, "and the third served");
    check_error(answer(LOCAL_SLOT + 1, 0, 22), ERR_OK, "one put aside is answered");
    check(second->done && second->registers.words[0] == 22 && !first->done && !third->done, "to its caller");
    check_error(answer(LOCAL_SLOT + 1, 0, 22), ERR_BAD_CAPABILITY, "once");
    check_error(serve(LOCAL_SLOT + 2, LOCAL_SLOT), ERR_OK, "the first is served again, the third put aside");
    struct thread_information information;
    must(thread_information(SLOT_THREAD, &information), "information");
    struct thread_information of_first;
    must(thread_information(first->thread, &of_first), "information");
    check_value(information.served_serial, of_first.serial, "which the thread's information tells");
    check_error(serve(0, LOCAL_SLOT + 2), ERR_BUSY, "serving another without a slot for this one");
    check_error(serve(LOCAL_SLOT + 2, 0), ERR_SLOT_IN_USE, "nor in a slot in use");
    must(process_slot_move(SLOT_SELF, LOCAL_SLOT + 2, LOCAL_SLOT + 3), "a reply can be moved");
    check_error(serve(LOCAL_SLOT + 2, 0), ERR_OK, "the first is put aside again");
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "nothing is served now");
    check_error(answer(LOCAL_SLOT + 3, 0, 33), ERR_OK, "the third is answered from where it was moved");
    check(third->done && third->registers.words[0] == 33, "to its caller");
    must(process_slot_delete(SLOT_SELF, LOCAL_SLOT + 2), "dropping a reply");
    check(first->done && first->result == ERR_SERVER_LOST, "ends the call in SERVER_LOST");
    actor_free(first);
    actor_free(second);
    actor_free(third);
    first = calling(1);
    must(receive_poll(endpoint, &in), "receiving");
    (void)receive_aside(endpoint, LOCAL_SLOT, &in);
    actor_free(first);
    check_error(answer(LOCAL_SLOT, 0, 0), ERR_BAD_CAPABILITY, "with its caller's end, a reply is gone");
}

static uint8_t lent_bytes[16] = "lent and passed";

static void test_forward(void) {
    cap_t below = new_endpoint(), down = new_session(below, 50), call = 0, closed = 0;
    struct ipc_registers in;
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1) | TAG_LEND_READ);
    caller->page->lend_read = (struct lend){(uint64_t)lent_bytes, 16};
    actor_go(caller);
    must(receive_poll(endpoint, &in), "receiving");
    uint64_t serial = in.second, count = in.third, moved;
    check_error(forward(down, 0, 0x0001, 9), ERR_BAD_MESSAGE, "the kernel's protocol can't be forwarded");
    check_error(forward(endpoint, 0, 0x7002, 9), ERR_WRONG_KIND, "nor to an endpoint");
    check_error(forward(down, LOCAL_SLOT, 0x7002, 9), ERR_BAD_CAPABILITY, "nor nothing");
    check_error(forward(down, 0, 0x7002, 9), ERR_OK, "forwarding");
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "takes it away");
    check_error(receive_poll(below, &in), ERR_OK, "it arrives below");
    check(in.target == 50 && in.words[0] == 9 && tag_method(in.tag) == 0x7002, "with the new message");
    check(in.second == serial && in.third == count, "under the caller's number");
    char bytes[16] = {0};
    check_error(copy_from(0, 0, bytes, 16, &moved), ERR_OK, "with the caller's buffer");
    check(memcmp(bytes, lent_bytes, 16) == 0, "and its bytes");
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    check_error(forward(session, LOCAL_SLOT, 0x7003, 10), ERR_OK, "forwarding one put aside");
    check_error(receive_poll(endpoint, &in), ERR_OK, "arrives as well");
    check(in.target == 8 && in.words[0] == 10 && in.second == serial, "with everything");
    must(answer(0, 0, 44), "answering");
    check(caller->done && caller->result == ERR_OK && caller->registers.words[0] == 44, "the last server answers the caller");
    actor_free(caller);
    must(account_create_call(SLOT_ACCOUNT, 5, endpoint, &call), "a call object");
    must(send(session, call, 1), "sending");
    must(receive_poll(endpoint, &in), "receiving");
    check_error(forward(down, 0, 0x7004, 11), ERR_OK, "forwarding what a call object sent");
    must(receive_poll(below, &in), "receiving");
    check_value(in.words[0], 11, "arrives");
    must(answer(0, 0, 12), "answering");
    must(receive_poll(endpoint, &in), "the answer");
    check((in.tag & TAG_ANSWER) && in.words[0] == 12, "and is answered");
    slot_release(call);
    cap_t dead = new_endpoint();
    closed = new_session(dead, 1);
    slot_release(dead);
    caller = calling(1);
    must(receive_poll(endpoint, &in), "receiving");
    check_error(forward(closed, 0, 0x7002, 1), ERR_DYING, "forwarding to a dead endpoint");
    must(answer(0, 0, 55), "answering");
    check_value(caller->registers.words[0], 55, "leaves the request here");
    actor_free(caller);
    struct ipc_registers registers = {.target = closed, .tag = TAG(TEST_METHOD, 0)};
    check_error(system_call(SYS_CALL, &registers), ERR_DYING, "calling a dead endpoint");
    check_error(forward(session, 0, 0x7002, 1), ERR_NO_REQUEST, "forwarding nothing");
    slot_release(closed);
    slot_release(down);
    drop_endpoint(below);
}

static struct actor *calling_until(uint64_t nanoseconds) {
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1) | TAG_DEADLINE);
    caller->page->deadline = clock_monotonic() + nanoseconds;
    actor_go(caller);
    return caller;
}

static void test_deadlines(void) {
    struct ipc_registers in;
    uint64_t start = clock_monotonic();
    check_error(sleep_until(start + 5 * MILLISECOND), ERR_DEADLINE, "a wait with a deadline");
    uint64_t late = clock_monotonic() - start;
    check(late >= 5 * MILLISECOND && late < 100 * MILLISECOND, "ends at it");
    check_error(sleep_until(1), ERR_DEADLINE, "one long past ends at once");
    struct actor *caller = calling_until(5 * MILLISECOND);
    sleep_for(10 * MILLISECOND);
    check(caller->done && caller->result == ERR_DEADLINE, "a queued call leaves the queue at its deadline");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "and is not seen");
    actor_free(caller);
    caller = calling_until(5 * MILLISECOND);
    must(receive_poll(endpoint, &in), "receiving");
    uint64_t serial = in.second, count = in.third;
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    sleep_for(10 * MILLISECOND);
    check(!caller->done, "a call that was taken is not ended at its deadline");
    check_error(receive_poll(endpoint, &in), ERR_OK, "but its server is told");
    check(tag_method(in.tag) == EVENT_CANCEL && in.target == 8 && in.words[0] == serial && in.words[1] == count,
          "by badge and number");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "once");
    must(answer(LOCAL_SLOT, ERR_INTERRUPTED, 0), "answering");
    check(caller->done && caller->result == ERR_OK && tag_status(caller->registers.tag) == ERR_INTERRUPTED, "its answer decides");
    actor_free(caller);
    caller = calling_until(5 * MILLISECOND);
    must(receive_poll(endpoint, &in), "receiving");
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    sleep_for(1100 * MILLISECOND);
    check(caller->done && caller->result == ERR_OUTCOME_UNKNOWN, "past the time of grace the outcome is unknown");
    check_error(answer(LOCAL_SLOT, 0, 0), ERR_BAD_CAPABILITY, "and the reply is dark");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "and no cancellation is left");
    actor_free(caller);
    caller = calling_until(5 * MILLISECOND);
    must(receive_poll(endpoint, &in), "receiving");
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    sleep_for(10 * MILLISECOND);
    must(answer(LOCAL_SLOT, 0, 0), "answering");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "an answer withdraws a cancellation not yet shown");
    actor_free(caller);
    cap_t call = 0;
    must(account_create_call(SLOT_ACCOUNT, 5, endpoint, &call), "a call object");
    must(send(session, call, 1), "sending");
    must(receive_poll(endpoint, &in), "receiving");
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    check_error(call_cancel(call), ERR_OK, "cancelling what a call object sent");
    check_error(call_cancel(call), ERR_OK, "twice");
    must(receive_poll(endpoint, &in), "the event");
    check_value(tag_method(in.tag), EVENT_CANCEL, "tells the server");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "once");
    slot_release(call);
    check_error(answer(LOCAL_SLOT, 0, 0), ERR_BAD_CAPABILITY, "dropping the call object makes the reply dark");
}

// Serves one request and ends with it, or puts it aside first.
static void dying_server(struct actor *actor) {
    struct ipc_registers registers = {.target = actor->arguments[0]};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    actor->values[1] = registers.second;
    actor->values[2] = registers.third;
    if (actor->arguments[1]) {
        registers = (struct ipc_registers){.target = actor->arguments[0], .tag = TAG_DEADLINE, .second = 40};
        ipc_page->deadline = 0;
        (void)system_call(SYS_WAIT, &registers);
    }
}

static struct actor *dying_server_new(bool aside) {
    struct actor *server = actor_new_process(dying_server, ACTOR_PRIORITY, SLOT_ACCOUNT);
    must(process_install(server->process, 20, 0, endpoint), "its endpoint");
    must(process_install(server->process, SLOT_ACCOUNT, 0, SLOT_ACCOUNT), "its account");
    server->arguments[0] = 20;
    server->arguments[1] = aside;
    actor_go(server);
    return server;
}

// Calls until it is answered, as libipc does; touches a page that a pager must bring in between.
static void repeater(struct actor *actor) {
    struct ipc_registers registers = {.target = session, .tag = TAG(TEST_METHOD, 0)};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_CALL, &registers);
    if (actor->arguments[0])
        actor->values[3] = *(volatile uint8_t *)actor->arguments[0];
    registers = (struct ipc_registers){.target = session, .tag = TAG(TEST_METHOD, 0) | TAG_REPEAT};
    actor->values[1] = (uint64_t)(int64_t)system_call(SYS_CALL, &registers);
    registers = (struct ipc_registers){.target = session, .tag = TAG(TEST_METHOD, 0)};
    actor->values[2] = (uint64_t)(int64_t)system_call(SYS_CALL, &registers);
}

static void test_lost(void) {
    cap_t pages = new_endpoint(), pager = new_session(pages, 60), paged = 0, source = new_memory(PAGE);
    must(account_create_paged(SLOT_ACCOUNT, PAGE, pager, &paged), "paged memory");
    uint8_t *mapped = map_memory(paged, PAGE, MAP_FLAG_READ);
    for (int aside = 0; aside < 2; aside++) {
        struct actor *server = dying_server_new(aside), *caller = actor_new(repeater, ACTOR_PRIORITY, 0);
        struct ipc_registers in;
        caller->arguments[0] = (uint64_t)mapped;
        actor_go(caller);
        check(server->done && server->values[0] == 0,
              aside ? "a server that put a request aside ends" : "a server ends while it serves");
        check_value(caller->values[0], (uint64_t)ERR_SERVER_LOST, "its caller is told that it is lost");
        check_error(receive_poll(pages, &in), ERR_OK, "then waits for a page");
        must(memory_supply(paged, 0, PAGE, 0, source), "supplying");
        must(answer(0, 0, 0), "answering the pager's request");
        check_error(receive_poll(endpoint, &in), ERR_OK, "and calls again");
        check(in.second == server->values[1] && in.third == server->values[2], "under the same number");
        must(answer(0, 0, 0), "answering");
        must(receive_poll(endpoint, &in), "receiving");
        check(in.second == server->values[1] && in.third == server->values[2] + 1, "the call after it has the next");
        must(answer(0, 0, 0), "answering");
        check(caller->done && caller->values[1] == 0 && caller->values[2] == 0, "both are answered");
        actor_free(caller);
        actor_free(server);
        must(memory_discard(paged, 0, PAGE), "discarding");
    }
    unmap(mapped, PAGE);
    slot_release(paged);
    slot_release(source);
    slot_release(pager);
    drop_endpoint(pages);
    struct actor *server = dying_server_new(true);
    cap_t call = 0;
    struct ipc_registers in;
    must(account_create_call(SLOT_ACCOUNT, 6, endpoint, &call), "a call object");
    must(send(session, call, 1), "sending");
    must(receive(endpoint, &in), "the answer");
    check((in.tag & TAG_ANSWER) && (error_t)in.second == ERR_SERVER_LOST && in.target == 6,
          "what a call object sent is lost in the same way");
    slot_release(call);
    actor_free(server);
    struct actor *caller = calling(1);
    struct actor *waiting = calling(2);
    must(receive_poll(endpoint, &in), "receiving");
    slot_release(session);
    check_error(receive_poll(endpoint, &in), ERR_BUSY, "a request holds its session");
    must(answer(0, 0, 0), "answering");
    drop_endpoint(endpoint);
    check(caller->done && caller->result == 0, "the end of an endpoint leaves answered calls alone");
    check(!waiting->done, "and those that are being served");
    check_error(answer(0, 0, 0), ERR_OK, "which can still be answered");
    check(waiting->done && waiting->result == 0, "with effect");
    actor_free(caller);
    actor_free(waiting);
    endpoint = new_endpoint();
    session = new_session(endpoint, 8);
    waiting = calling(2);
    slot_release(endpoint);
    check(waiting->done && waiting->result == ERR_DYING, "and those that wait in its queue");
    actor_free(waiting);
    slot_release(session);
}

void test_requests(void) {
    endpoint = new_endpoint();
    session = new_session(endpoint, 8);
    test_send();
    test_aside();
    test_forward();
    test_deadlines();
    test_lost();
}
