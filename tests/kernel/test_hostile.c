// Peers that mean harm: messages that take away what they are made of, in the middle of their own delivery.
#include "tests/kernel/harness.h"

static cap_t endpoint, session;

static error_t send_moving(cap_t call, cap_t moved) {
    struct ipc_registers registers = {.target = session, .tag = TAG(TEST_METHOD, 0) | 1ull << TAG_CAPS_SHIFT, .second = call};
    ipc_page->send_caps[0] = moved | SEND_CAP_MOVE;
    ipc_page->receive_slots[0] = 0;
    return system_call(SYS_SEND, &registers);
}

static void test_call_moves_itself(void) {
    cap_t home = new_endpoint(), call = 0;
    struct ipc_registers in;
    must(account_create_call(SLOT_ACCOUNT, 1, home, &call), "a call object");
    check_error(send_moving(call, call), ERR_OK, "a call object that sends itself");
    check_error(receive_poll(endpoint, &in), ERR_OK, "to one who has no slot for it");
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "is gone with its request");
    slot_give_back(call);
    must(account_create_call(SLOT_ACCOUNT, 1, home, &call), "a call object");
    check_error(send_moving(call, call), ERR_OK, "one that sends itself");
    ipc_page->receive_slots[0] = LOCAL_SLOT;
    must(receive_poll(endpoint, &in), "receiving");
    check_value(ipc_page->received_caps[0], LOCAL_SLOT, "to one who takes it");
    struct ipc_registers out = {.tag = TAG(0, 0) | 1ull << TAG_CAPS_SHIFT};
    ipc_page->receive_slots[0] = 0;
    ipc_page->send_caps[0] = LOCAL_SLOT | SEND_CAP_MOVE;
    check_error(system_call(SYS_REPLY, &out), ERR_OK, "and is answered with itself");
    check_error(receive_poll(home, &in), ERR_DEADLINE, "is gone, and its answer");
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "nothing is served any more");
    slot_give_back(call);
    must(account_create_call(SLOT_ACCOUNT, 1, home, &call), "a call object");
    check_error(send_moving(call, home), ERR_OK, "one that sends its own endpoint away");
    must(receive_poll(endpoint, &in), "receiving");
    must(answer(0, 0, 0), "answering");
    check_error(send_moving(call, LOCAL_SLOT), ERR_OK, "is idle afterwards");
    must(receive_poll(endpoint, &in), "receiving");
    slot_give_back(home);
    slot_release(call);
}

// Waits twice; keeps what it got.
static void receives_twice(struct actor *actor) {
    struct ipc_registers registers = {.target = actor->arguments[0]};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_WAIT, &registers);
    actor->values[1] = registers.tag;
    registers = (struct ipc_registers){.target = actor->arguments[0], .tag = TAG(0, 0)};
    actor->values[2] = (uint64_t)(int64_t)system_call(SYS_REPLY_WAIT, &registers);
    actor->values[3] = registers.tag;
    actor->values[4] = registers.target;
}

// The session that a message moves away closes while the message is delivered to a waiting server: it must still get
// the message, and then the event.
static void test_message_closes_a_session(void) {
    cap_t local = new_endpoint(), victim = new_session(local, 90), lost = new_session(local, 91);
    struct actor *server = actor_new(receives_twice, ACTOR_PRIORITY, 0);
    struct actor *caller = caller_new(SYS_CALL, victim, TAG(TEST_METHOD, 2) | 1ull << TAG_CAPS_SHIFT);
    server->arguments[0] = local;
    caller->page->send_caps[0] = lost | SEND_CAP_MOVE;
    actor_go(server);
    actor_go(caller);
    check(server->values[0] == 0 && tag_method(server->values[1]) == TEST_METHOD,
          "a message that closes a session arrives whole");
    check(caller->done && caller->result == 0, "and is answered");
    check(server->done && server->values[2] == 0 && tag_method(server->values[3]) == EVENT_SESSION_CLOSED &&
              server->values[4] == 91,
          "the session's end is told after it");
    must(endpoint_acknowledge(local, 91), "acknowledging");
    actor_free(caller);
    slot_give_back(lost);
    actor_free(server);
    server = actor_new(receives_twice, ACTOR_PRIORITY, 0);
    caller = caller_new(SYS_CALL, victim, TAG(TEST_METHOD, 2) | 1ull << TAG_CAPS_SHIFT);
    server->arguments[0] = local;
    caller->page->send_caps[0] = local | SEND_CAP_MOVE;
    actor_go(server);
    actor_go(caller);
    check(server->done && server->values[0] == 0 && tag_method(server->values[1]) == TEST_METHOD,
          "so does one that takes the server's endpoint away");
    check_value(server->values[2], (uint64_t)ERR_BAD_CAPABILITY, "who then waits in vain");
    check(caller->done && caller->result == 0, "having answered");
    actor_free(caller);
    actor_free(server);
    slot_give_back(local);
    slot_release(victim);
}

void test_hostile(void) {
    endpoint = new_endpoint();
    session = new_session(endpoint, 9);
    test_call_moves_itself();
    test_message_closes_a_session();
    slot_release(session);
    drop_endpoint(endpoint);
}
