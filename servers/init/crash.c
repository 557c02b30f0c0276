// Walking the dead actor's stack by its frame pointers, which all our code keeps; see crash.h. The stack is the dead
// program's word: every step must go up, and there are at most 16.
#include "servers/init/crash.h"

#include <stddef.h>
#include <stdio.h>

#include "kernel/abi/message.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/thread.h"
#include "libipc/server/loop.h"
#include "servers/init/report.h"

enum { FRAMES_MAX = 16, PLACE_BYTES = 80 };

static const char *cause_name(uint64_t vector) {
    static const char *const names[] = {
        [0] = "division by zero", [1] = "debug trap",       [3] = "breakpoint",         [4] = "overflow",
        [5] = "bound exceeded",   [6] = "invalid instruction", [7] = "FPU used by a program built without it",
        [13] = "protection fault", [14] = "page fault",     [16] = "FPU exception",     [17] = "unaligned access",
        [19] = "SIMD exception"};
    if (vector < sizeof(names) / sizeof(names[0]) && names[vector])
        return names[vector];
    return "exception";
}

static const char *place(const struct role *role, uint64_t address, char *text) {
    uint64_t offset = 0;
    const char *name = image_symbol(&role->image, address, &offset);
    if (name)
        (void)snprintf(text, PLACE_BYTES, "%s+0x%llx", name, (unsigned long long)offset);
    else
        (void)snprintf(text, PLACE_BYTES, "0x%llx", (unsigned long long)address);
    return text;
}

static void report_stack(const struct role *role, uint64_t frame) {
    char text[PLACE_BYTES];
    for (uint32_t depth = 0; depth < FRAMES_MAX && frame && frame % 8 == 0; depth++) {
        uint64_t pair[2], count; // saved rbp, return address
        if (process_peek(role->process, frame, pair, sizeof(pair), &count) || count != sizeof(pair) || !pair[1])
            break;
        report("  called from %s", place(role, pair[1] - 1, text));
        if (pair[0] <= frame)
            break;
        frame = pair[0];
    }
}

static void report_registers(const struct role *role) {
    struct thread_registers r;
    if (!role->thread || thread_registers(role->thread, &r))
        return;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"rax", r.rax}, {"rbx", r.rbx}, {"rcx", r.rcx}, {"rdx", r.rdx}, {"rsi", r.rsi}, {"rdi", r.rdi},
               {"rbp", r.rbp}, {"rsp", r.rsp}, {"r8", r.r8},   {"r9", r.r9},   {"r10", r.r10}, {"r11", r.r11},
               {"r12", r.r12}, {"r13", r.r13}, {"r14", r.r14}, {"r15", r.r15}, {"rip", r.rip}, {"rflags", r.rflags}};
    enum { COUNT = sizeof(all) / sizeof(all[0]), IN_LINE = 3 };
    for (size_t i = 0; i < COUNT; i += IN_LINE)
        report("  %-3s %016llx  %-3s %016llx  %-6s %016llx", all[i].name, (unsigned long long)all[i].value, all[i + 1].name,
               (unsigned long long)all[i + 1].value, all[i + 2].name, (unsigned long long)all[i + 2].value);
}

// What the loop of libipc says about the request, if it agrees with the kernel about its number. The dead program's word.
static bool request_seen(const struct role *role, const struct thread_information *information, struct request *request) {
    uint64_t loop_at = image_object(&role->image, "loop"), fiber_at, count;
    return loop_at &&
           process_peek(role->process, loop_at + offsetof(struct loop, running), &fiber_at, sizeof(fiber_at), &count) == ERR_OK &&
           fiber_at && process_peek(role->process, fiber_at + offsetof(struct fiber, request), request, sizeof(*request), &count) == ERR_OK &&
           count == sizeof(*request) && request->number_thread == information->served_serial &&
           request->number_count == information->served_count;
}

static void report_request(const struct role *role) {
    struct thread_information information;
    struct request request;
    uint64_t queued = 0, oldest = 0, sessions = 0;
    if (role->thread && thread_information(role->thread, &information) == ERR_OK && information.served_serial) {
        bool again = role->blamed.thread == information.served_serial && role->blamed.count == information.served_count;
        const char *fate = again && role->blamed.times ? "is refused: the service failed with it before" : "is sent again by its caller";
        if (request_seen(role, &information, &request))
            report("in service: request %llu.%llu, protocol %u method %u, on session 0x%llx; it %s",
                   (unsigned long long)information.served_serial, (unsigned long long)information.served_count,
                   tag_method(request.tag) >> 8, tag_method(request.tag) & 0xff, (unsigned long long)request.badge, fate);
        else
            report("in service: request %llu.%llu; it %s", (unsigned long long)information.served_serial,
                   (unsigned long long)information.served_count, fate);
    } else {
        report("in service: no request");
    }
    (void)endpoint_information(role->endpoint, &queued, &oldest, &sessions);
    report("callers that wait: %llu, the first for %llu us; sessions: %llu", (unsigned long long)queued,
           (unsigned long long)oldest / 1000, (unsigned long long)sessions);
}

static void report_end(const struct role *role) {
    report("restarted %llu times before, %u faults in a row; end of report", (unsigned long long)role->restarts, role->faults);
}

void crash_report(struct role *role, const uint64_t *words) {
    char text[PLACE_BYTES];
    report("%s crashed: %s at %s, address 0x%llx, code %llx; crash report", role->entry->name, cause_name(words[FAULT_WORD_CAUSE]),
           place(role, words[FAULT_WORD_RIP], text), (unsigned long long)words[FAULT_WORD_ADDRESS],
           (unsigned long long)words[FAULT_WORD_CODE]);
    report_stack(role, words[FAULT_WORD_RBP]);
    report_registers(role);
    report_request(role);
    report_end(role);
}

void hang_report(struct role *role, const struct role *waiting) {
    char text[PLACE_BYTES];
    struct thread_registers registers = {0};
    (void)thread_registers(role->thread, &registers);
    report("%s hangs at %s, found by the queue of %s; crash report", role->entry->name, place(role, registers.rip, text),
           waiting->entry->name);
    report_stack(role, registers.rbp);
    report_registers(role);
    report_request(role);
    report_end(role);
}
