// Sessions and notifications: closed, shown, acknowledged, enumerated, identified; signals, waits, bindings, and the end
// of what somebody waits for.
#include "tests/kernel/harness.h"

static cap_t endpoint;

static void test_closing(void) {
    struct ipc_registers in;
    cap_t first = new_session(endpoint, 100), second = new_session(endpoint, 101), copy = 0;
    must(slot_duplicate(first, 0, &copy), "a copy"); // rights 0: it can do nothing, but counts
    slot_release(first);
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "a session with a capability left is open");
    slot_release(copy);
    check_error(receive_poll(endpoint, &in), ERR_OK, "with the last one the server is told");
    check(tag_method(in.tag) == EVENT_SESSION_CLOSED && in.target == 100, "by badge");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "once");
    uint64_t queued, oldest, sessions = 0, cursor = 0, badge = 0;
    must(endpoint_information(endpoint, &queued, &oldest, &sessions), "information");
    check_value(sessions, 2, "it exists until that is acknowledged");
    check_error(endpoint_next_session(endpoint, 0, &cursor, &badge), ERR_OK, "sessions are enumerated");
    check_value(badge, 100, "in the order of their making");
    check_error(endpoint_next_session(endpoint, cursor, &cursor, &badge), ERR_OK, "one after");
    check_value(badge, 101, "another");
    check_error(endpoint_next_session(endpoint, cursor, &cursor, &badge), ERR_NOT_FOUND, "to the end");
    check_error(endpoint_acknowledge(endpoint, 101), ERR_NOT_FOUND, "an open session can't be acknowledged");
    check_error(endpoint_acknowledge(endpoint, 100), ERR_OK, "a closed one can");
    check_error(endpoint_acknowledge(endpoint, 100), ERR_NOT_FOUND, "once");
    (void)free_bytes();
    must(endpoint_information(endpoint, &queued, &oldest, &sessions), "information");
    check_value(sessions, 1, "and is gone");
    check_error(endpoint_identify(endpoint, second, &badge), ERR_OK, "a session is identified");
    check_value(badge, 101, "by its badge");
    cap_t other = new_endpoint(), weak = 0;
    check_error(endpoint_identify(other, second, &badge), ERR_NOT_FOUND, "not by another endpoint");
    check_error(endpoint_identify(endpoint, other, &badge), ERR_WRONG_KIND, "nor is an endpoint");
    must(slot_duplicate(endpoint, RIGHT_RECEIVE, &weak), "a weak endpoint");
    cap_t session = 0;
    check_error(endpoint_identify(weak, second, &badge), ERR_RIGHTS, "identify needs its right");
    check_error(endpoint_create_session(weak, 1, &session), ERR_RIGHTS, "create_session needs MINT");
    slot_release(weak);
    must(slot_duplicate(endpoint, RIGHT_MINT, &weak), "another");
    check_error(endpoint_acknowledge(weak, 1), ERR_RIGHTS, "acknowledge needs RECEIVE");
    check_error(endpoint_next_session(weak, 0, &cursor, &badge), ERR_RIGHTS, "so does next_session");
    check_error(endpoint_bind(weak, weak), ERR_RIGHTS, "so does bind");
    slot_release(weak);
    slot_release(other);
    slot_release(second);
    must(receive_poll(endpoint, &in), "the event");
    must(endpoint_acknowledge(endpoint, 101), "acknowledging");
}

// Who is served pays for the session that it gets.
static void test_payment(void) {
    enum { ROOM = 128 }; // more sessions than fit into two pages
    cap_t session = new_session(endpoint, 102), account = 0, made[ROOM];
    must(account_create_account(SLOT_ACCOUNT, 300 * PAGE, 63, &account), "an account");
    struct actor *caller = actor_new_process(actor_call, ACTOR_PRIORITY, account);
    must(process_install(caller->process, 20, 0, session), "its session");
    caller->number = SYS_CALL;
    caller->registers = (struct ipc_registers){.target = 20, .tag = TAG(TEST_METHOD, 0)};
    actor_go(caller);
    struct ipc_registers in;
    must(receive_poll(endpoint, &in), "receiving");
    uint64_t quota, before = 0, after = 0, peak, ceiling, badge = 103;
    must(account_information(account, &quota, &before, &peak, &ceiling), "information");
    must(account_set_quota(account, before + PAGE, 63), "room for one more page");
    while (badge < 103 + ROOM && endpoint_create_session(endpoint, badge, &made[badge - 103]) == ERR_OK)
        badge++;
    must(account_information(account, &quota, &after, &peak, &ceiling), "information");
    check_value(after, before + PAGE, "sessions are charged to the caller that is served, by the page");
    cap_t another = 0;
    check_error(endpoint_create_session(endpoint, badge, &another), ERR_QUOTA, "which is refused when its account is full");
    must(answer(0, 0, 0), "answering");
    check_error(endpoint_create_session(endpoint, badge, &another), ERR_OK, "with nobody served the endpoint's account pays");
    slot_release(another);
    actor_free(caller);
    while (badge-- > 103)
        slot_release(made[badge - 103]);
    slot_release(session);
    while (receive_poll(endpoint, &in) == ERR_OK)
        must(endpoint_acknowledge(endpoint, in.target), "acknowledging");
    slot_release(account);
}

// A call in flight holds its session, though its caller dropped the capability.
static void test_held(void) {
    cap_t session = new_session(endpoint, 105);
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
    struct ipc_registers in;
    actor_go(caller);
    slot_release(session);
    must(receive_poll(endpoint, &in), "receiving");
    check_value(tag_method(in.tag), TEST_METHOD, "a queued request of a session without capabilities comes first");
    must(receive_aside(endpoint, LOCAL_SLOT, &in) == ERR_DEADLINE ? ERR_OK : ERR_INVALID, "putting aside");
    check_error(answer(LOCAL_SLOT, 0, 0), ERR_OK, "with its answer");
    must(receive_poll(endpoint, &in), "the event");
    check(tag_method(in.tag) == EVENT_SESSION_CLOSED && in.target == 105, "the session is closed");
    must(endpoint_acknowledge(endpoint, 105), "acknowledging");
    actor_free(caller);
}

static void test_signals(void) {
    cap_t notification = new_notification(), weak = 0;
    struct ipc_registers in;
    uint64_t bits = 0;
    check_error(notification_signal(notification, 5), ERR_OK, "a signal");
    check_error(notification_signal(notification, 8), ERR_OK, "and another");
    check_error(receive_poll(notification, &in), WAIT_NOTIFICATION, "are received");
    check(in.words[0] == 13 && in.target == 0 && in.tag == 0, "as one word of bits");
    check_error(receive_poll(notification, &in), ERR_DEADLINE, "which is cleared");
    must(notification_signal(notification, UINT64_MAX), "signalling");
    check_error(notification_poll(notification, &bits), ERR_OK, "polling");
    check_value(bits, UINT64_MAX, "gives the bits");
    must(notification_poll(notification, &bits), "polling");
    check_value(bits, 0, "once");
    must(slot_duplicate(notification, RIGHT_SIGNAL, &weak), "a weak one");
    check_error(receive_poll(weak, &in), ERR_RIGHTS, "waiting without RECEIVE");
    slot_release(weak);
    must(slot_duplicate(notification, RIGHT_RECEIVE, &weak), "a weak one");
    check_error(notification_signal(weak, 1), ERR_RIGHTS, "signalling without SIGNAL");
    slot_release(weak);
    struct actor *first = caller_new(SYS_WAIT, notification, 0), *second = caller_new(SYS_WAIT, notification, 0);
    actor_go(first);
    actor_go(second);
    must(notification_signal(notification, 2), "signalling");
    check(first->done && first->result == WAIT_NOTIFICATION && first->registers.words[0] == 2 && !second->done,
          "a signal wakes the first that waits");
    must(notification_signal(notification, 0), "signalling nothing");
    check(!second->done, "no bits wake nobody");
    must(notification_signal(notification, 4), "signalling");
    check(second->done && second->registers.words[0] == 4, "then the second");
    actor_free(first);
    actor_free(second);
    first = caller_new(SYS_WAIT, notification, 0);
    actor_go(first);
    slot_release(notification);
    check(first->done && first->result == ERR_DYING, "the end of a notification ends the wait for it");
    actor_free(first);
    notification = new_notification();
    first = caller_new(SYS_WAIT, notification, 0);
    actor_go(first);
    actor_free(first);
    must(notification_signal(notification, 4), "signalling");
    must(notification_poll(notification, &bits), "polling");
    check_value(bits, 4, "a thread that ended takes no signal");
    slot_release(notification);
    cap_t local = new_endpoint();
    first = caller_new(SYS_WAIT, local, 0);
    actor_go(first);
    slot_release(local);
    check(first->done && first->result == ERR_DYING, "the end of an endpoint ends the wait at it");
    actor_free(first);
}

static void test_binding(void) {
    cap_t notification = new_notification(), other = new_notification(), second = new_endpoint();
    struct ipc_registers in;
    must(notification_signal(notification, 1), "signalling");
    struct actor *waiter = caller_new(SYS_WAIT, endpoint, 0);
    actor_go(waiter);
    check_error(endpoint_bind(endpoint, notification), ERR_OK, "binding a notification with bits");
    check(waiter->done && waiter->result == WAIT_NOTIFICATION && waiter->registers.words[0] == 1,
          "wakes who waits at the endpoint");
    actor_free(waiter);
    must(notification_signal(notification, 6), "signalling");
    check_error(receive_poll(endpoint, &in), WAIT_NOTIFICATION, "bits are received at the endpoint");
    check_value(in.words[0], 6, "all of them");
    waiter = caller_new(SYS_WAIT, endpoint, 0);
    actor_go(waiter);
    must(notification_signal(notification, 8), "signalling");
    check(waiter->done && waiter->registers.words[0] == 8, "a signal wakes who waits there");
    actor_free(waiter);
    check_error(endpoint_bind(endpoint, notification), ERR_OK, "binding it again");
    check_error(endpoint_bind(endpoint, other), ERR_OK, "binding another in its place");
    must(notification_signal(notification, 1), "signalling");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "the first is not heard any more");
    must(notification_signal(other, 2), "signalling");
    check_error(receive_poll(endpoint, &in), WAIT_NOTIFICATION, "the other is");
    check_error(endpoint_bind(second, other), ERR_OK, "binding it to another endpoint");
    must(notification_signal(other, 2), "signalling");
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "takes it away from the first");
    check_error(receive_poll(second, &in), WAIT_NOTIFICATION, "and it is heard there");
    check_error(endpoint_bind(second, endpoint), ERR_WRONG_KIND, "an endpoint can't be bound");
    slot_release(second);
    must(notification_signal(other, 16), "signalling");
    uint64_t bits = 0;
    must(notification_poll(other, &bits), "polling");
    check_value(bits, 16, "a notification outlives its endpoint");
    must(endpoint_bind(endpoint, other), "binding");
    slot_release(other);
    slot_release(notification);
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "an endpoint outlives its notification");
    cap_t session = new_session(endpoint, 106), call = 0;
    notification = new_notification();
    must(endpoint_bind(endpoint, notification), "binding");
    must(account_create_call(SLOT_ACCOUNT, 0, endpoint, &call), "a call object");
    struct ipc_registers out = {.target = session, .tag = TAG(TEST_METHOD, 0), .second = call};
    must(system_call(SYS_SEND, &out), "sending");
    cap_t closing = new_session(endpoint, 107);
    slot_release(closing);
    must(notification_signal(notification, 1), "signalling");
    check_error(receive_poll(endpoint, &in), WAIT_NOTIFICATION, "signals come first");
    must(receive_poll(endpoint, &in), "receiving");
    check(tag_method(in.tag) == EVENT_SESSION_CLOSED && in.target == 107, "then sessions that closed");
    must(receive_poll(endpoint, &in), "receiving");
    check_value(tag_method(in.tag), TEST_METHOD, "then requests");
    must(endpoint_acknowledge(endpoint, 107), "acknowledging");
    slot_release(call);
    slot_release(session);
    must(receive_poll(endpoint, &in), "the event");
    must(endpoint_acknowledge(endpoint, 106), "acknowledging");
    slot_release(notification);
}

// Sessions that closed in numbers, and an endpoint that ends before they are acknowledged.
static void test_many(void) {
    enum { MANY = 100 };
    cap_t local = new_endpoint();
    static cap_t sessions[MANY];
    for (uint64_t i = 0; i < MANY; i++)
        sessions[i] = new_session(local, 1000 + i);
    for (uint64_t i = 0; i < MANY; i++)
        slot_release(sessions[i]);
    uint64_t seen = 0, wrong = 0;
    struct ipc_registers in;
    for (uint64_t i = 0; i < MANY / 2; i++) {
        wrong += receive_poll(local, &in) != ERR_OK || in.target < 1000 || in.target >= 1000 + MANY;
        seen += in.target - 1000;
        wrong += i % 2 && endpoint_acknowledge(local, in.target) != ERR_OK;
    }
    check(wrong == 0, "closed sessions are shown one after the other");
    slot_release(local);
    (void)seen;
    local = new_endpoint();
    cap_t session = new_session(local, 1);
    slot_release(local);
    slot_release(session); // the other way round
    (void)free_bytes();
    check(true, "a session outlives its endpoint");
}

void test_sessions(void) {
    endpoint = new_endpoint();
    test_closing();
    test_payment();
    test_held();
    test_signals();
    test_binding();
    test_many();
    drop_endpoint(endpoint);
}
