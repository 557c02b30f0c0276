// Messages: words in registers and pages, request numbers, capabilities copied and moved, what is refused, and the fast
// path beside the slow one.
#include "tests/kernel/harness.h"

static cap_t endpoint, session;

static void test_registers(void) {
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 6));
    struct ipc_registers in;
    for (uint64_t i = 0; i < 6; i++)
        caller->registers.words[i] = 100 + i;
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "nothing is there yet");
    actor_go(caller);
    check_value(actor_state(caller), THREAD_STATE_CALLING, "a caller waits");
    check_error(receive_poll(endpoint, &in), ERR_OK, "its message is received");
    check_value(in.target, 5, "with the session's badge");
    check_value(in.tag, TAG(TEST_METHOD, 6), "and the tag");
    bool same = true;
    for (uint64_t i = 0; i < 6; i++)
        same = same && in.words[i] == 100 + i;
    check(same, "and six words");
    struct thread_information information;
    must(thread_information(caller->thread, &information), "information");
    check(in.second == information.serial && in.third == 1, "and the request's number");
    struct ipc_registers out = {.tag = TAG(0, 6), .words = {11, 12, 13, 14, 15, 16}};
    check_error(system_call(SYS_REPLY, &out), ERR_OK, "replying");
    check(caller->done && caller->result == ERR_OK, "the caller goes on at once");
    check_value(caller->registers.tag, TAG(0, 6), "with the reply's tag");
    same = true;
    for (uint64_t i = 0; i < 6; i++)
        same = same && caller->registers.words[i] == 11 + i;
    check(same, "and words");
    check(!caller->registers.target && !caller->registers.second && !caller->registers.third,
          "and nothing in the other registers");
    check_error(answer(0, 0, 0), ERR_NO_REQUEST, "there is nothing left to answer");
    actor_free(caller);
    caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
    actor_go(caller);
    must(receive_poll(endpoint, &in), "receiving");
    must(answer(0, ERR_NOT_FOUND, 0), "answering");
    check(caller->result == ERR_OK && tag_status(caller->registers.tag) == ERR_NOT_FOUND, "a status comes back in the tag");
    actor_free(caller);
}

static void test_page_words(void) {
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 64));
    struct ipc_registers in;
    for (uint64_t i = 0; i < 64; i++) {
        caller->page->words[i] = 1000 + i;
        ipc_page->words[i] = 0;
    }
    actor_go(caller);
    must(receive_poll(endpoint, &in), "receiving");
    bool same = true;
    for (uint64_t i = 6; i < 64; i++)
        same = same && ipc_page->words[i] == 1000 + i;
    check(same && tag_words(in.tag) == 64, "58 words travel in the page");
    for (uint64_t i = 6; i < 64; i++)
        ipc_page->words[i] = 2000 + i;
    struct ipc_registers out = {.tag = TAG(0, 10)};
    must(system_call(SYS_REPLY, &out), "replying");
    same = true;
    for (uint64_t i = 6; i < 64; i++)
        same = same && caller->page->words[i] == (i < 10 ? 2000 : 1000) + i;
    check(same && tag_words(caller->registers.tag) == 10, "a reply writes just its words");
    actor_free(caller);
}

// Every call that takes a message refuses what is malformed.
static void test_refused(void) {
    static const struct {
        uint64_t tag;
        error_t error;
        const char *name;
    } cases[] = {
        {TAG(0x0001, 0), ERR_BAD_MESSAGE, "the kernel's protocol is refused"},
        {TAG(TEST_METHOD, 6) | 59ull << TAG_PAGE_WORDS_SHIFT, ERR_BAD_MESSAGE, "65 words are refused"},
        {TAG(TEST_METHOD, 6) | 63ull << TAG_PAGE_WORDS_SHIFT, ERR_BAD_MESSAGE, "69 words are refused"},
        {TEST_METHOD | 7ull << TAG_WORDS_SHIFT, ERR_BAD_MESSAGE, "7 words in registers are refused"},
        {TEST_METHOD | 2ull << TAG_WORDS_SHIFT | 3ull << TAG_PAGE_WORDS_SHIFT, ERR_BAD_MESSAGE,
         "page words without all register words are refused"},
        {TAG(TEST_METHOD, 0) | 5ull << TAG_CAPS_SHIFT, ERR_BAD_MESSAGE, "5 capabilities are refused"},
        {TAG(TEST_METHOD, 0) | TAG_LEND_READ, ERR_MESSAGE_SIZE, "lending too much to read is refused"},
        {TAG(TEST_METHOD, 0) | TAG_LEND_WRITE, ERR_MESSAGE_SIZE, "lending too much to write is refused"},
    };
    cap_t call = 0;
    must(account_create_call(SLOT_ACCOUNT, 0, endpoint, &call), "a call object");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ipc_registers registers = {.target = session, .tag = cases[i].tag};
        ipc_page->lend_read.length = ipc_page->lend_write.length = MESSAGE_LEND_MAX + 1;
        struct actor *caller = caller_new(SYS_CALL, session, cases[i].tag);
        caller->page->lend_read.length = caller->page->lend_write.length = MESSAGE_LEND_MAX + 1;
        actor_go(caller);
        registers.second = call;
        error_t sent = system_call(SYS_SEND, &registers);
        check(caller->done && caller->result == cases[i].error && sent == cases[i].error, cases[i].name);
        if (sent == ERR_OK)
            (void)call_cancel(call);
        actor_free(caller);
    }
    struct ipc_registers in;
    check_error(receive_poll(endpoint, &in), ERR_DEADLINE, "and nothing of it arrives");
    slot_release(call);
    struct actor *server = caller_new(SYS_WAIT, endpoint, 0); // a waiting server: the fast path must refuse as well
    actor_go(server);
    for (unsigned i = 0; i < 6; i++) {
        struct ipc_registers registers = {.target = session, .tag = cases[i].tag};
        check_error(system_call(SYS_CALL, &registers), cases[i].error, cases[i].name);
    }
    check(!server->done, "by the fast path, too");
    actor_free(server);
}

static void test_targets(void) {
    struct ipc_registers registers = {.target = endpoint, .tag = TAG(TEST_METHOD, 0)};
    error_t error = system_call(SYS_CALL, &registers);
    check(!error && tag_status(registers.tag) == ERR_BAD_METHOD, "calling an endpoint is calling the kernel's object");
    cap_t weak = 0;
    must(slot_duplicate(session, RIGHT_COPY, &weak), "a weak session");
    registers = (struct ipc_registers){.target = weak, .tag = TAG(TEST_METHOD, 0)};
    check_error(system_call(SYS_CALL, &registers), ERR_RIGHTS, "calling without CALL");
    slot_release(weak);
    check_error(receive_poll(session, &registers), ERR_WRONG_KIND, "waiting at a session");
    check_error(receive_poll(LOCAL_SLOT, &registers), ERR_BAD_CAPABILITY, "waiting at nothing");
    check_error(receive_poll(0x7fffffff, &registers), ERR_BAD_CAPABILITY, "waiting far beyond the table");
    must(slot_duplicate(endpoint, RIGHT_MINT, &weak), "a weak endpoint");
    check_error(receive_poll(weak, &registers), ERR_RIGHTS, "waiting without RECEIVE");
    slot_release(weak);
    check_error(answer(endpoint, 0, 0), ERR_WRONG_KIND, "answering an endpoint");
    check_error(answer(LOCAL_SLOT, 0, 0), ERR_BAD_CAPABILITY, "answering nothing");
    check_error(notification_signal(endpoint, 1), ERR_WRONG_KIND, "signalling an endpoint");
    check_error(serve(0, endpoint), ERR_WRONG_KIND, "serving an endpoint");
    check_error(serve(0, LOCAL_SLOT), ERR_BAD_CAPABILITY, "serving nothing");
    uint64_t moved;
    check_error(copy_from(0, 0, &registers, 8, &moved), ERR_NO_REQUEST, "copying with no request");
    check_error(copy_from(endpoint, 0, &registers, 8, &moved), ERR_WRONG_KIND, "copying from an endpoint");
}

static bool has(cap_t slot, uint64_t kind, uint64_t rights) {
    uint64_t found, found_kind, found_rights, badge, object;
    return process_slot_next(SLOT_SELF, slot, &found, &found_kind, &found_rights, &badge, &object) == ERR_OK && found == slot &&
           found_kind == kind && found_rights == rights;
}

static void test_capabilities_sent(void) {
    enum { IN = LOCAL_SLOT + 10, HERE = LOCAL_SLOT + 20 };
    cap_t notification = new_notification(), fixed = 0;
    must(slot_duplicate(notification, RIGHT_SIGNAL, &fixed), "a copy that can't be copied");
    must(process_slot_copy(SLOT_SELF, notification, HERE, RIGHT_SIGNAL), "a copy to move");
    must(process_slot_copy(SLOT_SELF, notification, IN + 3, RIGHT_SIGNAL), "a slot in use");
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 1) | 4ull << TAG_CAPS_SHIFT);
    struct ipc_registers in;
    caller->page->send_caps[0] = notification;
    caller->page->send_rights[0] = RIGHT_SIGNAL | RIGHT_COPY;
    caller->page->send_caps[1] = HERE | SEND_CAP_MOVE;
    caller->page->send_caps[2] = fixed;
    caller->page->send_caps[3] = notification;
    for (cap_t i = 0; i < 4; i++)
        ipc_page->receive_slots[i] = IN + i;
    actor_go(caller);
    must(receive_poll(endpoint, &in), "receiving");
    cap_t received[4];
    memcpy(received, ipc_page->received_caps, sizeof(received)); // every call of the kernel clears them
    check_value(tag_caps(in.tag), 4, "four capabilities arrive by the tag");
    check(received[0] == IN && has(IN, CAP_NOTIFICATION, RIGHT_SIGNAL | RIGHT_COPY), "a copy, with the rights given");
    check(received[1] == IN + 1 && has(IN + 1, CAP_NOTIFICATION, RIGHT_SIGNAL), "one moved, without COPY");
    check(!has(HERE, CAP_NOTIFICATION, RIGHT_SIGNAL), "is gone from where it was");
    check(received[2] == 0, "one without COPY is not copied");
    check(received[3] == 0, "one whose slot is taken does not arrive");
    check(has(IN + 3, CAP_NOTIFICATION, RIGHT_SIGNAL), "and what was in the slot stays");
    caller->page->receive_slots[0] = HERE;
    ipc_page->send_caps[0] = IN | SEND_CAP_MOVE;
    ipc_page->send_rights[0] = RIGHT_SIGNAL;
    ipc_page->send_caps[1] = LOCAL_SLOT + 29;
    caller->page->receive_slots[1] = HERE + 1;
    struct ipc_registers out = {.tag = TAG(0, 0) | 2ull << TAG_CAPS_SHIFT};
    must(system_call(SYS_REPLY, &out), "replying");
    check(caller->done && caller->page->received_caps[0] == HERE && has(HERE, CAP_NOTIFICATION, RIGHT_SIGNAL),
          "a reply moves one, with fewer rights");
    check_value(caller->page->received_caps[1], 0, "an empty slot sends nothing");
    actor_free(caller);
    caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0) | 2ull << TAG_CAPS_SHIFT);
    caller->page->send_caps[0] = notification;
    caller->page->send_caps[1] = notification;
    ipc_page->receive_slots[0] = 0;
    ipc_page->receive_slots[1] = CAP_TABLE_SLOTS;
    actor_go(caller);
    must(receive_poll(endpoint, &in), "receiving");
    check(!ipc_page->received_caps[0] && !ipc_page->received_caps[1], "slot 0 and slots out of range receive nothing");
    ipc_page->receive_slots[1] = 0;
    must(answer(0, 0, 0), "answering");
    actor_free(caller);
    for (cap_t slot = LOCAL_SLOT; slot < LOCAL_SLOT + 40; slot++)
        must(process_slot_delete(SLOT_SELF, slot), "deleting");
    slot_release(fixed);
    slot_release(notification);
}

// What a server may put into a reply's tag must not lead the kernel astray.
static void test_reply_tags(void) {
    static const uint64_t tags[] = {TAG(0, 6) | 63ull << TAG_PAGE_WORDS_SHIFT,
                                    7ull << TAG_WORDS_SHIFT | 63ull << TAG_PAGE_WORDS_SHIFT, TAG(0, 0) | 7ull << TAG_CAPS_SHIFT,
                                    UINT64_MAX};
    for (unsigned i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
        struct ipc_registers in;
        caller->page->deadline = 77;
        for (int j = 0; j < 4; j++)
            caller->page->send_caps[j] = 70 + (cap_t)j;
        actor_go(caller);
        must(receive_poll(endpoint, &in), "receiving");
        struct ipc_registers out = {.tag = tags[i]};
        must(system_call(SYS_REPLY, &out), "replying");
        bool sane = tag_words(caller->registers.tag) <= MESSAGE_WORDS && tag_caps(caller->registers.tag) <= MESSAGE_CAPS &&
                    caller->registers.tag <= UINT32_MAX;
        check(caller->done && sane && caller->page->deadline == 77 && caller->page->send_caps[1] == 71,
              "a reply with impossible counts does no harm");
        actor_free(caller);
    }
    cap_t call = 0;
    must(account_create_call(SLOT_ACCOUNT, 3, endpoint, &call), "a call object");
    struct ipc_registers in, out = {.target = session, .tag = TAG(TEST_METHOD, 0), .second = call};
    must(system_call(SYS_SEND, &out), "sending");
    must(receive_poll(endpoint, &in), "receiving");
    out = (struct ipc_registers){.tag = 7ull << TAG_WORDS_SHIFT | 63ull << TAG_PAGE_WORDS_SHIFT};
    must(system_call(SYS_REPLY, &out), "replying");
    for (int j = 0; j < 4; j++)
        ipc_page->send_caps[j] = 70 + (cap_t)j;
    must(receive_poll(endpoint, &in), "the answer");
    check((in.tag & TAG_ANSWER) && tag_words(in.tag) <= MESSAGE_WORDS && ipc_page->send_caps[1] == 71,
          "nor does one to a call object");
    slot_release(call);
}

// Which registers a call leaves alone.
static void test_register_promises(void) {
    uint64_t found[6] = {0}, after[12] = {0};
    registers_probe(found, (uint32_t)SYS_CALL);
    check_error((error_t)found[4], ERR_BAD_CAPABILITY, "a call of nothing");
    check_value(found[1], 0x1122334455667788, "keeps rbp");
    check_value(found[0], 0, "clears rbx");
    check_value(found[3] & 0xcd5, 0, "clears the flags");
    registers_probe(found, (uint32_t)SYS_WAIT);
    check(found[1] == 0x1122334455667788 && found[0] == 0, "a wait does the same");
    cap_t notification = new_notification();
    signal_probe(notification, after);
    bool same = true;
    for (uint64_t i = 0; i < 10; i++)
        same = same && after[i] == 101 + i;
    check(same && after[10] == 5 && after[11] == 0, "a signal changes rax, rcx and r11 only");
    slot_release(notification);
}

// A server that answers by reply_wait as long as arguments[1] says; values[0] counts, values[1] adds words up.
static void echo_server(struct actor *actor) {
    struct ipc_registers registers = {.target = actor->arguments[0]};
    error_t error = system_call(SYS_WAIT, &registers);
    while (error == ERR_OK && tag_method(registers.tag) == TEST_METHOD) {
        actor->values[0]++;
        actor->values[1] += registers.words[0];
        actor->values[2] = registers.target;
        actor->values[3] = registers.third;
        struct ipc_registers next = {.target = actor->arguments[0], .tag = TAG(0, 6) & actor->arguments[2]};
        for (int i = 0; i < 6; i++)
            next.words[i] = registers.words[i] + 1;
        registers = next;
        error = system_call(SYS_REPLY_WAIT, &registers);
    }
    actor->values[4] = (uint64_t)(int64_t)error;
}

// arguments[0]: session, [1]: rounds; values[0]: wrong answers.
static void echo_client(struct actor *actor) {
    for (uint64_t i = 0; i < actor->arguments[1]; i++) {
        struct ipc_registers registers = {.target = actor->arguments[0], .tag = TAG(TEST_METHOD, 6)};
        for (uint64_t j = 0; j < 6; j++)
            registers.words[j] = i * 10 + j;
        error_t error = system_call(SYS_CALL, &registers);
        bool right =
            error == ERR_OK && registers.tag == (TAG(0, 6)) && !registers.target && !registers.second && !registers.third;
        for (uint64_t j = 0; j < 6; j++)
            right = right && registers.words[j] == i * 10 + j + 1;
        actor->values[0] += !right;
        actor->values[1]++;
    }
}

// Round trips between threads, and between processes: register messages take the fast path.
static void test_round_trips(bool processes) {
    struct actor *server = processes ? actor_new_process(echo_server, 61, SLOT_ACCOUNT) : actor_new(echo_server, 61, 0);
    struct actor *client = processes ? actor_new_process(echo_client, 61, SLOT_ACCOUNT) : actor_new(echo_client, 61, 0);
    server->arguments[0] = endpoint, server->arguments[2] = UINT64_MAX;
    client->arguments[0] = session, client->arguments[1] = 500;
    if (processes) {
        must(process_install(server->process, endpoint, 0, endpoint), "its endpoint");
        must(process_install(client->process, session, 0, session), "its session");
    }
    actor_go(server);
    check_value(actor_state(server), THREAD_STATE_WAITING, "a server waits");
    actor_go(client);
    check(client->done && client->values[1] == 500, "500 round trips");
    check_value(client->values[0], 0, "each with the right answer");
    check(server->values[0] == 500 && server->values[1] == 500 * 499 * 5 && server->values[2] == 5 && server->values[3] == 500,
          "and the right request, badge and number");
    actor_free(client);
    actor_free(server);
}

// A thread whose registers were set by an interrupt, or from outside, and that then calls by the fast path: what it gets
// back by the slow path must be that call's.
static void test_stale_flags(void) {
    struct actor *server = actor_new(actor_call, ACTOR_PRIORITY, 0), *caller = actor_new(actor_call, ACTOR_PRIORITY, 0);
    server->number = SYS_WAIT;
    server->registers.target = endpoint;
    actor_go(server);
    struct thread_registers registers = {.rax = (uint32_t)SYS_CALL,
                                         .rdi = session,
                                         .rsi = TAG(TEST_METHOD, 0),
                                         .rsp = (uint64_t)caller->stack + 8192,
                                         .rip = (uint64_t)flags_probe,
                                         .r15 = (uint64_t)caller->values,
                                         .rflags = 0x602};
    check_error(thread_set_registers(caller->thread, &registers), ERR_OK, "a thread with the direction flag set");
    actor_go(caller);
    check(server->done && caller->values[2] == 1, "calls a server, whose end answers it by the slow path");
    actor_free(server);
    check_value(caller->values[0] & 0xcd5, 0, "and finds its flags clear");
    check_value(caller->values[1], 0, "and rbx");
    actor_free(caller);
}

void test_messages(void) {
    endpoint = new_endpoint();
    session = new_session(endpoint, 5);
    test_registers();
    test_page_words();
    test_refused();
    test_targets();
    test_capabilities_sent();
    test_reply_tags();
    test_register_promises();
    test_round_trips(false);
    test_round_trips(true);
    test_stale_flags();
    slot_release(session);
    drop_endpoint(endpoint);
}
