// Hostile peers against the servers of a running system: a role in the place of `boot`, which mounts the
// disk, measures what an honest client gets done alone, then the same beside one attack after the other, and
// says in TAP lines of the log what held: the client keeps at least half of its throughput and gets right
// answers, every role is as it was, and memory is too. test_hostile.py boots it.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libipc/protocols/block.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/vfs.h"
#include "libipc/start/start.h"
#include "tests/guest/hostile/hostile.h"

enum { LINE_BYTES = 220, LEVEL_INFO = 3, CHUNK = 4096, CHUNKS = 16, SETTLE_TRIES = 60, ATTACKER_BYTES = 12 << 20, REPEATS = 14 };
#define WARM_UP           (10 * MILLISECOND)
#define WINDOW            (40 * MILLISECOND)
#define LONGEST_OPERATION (100 * MILLISECOND)

int server_main(const struct startup *startup);

cap_t root, terminal, task, block, service;
const cap_t *const everyone[] = {&root, &terminal, &task, &block, &service, NULL};
uint64_t object_tries = 10000;

static unsigned count, failures;
static uint64_t alone;  // operations of the honest client in a second, by itself
static uint64_t beside; // and beside one of its own priority that only computes: what it is owed
static char content[CHUNK], expected[CHUNK];

static void print(const char *line) {
    (void)kernel_log_write(SLOT_KERNEL, LEVEL_INFO, line, strlen(line));
}

void note(const char *format, ...) {
    char line[LINE_BYTES] = "# ";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + 2, sizeof(line) - 2, format, arguments);
    va_end(arguments);
    print(line);
}

static void finish(void) {
    char line[LINE_BYTES];
    snprintf(line, sizeof(line), "1..%u", count);
    print(line);
    (void)service_power(startup_capability("power"), POWER_ACTION_OFF);
    for (;;)
        sleep_for(MILLISECOND);
}

void check(bool ok, const char *name) {
    char line[LINE_BYTES];
    failures += !ok;
    snprintf(line, sizeof(line), "%s %u - %s", ok ? "ok" : "not ok", ++count, name);
    print(line);
}

// Attackers have no log: one that can't go on ends, and is missed by its steps.
void must(error_t error, const char *what) {
    if (!error)
        return;
    note("%s gave %d", what, error);
    shared->words[7] = (uint64_t)(int64_t)error;
    if (ipc_page != (struct message_page *)startup_data()->message_page)
        (void)process_exit(SLOT_SELF, 1);
    check(false, "the test can't go on");
    finish();
}

// --- what attackers use too
// -------------------------------------------------------------------------------------

void progress(void) {
    shared->words[0]++;
}

uint64_t random_word(void) {
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

error_t open_file(const char *path, uint64_t flags, cap_t *file) {
    return directory_open(root, 0, flags, 0644, path, strlen(path), NULL, file);
}

cap_t silent_session(cap_t *endpoint) {
    *endpoint = new_endpoint();
    return new_session(*endpoint, 7);
}

cap_t new_call(cap_t home) {
    cap_t call = 0;
    must(account_create_call(SLOT_ACCOUNT, 1, home, &call), "a call object");
    return call;
}

error_t send(cap_t call, cap_t target, uint64_t tag, uint64_t word0, uint64_t word1) {
    struct ipc_registers registers = {.target = target, .tag = tag, .words = {word0, word1}, .second = call};
    return system_call(SYS_SEND, &registers);
}

error_t call_raw(struct message_page *page, cap_t target, uint64_t tag, const uint64_t *words, uint64_t patience) {
    struct ipc_registers registers = {.target = target, .tag = tag};
    for (int i = 0; words && i < MESSAGE_REGISTER_WORDS; i++)
        registers.words[i] = words[i];
    if (patience) {
        registers.tag |= TAG_DEADLINE;
        page->deadline = clock_monotonic() + patience;
    }
    error_t error = system_call(SYS_CALL, &registers);
    return error ? error : tag_status(registers.tag);
}

struct side {
    void (*run)(struct message_page *page);
    struct message_page *page;
    char stack[SIDE_STACK_BYTES] __attribute__((aligned(16)));
};

static void side_main(struct side *side) {
    side->run(side->page);
    for (;;)
        (void)thread_yield(SLOT_THREAD);
}

__attribute__((naked)) static void side_entry(void) {
    __asm__("xor %%ebp, %%ebp\n and $-16, %%rsp\n call *%%rsi\n ud2" ::);
}

void side_start(void (*run)(struct message_page *page), uint64_t priority) {
    static struct side sides[20];
    static int used;
    struct side *side = &sides[used++];
    uint64_t page;
    cap_t thread;
    side->run = run;
    must(process_create_thread(SLOT_SELF, (uint64_t)side_entry, (uint64_t)side->stack + SIDE_STACK_BYTES, (uint64_t)side,
                               priority, 0, 0, &page, &thread),
         "a side thread");
    side->page = (struct message_page *)page;
    struct thread_registers registers;
    must(thread_registers(thread, &registers), "its registers");
    registers.rsi = (uint64_t)side_main;
    must(thread_set_registers(thread, &registers), "its registers");
    must(thread_start(thread), "starting it");
}

__attribute__((naked)) void actor_entry(void) {
    __asm__("xor %%ebp, %%ebp\n and $-16, %%rsp\n call actor_main\n ud2" ::);
}

// --- the honest client
// ------------------------------------------------------------------------------------------

static void fill(char *to, uint64_t chunk) {
    for (uint64_t i = 0; i < CHUNK; i++)
        to[i] = (char)(chunk * 31 + i * 7);
}

// One piece of file work: open, read and compare, write the same again, status, sync at times, close.
static error_t operation(uint64_t number) {
    uint64_t chunk = number % CHUNKS, moved;
    cap_t file;
    struct file_status status;
    error_t error = open_file("honest", OPEN_FLAG_READ | OPEN_FLAG_WRITE, &file);
    if (error)
        return error;
    error = file_read(file, chunk * CHUNK, 0, content, CHUNK, &moved);
    fill(expected, chunk);
    if (!error && (moved != CHUNK || memcmp(content, expected, CHUNK) != 0))
        error = ERR_CORRUPT;
    if (!error)
        error = file_write(file, chunk * CHUNK + 512, 0, expected + 512, 512, &moved);
    if (!error)
        error = file_status(file, &status);
    if (!error && status.size != CHUNKS * CHUNK)
        error = ERR_CORRUPT;
    if (!error && number % 64 == 0)
        error = file_sync(file, 0);
    slot_release(file);
    return error;
}

static void honest_file(void) {
    cap_t file;
    uint64_t moved;
    must(open_file("honest", OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file), "the honest file");
    for (uint64_t chunk = 0; chunk < CHUNKS; chunk++) {
        fill(expected, chunk);
        must(file_write(file, chunk * CHUNK, 0, expected, CHUNK, &moved), "its content");
    }
    must(file_sync(file, 0), "its content on the disk");
    slot_release(file);
}

// The file server takes every frame of its cache once before it uses one again: it shall have them all
// beforehand.
static void fill_cache(void) {
    static char large[1 << 20];
    cap_t file;
    for (uint64_t before = 0, after = free_bytes(); after != before;) {
        before = after;
        must(open_file("mine", OPEN_FLAG_WRITE | OPEN_FLAG_CREATE, &file), "a file");
        for (uint64_t at = 0; at < 4; at++)
            must(file_write(file, at * sizeof(large), 0, large, sizeof(large), NULL), "filling the cache");
        slot_release(file);
        must(directory_unlink(root, 0, 0, "mine", 4), "emptying it");
        sleep_for(MILLISECOND);
        after = free_bytes();
    }
}

struct work {
    uint64_t operations, time, longest;
    error_t error;
};

static struct work work_for(uint64_t nanoseconds, uint64_t pause) {
    struct work work = {0};
    uint64_t start = clock_monotonic(), now = start, due = start;
    while (now - start < nanoseconds && !work.error) {
        uint64_t begin = clock_monotonic();
        work.error = operation(work.operations++);
        now = clock_monotonic();
        if (now - due > work.longest)
            work.longest = now - due; // from when it could have begun
        work.time += now - begin;
        due = now + pause;
        if (pause)
            sleep_for(pause);
    }
    return work;
}

// --- judging
// ----------------------------------------------------------------------------------------------------

static uint64_t restarts(void) {
    struct service_status status;
    uint64_t sum = 0;
    for (uint64_t cursor = 0; service_next(service, cursor, &cursor, &status) == ERR_OK;)
        sum += status.restarts + (status.state == SERVICE_STATE_FAILED) * 1000;
    return sum;
}

uint64_t free_bytes(void) {
    struct kernel_information information = {0};
    for (int i = 0; i < 20; i++)
        must(kernel_information(SLOT_KERNEL, &information), "kernel.information");
    return information.free_bytes;
}

// A session of the partition that belongs to the attackers, a new one for each.
static void open_block(void) {
    struct block_status status;
    cap_t driver = startup_capability("block");
    for (uint64_t cursor = 0; block_next_unit(driver, cursor, &cursor, &status) == ERR_OK;)
        if (status.partition == 2)
            must(block_open(driver, cursor, &block), "the attackers' partition");
}

struct actor *attacker_new(void (*run)(struct actor *actor), cap_t *account) {
    open_block();
    must(account_create_account(SLOT_ACCOUNT, ATTACKER_BYTES, PRIORITY, account), "the attacker's account");
    struct actor *actor = actor_new_process(run, PRIORITY, *account);
    must(process_install(actor->process, SLOT_ACCOUNT, 0, *account), "its account");
    must(process_install(actor->process, SLOT_THREAD, 0, actor->thread), "its thread");
    for (const cap_t *const *cap = everyone; *cap; cap++)
        must(process_install(actor->process, **cap, 0, **cap), "its sessions");
    return actor;
}

struct outcome {
    struct work work;
    uint64_t steps;
    uint64_t free_before, free_after;
    uint32_t state; // of the attacker's first thread in the end
    bool over;      // the attacker's process had ended by itself
};

static struct outcome run_once(const struct attack *attack, uint64_t window) {
    struct outcome outcome = {.free_before = free_bytes()};
    cap_t account;
    struct actor *actor = attacker_new(attack->run, &account);
    shared->words[0] = shared->words[7] = 0;
    actor_go(actor);
    outcome.work = work_for(window, attack->pause);
    while (attack->ends && !actor->done && !outcome.work.error)
        outcome.work.error = operation(1);
    outcome.over = actor->done;
    outcome.state = actor_state(actor);
    outcome.steps = shared->words[0];
    actor_free(actor);
    slot_release(account);
    slot_release(block);
    (void)directory_unlink(root, 0, 0, "mine", 4);
    for (int i = 0; i < SETTLE_TRIES && (outcome.free_after = free_bytes()) < outcome.free_before; i++)
        sleep_for(MILLISECOND);
    return outcome;
}

static void run(const struct attack *attack) {
    char line[LINE_BYTES];
    uint64_t before = restarts();
    (void)run_once(attack, WARM_UP); // caches and pools of the servers grow to what they need
    struct outcome outcome = run_once(attack, WINDOW);
    struct work *work = &outcome.work;
    // Pools and heaps of the servers grow to the most that was ever needed at once; what leaks is missing
    // every time.
    for (int i = 0; i < REPEATS && outcome.free_after < outcome.free_before; i++) {
        struct outcome again = run_once(attack, WINDOW);
        outcome.free_before = again.free_before, outcome.free_after = again.free_after;
        note("again: %lld missing, %llu steps", (long long)(again.free_before - again.free_after),
             (unsigned long long)again.steps);
    }
    uint64_t rate = work->operations * 1000000000 / work->time;
    if (!beside)
        beside = rate;
    uint64_t kept = rate * 100 / beside, plain = rate * 100 / alone;
    bool held = restarts() == before, memory = outcome.free_after >= outcome.free_before;
    bool ok = !work->error && kept >= 50 && work->longest < LONGEST_OPERATION && held && memory && outcome.steps != 0;
    snprintf(line, sizeof(line),
             "%s # keeps %llu %% (%llu %% of what it does alone), longest operation %llu us, %llu steps%s%s%s", attack->name,
             (unsigned long long)kept, (unsigned long long)plain, (unsigned long long)work->longest / 1000,
             (unsigned long long)outcome.steps, held ? "" : ", A ROLE DIED", memory ? "" : ", MEMORY IS MISSING",
             outcome.over && !attack->ends ? ", it ended" : "");
    check(ok, line);
    if (work->error)
        note("the honest client got error %d", work->error);
    if (outcome.state != THREAD_STATE_READY && outcome.state != THREAD_STATE_CALLING)
        note("the attacker's first thread: state %u", outcome.state);
    if (shared->words[7])
        note("the attacker could not go on: %d", (int)shared->words[7]);
    if (!memory)
        note("free before %llu, after %llu", (unsigned long long)outcome.free_before, (unsigned long long)outcome.free_after);
}

static void mount_all(void) {
    static const char devices[] = "devfs\0devfs\0/dev\0", disk[] = "ext2\0/dev/ram0p1\0/\0";
    cap_t mount = startup_capability("mount");
    must(vfs_mount(mount, 0, devices, sizeof(devices) - 1), "mounting /dev");
    must(vfs_mount(mount, 0, disk, sizeof(disk) - 1), "mounting the disk");
    must(vfs_mount(mount, 0, devices, sizeof(devices) - 1), "mounting /dev on it");
}

int server_main(const struct startup *startup) {
    cap_t memory;
    uint64_t physical, address;
    (void)startup;
    must(account_create_contiguous(SLOT_ACCOUNT, 2 * PAGE, 0, &physical, &memory), "shared memory");
    must(process_map(SLOT_SELF, 0, 2 * PAGE, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address), "its mapping");
    shared = (struct shared *)address;
    root = startup_capability("root");
    task = startup_capability("task");
    service = startup_capability("service");
    if (startup_argument(1))
        object_tries = strtoull(startup_argument(1), NULL, 10);
    must(thread_set_priority(SLOT_THREAD, PRIORITY, 0), "the client's priority");
    mount_all();
    must(open_file("dev/console", OPEN_FLAG_READ | OPEN_FLAG_WRITE, &terminal), "the terminal");
    honest_file();
    fill_cache();
    print("TAP version 13");
    (void)work_for(WINDOW, 0);
    struct work work = work_for(WINDOW, 0);
    alone = work.operations * 1000000000 / work.time;
    note("alone %llu operations in a second, error %d", (unsigned long long)alone, work.error);
    const struct attack *const lists[] = {message_attacks, memory_attacks, ring_attacks, object_attacks};
    run(&object_attacks[0]); // it only computes
    for (int i = 0; i < 4; i++)
        for (const struct attack *attack = lists[i] + (i == 3); attack->name; attack++)
            if (!startup_argument(2) || strstr(attack->name, startup_argument(2)))
                run(attack);
    if (!startup_argument(2))
        hostile_servers();
    finish();
    return 0;
}
