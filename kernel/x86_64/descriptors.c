// The tables behind descriptors.h, and the MSRs that lead `syscall` to entry.asm. NMI, double fault and machine check run
// on stacks of their own.
#include "kernel/x86_64/descriptors.h"

#include <stddef.h>

#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/vectors.h"

enum { VECTORS = 256, GATE_BYTES = 16, IST_STACK_BYTES = 4096, PORT_MAP_BYTES = 8192 };
enum { MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_FMASK = 0xc0000084 };
enum { MSR_GS_BASE = 0xc0000101, MSR_KERNEL_GS = 0xc0000102 };

struct task_state {
    uint32_t reserved0;
    uint64_t stacks[3];
    uint64_t reserved1;
    uint64_t interrupt_stacks[7];
    uint64_t reserved2;
    uint16_t reserved3, port_map_offset;
    uint8_t port_map[PORT_MAP_BYTES + 1]; // a set bit denies; the byte after the map must be all ones
} __attribute__((packed));

struct interrupt_gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_register {
    uint16_t limit;
    const void *base;
} __attribute__((packed));

extern char entry_stubs[]; // entry.asm: 16 bytes apart
extern char system_call_entry[], system_call_entry_shared[], system_call_entry_traced[], system_call_entry_isolated[]; // .asm

// All that one processor has of its own.
struct tables {
    char kernel_stack[KERNEL_STACK_BYTES];
    char interrupt_stacks[3][IST_STACK_BYTES];
    struct task_state task_state;
    uint64_t segments[7];
} __attribute__((aligned(4096)));

static struct interrupt_gate gates[VECTORS];                            // everybody's
__attribute__((section(".bss.boot_tables"))) struct tables boot_tables; // its kernel stack is the first: start.asm

static void load_segments(struct tables *tables) {
    uint64_t *segments = tables->segments, base = (uint64_t)&tables->task_state, limit = sizeof(struct task_state) - 1;
    segments[1] = 0x00af9b000000ffff; // kernel code
    segments[2] = 0x00cf93000000ffff; // kernel data
    segments[3] = 0x00cff3000000ffff; // user data
    segments[4] = 0x00affb000000ffff; // user code
    segments[5] = (limit & 0xffff) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (base >> 24 & 0xff) << 56;
    segments[6] = base >> 32;
    struct table_register table = {sizeof(tables->segments) - 1, segments};
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "lretq\n"
                     "1: mov %2, %%ds\n\t"
                     "mov %2, %%es\n\t"
                     "mov %2, %%ss\n\t"
                     "mov %3, %%fs\n\t"
                     "mov %3, %%gs\n\t"
                     "ltr %w4"
                     :
                     : "m"(table), "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(0), "r"(0x28)
                     : "rax", "memory");
}

static void load_gates(void) {
    for (uint32_t vector = 0; vector < VECTORS; vector++) {
        uint64_t entry = (uint64_t)entry_stubs + vector * GATE_BYTES;
        gates[vector] = (struct interrupt_gate){
            .offset_low = (uint16_t)entry,
            .selector = SELECTOR_KERNEL_CODE,
            .type = 0x8e, // interrupt gate, ring 0
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
    gates[3].type = 0xee; // int3 from user mode
    gates[VECTOR_NMI].stack = 1;
    gates[VECTOR_DOUBLE_FAULT].stack = 2;
    gates[VECTOR_MACHINE_CHECK].stack = 3;
    struct table_register table = {sizeof(gates) - 1, gates};
    __asm__ volatile("lidt %0" : : "m"(table));
}

struct processor *descriptors_allocate(void) {
    static uint64_t next = PROCESSOR_REGION;
    struct own { // of one processor
        struct tables tables;
        struct processor processor;
    } *own = (struct own *)next; // NOLINT(performance-no-int-to-ptr)
    for (uint64_t end = next + sizeof(*own), physical; next < end; next += PAGE_BYTES)
        if (frame_allocate_zeroed(&physical) || kernel_map_page(next, physical, PAGE_WRITE | PAGE_NO_EXECUTE))
            return NULL;
    next += PAGE_BYTES; // running off the next stack's end faults
    own->processor.tables = &own->tables;
    own->processor.kernel_stack = (uint64_t)own->tables.kernel_stack + KERNEL_STACK_BYTES;
    return &own->processor;
}

bool stack_trace_next(uintptr_t *frame, uintptr_t *instruction) {
    bool inside = false;
    for (uint32_t i = 0; i < cpu_count; i++)
        inside |= *frame - (uintptr_t)processor_at(i)->tables <= offsetof(struct tables, task_state) - 2 * sizeof(uintptr_t);
    const uintptr_t *words = (const uintptr_t *)*frame; // NOLINT(performance-no-int-to-ptr): the stacks are always there
    if (!inside || *frame % 8 != 0 || words[1] == 0 || (words[0] != 0 && words[0] <= *frame))
        return false;
    *frame = words[0];
    *instruction = words[1];
    return true;
}

void descriptors_choose_entry(void) {
    bool shared = cpu_count > 1 || processor_self() != &boot_processor;
    const char *entry = trace_on & TRACE_CLASSES_SLOW ? system_call_entry_traced
                        : shared                      ? system_call_entry_shared
                                                      : system_call_entry;
    msr_write(MSR_LSTAR, (uint64_t)(paging_isolated ? system_call_entry_isolated : entry));
}

void descriptors_load(struct processor *processor) {
    struct tables *tables = processor->tables ? processor->tables : &boot_tables;
    struct task_state *state = &tables->task_state;
    memset(state, 0, sizeof(*state));
    memset(state->port_map, 0xff, sizeof(state->port_map));
    state->port_map_offset = (uint16_t) __builtin_offsetof(struct task_state, port_map);
    state->stacks[0] = (uint64_t)tables->kernel_stack + KERNEL_STACK_BYTES;
    for (int i = 0; i < 3; i++)
        state->interrupt_stacks[i] = (uint64_t)tables->interrupt_stacks[i] + IST_STACK_BYTES;
    load_segments(tables);
    load_gates();
    processor->tables = tables;
    processor->self = processor;
    processor->kernel_stack = state->stacks[0];
    processor->space_root = cr3_read();
    msr_write(MSR_GS_BASE, (uint64_t)processor);
    msr_write(MSR_KERNEL_GS, 0);
    msr_write(MSR_STAR, UINT64_C(0x10) << 48 | UINT64_C(0x08) << 32);
    descriptors_choose_entry();
    msr_write(MSR_FMASK, 0x47700); // TF IF DF IOPL NT AC
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SYSCALL);
}

static void set_ports(struct task_state *state, const struct process *process, bool denied) {
    for (uint32_t range = 0; range < process->port_ranges; range++) {
        for (uint32_t port = process->ports[range].first, end = process->ports[range].last + 1u; port < end; port++) {
            if (port % 8 == 0 && end - port >= 8) { // all but the edges: whole bytes
                memset(&state->port_map[port / 8], denied ? 0xff : 0, (end - port) / 8);
                port = (end & ~7u) - 1;
            } else {
                uint8_t *byte = &state->port_map[port / 8], bit = (uint8_t)(1u << port % 8);
                *byte = denied ? *byte | bit : *byte & (uint8_t)~bit;
            }
        }
    }
}

void descriptors_allow_ports(struct processor *processor, const struct process *process) {
    set_ports(&processor->tables->task_state, process, false);
}

void descriptors_deny_ports(struct processor *processor, const struct process *process) {
    set_ports(&processor->tables->task_state, process, true);
}
