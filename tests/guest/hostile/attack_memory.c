// Attacks by memory that is lent to servers, or that they handed out.
#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"
#include "tests/guest/hostile/hostile.h"

enum { LENT_BYTES = 1 << 16 };

static uint64_t lent; // address
static cap_t memory, pager_home, paged;

static void side_unmaps(struct message_page *page) {
    uint64_t address;
    (void)page;
    for (;;) { // the mapping is made and lost without a page of the message: the capability is in the first
               // slot's place
        page->send_caps[0] = memory;
        page->send_rights[0] = 0;
        struct ipc_registers registers = {.target = SLOT_SELF,
                                          .tag = TAG(METHOD_PROCESS_MAP, 4) | UINT64_C(1) << TAG_CAPS_SHIFT,
                                          .words = {lent, LENT_BYTES, 0, MAP_FLAG_READ | MAP_FLAG_WRITE | MAP_FLAG_FIXED}};
        (void)system_call(SYS_CALL, &registers);
        (void)thread_yield(SLOT_THREAD);
        address = lent + (random_word() & 15) * PAGE;
        struct ipc_registers gone = {
            .target = SLOT_SELF, .tag = TAG(METHOD_PROCESS_UNMAP, 2), .words = {address, lent + LENT_BYTES - address}};
        (void)system_call(SYS_CALL, &gone);
        (void)thread_yield(SLOT_THREAD);
    }
}

static void read_into(uint64_t address, uint64_t length, cap_t file) {
    ipc_page->lend_read = ipc_page->lend_write = (struct lend){address, length};
    (void)call_raw(ipc_page, file, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){0}, 0);
    ipc_page->lend_read = ipc_page->lend_write = (struct lend){address, length};
    (void)call_raw(ipc_page, file, TAG(METHOD_FILE_WRITE, 2) | TAG_LEND_READ, (uint64_t[6]){0}, 0);
    progress();
}

static cap_t own_file(void) {
    cap_t file;
    must(open_file("large", OPEN_FLAG_READ | OPEN_FLAG_WRITE, &file), "a file");
    return file;
}

static void unmapped_in_the_copy(struct actor *actor) {
    cap_t file = own_file();
    (void)actor;
    memory = new_memory(LENT_BYTES);
    lent = (uint64_t)map_memory(memory, LENT_BYTES, MAP_FLAG_READ | MAP_FLAG_WRITE);
    unmap((void *)lent, LENT_BYTES);
    side_start(side_unmaps, PRIORITY);
    for (;;)
        read_into(lent, LENT_BYTES, file);
}

// Maps memory whose pages a pager of our own has to bring.
static void map_paged(void) {
    cap_t session = silent_session(&pager_home);
    must(account_create_paged(SLOT_ACCOUNT, LENT_BYTES, session, &paged), "paged memory");
    lent = (uint64_t)map_memory(paged, LENT_BYTES, MAP_FLAG_READ | MAP_FLAG_WRITE);
}

static void pager_is_silent(struct actor *actor) {
    cap_t file = own_file();
    (void)actor;
    map_paged();
    for (;;)
        read_into(lent, LENT_BYTES, file);
}

static void side_touches(struct message_page *page) {
    (void)page;
    for (uint64_t i = 0;; i++)
        *(volatile char *)(lent + i % 16 * PAGE) = 1;
}

// Brings a page, takes it away again, answers without bringing any.
static void side_pages(struct message_page *page) {
    for (uint64_t i = 0;; i++) {
        struct ipc_registers registers = {.target = pager_home};
        (void)system_call(SYS_WAIT, &registers);
        uint64_t offset = registers.words[0] & ~(uint64_t)(PAGE - 1);
        if (i % 3 == 0) {
            page->send_caps[0] = memory;
            page->send_rights[0] = 0;
            struct ipc_registers supply = {.target = paged,
                                           .tag = TAG(METHOD_MEMORY_SUPPLY, 3) | UINT64_C(1) << TAG_CAPS_SHIFT,
                                           .words = {offset, PAGE, offset}};
            (void)system_call(SYS_CALL, &supply);
        } else {
            struct ipc_registers discard = {.target = paged, .tag = TAG(METHOD_MEMORY_DISCARD, 2), .words = {0, LENT_BYTES}};
            (void)system_call(SYS_CALL, &discard);
        }
        struct ipc_registers reply = {.tag = TAG(0, 0)};
        (void)system_call(SYS_REPLY, &reply);
        if (i % 64 == 63)
            (void)thread_yield(SLOT_THREAD);
    }
}

static void pager_takes_away(struct actor *actor) {
    cap_t file = own_file();
    (void)actor;
    map_paged();
    memory = new_memory(LENT_BYTES);
    side_start(side_pages, PRIORITY);
    side_start(side_touches, PRIORITY - 1);
    for (;;)
        read_into(lent, LENT_BYTES, file);
}

// Buffers that may only be read are lent to be written, and memory that is not there.
static void wrong_access(struct actor *actor) {
    cap_t file = own_file();
    (void)actor;
    memory = new_memory(LENT_BYTES);
    lent = (uint64_t)map_memory(memory, LENT_BYTES, MAP_FLAG_READ);
    for (;;) {
        read_into(lent, LENT_BYTES, file);
        read_into(lent + LENT_BYTES - 100, 2 * PAGE, file);
        read_into((uint64_t)wrong_access, PAGE, file);
    }
}

// The pages of the server's cache, which file.map hands out: nothing of them can be changed or taken away by
// whoever may read.
static void cache_pages(struct actor *actor) {
    cap_t file, pages;
    uint64_t offset, length;
    (void)actor;
    must(open_file("honest", OPEN_FLAG_READ, &file), "the honest client's file");
    for (;; progress()) {
        if (file_map(file, 0, 4 * PAGE, FILE_MAP_FLAG_READ | FILE_MAP_FLAG_WRITE, NULL, NULL, &pages) == ERR_OK)
            slot_release(pages);
        if (file_map(file, 0, 4 * PAGE, FILE_MAP_FLAG_READ, &offset, &length, &pages) != ERR_OK)
            continue;
        (void)memory_discard(pages, offset, PAGE);
        (void)memory_zero(pages, offset, PAGE);
        (void)memory_write(pages, offset, "x", 1, NULL);
        (void)memory_supply(pages, offset, PAGE, 0, SLOT_SELF);
        uint64_t address;
        if (process_map(SLOT_SELF, 0, PAGE, offset, MAP_FLAG_READ | MAP_FLAG_WRITE, pages, &address) == ERR_OK)
            *(volatile char *)address = 'x';
        if (process_map(SLOT_SELF, 0, PAGE, offset, MAP_FLAG_READ, pages, &address) == ERR_OK) {
            (void)process_protect(SLOT_SELF, address, PAGE, MAP_FLAG_READ | MAP_FLAG_WRITE);
            ipc_page->lend_write = (struct lend){address, PAGE}; // somebody else is to write into it
            (void)call_raw(ipc_page, root, TAG(METHOD_DIRECTORY_PATH, 0) | TAG_LEND_WRITE, NULL, 0);
            unmap((void *)address, PAGE);
        }
        slot_release(pages);
    }
}

const struct attack memory_attacks[] = {{"a lent buffer unmapped in the middle of the copy", unmapped_in_the_copy, false, 0},
                                        {"a lent buffer whose pager never answers", pager_is_silent, false, 0},
                                        {"a lent buffer whose pager takes its pages away again", pager_takes_away, false, 0},
                                        {"lent buffers that may not be written", wrong_access, false, 0},
                                        {"pages of the cache that are only for reading", cache_pages, false, 0},
                                        {0}};
