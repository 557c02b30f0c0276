// Builds init. Slots: kernel/abi/capability.h. Its first argument is its message page's address.
#include "kernel/init/init.h"

#include "kernel/cap/account.h"
#include "kernel/debug/panic.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/string.h"

enum { STACK_BYTES = 65536, INIT_PRIORITY = 60, RESERVE_BYTES = 262144 };

static void check(error_t error, const char *what) {
    if (error)
        panic("init can't be started: %s (error %d)", what, error);
}

static void give(struct process *process, cap_t index, enum capability_kind kind, void *object, uint16_t rights) {
    struct capability *slot;
    check(capability_reserve(&process->table, process->object.account, index, &slot), "a capability slot");
    capability_fill(slot, kind, object, rights, NULL);
    if (kind == CAP_IOPORT)
        slot->data = 0xffff0000; // port 0 and the 65,535 above
}

static struct memory *page_with(struct account *root, const void *content, uint64_t length) {
    struct memory *memory = NULL;
    check(memory_create_contiguous(root, PAGE_BYTES, FRAME_ANYWHERE, &memory), "a page");
    if (content)
        memcpy(direct_map(memory->physical), content, length);
    return memory;
}

static void give_boot_capabilities(struct process *process, struct thread *thread, const struct boot_info *info) {
    struct account *root = process->object.account;
    struct memory *initrd, *platform, *clock;
    uint64_t initrd_bytes = (info->initrd_length + PAGE_BYTES - 1) & ~UINT64_C(4095);
    check(memory_create_physical(root, info->initrd_start, initrd_bytes, 0, &initrd), "the initrd");
    platform = page_with(root, &info->acpi, sizeof(struct acpi_information));
    clock = page_with(root, NULL, 0);
    clock_page_start(direct_map(clock->physical));
    give(process, SLOT_SELF, CAP_PROCESS, process, RIGHTS_ALL);
    give(process, SLOT_THREAD, CAP_THREAD, thread, RIGHTS_ALL);
    give(process, SLOT_ACCOUNT, CAP_ACCOUNT, root, RIGHTS_ALL);
    give(process, SLOT_KERNEL, CAP_KERNEL, NULL, RIGHTS_ALL);
    give(process, SLOT_CLOCK, CAP_MEMORY, clock, RIGHT_COPY | RIGHT_INSPECT | RIGHT_INHERIT | RIGHT_READ);
    give(process, BOOT_SLOT_INITRD, CAP_MEMORY, initrd, RIGHT_COPY | RIGHT_INSPECT | RIGHT_READ);
    give(process, BOOT_SLOT_PLATFORM, CAP_MEMORY, platform, RIGHT_COPY | RIGHT_INSPECT | RIGHT_READ);
    give(process, BOOT_SLOT_IRQ, CAP_IRQ, NULL, RIGHTS_ALL);
    give(process, BOOT_SLOT_IOPORT, CAP_IOPORT, NULL, RIGHTS_ALL);
    object_release(&initrd->object);
    object_release(&platform->object);
    object_release(&clock->object);
}

// What init writes to is memory like any other; the rest stays where the loader put it.
static struct memory *segment_memory(struct account *account, uint64_t physical, uint64_t bytes, bool writable) {
    struct memory *memory;
    if (!writable) {
        check(memory_create_physical(account, physical, bytes, 0, &memory), "its program");
        return memory;
    }
    check(memory_create_anonymous(account, bytes, &memory), "its data");
    for (uint64_t page = 0; page < memory->pages; page++) {
        uint64_t frame;
        bool shared;
        check(memory_page(memory, page, true, &frame, &shared), "its data");
        memcpy(direct_map(frame), direct_map(physical + page * PAGE_BYTES), PAGE_BYTES);
    }
    return memory;
}

// At a random address; returns the program's entry.
static uint64_t map_program(struct process *process, const struct boot_program *program) {
    uint64_t random;
    entropy_fill(&random, sizeof(random));
    uint64_t base = UINT64_C(0x0000500000000000) + (random & UINT64_C(0x1ffffff)) * PAGE_BYTES;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        uint64_t bytes = program->segments[i].bytes, access = program->segments[i].access;
        uint64_t address = base + program->segments[i].offset;
        uint16_t rights = RIGHT_READ | (access & BOOT_WRITE ? RIGHT_WRITE : 0) | (access & BOOT_EXECUTE ? RIGHT_EXECUTE : 0);
        struct memory *memory =
            segment_memory(process->object.account, program->segments[i].physical, bytes, access & BOOT_WRITE);
        check(space_map(&process->space, memory, &address, bytes, 0, rights, rights, NULL), "its program");
        object_release(&memory->object);
    }
    return base + program->entry;
}

void first_process_start(const struct boot_info *info) {
    struct account *root;
    struct process *process;
    struct thread *thread;
    struct memory *stack;
    uint64_t page = 0, stack_address = 0;
    check(account_create(NULL, frame_free_bytes() - RESERVE_BYTES, PRIORITY_HIGHEST, &root), "the root account");
    check(process_create(root, &process), "its process");
    check(thread_create(process, INIT_PRIORITY, false, &thread), "its thread");
    struct mapping *mapping;
    check(space_map(&process->space, thread->message_memory, &page, PAGE_BYTES, 0, RIGHT_READ | RIGHT_WRITE,
                    RIGHT_READ | RIGHT_WRITE, &mapping),
          "its message page");
    mapping->private_page = true;
    check(memory_create_anonymous(root, STACK_BYTES, &stack), "its stack");
    check(space_map(&process->space, stack, &stack_address, STACK_BYTES, 0, RIGHT_READ | RIGHT_WRITE, RIGHT_READ | RIGHT_WRITE,
                    NULL),
          "its stack");
    object_release(&stack->object);
    thread->message_address = page;
    thread->registers.rip = map_program(process, &info->init);
    thread->registers.rsp = stack_address + STACK_BYTES;
    thread->registers.rdi = page;
    give_boot_capabilities(process, thread, info);
    thread_start(thread);
}
