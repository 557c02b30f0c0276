// The driver behind world.h. Whatever thread the kernel lets run makes a system call, faults, or is
// interrupted, as the next bytes say: targets are slots with low numbers, arguments come from a small set of
// sensible and bad ones, so that acts often concern the same objects; whoever serves a request mostly does what a
// server does with it. In the end everything is destroyed, and nothing may be left.
#include "tests/host/kernel/world.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notification.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/switch.h"
#include "kernel/x86_64/vectors.h"
#include "tests/host/kernel/invariants.h"
#include "tests/host/kernel/life.h"
#include "tests/host/kernel/machine.h"

enum { SLOTS = 40, ACTS_MAX = 5000 };

struct statistics world_statistics;

void system_call(struct thread *thread);                                          // the kernel's
void interrupt_from_user(struct thread *thread, uint64_t vector, uint64_t error); // likewise

static const uint8_t *input;
static size_t input_left;
static struct account *root;
static struct process *first_process;

static uint8_t next_byte(void) {
    if (!input_left)
        return 0;
    input_left--;
    return *input++;
}

struct method {
    uint16_t code;
    uint8_t words_in, caps_in, reads, writes, caps_out;
};
#define METHOD(protocol, method, code, words_in, caps_in, reads, writes, words_out, caps_out, rights)                            \
    {code, words_in, caps_in, (reads) != 0, (writes) != 0, caps_out},
static const struct method methods[] = {KERNEL_OBJECT_METHODS(METHOD)};
#undef METHOD
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

static const uint8_t protocol_of_kind[CAP_KIND_COUNT] = {
    [CAP_PROCESS] = PROTOCOL_PROCESS,
    [CAP_THREAD] = PROTOCOL_THREAD,
    [CAP_ENDPOINT] = PROTOCOL_ENDPOINT,
    [CAP_CALL] = PROTOCOL_CALL,
    [CAP_NOTIFICATION] = PROTOCOL_NOTIFICATION,
    [CAP_MEMORY] = PROTOCOL_MEMORY,
    [CAP_IRQ] = PROTOCOL_IRQ,
    [CAP_IOPORT] = PROTOCOL_IOPORT,
    [CAP_ACCOUNT] = PROTOCOL_ACCOUNT,
    [CAP_KERNEL] = PROTOCOL_KERNEL,
};

static uint64_t some_slot(void) {
    uint8_t byte = next_byte();
    return byte < 250 ? byte % SLOTS : byte == 250 ? 200 : byte == 251 ? UINT32_MAX : byte % 8;
}

static bool is_of(const struct capability *slot, uint8_t kind) {
    return kind == CAP_NONE ? slot->kind != CAP_NONE : slot->kind == kind;
}

// The one of a kind (CAP_NONE: any) that a number tells; 0 if there is none.
static uint64_t slot_of_kind(const struct thread *thread, uint8_t kind, uint32_t wanted) {
    const struct capability_table *table = &thread->process->table;
    uint32_t found = 0, last = table->size < 2 * SLOTS ? table->size : 2 * SLOTS;
    for (uint32_t i = 1; i < last; i++)
        found += is_of(&table->slots[i], kind);
    wanted = found ? wanted % found : 0;
    for (uint32_t i = 1; i < last; i++)
        if (is_of(&table->slots[i], kind) && wanted-- == 0)
            return i;
    return 0;
}

// Mostly one in use.
static uint64_t some_target(const struct thread *thread) {
    uint8_t byte = next_byte();
    return byte < 40 ? some_slot() : slot_of_kind(thread, CAP_NONE, byte);
}

// Mostly one of the kind that is asked for.
static uint64_t some_of_kind(const struct thread *thread, enum capability_kind kind) {
    uint8_t byte = next_byte();
    return byte < 20 ? some_slot() : slot_of_kind(thread, kind, byte);
}

static uint64_t some_address(void) {
    uint8_t byte = next_byte();
    if (byte < 240)
        return 0x200000 + (uint64_t)(byte % 24) * PAGE_BYTES + (byte >= 200 ? PAGE_BYTES - 3 : 0);
    static const uint64_t odd[] = {0,          0x10,      USER_HIGHEST - PAGE_BYTES, USER_HIGHEST, UINT64_MAX, 0xffff800000000000,
                                   0x40000000, 0x7fe00000};
    return odd[byte % 8];
}

static uint64_t some_word(void) {
    uint8_t byte = next_byte(), kind = next_byte();
    switch (kind % 8) {
    case 0:
        return byte;
    case 1:
        return (uint64_t)(byte % 16) * PAGE_BYTES;
    case 2:
        return some_address();
    case 3:
        return byte % SLOTS;
    case 4: { // flags of mappings, rights
        static const uint64_t flags[] = {0x11, 0x31, 0x51, 0x10, 0x30, RIGHTS_ALL, 0, 1};
        return flags[byte % 8];
    }
    case 5:
        return (uint64_t)byte << (byte % 60);
    case 6:
        return byte % 4;
    default: {
        static const uint64_t odd[] = {UINT64_MAX, UINT64_C(1) << 32, UINT64_C(1) << 47, 1 << 20, 600 * PAGE_BYTES, 63, 64, 4095};
        return odd[byte % 8];
    }
    }
}

static void fill_page(struct thread *thread) {
    struct message_page *page = thread->page;
    for (int i = 0; i < MESSAGE_CAPS; i++) {
        uint8_t byte = next_byte();
        page->send_caps[i] = (cap_t)some_target(thread) | ((byte & 0x11) == 0x11 ? SEND_CAP_MOVE : 0);
        page->send_rights[i] = byte & 6 ? 0 : (uint16_t)(byte * 257);
        page->receive_slots[i] = byte & 8 ? 0 : (cap_t)some_slot();
    }
    page->lend_read = (struct lend){some_address(), (uint64_t)next_byte() * 40};
    page->lend_write = (struct lend){some_address(), (uint64_t)next_byte() * 40};
    uint8_t when = next_byte();
    page->deadline = when < 80 ? 0 : when < 100 ? 1 : machine_now + (uint64_t)when * 100000;
    for (int i = 6; i < 20; i++)
        page->words[i] = (uint64_t)i;
}

static const struct method *some_method(uint8_t kind) {
    const struct method *found = NULL;
    uint32_t wanted = next_byte(), seen = 0;
    uint8_t protocol = protocol_of_kind[kind];
    for (uint32_t round = 0; round < 2 && !found; round++) {
        for (uint32_t i = 0; i < METHODS; i++) {
            if (methods[i].code >> 8 != protocol)
                continue;
            if (round == 1 && wanted-- == 0)
                return &methods[i];
            seen++;
        }
        if (!seen)
            return NULL;
        if (round == 0)
            wanted %= seen;
    }
    return NULL;
}

// Words that make a method succeed more often than by chance.
static void set_words(struct thread *thread, const struct method *method) {
    struct registers *registers = &thread->registers;
    struct message_page *page = thread->page;
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers->words[i] = some_word();
    uint8_t sane = next_byte();
    if (sane < 60 || !method)
        return;
    uint64_t length = (uint64_t)(1 + sane % 6) * PAGE_BYTES;
    switch (method->code) {
    case METHOD_ACCOUNT_CREATE_MEMORY:
    case METHOD_ACCOUNT_CREATE_PAGED:
    case METHOD_ACCOUNT_CREATE_CONTIGUOUS:
        registers->words[0] = sane > 250 ? 700 * PAGE_BYTES : length * (sane > 200 ? 5 : 1);
        if (method->caps_in)
            page->send_caps[0] = (cap_t)slot_of_kind(thread, CAP_SESSION, sane);
        registers->words[1] = 0;
        break;
    case METHOD_ACCOUNT_CREATE_ACCOUNT:
        registers->words[0] = (uint64_t)sane * 2 * PAGE_BYTES;
        registers->words[1] = 20;
        break;
    case METHOD_PROCESS_MAP:
        page->send_caps[0] = (cap_t)slot_of_kind(thread, CAP_MEMORY, sane);
        registers->words[0] = some_address() & ~UINT64_C(4095);
        registers->words[1] = length;
        registers->words[2] = 0;
        registers->words[3] = sane & 1 ? 0x31 : 0x11;
        break;
    case METHOD_PROCESS_UNMAP:
    case METHOD_PROCESS_PROTECT:
        registers->words[0] = some_address() & ~UINT64_C(4095);
        registers->words[1] = length;
        registers->words[2] = sane & 1 ? 0x30 : 0x10;
        break;
    case METHOD_PROCESS_CREATE_THREAD:
        registers->words[0] = registers->words[1] = 0x200000;
        registers->words[3] = sane % 21;
        registers->words[4] = 0;
        registers->words[5] = sane & 1;
        break;
    case METHOD_PROCESS_INSTALL:
    case METHOD_PROCESS_SLOT_DELETE:
        registers->words[0] = 10 + sane % (SLOTS - 10);
        registers->words[1] = 0;
        break;
    case METHOD_PROCESS_SLOT_COPY:
        registers->words[2] = RIGHTS_ALL;
        __attribute__((fallthrough));
    case METHOD_PROCESS_SLOT_MOVE:
        registers->words[0] = some_slot();
        registers->words[1] = 10 + sane % (SLOTS - 10);
        break;
    case METHOD_MEMORY_CLONE:
    case METHOD_MEMORY_DISCARD:
    case METHOD_MEMORY_SUPPLY:
        registers->words[0] = registers->words[2] = 0;
        registers->words[1] = length;
        if (method->caps_in)
            page->send_caps[0] =
                (cap_t)slot_of_kind(thread, method->code == METHOD_MEMORY_CLONE ? CAP_ACCOUNT : CAP_MEMORY, sane);
        break;
    case METHOD_PROCESS_SET_KEEPER:
    case METHOD_ENDPOINT_IDENTIFY:
        page->send_caps[0] = (cap_t)slot_of_kind(thread, CAP_SESSION, sane);
        break;
    case METHOD_ACCOUNT_CREATE_CALL:
        page->send_caps[0] = (cap_t)slot_of_kind(thread, CAP_ENDPOINT, sane);
        break;
    case METHOD_IRQ_BIND:
    case METHOD_ENDPOINT_BIND:
        page->send_caps[0] = (cap_t)slot_of_kind(thread, CAP_NOTIFICATION, sane);
        break;
    case METHOD_PROCESS_CLONE_SPACE:
    case METHOD_PROCESS_CLONE_TABLE:
        page->send_caps[0] = (cap_t)slot_of_kind(thread, CAP_PROCESS, sane);
        break;
    case METHOD_ENDPOINT_ACKNOWLEDGE:
    case METHOD_ENDPOINT_CREATE_SESSION:
        registers->words[0] = sane % 4;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++)
        if (i < method->caps_out)
            page->receive_slots[i] = 10 + (sane + i * 7) % (SLOTS - 10);
}

static uint64_t call_tag(struct thread *thread, uint64_t slot_index, const struct method **method) {
    const struct capability *slot = capability_slot(&thread->process->table, (cap_t)slot_index);
    uint8_t odd = next_byte();
    *method = slot ? some_method(slot->kind) : NULL;
    if (odd >= 250) // anything
        return (uint64_t)next_byte() << 24 | (uint64_t)next_byte() << 16 | (uint64_t)next_byte() << 8 | next_byte();
    if (*method)
        return TAG((*method)->code, (*method)->words_in) | (uint64_t)(*method)->caps_in << TAG_CAPS_SHIFT |
               ((*method)->reads ? TAG_LEND_READ : 0) | ((*method)->writes ? TAG_LEND_WRITE : 0);
    return TAG(0x7000 + odd % 4, odd % 12) | (uint64_t)(odd % 3) << TAG_CAPS_SHIFT | (odd & 16 ? TAG_LEND_READ : 0) |
           (odd & 32 ? TAG_LEND_WRITE : 0) | (odd & 64 ? TAG_DEADLINE : 0) | (odd > 230 ? TAG_REPEAT : 0);
}

// What ends or holds threads comes seldom: else few live long enough to answer anybody.
static bool is_an_end(const struct method *method) {
    return method && (method->code == METHOD_PROCESS_EXIT || method->code == METHOD_PROCESS_DESTROY ||
                      method->code == METHOD_PROCESS_END_THREADS || method->code == METHOD_PROCESS_RESET ||
                      method->code == METHOD_THREAD_DESTROY || method->code == METHOD_THREAD_STOP);
}

static int32_t some_number(const struct thread *thread) {
    static const int8_t any[32] = {SYS_CALL,  SYS_CALL,  SYS_CALL,       SYS_CALL,    SYS_CALL,   SYS_CALL, SYS_CALL,  SYS_CALL,
                                   SYS_CALL,  SYS_CALL,  SYS_CALL,       SYS_CALL,    SYS_CALL,   SYS_CALL, SYS_CALL,  SYS_CALL,
                                   SYS_CALL,  SYS_SEND,  SYS_SEND,       SYS_SEND,    SYS_WAIT,   SYS_WAIT, SYS_WAIT,  SYS_WAIT,
                                   SYS_REPLY, SYS_REPLY, SYS_REPLY_WAIT, SYS_FORWARD, SYS_SIGNAL, SYS_COPY, SYS_SERVE, 0};
    static const int8_t serving[16] = {SYS_REPLY_WAIT, SYS_REPLY_WAIT, SYS_REPLY_WAIT, SYS_REPLY_WAIT, SYS_REPLY,   SYS_REPLY,
                                       SYS_WAIT,       SYS_WAIT,       SYS_WAIT,       SYS_FORWARD,    SYS_FORWARD, SYS_SERVE,
                                       SYS_COPY,       SYS_COPY,       SYS_COPY,       SYS_CALL};
    static const int8_t idle[8] = {SYS_WAIT, SYS_WAIT, SYS_WAIT, SYS_CALL, SYS_CALL, SYS_SEND, SYS_SEND, SYS_REPLY};
    uint8_t byte = next_byte();
    if (thread_serving(thread) && byte >= 100)
        return serving[byte % 16];
    if (byte >= 200)
        return idle[byte % 8];
    return byte < 4 ? 0 : any[byte % 31];
}

// Slots of the kinds that a call wants: target and second.
static void set_slots(struct thread *thread, int32_t number) {
    struct registers *registers = &thread->registers;
    static const uint8_t objects[16] = {CAP_PROCESS, CAP_PROCESS, CAP_PROCESS, CAP_PROCESS,  CAP_THREAD,       CAP_THREAD,
                                        CAP_MEMORY,  CAP_MEMORY,  CAP_MEMORY,  CAP_ENDPOINT, CAP_NOTIFICATION, CAP_CALL,
                                        CAP_ACCOUNT, CAP_ACCOUNT, CAP_ACCOUNT, CAP_KERNEL};
    uint8_t byte = next_byte();
    uint64_t aside = slot_of_kind(thread, CAP_REPLY, byte / 2);
    switch (number) {
    case SYS_WAIT:
        registers->rdi = some_of_kind(thread, byte % 8 ? CAP_ENDPOINT : CAP_NOTIFICATION);
        registers->r14 = 10 + byte % SLOTS;
        break;
    case SYS_REPLY_WAIT:
        registers->rdi = some_of_kind(thread, byte % 8 ? CAP_ENDPOINT : CAP_NOTIFICATION);
        registers->r14 = 0;
        break;
    case SYS_SEND:
        registers->rdi = some_of_kind(thread, CAP_SESSION);
        registers->r14 = some_of_kind(thread, CAP_CALL);
        break;
    case SYS_FORWARD:
        registers->rdi = some_of_kind(thread, CAP_SESSION);
        registers->r14 = byte & 1 ? aside : 0;
        break;
    case SYS_REPLY:
    case SYS_SERVE:
    case SYS_COPY:
        registers->rdi = some_target(thread);
        registers->r14 = byte & 1 ? aside : 0;
        break;
    case SYS_SIGNAL:
        registers->rdi = some_of_kind(thread, CAP_NOTIFICATION);
        break;
    default:
        registers->rdi = byte < 40    ? some_of_kind(thread, CAP_SESSION)
                         : byte < 120 ? some_target(thread)
                                      : some_of_kind(thread, objects[byte % 16]);
        registers->r14 = some_target(thread);
        break;
    }
}

static void make_call(struct thread *thread) {
    struct registers *registers = &thread->registers;
    int32_t number = some_number(thread);
    const struct method *method;
    uint64_t rip = registers->rip = 0x200000;
    world_statistics.serving += thread_serving(thread) != NULL;
    world_statistics.shown += thread->shown != NULL;
    fill_page(thread);
    set_slots(thread, number);
    registers->rsi = call_tag(thread, registers->rdi, &method);
    if (number == SYS_CALL && is_an_end(method) && next_byte() >= 50)
        return;
    set_words(thread, method);
    registers->rax = (uint32_t)number;
    if (number == SYS_WAIT || number == SYS_REPLY_WAIT) {
        if (next_byte() < 220)
            registers->rsi |= TAG_DEADLINE;
    } else if (number == SYS_COPY) {
        registers->rsi = next_byte() % 2;
        registers->rdi = next_byte() < 128 ? 0 : registers->rdi;
        registers->words[0] = next_byte() * 10u;
        registers->words[1] = some_address();
        registers->words[2] = next_byte() * 100u;
    } else if (number == SYS_SERVE) {
        registers->rsi = some_slot();
    }
    if ((number == SYS_REPLY || number == SYS_REPLY_WAIT) && next_byte() < 200) { // a status of 0, and words
        uint8_t shape = next_byte();
        registers->rsi = (registers->rsi & TAG_DEADLINE) | TAG(0, shape % 12) | (uint64_t)(shape / 16 % 4) << TAG_CAPS_SHIFT;
        registers->words[0] = shape % 8 == 0;
    }
    world_statistics.calls[-number]++;
    struct registers again = *registers;
    bool goes_on = next_byte() < 200; // else a call that is to be made again is not
    for (int i = 0; i < 100; i++) {
        bool is_kernel = number == SYS_CALL && method;
        system_call(thread);
        invariants_check(root, first_process);
        if (current_thread() != thread || registers->rip != rip - 2 || !goes_on) {
            if (is_kernel && current_thread() == thread && !registers->rax)
                world_statistics.answered[!tag_status(registers->rsi)]++;
            return;
        }
        *registers = again;
    }
}

static void act(void) {
    struct thread *thread = current_thread();
    uint8_t what = next_byte();
    world_statistics.acts++;
    machine_now += what * 50;
    if (what < 228) {
        make_call(thread);
    } else if (what < 241) {
        boot_processor.fault_address = some_address();
        interrupt_from_user(thread, 14, 4 | (what & 1) << 1);
    } else if (what < 242) {
        interrupt_from_user(thread, 6, 0);
    } else if (what < 248) {
        interrupt_from_user(thread, VECTOR_ISA + what % 4u, 0);
    } else {
        machine_now += 3000000;
        interrupt_from_user(thread, VECTOR_TIMER, 0);
    }
    invariants_check(root, first_process);
}

static void *give(cap_t index, enum capability_kind kind, void *object) {
    (void)life_give(first_process, root, index, kind, object);
    if (kind != CAP_SESSION)
        object_release(object);
    return object;
}

// What passing messages takes, and memory where addresses mostly point. As far as there is room.
static void furnish(void) {
    struct endpoint *endpoint;
    struct session *session;
    struct notification *notification;
    struct memory *memory;
    struct call *call;
    uint64_t address = 0x200000;
    for (cap_t i = 0; i < 2; i++) {
        if (endpoint_create(root, &endpoint))
            return;
        give(10 + 4 * i, CAP_ENDPOINT, endpoint);
        for (cap_t badge = 0; badge < 2; badge++)
            if (!session_create(endpoint, root, badge, &session))
                give(11 + 4 * i + badge, CAP_SESSION, session);
        if (!call_create(root, endpoint, i, &call))
            give(13 + 4 * i, CAP_CALL, call);
    }
    process_set_keeper(first_process,
                       first_process->table.slots[15].kind == CAP_SESSION ? first_process->table.slots[15].object : NULL);
    if (!notification_create(root, &notification))
        give(18, CAP_NOTIFICATION, notification);
    if (memory_create_anonymous(root, 24 * PAGE_BYTES, &memory))
        return;
    give(19, CAP_MEMORY, memory);
    (void)!space_map(&first_process->space, memory, &address, 20 * PAGE_BYTES, 0, RIGHT_READ | RIGHT_WRITE,
                     RIGHT_READ | RIGHT_WRITE, NULL);
}

// Sees to it that somebody can run. False if there is no memory left for that.
static bool begin(void) {
    struct thread *thread;
    bool is_new = !first_process || first_process->object.dying;
    if (first_process && is_new)
        object_release(&first_process->object);
    if (is_new && process_create(root, &first_process)) {
        first_process = NULL;
        return false;
    }
    if (!first_process->space.serial || thread_create(first_process, 5, true, &thread))
        return false;
    thread_start(thread);
    if (!is_new)
        return true;
    life_give(first_process, root, SLOT_SELF, CAP_PROCESS, first_process);
    life_give(first_process, root, SLOT_THREAD, CAP_THREAD, thread);
    life_give(first_process, root, SLOT_ACCOUNT, CAP_ACCOUNT, root);
    life_give(first_process, root, SLOT_KERNEL, CAP_KERNEL, NULL);
    life_give(first_process, root, BOOT_SLOT_IRQ, CAP_IRQ, NULL);
    life_give(first_process, root, BOOT_SLOT_IOPORT, CAP_IOPORT, NULL);
    object_reference(&first_process->object); // to see that it died
    if (next_byte() < 200)
        furnish();
    return true;
}

void world_run(const uint8_t *bytes, size_t length) {
    static bool started;
    if (!started)
        machine_start();
    started = true;
    input = bytes;
    input_left = length;
    life_must(account_create(NULL, 900 * PAGE_BYTES, 20, &root), "an account");
    volatile int acts = 0;
    (void)setjmp(machine_stuck); // here again whenever nobody will ever run: another thread begins
    if (begin()) {
        schedule();
        for (; acts < ACTS_MAX && input_left; acts++)
            act();
    }
    life_end(root, first_process);
    first_process = NULL;
}
