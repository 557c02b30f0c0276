// The modelled machine; see machine.h.
#define _GNU_SOURCE
#include "tests/host/kernel/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/abi/boot_info.h"
#include "kernel/abi/clock_page.h"
#include "kernel/cap/capability.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/init/init.h"
#include "kernel/irq/irq.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/heap.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/ioapic.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/switch.h"
#include "kernel/x86_64/vectors.h"

enum { REGION_TABLES = 32768, FIRST_FRAME = 256 };

uint64_t direct_map_base;
uint64_t machine_now = 1, machine_alarm = UINT64_MAX, machine_shares;
jmp_buf machine_stuck;
void *machine_objects[MACHINE_OBJECTS];
uint32_t machine_object_count;
struct processor boot_processor = {.self = &boot_processor};

static int ram = -1;
static bool machine_locked;
struct boot_info boot_info = {
    .memory = {{.start = FIRST_FRAME * PAGE_BYTES, .length = MACHINE_BYTES - FIRST_FRAME * PAGE_BYTES, .kind = BOOT_MEMORY_FREE}},
    .memory_count = 1,
    .command_line = "model",
};

static void check(bool ok, const char *what) {
    if (ok)
        return;
    perror(what);
    abort();
}

static error_t route(uint32_t line, bool level, bool active_low, uint8_t *vector) {
    (void)level, (void)active_low;
    if (line >= 16)
        return ERR_INVALID;
    *vector = (uint8_t)(VECTOR_ISA + line);
    return ERR_OK;
}
static void change_mask(uint32_t line, bool masked) {
    (void)line, (void)masked;
}
static bool accept(uint8_t vector) {
    (void)vector;
    return true;
}
static void end_of_interrupt(uint8_t vector) {
    (void)vector;
}
static const struct irq_controller controller = {"model", route, change_mask, accept, end_of_interrupt};

void machine_start(void) {
    ram = memfd_create("ram", 0);
    check(ram >= 0 && ftruncate(ram, MACHINE_BYTES) == 0, "RAM");
    void *base = mmap(NULL, MACHINE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ram, 0);
    check(base != MAP_FAILED, "the direct map");
    direct_map_base = (uint64_t)base;
    void *region = mmap(NULL, (size_t)REGION_TABLES * CAP_TABLE_SLOTS * sizeof(struct capability), PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(region != MAP_FAILED, "the capability region");
    capability_region = region;
    irq_controller = &controller;
    frame_initialize(&boot_info);
    uint64_t root;
    check(frame_allocate_zeroed(&root) == ERR_OK, "the root table");
    paging_initialize(root);
    boot_processor.space_root = root;
    cpu_register(&boot_processor.cpu);
}

// The region's pages: entered in the kernel's page tables, and really there for the program.
error_t paging_map_page(uint64_t virtual_address, uint64_t physical, uint64_t flags);
uint64_t paging_unmap_page(uint64_t virtual_address);

error_t kernel_map_page(uint64_t virtual_address, uint64_t physical, uint64_t flags) {
    error_t error = paging_map_page(virtual_address, physical, flags);
    if (error)
        return error;
    void *at = mmap((void *)virtual_address, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram, (off_t)physical);
    check(at == (void *)virtual_address, "mapping a kernel page");
    machine_shares++;
    return ERR_OK;
}

uint64_t kernel_unmap_page(uint64_t virtual_address) {
    uint64_t physical = paging_unmap_page(virtual_address);
    void *at =
        mmap((void *)virtual_address, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    check(at == (void *)virtual_address, "unmapping a kernel page");
    machine_shares--;
    return physical;
}

static uint64_t tables_below(uint64_t table, int level) {
    uint64_t count = 1;
    for (int i = 0; level > 0 && i < 512; i++) {
        uint64_t entry = ((uint64_t *)direct_map(table))[i];
        if (entry & PAGE_PRESENT)
            count += tables_below(entry & PAGE_ADDRESS, level - 1);
    }
    return count;
}

uint64_t machine_kernel_tables(void) {
    return tables_below(paging_kernel_root(), 3);
}

enum { TAKEN_BLOCKS = 4096 };
uint64_t machine_taken;
static struct {
    uint64_t physical;
    uint32_t order;
} taken[TAKEN_BLOCKS];
static uint32_t taken_count;

void machine_leave_frames(uint32_t left) {
    for (uint32_t order = FRAME_ORDERS; order-- > 0;)
        while (frame_allocate(order, FRAME_ANYWHERE, &taken[taken_count].physical) == ERR_OK) {
            check(taken_count + left < TAKEN_BLOCKS - 1, "room for free blocks");
            machine_taken += UINT64_C(1) << order;
            taken[taken_count++].order = order;
        }
    while (left > 0 && taken_count > 0) { // the smallest were taken last
        uint32_t order = taken[--taken_count].order;
        uint64_t physical = taken[taken_count].physical;
        while (order > 0) { // splits it: the upper half stays taken
            order--;
            taken[taken_count].physical = physical + ((uint64_t)PAGE_BYTES << order);
            taken[taken_count++].order = order;
        }
        machine_taken--;
        frame_free(physical, 0);
        left--;
    }
}

void machine_return_frames(void) {
    while (taken_count > 0) {
        taken_count--;
        frame_free(taken[taken_count].physical, taken[taken_count].order);
    }
    machine_taken = 0;
}

error_t machine_allocate(struct account *account, size_t bytes, void **memory);
void machine_free(void *memory);

error_t machine_allocate(struct account *account, size_t bytes, void **memory) {
    error_t error = heap_allocate(account, bytes, memory);
    if (!error) {
        check(machine_object_count < MACHINE_OBJECTS, "room for objects");
        machine_objects[machine_object_count++] = *memory;
    }
    return error;
}

void machine_free(void *memory) {
    uint32_t i = 0;
    while (i < machine_object_count && machine_objects[i] != memory)
        i++;
    check(i < machine_object_count, "an object freed twice");
    machine_objects[i] = machine_objects[--machine_object_count];
    heap_free(memory);
}

// switch.h
uint32_t switch_to(struct thread *thread) {
    machine_locked = false; // the way out is next
    bool switched = boot_processor.space_root != thread->space_root;
    check(thread->space_root != 0, "a thread without a space");
    boot_processor.space_root = thread->space_root;
    return switched;
}
struct thread *current_thread(void) {
    return boot_processor.cpu.current;
}
void switch_save_fpu(struct thread *thread) {
    (void)thread;
}
void switch_kick(struct cpu *cpu) {
    (void)cpu;
}
void switch_choose_entries(void) {}
void descriptors_choose_entry(void) {}
bool panicked;
uint32_t processors_own_index(void) {
    return 0;
}
error_t ioapic_sample(uint64_t rate) {
    return rate > 10000 ? ERR_INVALID : ERR_OK;
}
bool stack_trace_next(uintptr_t *frame, uintptr_t *instruction) {
    (void)frame, (void)instruction;
    return false;
}
char image_start[1], image_text_end[1];
void kernel_lock(void) {
    check(!machine_locked, "the kernel lock, taken twice");
    machine_locked = true;
}
void kernel_unlock(void) {
    check(machine_locked, "the kernel lock, given back twice");
    machine_locked = false;
}
uint64_t kernel_lock_waits(void) {
    return 0;
}
void processors_answer(void) {}
void processors_reload(uint64_t root, uint64_t instead) {
    (void)root, (void)instead;
}
void processors_forget_kernel_mappings(void) {}
void switch_forget(struct thread *thread) {
    (void)thread;
}
void switch_leave_space(struct space *space) {
    if (space->tables.root && boot_processor.space_root == space->tables.root)
        boot_processor.space_root = paging_kernel_root();
}
void switch_ports_changed(struct process *process) {
    (void)process;
}
void switch_idle(bool sleep) {
    (void)sleep;
    machine_locked = machine_alarm != UINT64_MAX;
    if (machine_alarm == UINT64_MAX)
        longjmp(machine_stuck, 1);
    if (machine_now < machine_alarm)
        machine_now = machine_alarm;
    machine_alarm = UINT64_MAX; // it goes off once
    schedule_tick();
}
void clock_alarm(uint64_t deadline, uint64_t now) {
    check(now <= machine_now, "the time");
    machine_alarm = deadline;
}

// clock.h, entropy.h, log.h's clock, and what else the machine has
uint64_t clock_now(void) {
    return machine_now;
}
uint8_t clock_alarm_vector(void) {
    return VECTOR_TIMER;
}
void clock_wall_set(uint64_t wall_offset) {
    (void)wall_offset;
}
void entropy_fill(void *destination, size_t length) {
    static uint64_t state = 88172645463325252;
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        ((uint8_t *)destination)[i] = (uint8_t)state;
    }
}
void fpu_initialize_area(void *area) {
    ((uint8_t *)area)[PAGE_BYTES - 1] = 1;
}
bool lapic_present(void) {
    return true;
}
uint32_t lapic_id(void) {
    return 0;
}
void lapic_msi_message(uint32_t apic_id, uint8_t vector, uint64_t *address, uint64_t *data) {
    *address = 0xfee00000 | apic_id << 12;
    *data = vector;
}
void entropy_stir(uint64_t value) {
    (void)value;
}
void platform_power(uint64_t action) {
    (void)action;
}
void early_console_write(const char *text, size_t length) {
    (void)text, (void)length;
}
void early_console_release(unsigned outputs) {
    (void)outputs;
}

_Noreturn void panic(const char *invariant, ...) {
    va_list arguments;
    va_start(arguments, invariant);
    fputs("kernel panic: ", stderr);
    vfprintf(stderr, invariant, arguments);
    fputc('\n', stderr);
    abort();
}
_Noreturn void panic_at(uintptr_t instruction, uintptr_t frame, const char *invariant, ...) {
    (void)instruction, (void)frame;
    panic("%s", invariant);
}
