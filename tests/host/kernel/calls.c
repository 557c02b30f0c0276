// Every call with everything: `kernel-calls STRIDE OFFSET [COUNT]`. Each system call and each method is made on the stage of
// stage.h with chosen targets, rights, second capabilities, words, buffers, slots for results, tags and states of the caller;
// after each the invariants are checked and the answer is compared with what can be said beforehand. Four passes, of which one
// case in STRIDE is made, and last COUNT cases at random from the whole product:
//   targets  every operation x every subject x every set of rights (all, none, one missing, being revoked)
//   seconds  every operation x its own kinds of target x every second subject x rights of that one
//   bounds   every operation x its own kinds of target x all pairs of values of two arguments
//   pairs    every two operations, each on all subjects of its kind
// Over 600 lines: what is chosen, what can be said beforehand and the passes are tables over the same enumerations, which nobody
// else knows.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
#include "kernel/cap/capability.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/x86_64/switch.h"
#include "tests/host/kernel/invariants.h"
#include "tests/host/kernel/machine.h"
#include "tests/host/kernel/stage.h"

void system_call(struct thread *thread); // the kernel's

struct operation {
    const char *name;
    int32_t number;
    uint16_t method, rights; // needed of the target
    uint8_t kind, words, caps, reads, writes, results;
};

#define METHOD(protocol, method, code, words_in, caps_in, reads, writes, words_out, caps_out, rights)                            \
    {#protocol "." #method, SYS_CALL, code, 0, CAP_##protocol, words_in, caps_in, (reads) != 0, (writes) != 0, caps_out},
static struct operation operations[] = {
    {"call", SYS_CALL, 0x7001, RIGHT_CALL, CAP_SESSION, 6, 1, 1, 1, 0},
    {"call to a kernel object", SYS_CALL, 0x7001, 0, CAP_PROCESS, 0, 0, 0, 0, 0},
    {"reply_wait", SYS_REPLY_WAIT, 0, RIGHT_RECEIVE, CAP_ENDPOINT, 6, 1, 0, 0, 0},
    {"reply_wait, notification", SYS_REPLY_WAIT, 0, RIGHT_RECEIVE, CAP_NOTIFICATION, 6, 1, 0, 0, 0},
    {"wait", SYS_WAIT, 0, RIGHT_RECEIVE, CAP_ENDPOINT, 0, 0, 0, 0, 1},
    {"wait, notification", SYS_WAIT, 0, RIGHT_RECEIVE, CAP_NOTIFICATION, 0, 0, 0, 0, 1},
    {"send", SYS_SEND, 0x7001, RIGHT_CALL, CAP_SESSION, 6, 1, 1, 1, 0},
    {"reply", SYS_REPLY, 0, 0, CAP_NONE, 6, 1, 0, 0, 0},
    {"forward", SYS_FORWARD, 0x7001, RIGHT_CALL, CAP_SESSION, 6, 0, 0, 0, 0},
    {"signal", SYS_SIGNAL, 5, RIGHT_SIGNAL, CAP_NOTIFICATION, 0, 0, 0, 0, 0},
    {"copy", SYS_COPY, 0, RIGHT_WRITE, CAP_MEMORY, 3, 0, 0, 0, 0},
    {"copy to the caller", SYS_COPY, 1, RIGHT_READ, CAP_MEMORY, 3, 0, 0, 0, 0},
    {"copy, own memory", SYS_COPY, 0, 0, CAP_NONE, 3, 0, 0, 0, 0},
    {"serve", SYS_SERVE, 0, 0, CAP_NONE, 0, 0, 0, 0, 1},
    {"foreign", 1, 0, 0, CAP_NONE, 0, 0, 0, 0, 0},
    KERNEL_OBJECT_METHODS(METHOD)};
#undef METHOD
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), SUBJECTS = STAGE_LAST + 4 }; // three slots that are no slots

// What an argument can be: 0 is the value with which the call makes sense.
enum dimension {
    RIGHTS,
    SECOND,
    SECOND_RIGHTS,
    WORD_0,
    LEND = WORD_0 + 6,
    RESULT,
    TAG_FORM,
    SERVING,
    DEADLINE,
    FRAMES,
    QUOTA,
    DIMENSIONS
};
enum { RIGHTS_CHOICES = 19, REVOKING = 18, WORDS = 29 };
static const uint8_t choices[DIMENSIONS] = {
    RIGHTS_CHOICES, SUBJECTS + 1, 4, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS, 8, 10, 12, 2, 3, 5, 4};
static const uint64_t words[WORDS] = {0,
                                      0,
                                      1,
                                      2,
                                      0x10,
                                      20,
                                      0x31,
                                      0x50,
                                      63,
                                      64,
                                      0x70,
                                      4095,
                                      PAGE_BYTES,
                                      2 * PAGE_BYTES,
                                      4 * PAGE_BYTES,
                                      0x200000,
                                      0x300000,
                                      0x201000,
                                      1 << 20,
                                      (1 << 20) + 1,
                                      600 * PAGE_BYTES,
                                      UINT64_C(1) << 32,
                                      USER_HIGHEST - PAGE_BYTES,
                                      USER_HIGHEST,
                                      UINT64_C(1) << 47,
                                      UINT64_C(1) << 52,
                                      UINT64_C(0xffff800000000000),
                                      UINT64_MAX - 4095,
                                      UINT64_MAX};

struct test_case {
    uint32_t operation, target;
    uint8_t choice[DIMENSIONS];
};

static struct test_case now[2]; // told on failure
static bool built, is_serving;
static uint64_t cases, calls, done, refused, left, stride = 1, position;

static void tell_case(int number) {
    char text[400];
    for (int i = 0; i < 2; i++) {
        int length =
            snprintf(text, sizeof(text), "call %d: %s on slot %u, choices", i, operations[now[i].operation].name, now[i].target);
        for (int j = 0; j < DIMENSIONS; j++)
            length += snprintf(text + length, sizeof(text) - (size_t)length, " %u", now[i].choice[j]);
        text[length++] = '\n';
        (void)!write(2, text, (size_t)length);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void expect(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "%s: rax %lld, tag %llx\n", what, (long long)stage.thread->registers.rax,
            (unsigned long long)stage.thread->registers.rsi);
    abort();
}

// Which right a method needs, where it is not CONTROL.
static uint16_t method_rights(uint16_t method) {
    switch (method) {
    case METHOD_PROCESS_REGION:
    case METHOD_PROCESS_INFORMATION:
    case METHOD_PROCESS_SLOT_NEXT:
    case METHOD_PROCESS_PEEK:
    case METHOD_THREAD_REGISTERS:
    case METHOD_THREAD_INFORMATION:
    case METHOD_ENDPOINT_INFORMATION:
    case METHOD_ACCOUNT_INFORMATION:
    case METHOD_ACCOUNT_TIME:
    case METHOD_KERNEL_INFORMATION:
    case METHOD_KERNEL_LOG_READ:
    case METHOD_KERNEL_FRAMEBUFFER:
    case METHOD_KERNEL_COMMAND_LINE:
    case METHOD_KERNEL_INTERRUPT_COUNT:
    case METHOD_KERNEL_NEXT_PROCESS:
        return RIGHT_INSPECT;
    case METHOD_ENDPOINT_CREATE_SESSION:
    case METHOD_IRQ_CREATE_LINE:
    case METHOD_IRQ_CREATE_MESSAGE:
    case METHOD_KERNEL_DEVICE_MEMORY:
        return RIGHT_MINT;
    case METHOD_ENDPOINT_ACKNOWLEDGE:
    case METHOD_ENDPOINT_BIND:
    case METHOD_ENDPOINT_NEXT_SESSION:
    case METHOD_NOTIFICATION_POLL:
        return RIGHT_RECEIVE;
    case METHOD_ENDPOINT_IDENTIFY:
        return RIGHT_IDENTIFY;
    case METHOD_MEMORY_CLONE:
    case METHOD_MEMORY_READ:
    case METHOD_KERNEL_TRACE_RING:
    case METHOD_KERNEL_TRACE_START:
        return RIGHT_READ;
    case METHOD_MEMORY_DISCARD:
    case METHOD_MEMORY_SUPPLY:
    case METHOD_MEMORY_SHARE:
    case METHOD_MEMORY_ZERO:
    case METHOD_MEMORY_WRITE:
        return RIGHT_WRITE;
    case METHOD_MEMORY_PHYSICAL:
        return RIGHT_DMA;
    case METHOD_ACCOUNT_SET_QUOTA:
    case METHOD_ACCOUNT_SET_BUDGET:
        return RIGHT_CONTROL | RIGHT_MINT;
    case METHOD_KERNEL_RANDOM:
        return RIGHT_RANDOM;
    case METHOD_KERNEL_POWER:
        return RIGHT_POWER;
    case METHOD_MEMORY_INFORMATION:
    case METHOD_IOPORT_DERIVE:
        return 0;
    default:
        return RIGHT_CONTROL;
    }
}

// A word with which the method has something to do.
static uint64_t sane_word(uint16_t method, int i) {
    switch (method) {
    case METHOD_PROCESS_MAP:
        return ((uint64_t[]){0x400000, PAGE_BYTES, 0, 0x31})[i & 3];
    case METHOD_PROCESS_UNMAP:
    case METHOD_PROCESS_PROTECT:
        return ((uint64_t[]){0x201000, PAGE_BYTES, 0x10, 0})[i & 3];
    case METHOD_PROCESS_CREATE_THREAD:
        return ((uint64_t[]){0x200000, 0x200000, 0, 3, 0, 0})[i];
    case METHOD_PROCESS_INSTALL:
    case METHOD_PROCESS_REGION:
    case METHOD_PROCESS_SET_FOREIGN:
        return i ? 0 : STAGE_RESULT;
    case METHOD_PROCESS_SLOT_COPY:
    case METHOD_PROCESS_SLOT_MOVE:
    case METHOD_PROCESS_SLOT_DELETE:
    case METHOD_PROCESS_SLOT_REVOKE:
        return ((uint64_t[]){STAGE_MEMORY, STAGE_RESULT, RIGHTS_ALL})[i];
    case METHOD_PROCESS_PEEK:
    case METHOD_PROCESS_POKE:
    case METHOD_THREAD_SET_SEGMENTS:
        return 0x200000;
    case METHOD_ENDPOINT_CREATE_SESSION:
    case METHOD_ENDPOINT_ACKNOWLEDGE:
        return 13;
    case METHOD_MEMORY_CLONE:
    case METHOD_MEMORY_DISCARD:
    case METHOD_MEMORY_SUPPLY:
    case METHOD_MEMORY_SHARE:
    case METHOD_MEMORY_ZERO:
        return i == 1 ? PAGE_BYTES : 0;
    case METHOD_IRQ_CREATE_LINE:
        return i ? 0 : 5;
    case METHOD_IOPORT_DERIVE:
        return i == 1 ? 2 : 0x60;
    case METHOD_ACCOUNT_CREATE_ACCOUNT:
    case METHOD_ACCOUNT_SET_QUOTA:
        return i ? 7 : 80 * PAGE_BYTES;
    case METHOD_ACCOUNT_CREATE_MEMORY:
    case METHOD_ACCOUNT_CREATE_CONTIGUOUS:
    case METHOD_ACCOUNT_CREATE_PAGED:
        return i ? 0 : 9 * PAGE_BYTES;
    case METHOD_ACCOUNT_SET_BUDGET:
        return i ? 10000000 : 200000;
    case METHOD_KERNEL_LOG_WRITE:
        return 4;
    case METHOD_KERNEL_DEVICE_MEMORY:
        return ((uint64_t[]){0xfd000000, PAGE_BYTES, 0})[i];
    default:
        return 0;
    }
}

// The capability with which the operation has something to do, beside its target.
static uint64_t sane_second(const struct operation *operation) {
    if (operation->number != SYS_CALL)
        return operation->number == SYS_SEND    ? STAGE_CALL_IDLE
               : operation->number == SYS_WAIT  ? STAGE_RESULT + 1
               : operation->number == SYS_SERVE ? STAGE_REPLY_THREAD
                                                : 0;
    switch (operation->method) {
    case METHOD_PROCESS_SET_KEEPER:
    case METHOD_ENDPOINT_IDENTIFY:
    case METHOD_ACCOUNT_CREATE_PAGED:
        return STAGE_SESSION;
    case METHOD_PROCESS_CLONE_SPACE:
    case METHOD_PROCESS_CLONE_TABLE:
        return STAGE_SELF;
    case METHOD_PROCESS_ATTACH_PORTS:
        return STAGE_IOPORT;
    case METHOD_ENDPOINT_BIND:
    case METHOD_IRQ_BIND:
        return STAGE_NOTIFICATION_SET;
    case METHOD_MEMORY_CLONE:
        return STAGE_ACCOUNT;
    case METHOD_ACCOUNT_CREATE_CALL:
        return STAGE_ENDPOINT_EMPTY;
    default:
        return STAGE_MEMORY_LARGE;
    }
}

static uint64_t slot_of(uint32_t subject) {
    static const uint64_t none[] = {200, CAP_TABLE_SLOTS, UINT64_C(0xdeadbeefffffffff)};
    return subject <= STAGE_LAST ? subject : none[subject - STAGE_LAST - 1];
}

static struct capability *filled(uint64_t index) {
    struct capability *slot = capability_slot(&stage.process->table, (cap_t)index);
    return slot && slot->kind != CAP_NONE ? slot : NULL;
}

// Gives a slot the chosen rights (and a child that is being revoked).
static void set_rights(struct capability *slot, uint32_t choice) {
    slot->rights = choice == 0         ? slot->rights
                   : choice == 1       ? 0
                   : choice < REVOKING ? slot->rights & (uint16_t) ~(1u << (choice - 2))
                                       : slot->rights;
    struct capability *child = capability_slot(&stage.process->table, STAGE_CHILD);
    if (choice != REVOKING || slot->kind == CAP_REPLY || child->kind != CAP_NONE)
        return;
    capability_fill(child, slot->kind, slot->object, slot->rights, slot);
    (void)capability_revoke_step(slot, 0);
}

// The inverse, for a call that changed nothing.
static void reset_rights(struct capability *slot, uint16_t rights) {
    slot->rights = rights;
    if (slot->flags & CAPABILITY_REVOKING)
        (void)capability_revoke_step(slot, 9);
}

static uint64_t case_tag(const struct operation *operation, const struct test_case *test) {
    if (operation->number == SYS_SIGNAL || operation->number == SYS_COPY)
        return operation->method;
    if (operation->number == SYS_SERVE)
        return test->choice[RESULT] == 0 ? STAGE_RESULT : words[test->choice[RESULT] + 5];
    uint64_t caps = (uint64_t)operation->caps << TAG_CAPS_SHIFT, tag = TAG(operation->method, operation->words) | caps;
    tag |= (operation->reads ? TAG_LEND_READ : 0) | (operation->writes ? TAG_LEND_WRITE : 0) |
           (test->choice[DEADLINE] ? TAG_DEADLINE : 0);
    switch (test->choice[TAG_FORM]) {
    case 0:
        return tag;
    case 1:
        return tag ^ 1 << TAG_WORDS_SHIFT;
    case 2:
        return tag ^ 1 << TAG_CAPS_SHIFT;
    case 3:
        return tag ^ TAG_LEND_READ;
    case 4:
        return tag ^ TAG_LEND_WRITE;
    case 5:
        return (tag & ~UINT64_C(0xff)) | 0xff; // no such method
    case 6:
        return tag & ~UINT64_C(0xff00); // protocol 0
    case 7:
        return tag | (uint64_t)TAG_PAGE_WORDS_MASK << TAG_PAGE_WORDS_SHIFT;
    case 8:
        return tag | (uint64_t)TAG_CAPS_MASK << TAG_CAPS_SHIFT;
    case 9:
        return tag | TAG_REPEAT;
    case 10:
        return TAG(operation->method, 64) | UINT64_C(4) << TAG_CAPS_SHIFT;
    default:
        return UINT64_MAX;
    }
}

static void fill_page(const struct operation *operation, const struct test_case *test, uint64_t second) {
    struct message_page *page = stage.thread->page;
    static const struct lend lends[] = {
        {0x200000, 64},         {0x200ff0, 2 * PAGE_BYTES}, {0x200000, 0},         {0, 1}, {0x203000, 3 * PAGE_BYTES},
        {0x200000, UINT64_MAX}, {UINT64_MAX - 5, 20},       {USER_HIGHEST - 8, 16}};
    static const cap_t results[] = {STAGE_RESULT,    0,         STAGE_MEMORY, 127, 128, 2047, 2300, CAP_TABLE_SLOTS - 1,
                                    CAP_TABLE_SLOTS, UINT32_MAX};
    static const uint64_t deadlines[] = {0, 1, UINT64_C(1) << 62};
    memset(page, 0, sizeof(*page));
    for (int i = 0; i < MESSAGE_CAPS; i++) {
        page->send_caps[i] = i ? (cap_t)(STAGE_MEMORY + i) : (cap_t)second | (test->choice[DEADLINE] == 2 ? SEND_CAP_MOVE : 0);
        page->receive_slots[i] = results[test->choice[RESULT]] + (test->choice[RESULT] == 0 ? (cap_t)i : 0);
    }
    page->lend_read = page->lend_write = lends[test->choice[LEND]];
    page->deadline = deadlines[test->choice[DEADLINE]];
    for (uint32_t i = MESSAGE_REGISTER_WORDS; i < MESSAGE_WORDS; i++)
        page->words[i] = words[(test->choice[WORD_0] + i) % WORDS];
    (void)operation;
}

// What can be said of the answer from the target alone, and has to hold before anything else: 0 if nothing.
static error_t expected(const struct operation *operation, const struct test_case *test, const struct capability *target) {
    bool optional = operation->number == SYS_COPY; // finds its request first
    if (optional || operation->kind == CAP_NONE || operation->number == SYS_WAIT || test->choice[TAG_FORM])
        return 0;
    // Answers first, or drops what its message moves: the target itself, perhaps, or what it was made of.
    if (operation->number == SYS_REPLY_WAIT && (thread_serving(stage.thread) || test->choice[DEADLINE] == 2))
        return 0;
    if (!target)
        return ERR_BAD_CAPABILITY;
    if (operation->number == SYS_CALL && target->kind != CAP_SESSION) {
        if (target->kind == CAP_REPLY)
            return ERR_WRONG_KIND;
        if (target->kind != operation->kind || operation->method >= 0x7000)
            return ERR_BAD_METHOD;
        if (test->choice[SECOND] || test->choice[SECOND_RIGHTS] || test->choice[RESULT] || test->choice[FRAMES] ||
            test->choice[QUOTA] || (operation->results && filled(STAGE_RESULT))) // by the call before
            return 0;
        if ((target->rights & operation->rights) != operation->rights)
            return ERR_RIGHTS;
        if (operation->results && (target->flags & CAPABILITY_REVOKING))
            return ERR_REVOKED;
    } else if (operation->number == SYS_CALL) {
        if (operation->kind != CAP_SESSION && (target->rights & RIGHT_CALL))
            return operation->method >= 0x100 ? 0 : ERR_BAD_MESSAGE;
        return target->rights & RIGHT_CALL ? 0 : ERR_RIGHTS;
    } else if (operation->number == SYS_REPLY_WAIT) {
        if (target->kind != CAP_ENDPOINT && target->kind != CAP_NOTIFICATION)
            return ERR_WRONG_KIND;
    } else if (target->kind != operation->kind) {
        return ERR_WRONG_KIND;
    }
    return (target->rights & operation->rights) == operation->rights ? 0 : ERR_RIGHTS;
}

static bool is_known(int64_t error) {
    switch (error) {
#define KNOWN(name, value, sentence) case value:
        ERROR_LIST(KNOWN)
#undef KNOWN
    case ERR_OK:
    case WAIT_NOTIFICATION:
        return true;
    default:
        return false;
    }
}

// So much is left of the machine's memory and of the quota.
static void set_limits(const struct test_case *test) {
    static const uint64_t quota[] = {0, 0, PAGE_BYTES, 3 * PAGE_BYTES};
    if (test->choice[FRAMES])
        machine_leave_frames(test->choice[FRAMES] - 1u);
    if (test->choice[QUOTA])
        stage.root->quota = stage.root->used + quota[test->choice[QUOTA]];
}

// Makes the call. True if it was refused before it could change anything.
static bool make(const struct test_case *test) {
    const struct operation *operation = &operations[test->operation];
    struct registers *registers = &stage.thread->registers;
    uint64_t target_index = operation->kind == CAP_NONE && operation->number != SYS_COPY ? test->target : slot_of(test->target);
    uint64_t second_index = test->choice[SECOND] ? slot_of(test->choice[SECOND] - 1u) : sane_second(operation);
    struct capability *target = filled(target_index), *second = filled(second_index);
    uint16_t target_rights = target ? target->rights : 0, second_rights = second ? second->rights : 0;
    if (second && test->choice[SECOND_RIGHTS])
        set_rights(second, test->choice[SECOND_RIGHTS] == 3 ? REVOKING : test->choice[SECOND_RIGHTS] == 2 ? 2 : 1);
    if (target)
        set_rights(target, test->choice[RIGHTS]);
    fill_page(operation, test, second_index);
    registers->rip = 0x300000;
    registers->rax = (uint32_t)operation->number;
    registers->rdi = operation->number == SYS_COPY && operation->kind == CAP_NONE ? 0 : target_index;
    registers->rsi = case_tag(operation, test);
    registers->r14 = second_index;
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers->words[i] = test->choice[WORD_0 + i]        ? words[test->choice[WORD_0 + i]]
                              : operation->number == SYS_COPY ? ((uint64_t[]){0, 0x202000, PAGE_BYTES, 0, 0, 0})[i]
                              : operation->method == METHOD_THREAD_SET_REGISTERS ? 0
                              : i < operation->words                             ? sane_word(operation->method, i)
                                                                                 : 0;
    error_t wanted = expected(operation, test, target);
    bool is_invocation = operation->number == SYS_CALL && target && target->kind != CAP_SESSION;
    uint64_t used = stage.root->used;
    uint32_t objects = machine_object_count;
    struct registers again = *registers;
    if (setjmp(machine_stuck)) { // nobody runs any more: it blocked
        machine_return_frames();
        return false;
    }
    for (int i = 0; i < 60; i++) {
        set_limits(test);
        system_call(stage.thread);
        machine_return_frames();
        calls++;
        invariants_check(stage.root, stage.process);
        if (current_thread() != stage.thread)
            return false;
        if (registers->rip != again.rip - 2)
            break;
        registers->rip = again.rip; // with its words where it came to
    }
    if (operation->number > 0) { // the layer that was registered before goes on
        expect(stage.thread->process->foreign && registers->rip == stage.thread->process->foreign,
               "a foreign call without a layer goes on");
        return false;
    }
    int64_t status = (int64_t)registers->rax;
    if (!status && is_invocation)
        status = tag_status(registers->rsi);
    expect(is_known(status), "an answer that is no error");
    if (wanted)
        expect(status == wanted, "another answer was expected");
    bool early = !test->choice[QUOTA] &&
                 (status == ERR_BAD_CAPABILITY || status == ERR_WRONG_KIND || status == ERR_RIGHTS || status == ERR_BAD_METHOD);
    done += status >= 0;
    refused += status < 0;
    if (!early || operation->number == SYS_REPLY_WAIT || operation->number == SYS_REPLY || operation->number == SYS_WAIT ||
        operation->number == SYS_SERVE || stage.root->used != used)
        return false;
    expect(machine_object_count == objects, "a refused call left an object");
    if (target)
        reset_rights(target, target_rights);
    if (second)
        reset_rights(second, second_rights);
    return true;
}

static bool is_target(const struct operation *operation, uint32_t subject) {
    struct capability *slot = filled(slot_of(subject));
    return operation->kind == CAP_NONE ? subject == 0 : slot && slot->kind == operation->kind;
}

static void ready(bool serving) {
    if (built && serving == is_serving)
        return;
    if (built)
        stage_end();
    stage_build(serving);
    built = true;
    is_serving = serving;
}

static void run(const struct test_case *first, const struct test_case *second) {
    if (++position % stride)
        return;
    cases++;
    now[0] = *first;
    now[1] = second ? *second : (struct test_case){0};
    ready(!first->choice[SERVING]);
    bool kept = make(first);
    if (second && current_thread() == stage.thread) {
        kept = false;
        (void)make(second);
    }
    if (kept)
        return;
    left += current_thread() != stage.thread;
    stage_end();
    built = false;
}

// The slots that an operation is made for, found once on a stage.
static bool fits[OPERATIONS][SUBJECTS];

static void targets(void) {
    for (uint32_t i = 0; i < OPERATIONS; i++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            for (uint32_t rights = 0; rights < RIGHTS_CHOICES; rights++)
                if (rights == 0 || (subject > STAGE_NULL && subject < STAGE_STALE))
                    run(&(struct test_case){.operation = i, .target = subject, .choice = {rights}}, NULL);
}

static void seconds(void) {
    for (uint32_t i = 0; i < OPERATIONS; i++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            for (uint32_t second = 1; fits[i][subject] && second <= SUBJECTS; second++)
                for (uint32_t rights = 0; rights < choices[SECOND_RIGHTS]; rights++)
                    for (uint32_t serving = 0; serving < 2; serving++)
                        run(&(struct test_case){.operation = i,
                                                .target = subject,
                                                .choice = {[SECOND] = (uint8_t)second,
                                                           [SECOND_RIGHTS] = (uint8_t)rights,
                                                           [SERVING] = (uint8_t)serving}},
                            NULL);
}

static void bounds(void) {
    for (uint32_t i = 0; i < OPERATIONS; i++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            for (uint32_t a = WORD_0; fits[i][subject] && a < DIMENSIONS; a++)
                for (uint32_t b = a + 1; b < DIMENSIONS; b++)
                    for (uint32_t x = 0; x < choices[a]; x++)
                        for (uint32_t y = 0; y < choices[b]; y++) {
                            if ((a < LEND && a - WORD_0 >= operations[i].words) ||
                                (b < LEND && b - WORD_0 >= operations[i].words))
                                continue;
                            struct test_case test = {.operation = i, .target = subject};
                            test.choice[a] = (uint8_t)x;
                            test.choice[b] = (uint8_t)y;
                            run(&test, NULL);
                        }
}

static void pairs(void) {
    for (uint32_t i = 0; i < OPERATIONS; i++)
        for (uint32_t first = 0; first < SUBJECTS; first++)
            for (uint32_t j = 0; fits[i][first] && j < OPERATIONS; j++)
                for (uint32_t second = 0; second < SUBJECTS; second++)
                    if (fits[j][second])
                        run(&(struct test_case){.operation = i, .target = first},
                            &(struct test_case){.operation = j, .target = second});
}

static uint32_t random_below(uint32_t limit) {
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 33) % limit;
}

// Any values at all, mostly the sane one; the target mostly one that fits.
static struct test_case random_case(void) {
    struct test_case test = {.operation = random_below(OPERATIONS), .target = random_below(SUBJECTS)};
    while (random_below(8) && !fits[test.operation][test.target])
        test.target = random_below(SUBJECTS);
    for (uint32_t i = 0; i < DIMENSIONS; i++)
        test.choice[i] = random_below(3) ? 0 : (uint8_t)random_below(choices[i]);
    return test;
}

static void pass(const char *name, void (*make_all)(void), uint64_t every) {
    uint64_t before = calls, cases_before = cases;
    stride = every;
    make_all();
    printf("%s: %llu cases of %llu, %llu calls\n", name, (unsigned long long)(cases - cases_before), (unsigned long long)position,
           (unsigned long long)(calls - before));
    fflush(stdout);
    position = 0;
}

int main(int count, char **arguments) {
    uint64_t every = count > 1 ? strtoull(arguments[1], NULL, 10) : 1, offset = count > 2 ? strtoull(arguments[2], NULL, 10) : 0;
    uint64_t random = count > 3 ? strtoull(arguments[3], NULL, 10) : 0;
    signal(SIGABRT, tell_case);
    machine_start();
    ready(true);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        if (operations[i].method < 0x7000 && operations[i].method >= 0x100)
            operations[i].rights = method_rights(operations[i].method);
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            fits[i][subject] = is_target(&operations[i], subject);
    }
    static const struct {
        const char *name;
        void (*make_all)(void);
        uint64_t weight; // how much thinner the pass is in a slice
    } passes[] = {{"targets", targets, 1}, {"seconds", seconds, 1}, {"bounds", bounds, 16}, {"pairs", pairs, 4}};
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
        position = offset;
        pass(passes[i].name, passes[i].make_all, every == 1 ? 1 : every * passes[i].weight + 1);
    }
    uint64_t before = calls;
    for (uint64_t i = 0; i < random; i++) {
        struct test_case first = random_case(), second = random_case();
        stride = 1;
        run(&first, &second);
    }
    printf("random: %llu cases, %llu calls\n", (unsigned long long)random, (unsigned long long)(calls - before));
    if (built)
        stage_end();
    printf("%llu calls in %llu cases: %llu done, %llu refused, the rest blocked or ended the caller; the caller no longer ran "
           "after %llu\n",
           (unsigned long long)calls, (unsigned long long)cases, (unsigned long long)done, (unsigned long long)refused,
           (unsigned long long)left);
    return 0;
}
