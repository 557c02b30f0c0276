// The tables behind descriptors.h, and the MSRs that lead `syscall` to entry.asm. NMI, double fault and machine check run
// on stacks of their own.
#include "kernel/x86_64/descriptors.h"

#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/processor.h"

enum { VECTORS = 256, GATE_BYTES = 16, IST_STACK_BYTES = 4096, PORT_MAP_BYTES = 8192, TABLES_ORDER = 4 };
enum { VECTOR_NMI = 2, VECTOR_DOUBLE_FAULT = 8, VECTOR_MACHINE_CHECK = 18 };
enum { MSR_EFER = 0xc0000080, MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_FMASK = 0xc0000084,
       MSR_GS_BASE = 0xc0000101, MSR_KERNEL_GS = 0xc0000102 };

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

extern char entry_stubs[], system_call_entry[], system_call_entry_shared[]; // entry.asm; stubs are 16 bytes apart

// All that one processor has of its own.
struct tables {
    char kernel_stack[KERNEL_STACK_BYTES];
    char interrupt_stacks[3][IST_STACK_BYTES];
    struct task_state task_state;
    uint64_t segments[7];
} __attribute__((aligned(4096)));

static struct interrupt_gate gates[VECTORS]; // everybody's
static struct tables boot_tables;

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

error_t descriptors_allocate(struct processor *processor) {
    uint64_t physical;
    _Static_assert(sizeof(struct tables) <= PAGE_BYTES << TABLES_ORDER, "a processor's tables fit into their block");
    error_t error = frame_allocate(TABLES_ORDER, FRAME_ANYWHERE, &physical);
    if (!error)
        processor->tables = direct_map(physical);
    return error;
}

void descriptors_load(struct processor *processor, bool shared) {
    struct tables *tables = processor->tables ? processor->tables : &boot_tables;
    struct task_state *state = &tables->task_state;
    memset(state, 0, sizeof(*state));
    memset(state->port_map, 0xff, sizeof(state->port_map));
    state->port_map_offset = (uint16_t)__builtin_offsetof(struct task_state, port_map);
    state->stacks[0] = (uint64_t)tables->kernel_stack + KERNEL_STACK_BYTES;
    for (int i = 0; i < 3; i++)
        state->interrupt_stacks[i] = (uint64_t)tables->interrupt_stacks[i] + IST_STACK_BYTES;
    load_segments(tables);
    load_gates();
    processor->tables = tables;
    processor->self = processor;
    processor->kernel_stack = state->stacks[0];
    __asm__ volatile("mov %%cr3, %0" : "=r"(processor->space_root));
    processor_write_msr(MSR_GS_BASE, (uint64_t)processor);
    processor_write_msr(MSR_KERNEL_GS, 0);
    processor_write_msr(MSR_STAR, UINT64_C(0x10) << 48 | UINT64_C(0x08) << 32);
    processor_write_msr(MSR_LSTAR, (uint64_t)(shared ? system_call_entry_shared : system_call_entry));
    processor_write_msr(MSR_FMASK, 0x47700); // TF IF DF IOPL NT AC
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    processor_write_msr(MSR_EFER, (uint64_t)high << 32 | low | 1); // SCE
}

void descriptors_share_kernel(void) {
    processor_write_msr(MSR_LSTAR, (uint64_t)system_call_entry_shared);
}

static void set_ports(struct task_state *state, const struct process *process, bool denied) {
    for (uint32_t range = 0; range < process->port_ranges; range++) {
        for (uint32_t port = process->ports[range].first; port <= process->ports[range].last; port++) {
            if (denied)
                state->port_map[port / 8] |= (uint8_t)(1u << port % 8);
            else
                state->port_map[port / 8] &= (uint8_t) ~(1u << port % 8);
        }
    }
}

void descriptors_allow_ports(struct processor *processor, const struct process *process) {
    set_ports(&processor->tables->task_state, process, false);
}

void descriptors_deny_ports(struct processor *processor, const struct process *process) {
    set_ports(&processor->tables->task_state, process, true);
}
