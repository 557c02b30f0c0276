// Builds init; see first_process.h. Slots: kernel/abi/capability.h. Its first argument is its message page's address.
#include "kernel/init/first_process.h"

#include "kernel/cap/account.h"
#include "kernel/debug/panic.h"
#include "kernel/init/archive.h"
#include "kernel/init/executable.h"
#include "kernel/init/information.h"
#include "kernel/init/options.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/platform.h"
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
    struct memory *memory;
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
    platform = page_with(root, platform_acpi(), sizeof(struct acpi_information));
    clock = page_with(root, NULL, 0);
    information_clock_page(direct_map(clock->physical));
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

void first_process_start(const struct boot_info *info) {
    struct account *root;
    struct process *process;
    struct thread *thread;
    struct memory *stack;
    const void *file;
    uint64_t length, entry, page = 0, stack_address = 0;
    char name[64];
    if (!options_get("init", name, sizeof(name)))
        memcpy(name, "sbin/init", sizeof("sbin/init"));
    check(account_create(NULL, frame_free_bytes() - RESERVE_BYTES, PRIORITY_HIGHEST, &root), "the root account");
    check(process_create(root, &process), "its process");
    check(archive_find(direct_map(info->initrd_start), info->initrd_length, name, &file, &length),
          "the initrd does not hold its program");
    check(executable_load(process, file, length, &entry), "its program");
    check(thread_create(process, INIT_PRIORITY, false, &thread), "its thread");
    struct mapping *mapping;
    check(space_map(&process->space, thread->message_memory, &page, PAGE_BYTES, 0, RIGHT_READ | RIGHT_WRITE,
                    RIGHT_READ | RIGHT_WRITE, &mapping),
          "its message page");
    mapping->private_page = true;
    check(memory_create_anonymous(root, STACK_BYTES, &stack), "its stack");
    check(space_map(&process->space, stack, &stack_address, STACK_BYTES, 0, RIGHT_READ | RIGHT_WRITE,
                    RIGHT_READ | RIGHT_WRITE, NULL),
          "its stack");
    object_release(&stack->object);
    thread->message_address = page;
    thread->registers.rip = entry;
    thread->registers.rsp = stack_address + STACK_BYTES;
    thread->registers.rdi = page;
    give_boot_capabilities(process, thread, info);
    thread_start(thread);
}
