// The driver behind world.h. Whatever thread the kernel lets run makes a system call, faults, or is
// interrupted, as the next bytes say: targets are slots with low numbers, arguments come from a small set of
// sensible and bad ones, so that acts often concern the same objects. In the end everything is destroyed, and
// nothing may be left.
#include "tests/host/kernel/world.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
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

// Mostly one in use.
static uint64_t some_target(const struct thread *thread) {
    const struct capability_table *table = &thread->process->table;
    uint8_t byte = next_byte();
    if (byte < 40)
        return some_slot();
    uint32_t in_use = 0, last = table->size < 2 * SLOTS ? table->size : 2 * SLOTS;
    for (uint32_t round = 0, wanted = byte;; round++) {
        for (uint32_t i = 1; i < last; i++) {
            if (table->slots[i].kind == CAP_NONE)
                continue;
            if (round == 0)
                in_use++;
            else if (wanted-- == 0)
                return i;
        }
        if (!in_use)
            return 0;
        wanted %= in_use;
    }
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
        page->send_caps[i] = (cap_t)some_target(thread) | (byte & 1 ? SEND_CAP_MOVE : 0);
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
static void set_words(struct registers *registers, const struct method *method, struct message_page *page) {
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
        registers->words[1] = 0;
        break;
    case METHOD_ACCOUNT_CREATE_ACCOUNT:
        registers->words[0] = (uint64_t)sane * 2 * PAGE_BYTES;
        registers->words[1] = 20;
        break;
    case METHOD_PROCESS_MAP:
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

static void make_call(struct thread *thread) {
    struct registers *registers = &thread->registers;
    static const int8_t numbers[32] = {SYS_CALL,   SYS_CALL, SYS_CALL,  SYS_CALL,  SYS_CALL,  SYS_CALL,       SYS_CALL,
                                       SYS_CALL,   SYS_CALL, SYS_CALL,  SYS_CALL,  SYS_CALL,  SYS_CALL,       SYS_CALL,
                                       SYS_CALL,   SYS_CALL, SYS_CALL,  SYS_SEND,  SYS_SEND,  SYS_SEND,       SYS_WAIT,
                                       SYS_WAIT,   SYS_WAIT, SYS_WAIT,  SYS_REPLY, SYS_REPLY, SYS_REPLY_WAIT, SYS_FORWARD,
                                       SYS_SIGNAL, SYS_COPY, SYS_SERVE, 0};
    int32_t number = numbers[next_byte() % 32];
    const struct method *method;
    uint64_t rip = registers->rip = 0x200000;
    fill_page(thread);
    registers->rdi = some_target(thread);
    registers->rsi = call_tag(thread, registers->rdi, &method);
    set_words(registers, method, thread->page);
    registers->r14 = number == SYS_WAIT ? 10 + next_byte() % SLOTS : some_target(thread);
    registers->rax = (uint32_t)number;
    if (number == SYS_WAIT || number == SYS_REPLY_WAIT) {
        if (next_byte() < 220)
            registers->rsi |= TAG_DEADLINE;
    } else if (number == SYS_COPY) {
        registers->rsi = next_byte() % 2;
        registers->rdi = next_byte() < 128 ? 0 : registers->rdi;
        registers->r14 = next_byte() < 128 ? 0 : registers->r14;
        registers->words[0] = next_byte() * 10u;
        registers->words[1] = some_address();
        registers->words[2] = next_byte() * 100u;
    } else if (number == SYS_SERVE) {
        registers->rsi = some_slot();
    } else if (number == SYS_REPLY || number == SYS_FORWARD) {
        registers->r14 = next_byte() < 128 ? 0 : registers->r14;
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
    if (what < 220) {
        make_call(thread);
    } else if (what < 240) {
        boot_processor.fault_address = some_address();
        interrupt_from_user(thread, 14, 4 | (what & 1) << 1);
    } else if (what < 243) {
        interrupt_from_user(thread, 6, 0);
    } else if (what < 248) {
        interrupt_from_user(thread, VECTOR_ISA + what % 4u, 0);
    } else {
        machine_now += 3000000;
        interrupt_from_user(thread, VECTOR_TIMER, 0);
    }
    invariants_check(root, first_process);
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
