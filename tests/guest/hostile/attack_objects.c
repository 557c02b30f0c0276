// Attacks by capabilities, tables, quotas and priorities.
#include "libipc/include/startup.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/task.h"
#include "libipc/protocols/terminal.h"
#include "tests/guest/hostile/hostile.h"

enum { LENT_BYTES = 1 << 16 };

// Slots that were closed, never filled, of the wrong kind, with rubbish above the number.
static void stale_handles(struct actor *actor) {
    (void)actor;
    for (uint64_t i = 0;; i++, progress()) {
        cap_t file;
        if (open_file("honest", OPEN_FLAG_READ, &file))
            continue;
        slot_release(file);
        ipc_page->lend_write = (struct lend){(uint64_t)&shared->words[8], 64};
        (void)call_raw(ipc_page, file, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){0}, 0);
        struct ipc_registers registers = {.target = random_word(), .tag = TAG(METHOD_FILE_STATUS, 0), .second = random_word()};
        (void)system_call(SYS_REPLY, &registers);
        registers = (struct ipc_registers){
            .target = random_word() & 0xffff, .tag = TAG(METHOD_FILE_STATUS, 0), .second = random_word() & 0xffff};
        (void)system_call(SYS_FORWARD, &registers);
        registers =
            (struct ipc_registers){.target = random_word(), .tag = i & 1, .second = random_word(), .words = {0, 4096, 4096}};
        (void)system_call(SYS_COPY, &registers);
        registers = (struct ipc_registers){.tag = random_word(), .second = random_word()};
        (void)system_call(SYS_SERVE, &registers);
        registers = (struct ipc_registers){.target = random_word() << 16 | root, .tag = TAG(METHOD_DIRECTORY_PATH, 0)};
        (void)system_call(SYS_CALL, &registers);
    }
}

// Opens until nothing more can be opened, closes every other one, and begins again.
static void table_exhaustion(struct actor *actor) {
    enum { MOST = 4000 };
    static cap_t files[MOST];
    uint32_t count = 0;
    (void)actor;
    for (;; progress()) {
        while (count < MOST && open_file("honest", OPEN_FLAG_READ, &files[count]) == ERR_OK)
            count++, progress();
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++)
            if (i & 1)
                files[kept++] = files[i];
            else
                slot_release(files[i]);
        count = kept;
    }
}

static error_t create(int kind, cap_t endpoint, cap_t *made) {
    uint64_t page = 0, physical;
    switch (kind) {
    case 0:
        return account_create_endpoint(SLOT_ACCOUNT, made);
    case 1:
        return account_create_notification(SLOT_ACCOUNT, made);
    case 2:
        return account_create_call(SLOT_ACCOUNT, 1, endpoint, made);
    case 3:
        return account_create_memory(SLOT_ACCOUNT, PAGE, made);
    case 4:
        return account_create_account(SLOT_ACCOUNT, PAGE, 1, made);
    case 5:
        return endpoint_create_session(endpoint, 1, made);
    case 6:
        return account_create_process(SLOT_ACCOUNT, made);
    case 7:
        return process_create_thread(SLOT_SELF, 0, 0, 0, 1, 0, 0, &page, made);
    case 8:
        return account_create_contiguous(SLOT_ACCOUNT, PAGE, 0, &physical, made);
    default:
        return process_slot_copy(SLOT_SELF, root, *made = take_slot(), RIGHTS_ALL);
    }
}

// Without quota: as many tries to make an object of each kind as were asked for, whatever comes of them;
// nothing is given back.
static void every_kind_of_object(struct actor *actor) {
    cap_t endpoint = new_endpoint();
    (void)actor;
    for (int kind = 0; kind < 10; kind++, progress()) {
        for (uint64_t i = 0; i < object_tries; i++) {
            cap_t made = 0;
            if (create(kind, endpoint, &made) && kind == 9)
                slot_give_back(made);
        }
    }
}

static cap_t derived, parent;

static void side_revokes(struct message_page *page) {
    (void)page;
    for (;;) {
        struct ipc_registers registers = {.target = SLOT_SELF, .tag = TAG(METHOD_PROCESS_SLOT_REVOKE, 1), .words = {parent}};
        (void)system_call(SYS_CALL, &registers);
        registers = (struct ipc_registers){
            .target = SLOT_SELF, .tag = TAG(METHOD_PROCESS_SLOT_COPY, 3), .words = {parent, derived, RIGHTS_ALL}};
        (void)system_call(SYS_CALL, &registers);
        (void)thread_yield(SLOT_THREAD);
    }
}

// A session is revoked while calls through it are queued, served, and carry it as a capability.
static void revoked_in_use(struct actor *actor) {
    cap_t home = new_endpoint(), call = 0;
    (void)actor;
    must(open_file("large", OPEN_FLAG_READ, &parent), "a file");
    derived = take_slot();
    must(account_create_call(SLOT_ACCOUNT, 1, home, &call), "a call object");
    uint64_t buffer = (uint64_t)map_memory(new_memory(LENT_BYTES), LENT_BYTES, MAP_FLAG_READ | MAP_FLAG_WRITE);
    side_start(side_revokes, PRIORITY);
    for (;; progress()) {
        ipc_page->lend_write = (struct lend){buffer, LENT_BYTES};
        (void)call_raw(ipc_page, derived, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){0}, 0);
        ipc_page->lend_write = (struct lend){buffer, LENT_BYTES};
        (void)send(call, derived, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, 0, 0);
        cap_t node = 0;
        (void)directory_adopt(root, derived, &node);
        slot_release(node);
        struct ipc_registers registers;
        (void)receive_poll(home, &registers);
    }
}

// Sessions of one's own with the badges of others, offered as if they were the server's.
static void forged_badges(struct actor *actor) {
    cap_t endpoint = new_endpoint();
    static const char *const names[] = {"boot", "vfs", "process", "mount", "console", "init"};
    (void)actor;
    for (uint64_t i = 0;; i++, progress()) {
        cap_t forged = 0, node = 0;
        uint64_t badge = i % 7 == 6 ? random_word() & 0xf0000000f : i % 7 == 5 ? i & 63 : startup_badge(names[i % 6]);
        if (endpoint_create_session(endpoint, badge, &forged))
            continue;
        if (directory_adopt(root, forged, &node) == ERR_OK)
            must(ERR_INVALID, "a forged session was taken for a file");
        if (task_identify(task, forged, NULL) == ERR_OK || terminal_attach(terminal, forged) == ERR_OK)
            must(ERR_INVALID, "a forged session was taken for an identity");
        if (directory_make_link(root, 0, 7, 0, forged, "honest\0x", 8) == ERR_OK)
            must(ERR_INVALID, "a forged session was taken for a directory");
        slot_release(forged);
    }
}

static void side_spins(struct message_page *page) {
    (void)page;
    for (;;)
        progress();
}

static void side_writes(struct message_page *page) {
    for (;;) {
        page->lend_read = (struct lend){shared->words[3], LENT_BYTES};
        (void)call_raw(page, (cap_t)shared->words[1], TAG(METHOD_FILE_WRITE, 2) | TAG_LEND_READ, (uint64_t[6]){0}, 0);
        page->lend_read = (struct lend){shared->words[3], LENT_BYTES};
        (void)call_raw(page, (cap_t)shared->words[1], TAG(METHOD_FILE_TRUNCATE, 1), (uint64_t[6]){1}, 0);
    }
}

// One of low priority holds what the servers lock for a write, while others in between use up the processor.
static void priority_inversion(struct actor *actor) {
    cap_t file;
    (void)actor;
    must(open_file("mine", OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file), "a file");
    shared->words[1] = file;
    shared->words[3] = (uint64_t)map_memory(new_memory(LENT_BYTES), LENT_BYTES, MAP_FLAG_READ | MAP_FLAG_WRITE);
    side_start(side_writes, LOW_PRIORITY);
    side_start(side_writes, LOW_PRIORITY + 1);
    for (uint64_t i = 0; i < 4; i++)
        side_start(side_spins, LOW_PRIORITY + 2);
    (void)thread_set_priority(SLOT_THREAD, LOW_PRIORITY + 3, 0);
    for (;;)
        progress();
}

// As important as it may be, and more: it only computes.
static void spinning(struct actor *actor) {
    (void)actor;
    if (thread_set_priority(SLOT_THREAD, 63, 1) == ERR_OK || thread_set_priority(SLOT_THREAD, PRIORITY + 1, 0) == ERR_OK)
        must(ERR_INVALID, "a priority above the ceiling");
    for (;;)
        progress();
}

// Names, directories and files without end; some are removed while they are open.
static void names_without_end(struct actor *actor) {
    (void)actor;
    for (uint64_t i = 0;; i++, progress()) {
        char name[24] = "mine-00000000";
        cap_t file = 0;
        for (int digit = 0; digit < 8; digit++)
            name[5 + digit] = (char)('a' + (i >> digit * 2 & 3));
        if (open_file(name, OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file) == ERR_OK)
            (void)file_write(file, 0, 0, name, sizeof(name), NULL);
        (void)directory_unlink(root, 0, 0, name, strlen(name));
        slot_release(file);
        (void)directory_make_directory(root, 0, 0, 0755, "mine-d", 6);
        (void)directory_rename(root, 0, 7, 0, 0, "mine-d\0mine-d/x/y", 17);
        (void)directory_unlink(root, 0, UNLINK_FLAG_DIRECTORY, "mine-d", 6);
    }
}

const struct attack object_attacks[] = {
    {"one that only computes", spinning, false, 0}, // the first: the others are compared with it
    {"stale, forged and recycled handles", stale_handles, false, 0},
    {"sessions until the tables are full", table_exhaustion, false, 0},
    {"every kind of object without quota", every_kind_of_object, true, 0},
    {"a session revoked in use", revoked_in_use, false, 0},
    {"forged badges", forged_badges, false, 0},
    {"priority inversion", priority_inversion, false, MILLISECOND / 5},
    {"names without end", names_without_end, false, 0},
    {0}};
