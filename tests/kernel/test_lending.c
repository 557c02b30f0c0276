// Lent buffers: copies in both directions, across pages, to and from memory objects, over zero, shared and missing pages,
// and what they refuse. The caller is a thread of this process, then one of another.
#include "tests/kernel/harness.h"

enum { READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE, BYTES = 3 * PAGE };

static cap_t endpoint, session;
static uint8_t local[BYTES];

static uint8_t pattern(uint64_t i, uint8_t seed) {
    return (uint8_t)(i * 13 + i / 256 + seed);
}

static void fill(uint8_t *bytes, uint64_t length, uint8_t seed) {
    for (uint64_t i = 0; i < length; i++)
        bytes[i] = pattern(i, seed);
}

static bool holds(const uint8_t *bytes, uint64_t length, uint64_t from, uint8_t seed) {
    for (uint64_t i = 0; i < length; i++)
        if (bytes[i] != pattern(from + i, seed))
            return false;
    return true;
}

// A caller that lends, its call received and being served.
static struct actor *lend(const void *to_read, uint64_t read_length, void *to_write, uint64_t write_length) {
    uint64_t tag = TAG(TEST_METHOD, 0);
    struct actor *caller = caller_new(SYS_CALL, session, tag | (to_read ? TAG_LEND_READ : 0) | (to_write ? TAG_LEND_WRITE : 0));
    caller->page->lend_read = (struct lend){(uint64_t)to_read, read_length};
    caller->page->lend_write = (struct lend){(uint64_t)to_write, write_length};
    actor_go(caller);
    struct ipc_registers in;
    must(receive_poll(endpoint, &in), "receiving");
    return caller;
}

static void done(struct actor *caller) {
    must(answer(0, 0, 0), "answering");
    actor_free(caller);
}

static void test_directions(void) {
    cap_t memory = new_memory(4 * PAGE);
    uint8_t *lent = map_memory(memory, 4 * PAGE, READ_WRITE);
    uint64_t moved = 0;
    fill(lent, 2 * PAGE + 50, 1);
    struct actor *caller = lend(lent + 10, 2 * PAGE, lent + 3 * PAGE, 100);
    check(ipc_page->lent_read_length == 2 * PAGE && ipc_page->lent_write_length == 100, "the lengths lent are told");
    check_error(copy_from(0, 0, local, 2 * PAGE, &moved), ERR_OK, "reading all of it, over page boundaries");
    check(moved == 2 * PAGE && holds(local, 2 * PAGE, 10, 1), "gives its bytes");
    check_error(copy_from(0, PAGE - 3, local, 7, &moved), ERR_OK, "reading from the middle");
    check(moved == 7 && holds(local, 7, PAGE + 7, 1), "gives those");
    check_error(copy_from(0, 2 * PAGE - 5, local, 100, &moved), ERR_OK, "reading over its end");
    check_value(moved, 5, "is cut");
    check_error(copy_from(0, 2 * PAGE, local, 100, &moved), ERR_OK, "reading at its end");
    check_value(moved, 0, "gives nothing");
    check_error(copy_from(0, 2 * PAGE + 1, local, 1, &moved), ERR_INVALID, "reading past its end");
    check_error(copy_from(0, UINT64_MAX, local, 1, &moved), ERR_INVALID, "reading far past its end");
    fill(local, 100, 2);
    check_error(copy_to(0, 0, local, 200, &moved), ERR_OK, "writing more than was lent");
    check_value(moved, 100, "is cut");
    check(holds(lent + 3 * PAGE, 100, 0, 2) && lent[3 * PAGE + 100] == 0, "and writes just that");
    check_error(copy_to(0, 50, local, 10, &moved), ERR_OK, "writing to the middle");
    check(holds(lent + 3 * PAGE + 50, 10, 0, 2) && holds(lent + 3 * PAGE + 60, 40, 60, 2), "changes those bytes");
    check_error(copy_from(0, 0, (void *)0xffff800000000000, 8, &moved), ERR_FAULT, "to a kernel address of one's own");
    check_error(copy_from(0, 0, (void *)0x20, 8, &moved), ERR_FAULT, "to nothing of one's own");
    check_error(copy_from(0, 0, (void *)UINT64_MAX, 8, &moved), ERR_FAULT, "to the last address");
    check_error(copy_from(0, 0, (void *)(uintptr_t)actor_entry, 8, &moved), ERR_FAULT, "to one's own code");
    done(caller);
    caller = lend(lent, 100, NULL, 0);
    check_error(copy_to(0, 0, local, 8, &moved), ERR_INVALID, "writing where only reading was lent");
    done(caller);
    caller = lend(NULL, 0, lent, 100);
    check_error(copy_from(0, 0, local, 8, &moved), ERR_INVALID, "reading where only writing was lent");
    struct ipc_registers registers = {.tag = 2, .words = {0, (uint64_t)local, 8}};
    check_error(system_call(SYS_COPY, &registers), ERR_INVALID, "a direction that does not exist");
    done(caller);
    unmap(lent, 4 * PAGE);
    slot_release(memory);
}

static void test_bad_buffers(void) {
    cap_t memory = new_memory(2 * PAGE);
    uint8_t *lent = map_memory(memory, 2 * PAGE, READ_WRITE);
    uint64_t moved = 0;
    unmap(lent + PAGE, PAGE);
    struct actor *caller = lend(lent, 2 * PAGE, lent, 2 * PAGE);
    check_error(copy_from(0, 0, local, 2 * PAGE, &moved), ERR_FAULT, "a buffer whose second page is not mapped");
    check_value(moved, PAGE, "is read up to there");
    check_error(copy_to(0, PAGE - 4, local, 100, &moved), ERR_FAULT, "and written");
    check_value(moved, 4, "up to there");
    done(caller);
    static const struct {
        uint64_t address, length;
        const char *name;
    } cases[] = {
        {0, PAGE, "a buffer at 0"},
        {0xffff800000000000, PAGE, "a buffer of the kernel's"},
        {0x00007ffffffff000, PAGE, "a buffer in the last user page"},
        {0x0000800000000000, PAGE, "a buffer at an address that is none"},
        {UINT64_MAX - 100, 50, "a buffer at the highest addresses"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
        caller->registers.tag |= TAG_LEND_READ | TAG_LEND_WRITE;
        caller->page->lend_read = caller->page->lend_write = (struct lend){cases[i].address, cases[i].length};
        actor_go(caller);
        struct ipc_registers in;
        must(receive_poll(endpoint, &in), "receiving");
        check_error(copy_from(0, 0, local, 8, &moved), ERR_FAULT, cases[i].name);
        check_error(copy_to(0, 0, local, 8, &moved), ERR_FAULT, cases[i].name);
        done(caller);
    }
    caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 0));
    caller->registers.tag |= TAG_LEND_READ;
    caller->page->lend_read = (struct lend){UINT64_MAX - 100, PAGE};
    actor_go(caller);
    struct ipc_registers in;
    must(receive_poll(endpoint, &in), "receiving");
    check_error(copy_from(0, 200, local, 8, &moved), ERR_INVALID, "a buffer that wraps around");
    done(caller);
    must(process_protect(SLOT_SELF, (uint64_t)lent, PAGE, MAP_FLAG_READ), "protecting");
    caller = lend(lent, PAGE, lent, PAGE);
    check_error(copy_from(0, 0, local, 8, &moved), ERR_OK, "a read-only buffer can be read");
    check_error(copy_to(0, 0, local, 8, &moved), ERR_FAULT, "and not written");
    unmap(lent, PAGE);
    check_error(copy_from(0, 0, local, 8, &moved), ERR_FAULT, "a buffer unmapped meanwhile");
    done(caller);
    check_error(copy_from(0, 0, local, 8, &moved), ERR_NO_REQUEST, "after the answer there is no buffer");
    slot_release(memory);
}

// Pages that are settled on the way.
static void test_pages(void) {
    cap_t memory = new_memory(3 * PAGE), clone = 0, pager = new_session(endpoint, 40), paged = 0;
    uint64_t moved = 0;
    uint8_t *lent = map_memory(memory, 3 * PAGE, READ_WRITE);
    struct actor *caller = lend(lent, 3 * PAGE, lent, 3 * PAGE);
    memset(local, 1, sizeof(local));
    check_error(copy_from(0, 0, local, PAGE, &moved), ERR_OK, "pages never touched");
    check(moved == PAGE && local[0] == 0 && local[PAGE - 1] == 0, "read as zero");
    fill(local, 3 * PAGE, 3);
    check_error(copy_to(0, 0, local, 3 * PAGE, &moved), ERR_OK, "and can be written");
    check(holds(lent, 3 * PAGE, 0, 3), "with effect");
    must(memory_clone(memory, 0, 3 * PAGE, SLOT_ACCOUNT, &clone), "a clone");
    uint8_t *other = map_memory(clone, 3 * PAGE, READ_WRITE);
    fill(local, PAGE, 4);
    check_error(copy_to(0, PAGE, local, PAGE, &moved), ERR_OK, "writing a page shared with a clone");
    check(holds(lent + PAGE, PAGE, 0, 4) && holds(other + PAGE, PAGE, PAGE, 3), "leaves the clone as it was");
    done(caller);
    must(account_create_paged(SLOT_ACCOUNT, 2 * PAGE, pager, &paged), "paged memory");
    must(memory_supply(paged, 0, PAGE, 0, memory), "supplying");
    uint8_t *mapped = map_memory(paged, 2 * PAGE, READ_WRITE);
    caller = lend(mapped, 2 * PAGE, mapped, 2 * PAGE);
    check_error(copy_from(0, 0, local, 2 * PAGE, &moved), ERR_PAGE_MISSING, "a page that only a pager has");
    check(moved == PAGE && holds(local, PAGE, 0, 3), "ends a copy with the progress made");
    check_error(copy_to(0, PAGE, local, 1, &moved), ERR_PAGE_MISSING, "in both directions");
    check_error(copy_to(0, 0, mapped + PAGE, 1, &moved), ERR_PAGE_MISSING, "on one's own side as well");
    done(caller);
    unmap(mapped, 2 * PAGE);
    unmap(other, 3 * PAGE);
    unmap(lent, 3 * PAGE);
    slot_release(paged);
    slot_release(pager);
    slot_release(clone);
    slot_release(memory);
    (void)free_bytes(); // the paged object, and with it the hold on its pager, goes in its own time
    struct ipc_registers in;
    check(receive_poll(endpoint, &in) == ERR_OK && tag_method(in.tag) == EVENT_SESSION_CLOSED && in.target == 40,
          "the pager is told when no memory needs it any more");
    check_error(endpoint_acknowledge(endpoint, 40), ERR_OK, "and acknowledges it");
}

static error_t copy_object(uint64_t direction, cap_t memory, uint64_t offset, uint64_t length, uint64_t *moved) {
    struct ipc_registers registers = {.target = memory, .tag = direction, .words = {0, offset, length}};
    error_t error = system_call(SYS_COPY, &registers);
    *moved = registers.words[0];
    return error;
}

static void test_objects(void) {
    cap_t memory = new_memory(3 * PAGE), weak = 0, buffer = new_memory(32 * PAGE);
    uint64_t moved = 0;
    uint8_t *lent = map_memory(buffer, 32 * PAGE, READ_WRITE);
    fill(lent, 2 * PAGE, 6);
    struct actor *caller = lend(lent, 32 * PAGE, lent + 4 * PAGE, 2 * PAGE);
    check_error(copy_object(COPY_FROM_CALLER, memory, 123, PAGE, &moved), ERR_OK, "from a caller into a memory object");
    must(memory_read(memory, 123, local, PAGE, &moved), "reading it");
    check(holds(local, PAGE, 0, 6), "brings the bytes there");
    check_error(copy_object(COPY_TO_CALLER, memory, 123 + 9, PAGE - 9, &moved), ERR_OK, "from a memory object to a caller");
    check(holds(lent + 4 * PAGE, PAGE - 9, 9, 6), "brings them back");
    check_error(copy_object(COPY_FROM_CALLER, memory, 3 * PAGE - 10, PAGE, &moved), ERR_INVALID, "over the object's end");
    check_value(moved, 10, "moves what fits");
    check_error(copy_object(COPY_FROM_CALLER, memory, UINT64_MAX - 10, PAGE, &moved), ERR_INVALID, "far past its end");
    must(slot_duplicate(memory, RIGHT_READ, &weak), "a weak capability");
    check_error(copy_object(COPY_FROM_CALLER, weak, 0, 1, &moved), ERR_RIGHTS, "into an object without WRITE");
    check_error(copy_object(COPY_TO_CALLER, weak, 0, 1, &moved), ERR_OK, "out of it with READ");
    check_error(copy_object(COPY_FROM_CALLER, endpoint, 0, 1, &moved), ERR_WRONG_KIND, "into an endpoint");
    check_error(copy_object(COPY_FROM_CALLER, LOCAL_SLOT, 0, 1, &moved), ERR_BAD_CAPABILITY, "into nothing");
    slot_release(weak);
    slot_release(memory);
    memory = new_memory(32 * PAGE);
    check_error(copy_object(COPY_FROM_CALLER, memory, 0, 32 * PAGE, &moved), ERR_OK, "128 KiB at once");
    check_value(moved, 65536, "are moved half");
    check_error(copy_from(0, 0, local, 0, &moved), ERR_OK, "no bytes at all");
    check_value(moved, 0, "are moved");
    done(caller);
    slot_release(memory);
    unmap(lent, 32 * PAGE);
    slot_release(buffer);
}

static uint8_t private_bytes[2 * PAGE + 10];

// In a process of its own: lends its own copy of private_bytes.
static void lender(struct actor *actor) {
    for (uint64_t i = 0; i < sizeof(private_bytes); i++)
        private_bytes[i] = pattern(i, 7);
    struct ipc_registers registers = {.target = actor->arguments[0], .tag = TAG(TEST_METHOD, 0)};
    registers.tag |= TAG_LEND_READ | TAG_LEND_WRITE;
    ipc_page->lend_read = (struct lend){(uint64_t)private_bytes + 5, 2 * PAGE};
    ipc_page->lend_write = (struct lend){(uint64_t)private_bytes + PAGE, PAGE};
    actor->values[0] = (uint64_t)(int64_t)system_call(SYS_CALL, &registers);
    actor->values[1] = holds(private_bytes, PAGE, 0, 7);
    actor->values[2] = holds(private_bytes + PAGE, PAGE, 0, 8);
    actor->values[3] = holds(private_bytes + 2 * PAGE, 10, 2 * PAGE, 7);
}

static void test_other_space(void) {
    uint64_t moved = 0;
    memset(private_bytes, 0xee, sizeof(private_bytes));
    struct actor *caller = actor_new_process(lender, ACTOR_PRIORITY, SLOT_ACCOUNT);
    must(process_install(caller->process, 20, 0, session), "its session");
    caller->arguments[0] = 20;
    actor_go(caller);
    struct ipc_registers in;
    must(receive_poll(endpoint, &in), "receiving");
    check_error(copy_from(0, 0, local, 2 * PAGE, &moved), ERR_OK, "reading from another space");
    check(moved == 2 * PAGE && holds(local, 2 * PAGE, 5, 7), "gives that space's bytes");
    fill(local, PAGE, 8);
    check_error(copy_to(0, 0, local, PAGE, &moved), ERR_OK, "writing to another space");
    check(private_bytes[PAGE] == 0xee, "does not write to one's own");
    must(answer(0, 0, 0), "answering");
    check(caller->done && caller->values[0] == 0 && caller->values[1] && caller->values[2] && caller->values[3],
          "the caller finds what was written, and nothing else changed");
    actor_free(caller);
}

void test_lending(void) {
    endpoint = new_endpoint();
    session = new_session(endpoint, 6);
    test_directions();
    test_bad_buffers();
    test_pages();
    test_objects();
    test_other_space();
    slot_release(session);
    drop_endpoint(endpoint);
}
