// Faults of user code: what it may not execute, write, read, use or do; each is told to the keeper with its cause.
#include "tests/kernel/harness.h"

enum {
    READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE,
    DIVIDE = 0,
    BREAKPOINT = 3,
    UNDEFINED = 6,
    NO_FPU = 7,
    PROTECTION = 13,
    PAGE_FAULT = 14
};

static cap_t keeper, kept;

static void calls(struct actor *actor) {
    actor->values[0] = ((uint64_t(*)(void))actor->arguments[0])(); // NOLINT
}
static void writes(struct actor *actor) {
    *(volatile uint8_t *)actor->arguments[0] = 1;
}
static void reads(struct actor *actor) {
    actor->values[0] = *(volatile uint8_t *)actor->arguments[0];
}
static void halts(struct actor *actor) {
    (void)actor;
    __asm__ volatile("hlt");
}
static void disables(struct actor *actor) {
    (void)actor;
    __asm__ volatile("cli");
}
static void outputs(struct actor *actor) {
    (void)actor;
    __asm__ volatile("outb %0, %1" : : "a"((uint8_t)0), "Nd"((uint16_t)0x80));
}
static void reads_cr3(struct actor *actor) {
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    actor->values[0] = value;
}
static void reads_msr(struct actor *actor) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000080));
    actor->values[0] = low;
}
static void stores_idt(struct actor *actor) {
    uint8_t bytes[10];
    __asm__ volatile("sidt %0" : "=m"(bytes));
    actor->values[0] = 1;
}
static void stores_gdt(struct actor *actor) {
    uint8_t bytes[10];
    __asm__ volatile("sgdt %0" : "=m"(bytes));
    actor->values[0] = 1;
}
static void stores_ldt(struct actor *actor) {
    uint64_t value;
    __asm__ volatile("sldt %0" : "=r"(value));
    actor->values[0] = value + 1;
}
static void stores_task(struct actor *actor) {
    uint64_t value;
    __asm__ volatile("str %0" : "=r"(value));
    actor->values[0] = value + 1;
}
static void stores_cr0(struct actor *actor) {
    uint64_t value;
    __asm__ volatile("smsw %0" : "=r"(value));
    actor->values[0] = value + 1;
}
static void writes_cr4(struct actor *actor) {
    __asm__ volatile("mov %0, %%cr4" : : "r"(UINT64_C(0x620)));
    actor->values[0] = 1;
}
static void allows_access(struct actor *actor) {
    __asm__ volatile("stac");
    actor->values[0] = 1;
}
static void writes_fs_base(struct actor *actor) {
    __asm__ volatile("wrfsbase %0" : : "r"(UINT64_C(0x1000)));
    actor->values[0] = 1;
}
static void divides(struct actor *actor) {
    uint32_t low = 1, high = 0;
    __asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"((uint32_t)actor->values[5]));
    actor->values[0] = low;
}
static void breaks(struct actor *actor) {
    __asm__ volatile("int3");
    actor->values[0] = 1;
}
static void interrupts(struct actor *actor) {
    (void)actor;
    __asm__ volatile("int $0x80");
}
static void interrupts_page_fault(struct actor *actor) {
    (void)actor;
    __asm__ volatile("int $14");
}
static void undefined(struct actor *actor) {
    (void)actor;
    __asm__ volatile("ud2");
}
static void uses_vectors(struct actor *actor) {
    (void)actor;
    __asm__ volatile("xorps %xmm0, %xmm0");
}
static void jumps_far(struct actor *actor) {
    (void)actor;
    ((void (*)(void))UINT64_C(0x0000900000000000))(); // NOLINT
}
static void loads_segment(struct actor *actor) {
    (void)actor;
    __asm__ volatile("mov %0, %%ds" : : "r"(0x10));
}
static void bad_stack(struct actor *actor) {
    (void)actor;
    __asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(UINT64_C(0xffff800000001000)));
}
static void traces(struct actor *actor) {
    (void)actor;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" : : : "memory", "cc");
}
static void calls_in_trouble(struct actor *actor) { // a system call with nested, tracing and alignment flags set
    uint64_t rax = (uint32_t)SYS_SIGNAL;
    __asm__ volatile("pushfq; orq $0x44000, (%%rsp); popfq; syscall"
                     : "+a"(rax)
                     : "D"(0x7fffffff), "S"(0)
                     : "rcx", "r11", "memory", "cc");
    actor->values[0] = rax;
}

// Runs it and expects a fault of this kind, with this address and code (UINT64_MAX: any).
static void expect(void (*run)(struct actor *), uint64_t argument, uint64_t cause, uint64_t address, uint64_t code,
                   const char *name) {
    struct actor *actor = actor_new_process(run, ACTOR_PRIORITY, SLOT_ACCOUNT);
    struct ipc_registers in = {0};
    must(process_set_keeper(actor->process, kept), "its keeper");
    actor->arguments[0] = argument;
    actor_go(actor);
    error_t error = receive_poll(keeper, &in);
    bool right = !error && tag_method(in.tag) == EVENT_FAULT && in.words[FAULT_WORD_CAUSE] == cause &&
                 (address == UINT64_MAX || in.words[FAULT_WORD_ADDRESS] == address) &&
                 (code == UINT64_MAX || in.words[FAULT_WORD_CODE] == code) && actor->values[0] == 0;
    check(right, name);
    if (!right)
        note("error %d method %u cause %llu address %#llx code %#llx value %llu", error, tag_method(in.tag),
             (unsigned long long)in.words[FAULT_WORD_CAUSE], (unsigned long long)in.words[FAULT_WORD_ADDRESS],
             (unsigned long long)in.words[FAULT_WORD_CODE], (unsigned long long)actor->values[0]);
    actor_free(actor);
}

static void test_pages(void) {
    enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16 };
    cap_t memory = new_memory(2 * PAGE);
    uint8_t *at = map_memory(memory, 2 * PAGE, READ_WRITE);
    memcpy(at, code_return, (size_t)(code_return_end - code_return));
    expect(calls, (uint64_t)at, PAGE_FAULT, (uint64_t)at, UINT64_MAX, "memory mapped to write can't be executed");
    must(process_protect(SLOT_SELF, (uint64_t)at, 2 * PAGE, MAP_FLAG_READ), "protecting");
    expect(calls, (uint64_t)at, PAGE_FAULT, (uint64_t)at, UINT64_MAX, "nor memory mapped to read");
    expect(writes, (uint64_t)at + 7, PAGE_FAULT, (uint64_t)at + 7, UINT64_MAX, "which can't be written");
    must(process_protect(SLOT_SELF, (uint64_t)at, 2 * PAGE, MAP_FLAG_READ | MAP_FLAG_EXECUTE), "protecting");
    struct actor *actor = actor_new(calls, ACTOR_PRIORITY, 0);
    actor->arguments[0] = (uint64_t)at;
    actor_go(actor);
    check(actor->done && actor->values[0] == 42, "memory mapped to execute can be executed");
    actor_free(actor);
    expect(writes, (uint64_t)at, PAGE_FAULT, (uint64_t)at, UINT64_MAX, "and not written");
    must(process_protect(SLOT_SELF, (uint64_t)at, 2 * PAGE, 0), "protecting");
    expect(reads, (uint64_t)at, PAGE_FAULT, (uint64_t)at, UINT64_MAX, "memory mapped to nothing can't be read");
    unmap(at, 2 * PAGE);
    slot_release(memory);
    expect(reads, (uint64_t)at, PAGE_FAULT, (uint64_t)at, USER, "nor memory unmapped");
    expect(writes, (uint64_t)actor_entry, PAGE_FAULT, (uint64_t)actor_entry, UINT64_MAX, "code can't be written");
    expect(calls, (uint64_t)shared, PAGE_FAULT, (uint64_t)shared, UINT64_MAX, "nor data executed");
    expect(reads, 0, PAGE_FAULT, 0, USER, "address 0 can't be read");
    expect(calls, 0, PAGE_FAULT, 0, UINT64_MAX, "nor called");
    static const uint64_t kernel[] = {0xffff800000000000, 0xffffc80000000000, 0xffffc80000200000,
                                      0xffffffff80000000, 0xffffff8000000000, 0xfffffffffffff000};
    for (unsigned i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++) {
        expect(reads, kernel[i], PAGE_FAULT, kernel[i], UINT64_MAX, "kernel addresses can't be read");
        expect(writes, kernel[i], PAGE_FAULT, kernel[i], UINT64_MAX, "nor written");
        expect(calls, kernel[i], PAGE_FAULT, kernel[i], UINT64_MAX, "nor called");
    }
    static const uint64_t none[] = {0x0000800000000000, 0x0000ffffffffffff, 0x8000000000000000, 0xffff7fffffffffff};
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        expect(reads, none[i], PROTECTION, UINT64_MAX, 0, "addresses that are none can't be read");
        expect(writes, none[i], PROTECTION, UINT64_MAX, 0, "nor written");
        expect(calls, none[i], PROTECTION, UINT64_MAX, 0, "nor called");
    }
    uint64_t place = (uint64_t)ipc_clock_page; // the kernel's own page, for all to read
    expect(writes, place, PAGE_FAULT, place, UINT64_MAX, "the clock page can't be written");
    expect(calls, place, PAGE_FAULT, place, UINT64_MAX, "nor called");
    expect(reads, 0x00007ffffffff000, PAGE_FAULT, 0x00007ffffffff000, USER, "nor the last user page");
}

static void test_instructions(void) {
    expect(halts, 0, PROTECTION, 0, 0, "hlt is refused");
    expect(disables, 0, PROTECTION, 0, 0, "cli is refused");
    expect(outputs, 0, PROTECTION, 0, 0, "out is refused");
    expect(reads_cr3, 0, PROTECTION, 0, 0, "cr3 can't be read");
    expect(reads_msr, 0, PROTECTION, 0, 0, "nor an MSR");
    expect(stores_idt, 0, PROTECTION, 0, 0, "nor where the kernel's tables are (UMIP)");
    expect(stores_gdt, 0, PROTECTION, 0, 0, "by sgdt either");
    expect(stores_ldt, 0, PROTECTION, 0, 0, "by sldt either");
    expect(stores_task, 0, PROTECTION, 0, 0, "by str either");
    expect(stores_cr0, 0, PROTECTION, 0, 0, "nor cr0, by smsw");
    expect(writes_cr4, 0, PROTECTION, 0, 0, "cr4, and with it SMEP and SMAP, can't be written");
    expect(allows_access, 0, UNDEFINED, 0, 0, "nor SMAP lifted by stac");
    expect(writes_fs_base, 0, UNDEFINED, 0, 0, "FS can't be written without the kernel's knowing");
    expect(loads_segment, 0, PROTECTION, 0, UINT64_MAX, "a kernel segment can't be loaded");
    expect(divides, 0, DIVIDE, 0, 0, "a division by zero is told");
    expect(breaks, 0, BREAKPOINT, 0, 0, "a breakpoint is told");
    expect(undefined, 0, UNDEFINED, 0, 0, "an undefined instruction is told");
    expect(uses_vectors, 0, NO_FPU, 0, 0, "FPU registers of a thread without FPU state");
    expect(interrupts, 0, PROTECTION, 0, UINT64_MAX, "int 0x80 is refused");
    expect(interrupts_page_fault, 0, PROTECTION, 0, UINT64_MAX, "a page fault can't be forged by int");
    expect(jumps_far, 0, PROTECTION, UINT64_MAX, 0, "a jump to an address that is none");
    expect(bad_stack, 0, PAGE_FAULT, UINT64_MAX, UINT64_MAX, "a stack in the kernel");
    expect(traces, 0, 1, 0, 0, "a trace trap is told");
    struct actor *actor = actor_new_process(calls_in_trouble, ACTOR_PRIORITY, SLOT_ACCOUNT);
    struct ipc_registers in;
    must(process_set_keeper(actor->process, kept), "its keeper");
    actor_go(actor);
    check(receive_poll(keeper, &in) == ERR_OK && tag_method(in.tag) == EVENT_EXIT &&
              actor->values[0] == (uint64_t)ERR_BAD_CAPABILITY,
          "a system call with odd flags is a system call");
    actor_free(actor);
}

// Pages that the machine has only a limited number of.
static void test_stack_growth(void) {
    struct actor *actor = actor_new_process(writes, ACTOR_PRIORITY, SLOT_ACCOUNT);
    struct ipc_registers in;
    must(process_set_keeper(actor->process, kept), "its keeper");
    actor->arguments[0] = 0x4000000;
    cap_t memory = new_memory(PAGE);
    uint64_t address;
    actor_go(actor);
    must(receive_poll(keeper, &in), "the fault");
    must(process_map(actor->process, 0x4000000, PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &address), "mapping to read");
    must(answer(0, 0, FAULT_RESUME), "answering");
    check(receive_poll(keeper, &in) == ERR_OK && in.words[FAULT_WORD_CAUSE] == PAGE_FAULT,
          "a repair that does not help faults again");
    must(process_protect(actor->process, 0x4000000, PAGE, READ_WRITE), "protecting");
    must(answer(0, 0, FAULT_RESUME), "answering");
    check(actor->done, "one that does, not");
    must(receive_poll(keeper, &in), "the exit");
    slot_release(memory);
    actor_free(actor);
}

void test_faults(void) {
    keeper = new_endpoint();
    kept = new_session(keeper, 60);
    test_pages();
    test_instructions();
    test_stack_growth();
    slot_release(kept);
    drop_endpoint(keeper);
}
