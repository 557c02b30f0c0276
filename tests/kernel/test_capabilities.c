// Slots: copy, move, delete, rights, revoke (deep and wide trees, tables of other processes), growth of a table.
#include "tests/kernel/harness.h"

static bool slot_exists(uint64_t slot, uint64_t *kind, uint64_t *rights) {
    uint64_t found, badge, object;
    return process_slot_next(SLOT_SELF, slot, &found, kind, rights, &badge, &object) == ERR_OK && found == slot;
}

static bool exists(uint64_t slot) {
    uint64_t kind, rights;
    return slot_exists(slot, &kind, &rights);
}

static void test_copy(void) {
    cap_t from = new_notification();
    uint64_t kind = 0, rights = 0;
    check_error(process_slot_copy(SLOT_SELF, from, LOCAL_SLOT, RIGHT_SIGNAL | RIGHT_COPY), ERR_OK, "a copy");
    check(slot_exists(LOCAL_SLOT, &kind, &rights) && kind == CAP_NOTIFICATION, "the copy has the kind");
    check_value(rights, RIGHT_SIGNAL | RIGHT_COPY, "the copy has the rights asked for");
    check_error(process_slot_copy(SLOT_SELF, LOCAL_SLOT, LOCAL_SLOT + 1, RIGHTS_ALL), ERR_OK, "a copy of the copy");
    check(slot_exists(LOCAL_SLOT + 1, &kind, &rights) && rights == (RIGHT_SIGNAL | RIGHT_COPY), "rights never grow");
    check_error(process_slot_copy(SLOT_SELF, from, LOCAL_SLOT, RIGHTS_ALL), ERR_SLOT_IN_USE, "copying to a slot in use");
    check_error(process_slot_copy(SLOT_SELF, from, from, RIGHTS_ALL), ERR_SLOT_IN_USE, "copying to itself");
    check_error(process_slot_copy(SLOT_SELF, LOCAL_SLOT + 5, LOCAL_SLOT + 6, RIGHTS_ALL), ERR_BAD_CAPABILITY,
                "copying an empty slot");
    check_error(process_slot_copy(SLOT_SELF, 60000, LOCAL_SLOT + 6, RIGHTS_ALL), ERR_BAD_CAPABILITY,
                "copying a slot beyond the table");
    check_error(process_slot_copy(SLOT_SELF, from, 0, RIGHTS_ALL), ERR_INVALID, "slot 0 can't be filled");
    check_error(process_slot_copy(SLOT_SELF, from, CAP_TABLE_SLOTS, RIGHTS_ALL), ERR_INVALID, "nor a slot past the limit");
    check_error(process_slot_copy(SLOT_SELF, from, CAP_TABLE_SLOTS - 1, RIGHTS_ALL), ERR_INVALID,
                "nor one that is far beyond the table's end");
    check_error(process_slot_copy(SLOT_SELF, LOCAL_SLOT, LOCAL_SLOT + 2, RIGHT_SIGNAL), ERR_OK, "a copy without COPY");
    check_error(process_slot_copy(SLOT_SELF, LOCAL_SLOT + 2, LOCAL_SLOT + 3, RIGHT_SIGNAL), ERR_RIGHTS, "which can't be copied");
    check_error(notification_signal(LOCAL_SLOT + 2, 1), ERR_OK, "a copy with SIGNAL signals");
    uint64_t bits = 0;
    check_error(notification_poll(LOCAL_SLOT, &bits), ERR_RIGHTS, "a copy without RECEIVE can't poll");
    check_error(notification_poll(from, &bits), ERR_OK, "the original can");
    check_value(bits, 1, "and the bit is there");
    slot_release(from);
    check_error(notification_signal(LOCAL_SLOT + 2, 1), ERR_OK, "copies outlive the original");
    for (uint64_t slot = LOCAL_SLOT; slot < LOCAL_SLOT + 4; slot++)
        check_error(process_slot_delete(SLOT_SELF, slot), ERR_OK, "deleting");
    check_error(process_slot_delete(SLOT_SELF, LOCAL_SLOT), ERR_OK, "deleting an empty slot");
    check_error(notification_signal(LOCAL_SLOT, 1), ERR_BAD_CAPABILITY, "a deleted slot is empty");
    check_error(process_slot_delete(SLOT_SELF, SLOT_SELF), ERR_INVALID, "the slot that is called can't be deleted");
}

static void test_move(void) {
    cap_t from = new_notification(), endpoint = new_endpoint();
    check_error(process_slot_copy(SLOT_SELF, from, LOCAL_SLOT, RIGHT_SIGNAL), ERR_OK, "a child");
    check_error(process_slot_move(SLOT_SELF, from, LOCAL_SLOT + 1), ERR_OK, "moving a parent");
    check(!exists(from), "leaves its slot empty");
    check_error(process_slot_move(SLOT_SELF, LOCAL_SLOT, LOCAL_SLOT + 2), ERR_OK, "moving a child (it needs no COPY)");
    check_error(process_slot_move(SLOT_SELF, LOCAL_SLOT + 1, endpoint), ERR_SLOT_IN_USE, "moving to a slot in use");
    check_error(process_slot_move(SLOT_SELF, LOCAL_SLOT + 1, LOCAL_SLOT + 1), ERR_SLOT_IN_USE, "moving to itself");
    check_error(process_slot_revoke(SLOT_SELF, LOCAL_SLOT + 1), ERR_OK, "revoking the moved parent");
    check(!exists(LOCAL_SLOT + 2) && exists(LOCAL_SLOT + 1), "takes the moved child");
    check_error(process_slot_revoke(SLOT_SELF, LOCAL_SLOT + 3), ERR_BAD_CAPABILITY, "revoking an empty slot");
    check_error(process_slot_delete(SLOT_SELF, LOCAL_SLOT + 1), ERR_OK, "deleting the parent");
    slot_give_back(from);
    slot_release(endpoint);
}

// A tree: 40 children of the root, each with a chain of 8 below it; then parts are deleted from the middle.
static void test_revoke_tree(void) {
    enum { WIDE = 40, DEEP = 8 };
    cap_t root = new_notification();
    error_t error = ERR_OK;
    for (uint64_t i = 0; i < WIDE && !error; i++)
        for (uint64_t j = 0; j < DEEP && !error; j++)
            error = process_slot_copy(SLOT_SELF, j ? LOCAL_SLOT + i * DEEP + j - 1 : root, LOCAL_SLOT + i * DEEP + j, RIGHTS_ALL);
    check_error(error, ERR_OK, "a tree of 320 copies");
    for (uint64_t i = 0; i < WIDE; i += 2)
        must(process_slot_delete(SLOT_SELF, LOCAL_SLOT + i * DEEP + i % DEEP), "deleting inside the tree");
    check_error(process_slot_revoke(SLOT_SELF, LOCAL_SLOT + DEEP), ERR_OK, "revoking the first of a chain");
    check(exists(LOCAL_SLOT + DEEP) && !exists(LOCAL_SLOT + DEEP + 1) && !exists(LOCAL_SLOT + 2 * DEEP - 1),
          "takes the chain and not itself");
    check(exists(LOCAL_SLOT + 3 * DEEP) && exists(LOCAL_SLOT + 4 * DEEP - 1), "and not its sibling's");
    check(exists(LOCAL_SLOT + 2 * DEEP + 7), "children of a deleted slot stay");
    check_error(process_slot_revoke(SLOT_SELF, root), ERR_OK, "revoking the root, in many steps");
    uint64_t left = 0;
    for (uint64_t slot = LOCAL_SLOT; slot < LOCAL_SLOT + WIDE * DEEP; slot++)
        left += exists(slot);
    check_value(left, 0, "leaves nothing of the tree");
    check(exists(root), "but the root");
    check_error(process_slot_copy(SLOT_SELF, root, LOCAL_SLOT, RIGHT_SIGNAL), ERR_OK, "and it can be copied again");
    check_error(process_slot_revoke(SLOT_SELF, LOCAL_SLOT), ERR_RIGHTS, "revoking without the right");
    must(process_slot_delete(SLOT_SELF, LOCAL_SLOT), "deleting");
    slot_release(root);
}

static void revokes(struct actor *actor) {
    actor->values[0] = 1 + (uint64_t)-process_slot_revoke(SLOT_SELF, actor->arguments[0]);
}

// A revocation takes many steps, between which others run: what they may do meanwhile, and what becomes of it if its caller
// ends.
static void test_revoke_in_steps(bool caller_ends) {
    enum { MANY = 60000 };
    cap_t root = new_notification(), child = 0;
    error_t error = ERR_OK;
    for (uint64_t slot = LOCAL_SLOT; slot < LOCAL_SLOT + MANY && !error; slot++)
        error = process_slot_copy(SLOT_SELF, slot % 3 ? root : slot == LOCAL_SLOT ? root : slot - 1, slot, RIGHTS_ALL);
    check_error(error, ERR_OK, "a tree of 60,000 copies");
    struct actor *actor = actor_new(revokes, MAIN_PRIORITY - 1, 0);
    actor->arguments[0] = root;
    actor_go(actor);
    sleep_for(MILLISECOND); // it is in the middle
    check(!actor->values[0], "its revocation does not end within a millisecond");
    check_error(slot_duplicate(root, 0, &child), ERR_REVOKED, "what is being revoked can't be copied");
    check_error(process_slot_move(SLOT_SELF, root, 61900), ERR_REVOKED, "nor moved");
    check_error(notification_signal(root, 1), ERR_OK, "but used");
    if (caller_ends) {
        actor_free(actor);
        while (slot_duplicate(root, 0, &child) == ERR_REVOKED)
            sleep_for(MILLISECOND); // the kernel goes on by itself
        slot_release(child);
    } else {
        actor_await(actor, THREAD_STATE_ENDED);
        check_value(actor->values[0], 1, "in the end it is done");
        actor_free(actor);
    }
    uint64_t left = 0;
    for (uint64_t slot = LOCAL_SLOT; slot < LOCAL_SLOT + MANY; slot += 97)
        left += exists(slot);
    check_value(left, 0, caller_ends ? "the kernel finishes what a dead caller began" : "nothing is left of the tree");
    check_error(slot_duplicate(root, 0, &child), ERR_OK, "and it can be copied again");
    slot_release(child);
    slot_release(root);
}

static void test_other_table(void) {
    cap_t process = 0, notification = new_notification();
    must(account_create_process(SLOT_ACCOUNT, &process), "a process");
    check_error(process_install(process, 700, RIGHT_SIGNAL, notification), ERR_OK, "installing into another table");
    check_error(process_install(process, 700, 0, notification), ERR_SLOT_IN_USE, "twice into one slot");
    check_error(process_install(process, 0, 0, notification), ERR_INVALID, "into slot 0");
    check_error(process_install(process, UINT64_C(1) << 32 | 800, 0, notification), ERR_INVALID, "into a slot of 33 bits");
    uint64_t slot = 0, kind = 0, rights = 0, badge, object;
    check_error(process_slot_next(process, 1, &slot, &kind, &rights, &badge, &object), ERR_OK, "it is found there");
    check(slot == 700 && kind == CAP_NOTIFICATION && rights == RIGHT_SIGNAL, "as it was installed");
    check_error(process_slot_next(process, 701, &slot, &kind, &rights, &badge, &object), ERR_NOT_FOUND, "and nothing else");
    check_error(process_slot_revoke(SLOT_SELF, notification), ERR_OK, "revoking reaches another process's table");
    check_error(process_slot_next(process, 1, &slot, &kind, &rights, &badge, &object), ERR_NOT_FOUND, "where it is gone");
    must(process_install(process, 700, 0, notification), "installing again");
    check_error(process_slot_move(process, 700, 701), ERR_OK, "moving inside another table");
    check_error(process_slot_copy(process, 701, 702, RIGHTS_ALL), ERR_OK, "copying inside another table");
    check_error(process_slot_delete(process, 701), ERR_OK, "deleting in another table");
    cap_t weak = 0;
    must(slot_duplicate(process, RIGHT_INSPECT | RIGHT_COPY, &weak), "a weak capability");
    check_error(process_install(weak, 710, 0, notification), ERR_RIGHTS, "installing without CONTROL");
    check_error(process_slot_next(weak, 1, &slot, &kind, &rights, &badge, &object), ERR_OK, "looking with INSPECT");
    check_error(process_destroy(weak), ERR_RIGHTS, "destroying without CONTROL");
    slot_release(weak);
    check_error(process_destroy(process), ERR_OK, "destroying the process");
    check_error(process_install(process, 710, 0, notification), ERR_DYING, "a destroyed process takes nothing");
    check_error(process_destroy(process), ERR_DYING, "nor another destruction");
    slot_release(process);
    slot_release(notification);
}

static void test_clone_table(void) {
    cap_t parent = 0, child = 0, notification = new_notification(), endpoint = new_endpoint(), call = 0, session;
    must(account_create_call(SLOT_ACCOUNT, 0, endpoint, &call), "a call object");
    session = new_session(endpoint, 9);
    must(account_create_process(SLOT_ACCOUNT, &parent), "a process");
    must(account_create_process(SLOT_ACCOUNT, &child), "another");
    must(process_install(parent, 20, RIGHT_SIGNAL | RIGHT_INHERIT | RIGHT_COPY, notification), "inheritable");
    must(process_install(parent, 21, RIGHT_SIGNAL | RIGHT_COPY, notification), "not inheritable");
    must(process_install(parent, 22, RIGHT_SIGNAL | RIGHT_INHERIT, notification), "inheritable, not copyable");
    must(process_install(parent, 23, 0, session), "a session");
    must(process_install(parent, 24, 0, SLOT_ACCOUNT), "an account");
    must(process_install(parent, 25, 0, SLOT_THREAD), "a thread");
    check_error(process_clone_table(child, parent), ERR_OK, "cloning a table");
    uint64_t found = 0, slot = 1, kind, rights, badge, object;
    while (process_slot_next(child, slot, &slot, &kind, &rights, &badge, &object) == ERR_OK)
        found |= UINT64_C(1) << slot++;
    check_value(found, UINT64_C(1) << 20 | UINT64_C(1) << 23, "takes inheritable slots, but no threads and accounts");
    check_error(process_clone_table(child, parent), ERR_SLOT_IN_USE, "not over slots in use");
    check_error(process_install(parent, 30, 0, call), ERR_RIGHTS, "a call object can't be copied");
    slot_release(session);
    must(process_destroy(parent), "destroying");
    must(process_destroy(child), "destroying");
    slot_release(parent);
    slot_release(child);
    slot_release(call);
    slot_release(notification);
    drop_endpoint(endpoint);
}

// Wrong methods, counts and kinds at one kernel object: the decoder's own checks.
static void test_decoding(void) {
    cap_t notification = new_notification(), endpoint = new_endpoint();
    struct {
        cap_t target;
        uint64_t tag;
        error_t error, status;
        const char *name;
    } cases[] = {
        {notification, TAG(METHOD_NOTIFICATION_POLL, 0), ERR_OK, ERR_OK, "a good call"},
        {notification, TAG(METHOD_NOTIFICATION_POLL, 1), ERR_OK, ERR_BAD_MESSAGE, "a word too many"},
        {notification, TAG(METHOD_NOTIFICATION_POLL, 0) | 1 << TAG_CAPS_SHIFT, ERR_OK, ERR_BAD_MESSAGE, "a capability too many"},
        {notification, TAG(METHOD_NOTIFICATION_POLL, 0) | TAG_LEND_READ, ERR_OK, ERR_BAD_MESSAGE, "a buffer too many"},
        {notification, TAG(METHOD_NOTIFICATION_POLL + 1, 0), ERR_OK, ERR_BAD_METHOD, "an unknown method"},
        {notification, TAG(METHOD_NOTIFICATION_POLL | 0xff, 0), ERR_OK, ERR_BAD_METHOD, "the highest method"},
        {notification, TAG(METHOD_ENDPOINT_INFORMATION, 0), ERR_OK, ERR_BAD_METHOD, "another kind's method"},
        {notification, TAG(0xff01, 0), ERR_OK, ERR_BAD_METHOD, "a protocol out of range"},
        {endpoint, TAG(METHOD_ENDPOINT_CREATE_SESSION, 0), ERR_OK, ERR_BAD_MESSAGE, "a word too few"},
        {endpoint, TAG(METHOD_ENDPOINT_BIND, 0), ERR_OK, ERR_BAD_MESSAGE, "a capability too few"},
        {SLOT_KERNEL, TAG(METHOD_KERNEL_LOG_WRITE, 1), ERR_OK, ERR_BAD_MESSAGE, "a buffer too few"},
        {0, TAG(METHOD_NOTIFICATION_POLL, 0), ERR_BAD_CAPABILITY, ERR_OK, "slot 0"},
        {LOCAL_SLOT + 7, TAG(METHOD_NOTIFICATION_POLL, 0), ERR_BAD_CAPABILITY, ERR_OK, "an empty slot"},
        {0xffffffff, TAG(METHOD_NOTIFICATION_POLL, 0), ERR_BAD_CAPABILITY, ERR_OK, "the last slot number"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ipc_registers registers = {.target = cases[i].target, .tag = cases[i].tag};
        error_t error = system_call(SYS_CALL, &registers);
        check(error == cases[i].error && (error || tag_status(registers.tag) == cases[i].status), cases[i].name);
    }
    struct ipc_registers registers = {.target = SLOT_ACCOUNT, .tag = TAG(METHOD_ACCOUNT_CREATE_ENDPOINT, 0)};
    ipc_page->receive_slots[0] = notification;
    error_t error = system_call(SYS_CALL, &registers);
    check(!error && tag_status(registers.tag) == ERR_SLOT_IN_USE, "a result slot in use");
    registers = (struct ipc_registers){.target = SLOT_ACCOUNT, .tag = TAG(METHOD_ACCOUNT_CREATE_ENDPOINT, 0)};
    ipc_page->receive_slots[0] = 0;
    error = system_call(SYS_CALL, &registers);
    check(!error && tag_status(registers.tag) == ERR_INVALID, "no result slot");
    registers = (struct ipc_registers){.target = endpoint, .tag = TAG(METHOD_ENDPOINT_BIND, 0) | 1 << TAG_CAPS_SHIFT};
    ipc_page->send_caps[0] = LOCAL_SLOT + 7;
    error = system_call(SYS_CALL, &registers);
    check(!error && tag_status(registers.tag) == ERR_BAD_CAPABILITY, "sending an empty slot");
    registers = (struct ipc_registers){.target = endpoint, .tag = TAG(METHOD_ENDPOINT_BIND, 0) | 1 << TAG_CAPS_SHIFT};
    ipc_page->send_caps[0] = endpoint;
    error = system_call(SYS_CALL, &registers);
    check(!error && tag_status(registers.tag) == ERR_WRONG_KIND, "sending the wrong kind");
    slot_release(notification);
    slot_release(endpoint);
}

void test_capabilities(void) {
    must(process_slot_copy(SLOT_SELF, SLOT_CLOCK, LOCAL_SLOT, RIGHTS_ALL), "growing the table");
    must(process_slot_delete(SLOT_SELF, LOCAL_SLOT), "deleting");
    test_copy();
    test_move();
    test_revoke_tree();
    test_revoke_in_steps(false);
    test_revoke_in_steps(true);
    test_other_table();
    test_clone_table();
    test_decoding();
}
