// Counting and printing checks, and the groups; see harness.h.
#include "tests/kernel/harness.h"

#include <stdarg.h>
#include <stdio.h>

#include "libipc/protocols/kernel.h"

enum { LINE_BYTES = 220, LEVEL_INFO = 3, SETTLE_CALLS = 200 };

static unsigned count, failures;
static const char *group_name = "";
static bool quiet; // the second run of a group: only failures are told

static void print(const char *line) {
    (void)kernel_log_write(SLOT_KERNEL, LEVEL_INFO, line, strlen(line));
}

void note(const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    line[0] = '#', line[1] = ' ';
    vsnprintf(line + 2, sizeof(line) - 2, format, arguments);
    va_end(arguments);
    print(line);
}

static void tell(bool ok, const char *name, const char *detail) {
    char line[LINE_BYTES];
    if (ok && quiet)
        return;
    failures += !ok;
    snprintf(line, sizeof(line), "%s %u - %s: %s%s%s", ok ? "ok" : "not ok", ++count, group_name, name, quiet ? " (again)" : "",
             detail);
    print(line);
}

void check(bool ok, const char *name) {
    tell(ok, name, "");
}

void check_value(uint64_t actual, uint64_t expected, const char *name) {
    char detail[64] = "";
    if (actual != expected)
        snprintf(detail, sizeof(detail), " # got %#llx, expected %#llx", (unsigned long long)actual,
                 (unsigned long long)expected);
    tell(actual == expected, name, detail);
}

void check_error(error_t actual, error_t expected, const char *name) {
    char detail[64] = "";
    if (actual != expected)
        snprintf(detail, sizeof(detail), " # got %d, expected %d", actual, expected);
    tell(actual == expected, name, detail);
}

_Noreturn static void finish(void) {
    char line[LINE_BYTES];
    snprintf(line, sizeof(line), "1..%u", count);
    print(line);
    note("%u failed", failures);
    for (;;)
        (void)kernel_power(SLOT_KERNEL, POWER_ACTION_OFF);
}

void must(error_t error, const char *what) {
    if (!error)
        return;
    note("in %s: %s gave %d", group_name, what, error);
    check(false, "the test can't go on");
    finish();
}

uint64_t free_bytes(void) {
    struct kernel_information information = {0};
    for (int i = 0; i < SETTLE_CALLS; i++) // every call lets the kernel take a few things apart
        must(kernel_information(SLOT_KERNEL, &information), "kernel.information");
    return information.free_bytes;
}

void group(const char *name, void (*run)(void)) {
    group_name = name;
    run();
    uint32_t slots = slot_count();
    uint64_t before = free_bytes();
    quiet = true;
    run();
    quiet = false;
    check_value(free_bytes(), before, "free memory is what it was");
    check_value(slot_count(), slots, "slots are what they were");
}

void tests_main(struct message_page *page); // start.asm

void tests_main(struct message_page *page) {
    ipc_page = page;
    for (cap_t slot = 1; slot < BOOT_SLOT_FIRST_FREE; slot++)
        slot_reserve(slot);
    uint64_t clock, address;
    must(process_map(SLOT_SELF, 0, PAGE, 0, MAP_FLAG_READ, SLOT_CLOCK, &clock), "mapping the clock");
    ipc_clock_page = (const volatile struct clock_page *)clock;
    cap_t memory;
    uint64_t physical;
    must(account_create_contiguous(SLOT_ACCOUNT, 2 * PAGE, 0, &physical, &memory), "shared memory");
    must(process_map(SLOT_SELF, 0, 2 * PAGE, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address), "its mapping");
    shared = (struct shared *)address;
    _Static_assert(sizeof(struct shared) <= 2 * PAGE, "two pages");
    print("TAP version 13");
    group("capabilities", test_capabilities);
    group("accounts", test_accounts);
    group("memory", test_memory);
    group("messages", test_messages);
    group("lending", test_lending);
    group("requests", test_requests);
    group("sessions", test_sessions);
    group("processes", test_processes);
    group("threads", test_threads);
    group("faults", test_faults);
    group("kernel", test_kernel);
    group("trace", test_trace);
    group("hostile", test_hostile);
    group("paths", test_paths);
    group("devices", test_devices); // last: it gives this process ports, and threads with ports take the slow path
    finish();
}
