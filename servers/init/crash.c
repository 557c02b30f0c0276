// Walking the dead actor's stack by its frame pointers, which all our code keeps; see crash.h. The stack is the dead
// program's word: every step must go up, and there are at most 16.
#include "servers/init/crash.h"

#include <stddef.h>
#include <stdio.h>

#include "kernel/abi/message.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/thread.h"
#include "libipc/server/loop.h"
#include "servers/init/report.h"

enum { PLACE_BYTES = 80 };

static const char *cause_name(uint64_t vector) {
    static const char *const names[] = {[0] = "division by zero",
                                        [1] = "debug trap",
                                        [3] = "breakpoint",
                                        [4] = "overflow",
                                        [5] = "bound exceeded",
                                        [6] = "invalid instruction",
                                        [7] = "FPU used by a program built without it",
                                        [13] = "protection fault",
                                        [14] = "page fault",
                                        [16] = "FPU exception",
                                        [17] = "unaligned access",
                                        [19] = "SIMD exception"};
    if (vector < sizeof(names) / sizeof(names[0]) && names[vector])
        return names[vector];
    return "exception";
}

static const char *place(const struct crash *crash, uint64_t address, char *text) {
    uint64_t offset = 0;
    const char *name = image_symbol(&crash->image, address, &offset);
    if (name)
        (void)snprintf(text, PLACE_BYTES, "%s+0x%llx", name, (unsigned long long)offset);
    else
        (void)snprintf(text, PLACE_BYTES, "0x%llx", (unsigned long long)address);
    return text;
}

// --- collecting ---

static void collect_stack(struct crash *crash, const struct role *role, uint64_t frame) {
    crash->depth = 0;
    while (crash->depth < CRASH_FRAMES && frame && frame % 8 == 0) {
        uint64_t pair[2]; // saved rbp, return address
        if (!role_peek(role, frame, pair, sizeof(pair)) || !pair[1])
            break;
        crash->stack[crash->depth++] = pair[1] - 1;
        if (pair[0] <= frame)
            break;
        frame = pair[0];
    }
}

// What the loop of libipc says about the request, if it agrees with the kernel about its number. The dead program's word.
static void collect_request(struct crash *crash, const struct role *role) {
    struct thread_information information;
    struct request request;
    uint64_t loop_at = image_object(&role->image, "loop"), fiber_at = 0;
    crash->served_thread = 0;
    if (thread_information(role->thread, &information) || !information.served_serial)
        return;
    crash->served_thread = information.served_serial;
    crash->served_count = information.served_count;
    crash->failed_before =
        role->blamed.times && role->blamed.thread == information.served_serial && role->blamed.count == information.served_count;
    crash->request_is_known =
        loop_at && role_peek(role, loop_at + offsetof(struct loop, running), &fiber_at, sizeof(fiber_at)) && fiber_at &&
        role_peek(role, fiber_at + offsetof(struct fiber, request), &request, sizeof(request)) &&
        request.number_thread == information.served_serial && request.number_count == information.served_count;
    crash->code = (uint16_t)tag_method(request.tag);
    crash->badge = request.badge;
}

// Its last messages, oldest first.
static void collect_messages(struct crash *crash, const struct role *role) {
    static struct server_messages messages;
    crash->message_count = 0;
    if (!role_peek(role, image_object(&role->image, "server_messages"), &messages, sizeof(messages)))
        return;
    uint64_t first = messages.next < CRASH_MESSAGES ? 0 : messages.next - CRASH_MESSAGES;
    while (first < messages.next)
        crash->messages[crash->message_count++] = messages.last[first++ % SERVER_MESSAGES];
}

void crash_collect(struct crash *crash, const struct role *role) {
    crash->image = role->image;
    crash->queued = crash->oldest = crash->sessions = 0;
    crash->registers = (struct thread_registers){0};
    (void)endpoint_information(role->endpoint, &crash->queued, &crash->oldest, &crash->sessions);
    (void)thread_registers(role->thread, &crash->registers);
    collect_stack(crash, role, crash->registers.rbp);
    collect_request(crash, role);
    collect_messages(crash, role);
}

void crash_stop(struct crash *crash, const struct role *role) {
    if (thread_stop(role->thread) == ERR_OK)
        crash_collect(crash, role);
}

void crash_of_fiber(struct crash *crash, const struct role *role, uint64_t frame, const struct request *request) {
    collect_stack(crash, role, frame);
    crash->served_thread = request->number_thread;
    crash->served_count = request->number_count;
    crash->request_is_known = true;
    crash->code = (uint16_t)tag_method(request->tag);
    crash->badge = request->badge;
}

// --- telling ---

static void report_registers(const struct thread_registers *r) {
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"rax", r->rax}, {"rbx", r->rbx}, {"rcx", r->rcx}, {"rdx", r->rdx}, {"rsi", r->rsi}, {"rdi", r->rdi},
               {"rbp", r->rbp}, {"rsp", r->rsp}, {"r8", r->r8},   {"r9", r->r9},   {"r10", r->r10}, {"r11", r->r11},
               {"r12", r->r12}, {"r13", r->r13}, {"r14", r->r14}, {"r15", r->r15}, {"rip", r->rip}, {"rflags", r->rflags}};
    enum { COUNT = sizeof(all) / sizeof(all[0]), IN_LINE = 3 };
    for (size_t i = 0; i < COUNT; i += IN_LINE)
        report("  %-3s %016llx  %-3s %016llx  %-6s %016llx", all[i].name, (unsigned long long)all[i].value, all[i + 1].name,
               (unsigned long long)all[i + 1].value, all[i + 2].name, (unsigned long long)all[i + 2].value);
}

static void report_request(const struct crash *crash) {
    const char *fate = crash->failed_before ? "is refused: the service failed with it before" : "is sent again by its caller";
    if (!crash->served_thread)
        report("in service: no request");
    else if (crash->request_is_known)
        report("in service: request %llu.%llu, protocol %u method %u, on session 0x%llx; it %s",
               (unsigned long long)crash->served_thread, (unsigned long long)crash->served_count, crash->code >> 8,
               crash->code & 0xffu, (unsigned long long)crash->badge, fate);
    else
        report("in service: request %llu.%llu; it %s", (unsigned long long)crash->served_thread,
               (unsigned long long)crash->served_count, fate);
    report("callers that wait: %llu, the first for %llu us; sessions: %llu", (unsigned long long)crash->queued,
           (unsigned long long)crash->oldest / 1000, (unsigned long long)crash->sessions);
}

static int message_text(char *text, size_t size, const struct server_message *message) {
    switch (message->kind) {
    case MESSAGE_TAKEN:
        return snprintf(text, size, "took %u.%llu, protocol %u method %u", message->thread, (unsigned long long)message->count,
                        message->code >> 8, message->code & 0xffu);
    case MESSAGE_ANSWERED:
        return snprintf(text, size, "answered %u.%llu with %d", message->thread, (unsigned long long)message->count,
                        (int16_t)message->code);
    case MESSAGE_CALLED:
        return snprintf(text, size, "fiber %u called slot %llu, protocol %u method %u", message->thread,
                        (unsigned long long)message->count, message->code >> 8, message->code & 0xffu);
    default:
        return snprintf(text, size, "fiber %u got %d", message->thread, (int16_t)message->code);
    }
}

// Few lines, for the report is to fit on one screen.
static void report_messages(const struct crash *crash) {
    enum { IN_LINE = 3 };
    char line[240];
    int length = 0;
    for (uint32_t i = 0; i < crash->message_count; i++) {
        length += snprintf(line + length, sizeof(line) - (size_t)length, "%s", length ? "; " : "");
        length += message_text(line + length, sizeof(line) - (size_t)length, &crash->messages[i]);
        if (i % IN_LINE < IN_LINE - 1 && i + 1 < crash->message_count)
            continue;
        report("%s%s", i < IN_LINE ? "last messages: " : "               ", line);
        length = 0;
    }
}

static void report_decision(const struct role *role) {
    char decision[80];
    uint64_t now = report_time();
    if (role->phase == SERVICE_STATE_FAILED)
        (void)snprintf(decision, sizeof(decision), "it is given up, and what needs it does without");
    else if (role->restart_at > now)
        (void)snprintf(decision, sizeof(decision), "it starts again in %llu ms",
                       (unsigned long long)(role->restart_at - now) / 1000000);
    else
        (void)snprintf(decision, sizeof(decision), "it runs again after %llu us", (unsigned long long)role->recovery_time / 1000);
    report("decision: %s%s; restarted %llu times, %u faults in a row; end of report", decision,
           !role->entry->keep ? ""
           : role->had_memory ? ", with its memory"
                              : ", with a new memory",
           (unsigned long long)role->restarts, role->faults);
}

static void report_rest(const struct role *role, const struct crash *crash) {
    char text[PLACE_BYTES];
    for (uint32_t i = 0; i < crash->depth; i++)
        report("  called from %s", place(crash, crash->stack[i], text));
    report_registers(&crash->registers);
    report_messages(crash);
    report_request(crash);
    report_decision(role);
}

void crash_report(const struct role *role, const struct crash *crash, const uint64_t *words) {
    char text[PLACE_BYTES];
    report("%s crashed: %s at %s, address 0x%llx, code %llx; crash report", role->entry->name,
           cause_name(words[FAULT_WORD_CAUSE]), place(crash, words[FAULT_WORD_RIP], text),
           (unsigned long long)words[FAULT_WORD_ADDRESS], (unsigned long long)words[FAULT_WORD_CODE]);
    report_rest(role, crash);
}

void hang_report(const struct role *role, const struct crash *crash, const char *noticed, const struct role *where) {
    char text[PLACE_BYTES];
    report("%s hangs at %s, found by the %s%s; crash report", role->entry->name, place(crash, crash->registers.rip, text),
           noticed, where ? where->entry->name : "");
    report_rest(role, crash);
}

void lie_report(const struct role *role, const struct crash *crash) {
    report("%s answered nonsense; crash report", role->entry->name);
    report_rest(role, crash);
}
