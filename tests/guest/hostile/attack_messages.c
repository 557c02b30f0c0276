// Attacks by messages: floods, calls that nobody waits for any more, what is written in them, who they come
// from.
#include "libipc/protocols/block.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/filesystem.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/task.h"
#include "libipc/protocols/terminal.h"
#include "libipc/protocols/vfs.h"
#include "tests/guest/hostile/hostile.h"

enum { FLOOD = 64, BLOCKED = 400, BUFFER_BYTES = 1 << 20 };

static char buffer[BUFFER_BYTES];

static void forever(void) {
    for (;;)
        (void)thread_yield(SLOT_THREAD);
}

// Words, tags and lent buffers of any kind to everybody.
static void any_message(struct actor *actor) {
    static const uint16_t protocols[] = {
        PROTOCOL_DIRECTORY, PROTOCOL_FILE,       PROTOCOL_VFS,     PROTOCOL_TASK,      PROTOCOL_TERMINAL,
        PROTOCOL_BLOCK,     PROTOCOL_FILESYSTEM, PROTOCOL_SERVICE, PROTOCOL_DIRECTORY, 0x77};
    (void)actor;
    for (;;) {
        uint64_t words[MESSAGE_REGISTER_WORDS], kind = random_word();
        int target = (int)(kind % 5);
        for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            words[i] = random_word() >> (random_word() & 63);
        uint64_t method = (uint64_t)protocols[(kind >> 8) % 10] << 8 | ((kind >> 16) & 15);
        uint64_t tag = (method & TAG_METHOD_MASK) | ((kind >> 20) & 7) << TAG_WORDS_SHIFT |
                       ((kind >> 24) & 1 ? TAG_LEND_READ : 0) | ((kind >> 25) & 1 ? TAG_LEND_WRITE : 0) |
                       ((kind >> 26) & 3 ? 0 : (kind >> 28 & 63) << TAG_PAGE_WORDS_SHIFT);
        ipc_page->lend_read = ipc_page->lend_write = (struct lend){(uint64_t)buffer, kind >> 40 & 0x1fff};
        (void)call_raw(ipc_page, *everyone[target], tag, words, MILLISECOND / 10);
        progress();
    }
}

// As many requests at once as there are call objects, sent again as they are answered.
static void flood(struct actor *actor) {
    cap_t home = new_endpoint(), calls[FLOOD];
    (void)actor;
    for (int i = 0; i < FLOOD; i++) {
        must(account_create_call(SLOT_ACCOUNT, (uint64_t)i, home, &calls[i]), "a call object");
        (void)send(calls[i], root, TAG(METHOD_VFS_NEXT_MOUNT, 1), 0, 0);
    }
    for (;;) {
        struct ipc_registers registers;
        must(receive(home, &registers), "an answer");
        (void)send(calls[registers.target], root, TAG(METHOD_VFS_NEXT_MOUNT, 1), 0, 0);
        progress();
    }
}

// Answers pile up at an endpoint that is never received from; then the call objects go, in whatever state
// they are.
static void answers_never_received(struct actor *actor) {
    cap_t home = new_endpoint(), calls[FLOOD];
    (void)actor;
    for (;;) {
        for (int i = 0; i < FLOOD; i++) {
            calls[i] = new_call(home);
            (void)send(calls[i], i & 1 ? root : task, TAG(i & 1 ? METHOD_VFS_NEXT_MOUNT : METHOD_TASK_NEXT, 1), 0, 0);
        }
        for (int i = 0; i < FLOOD; i++)
            slot_release(calls[i]);
        progress();
    }
}

static void side_calls(struct message_page *page) {
    for (;; progress())
        (void)call_raw(page, root, TAG(METHOD_VFS_NEXT_MOUNT, 1), (uint64_t[6]){0}, 0);
}

// Turns are given to threads: as many as are as important as the honest client have that many turns for its
// one.
static void flood_of_threads(struct actor *actor) {
    (void)actor;
    (void)thread_set_priority(SLOT_THREAD, PRIORITY - 1, 0);
    for (int i = 0; i < 8; i++)
        side_start(side_calls, i ? PRIORITY - 1 : PRIORITY);
    forever();
}

static void flood_of_large_reads(struct actor *actor) {
    cap_t file;
    (void)actor;
    must(open_file("large", OPEN_FLAG_READ, &file), "a large file");
    for (;; progress())
        (void)file_read(file, 0, 0, buffer, sizeof(buffer), NULL);
}

// Buffers that are too long, wrap around, lie in the kernel, or nowhere.
static void oversized_lengths(struct actor *actor) {
    static const struct lend lends[] = {{0, UINT64_MAX},
                                        {UINT64_MAX - 100, 4096},
                                        {0xffff800000000000, 1 << 20},
                                        {0x7ffffffff000, 1 << 20},
                                        {1, MESSAGE_LEND_MAX},
                                        {0, MESSAGE_LEND_MAX + 1},
                                        {0x1000, 0},
                                        {0x8000000000000000, 4096}};
    cap_t file;
    (void)actor;
    must(open_file("mine", OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file), "a file");
    for (uint64_t i = 0;; i++, progress()) {
        ipc_page->lend_read = ipc_page->lend_write = lends[i % 8];
        (void)call_raw(ipc_page, file, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){0}, 0);
        ipc_page->lend_read = ipc_page->lend_write = lends[i % 8];
        (void)call_raw(ipc_page, file, TAG(METHOD_FILE_WRITE, 2) | TAG_LEND_READ, (uint64_t[6]){0}, 0);
        ipc_page->lend_read = ipc_page->lend_write = lends[i % 8];
        (void)call_raw(ipc_page, root, TAG(METHOD_DIRECTORY_OPEN, 3) | TAG_LEND_READ, (uint64_t[6]){0, OPEN_FLAG_READ}, 0);
    }
}

// Paths whose beginning lies behind their end, without an end, made of dots, with positions at the end of the
// world.
static void lying_lengths(struct actor *actor) {
    cap_t file;
    (void)actor;
    must(open_file("mine", OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file), "a file");
    for (uint64_t i = 0; i < 16384; i++)
        buffer[i] = i % 3 == 2 ? '/' : '.';
    for (uint64_t i = 0;; i++, progress()) {
        uint64_t length = random_word() & 255, start = random_word() >> (i & 63);
        struct file_status status;
        cap_t node = 0;
        (void)directory_status(root, start, (i & 1) * PATH_FLAG_WALK, buffer, length, &status);
        (void)directory_make_link(root, start, length, 0, 0, buffer, length);
        (void)directory_rename(root, start & 7, length - 1, 0, 0, buffer, length);
        (void)file_read(file, random_word(), 0, buffer + 8192, length, NULL);
        (void)file_truncate(file, UINT64_C(1) << (i & 63));
        (void)file_truncate(file, 0);
        (void)file_read_directory(file, random_word(), buffer + 8192, length, NULL, NULL);
        if (open_file("/../../..//./", OPEN_FLAG_NODE | i << 20, &node) == ERR_OK)
            slot_release(node);
    }
}

// Calls that are given up as soon as they are made.
static void deadlines(struct actor *actor) {
    cap_t reader, writer;
    (void)actor;
    must(vfs_pipe(root, 0, &reader, &writer), "a pipe");
    for (uint64_t i = 0;; i++, progress()) {
        ipc_page->lend_read = ipc_page->lend_write = (struct lend){(uint64_t)buffer, 1000};
        (void)call_raw(ipc_page, i & 1 ? reader : terminal, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){UINT64_MAX},
                       1 + (random_word() & 0x3fff));
        ipc_page->lend_read = ipc_page->lend_write = (struct lend){(uint64_t)buffer, 40};
        (void)call_raw(ipc_page, writer, TAG(METHOD_FILE_WRITE, 2) | TAG_LEND_READ, (uint64_t[6]){UINT64_MAX},
                       1 + (random_word() & 0xfff));
    }
}

// Hundreds of reads that will never be answered, of pipes and of the terminal, are left behind by one who
// then floods.
static void blocked_reads(struct actor *actor) {
    cap_t home = new_endpoint(), reader, writer;
    (void)actor;
    must(vfs_pipe(root, 0, &reader, &writer), "a pipe");
    for (int i = 0; i < BLOCKED; i++, progress()) {
        cap_t call = 0;
        if (account_create_call(SLOT_ACCOUNT, 1, home, &call))
            break;
        ipc_page->lend_write = (struct lend){(uint64_t)buffer, 1000};
        (void)send(call, i & 1 ? reader : terminal, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, UINT64_MAX, 0);
    }
    side_calls(ipc_page);
}

static cap_t circle[2], circle_home[2];

static void side_of_circle(struct message_page *page) {
    for (;;) {
        struct ipc_registers registers = {.target = circle_home[1]};
        (void)system_call(SYS_WAIT, &registers);
        (void)call_raw(page, circle[0], TAG(TEST_METHOD, 0), NULL, MILLISECOND);
        progress();
        struct ipc_registers reply = {.tag = TAG(0, 0)};
        (void)system_call(SYS_REPLY, &reply);
    }
}

// Two that call each other, one that calls itself, all while they are served.
static void circular_calls(struct actor *actor) {
    (void)actor;
    for (int i = 0; i < 2; i++)
        circle[i] = silent_session(&circle_home[i]);
    side_start(side_of_circle, PRIORITY);
    for (;; progress()) {
        (void)call_raw(ipc_page, circle[1], TAG(TEST_METHOD, 0), NULL, MILLISECOND / 10);
        (void)call_raw(ipc_page, circle[0], TAG(TEST_METHOD, 0), NULL, MILLISECOND / 10);
        struct ipc_registers registers;
        (void)receive_poll(circle_home[0], &registers);
        (void)call_raw(ipc_page, circle[1], TAG(TEST_METHOD, 0), NULL, MILLISECOND / 10);
    }
}

// What is not idempotent is said to be repeated, under numbers that were used for something else.
static void false_repeats(struct actor *actor) {
    cap_t file;
    (void)actor;
    must(open_file("mine", OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file), "a file");
    for (;; progress()) {
        ipc_page->lend_read = ipc_page->lend_write = (struct lend){(uint64_t)buffer, 16};
        (void)call_raw(ipc_page, file, (TAG(METHOD_FILE_WRITE, 2)) | TAG_LEND_READ | TAG_REPEAT, (uint64_t[6]){UINT64_MAX}, 0);
        ipc_page->lend_read = (struct lend){(uint64_t) "gone", 4};
        (void)call_raw(ipc_page, root, (TAG(METHOD_DIRECTORY_UNLINK, 2)) | TAG_LEND_READ | TAG_REPEAT, (uint64_t[6]){0}, 0);
        (void)call_raw(ipc_page, file, (TAG(METHOD_FILE_SEEK, 2)) | TAG_REPEAT, (uint64_t[6]){1, FILE_FLAG_APPEND}, 0);
        (void)file_truncate(file, 0);
    }
}

// Capabilities where none belongs, the wrong ones where some do, and sessions that nobody answers in the
// place of objects.
static void false_capabilities(struct actor *actor) {
    cap_t endpoint, silent = silent_session(&endpoint), file;
    (void)actor;
    must(open_file("mine", OPEN_FLAG_READ | OPEN_FLAG_CREATE, &file), "a file");
    for (uint64_t i = 0;; i++, progress()) {
        const cap_t sent[] = {silent, endpoint, SLOT_SELF, SLOT_ACCOUNT, file, root, SLOT_THREAD, 60000};
        cap_t one = sent[i & 7], back = 0;
        for (int j = 0; j < MESSAGE_CAPS; j++) {
            ipc_page->send_caps[j] = sent[(i + (uint64_t)j) & 7];
            ipc_page->send_rights[j] = 0;
        }
        (void)call_raw(ipc_page, *everyone[i % 5], TAG(METHOD_VFS_NEXT_MOUNT, 1) | UINT64_C(4) << TAG_CAPS_SHIFT,
                       (uint64_t[6]){0}, 0);
        (void)file_poll(file, READINESS_READ, 1, 0, one, NULL, NULL, NULL);
        (void)file_poll(terminal, READINESS_READ, 1, 0, one, NULL, NULL, NULL);
        if (directory_adopt(root, one, &back) == ERR_OK)
            slot_release(back);
        (void)terminal_attach(terminal, one);
        (void)terminal_set_foreground(terminal, 1, one);
        (void)task_identify(task, one, NULL);
        (void)task_set_caught(task, 1, one);
        (void)directory_rename(root, 0, 2, 0, one, "a\0b", 3);
    }
}

// What children do: calls that block or copy, until they end themselves, should nobody be left to end them.
static void child_blocks(struct message_page *page) {
    page->lend_write = (struct lend){(uint64_t)buffer, 100};
    (void)call_raw(page, terminal, TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){UINT64_MAX}, 3 * MILLISECOND);
    (void)process_exit(SLOT_SELF, 0);
}

static void child_reads(struct message_page *page) {
    for (int i = 0; i < 20; i++) {
        page->lend_write = (struct lend){(uint64_t)buffer, 65536};
        (void)call_raw(page, (cap_t)shared->words[1], TAG(METHOD_FILE_READ, 2) | TAG_LEND_WRITE, (uint64_t[6]){0}, 0);
    }
    (void)process_exit(SLOT_SELF, 0);
}

// Processes whose calls are under way when they end, again and again.
static void death_in_a_call(struct actor *actor) {
    cap_t file, quiet = new_notification();
    (void)actor;
    must(open_file("large", OPEN_FLAG_READ, &file), "a large file");
    shared->words[1] = file;
    for (uint64_t i = 0;; i++, progress()) {
        cap_t child = 0, thread = 0;
        uint64_t page = 0;
        static char stack[4096] __attribute__((aligned(16)));
        must(account_create_process(SLOT_ACCOUNT, &child), "a child");
        must(process_clone_space(child, SLOT_SELF), "its space");
        must(process_install(child, SLOT_SELF, 0, child), "itself");
        must(process_install(child, terminal, 0, terminal), "its terminal");
        must(process_install(child, file, 0, file), "its file");
        must(process_create_thread(child, 0, 0, 0, PRIORITY - 1, 0, 0, &page, &thread), "its thread");
        struct thread_registers registers = {.rip = (uint64_t)(i & 1 ? child_blocks : child_reads),
                                             .rdi = page,
                                             .rsp = (uint64_t)stack + sizeof(stack) - 8,
                                             .rflags = 0x202};
        must(thread_set_registers(thread, &registers), "its registers");
        must(thread_start(thread), "its start");
        struct ipc_registers registers_of_wait = {.target = quiet, .tag = TAG_DEADLINE};
        ipc_page->deadline = clock_monotonic() + (random_word() & 0xffff);
        (void)system_call(SYS_WAIT,
                          &registers_of_wait); // it is more important than its child, which runs meanwhile
        (void)process_destroy(child);
        slot_release(thread);
        slot_release(child);
    }
}

const struct attack message_attacks[] = {
    {"messages of any kind to everybody", any_message, false, 0},
    {"a flood of requests", flood, false, 0},
    {"a flood by eight threads, seven of less priority", flood_of_threads, false, MILLISECOND / 5},
    {"a flood of reads of a mebibyte", flood_of_large_reads, false, 0},
    {"answers that are never received", answers_never_received, false, 0},
    {"oversized lengths", oversized_lengths, false, 0},
    {"lying lengths", lying_lengths, false, 0},
    {"calls given up at once", deadlines, false, 0},
    {"hundreds of reads that never end", blocked_reads, false, 0},
    {"circular calls", circular_calls, false, 0},
    {"false repetitions", false_repeats, false, 0},
    {"false capabilities, silent sessions in the place of objects", false_capabilities, false, 0},
    {"death in the middle of a call", death_in_a_call, false, MILLISECOND / 5},
    {0}};
