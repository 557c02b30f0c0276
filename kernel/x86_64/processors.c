// Starting the other processors and answering each other; see processors.h. Intel SDM volume 3A, 8.4 (start) and 4.10.5
// (translations of other processors).
#include "kernel/x86_64/processors.h"

#include "kernel/abi/platform_info.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/heap.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/lock.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/trampoline.h"
#include "kernel/x86_64/vectors.h"

enum { KERNEL_MAPPINGS = 1 }; // in a mailbox; no root is odd
enum { ANSWER_SPINS = 2000000000 };

#define INIT_WAIT_NS    UINT64_C(10000000)
#define STARTUP_WAIT_NS UINT64_C(200000)
#define ANSWER_WAIT_NS  UINT64_C(1000000000)
#define REAL_MODE_END   UINT64_C(0x100000)

_Noreturn void return_to_user(void); // entry.asm

static volatile uint32_t started; // how many processors have come up
static uint64_t boot_cr4, boot_pat;

void processors_answer(void) {
    uint64_t *mailbox = &processor_self()->mailbox, wanted = __atomic_load_n(mailbox, __ATOMIC_ACQUIRE);
    if (!wanted)
        return;
    if (wanted == KERNEL_MAPPINGS) {
        cr4_write(cr4_read() ^ CR4_GLOBAL_PAGES);
        cr4_write(cr4_read() ^ CR4_GLOBAL_PAGES);
    } else {
        cr3_write(wanted);
    }
    __atomic_store_n(mailbox, 0, __ATOMIC_RELEASE);
}

static void post(struct processor *processor, uint64_t wanted) {
    __atomic_store_n(&processor->mailbox, wanted, __ATOMIC_RELEASE);
    lapic_ipi(processor->apic_id, VECTOR_SHOOTDOWN);
}

static void wait_for_answers(void) {
    for (uint32_t i = 0; i < cpu_count; i++)
        for (uint32_t spins = 0; __atomic_load_n(&processor_at(i)->mailbox, __ATOMIC_ACQUIRE); spins++) {
            if (spins == ANSWER_SPINS)
                panic("processor %u does not answer", i);
            __builtin_ia32_pause();
        }
}

void processors_reload(uint64_t root, uint64_t instead) {
    bool asked = false;
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct processor *processor = processor_at(i);
        if (processor == processor_self() || processor->space_root != root)
            continue;
        processor->space_root = instead;
        post(processor, instead);
        asked = true;
    }
    if (asked)
        wait_for_answers();
}

void processors_forget_kernel_mappings(void) {
    if (cpu_count == 1)
        return;
    for (uint32_t i = 0; i < cpu_count; i++)
        if (processor_at(i) != processor_self())
            post(processor_at(i), KERNEL_MAPPINGS);
    wait_for_answers();
}

uint32_t processors_own_index(void) {
    uint32_t id = lapic_id(), index = 0;
    while (index + 1 < cpu_count && processor_at(index)->apic_id != id)
        index++;
    return index;
}

static void wait_ns(uint64_t span) {
    for (uint64_t end = clock_now() + span; clock_now() < end;)
        __builtin_ia32_pause();
}

// Where start.asm's counterpart for the other processors leads to.
static _Noreturn void processor_enter(struct processor *processor) {
    cr3_write(paging_kernel_root());
    cr4_write(boot_cr4);
    msr_write(MSR_PAT, boot_pat);
    descriptors_load(processor);
    platform_enable_cpu();
    started++;
    kernel_lock();
    schedule();
    return_to_user();
}

// The tables with which a processor leaves real mode: the kernel's, and the first 2 MiB one to one. Three frames.
static error_t transition_tables(uint64_t frames[3]) {
    for (int i = 0; i < 3; i++) {
        error_t error = frame_allocate(0, FRAME_BELOW_4G, &frames[i]);
        if (error) {
            while (i-- > 0)
                frame_free(frames[i], 0);
            return error;
        }
        memset(direct_map(frames[i]), 0, PAGE_BYTES);
    }
    uint64_t *root = direct_map(frames[0]), *upper = direct_map(frames[1]), *lower = direct_map(frames[2]);
    memcpy(root, direct_map(paging_kernel_root()), PAGE_BYTES);
    root[0] = frames[1] | PAGE_PRESENT | PAGE_WRITE;
    upper[0] = frames[2] | PAGE_PRESENT | PAGE_WRITE;
    lower[0] = PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
    return ERR_OK;
}

static bool start_one(uint32_t apic_id, uint64_t page, uint64_t root) {
    void *memory;
    if (heap_allocate(sizeof(struct processor), &memory))
        return false;
    struct processor *processor = memory;
    processor->apic_id = apic_id;
    if (descriptors_allocate(processor)) {
        heap_free(memory);
        return false;
    }
    trampoline_prepare(direct_map(page), page, root, (uint64_t)processor_enter, (uint64_t)processor->tables + KERNEL_STACK_BYTES,
                       (uint64_t)processor);
    uint32_t before = started;
    lapic_ipi(apic_id, LAPIC_IPI_INIT);
    wait_ns(INIT_WAIT_NS);
    for (int attempt = 0; attempt < 2 && started == before; attempt++) {
        lapic_ipi(apic_id, LAPIC_IPI_STARTUP | (uint32_t)(page >> PAGE_SHIFT));
        wait_ns(STARTUP_WAIT_NS);
    }
    for (uint64_t end = clock_now() + ANSWER_WAIT_NS; started == before && clock_now() < end;)
        __builtin_ia32_pause();
    if (started == before) { // its memory is lost: it may yet wake
        log_write(LOG_WARNING, "processor with APIC id %u does not start", apic_id);
        return false;
    }
    cpu_register(&processor->cpu);
    return true;
}

void processors_start(const struct acpi_information *acpi) {
    uint64_t page, frames[3];
    boot_processor.apic_id = lapic_present() ? lapic_id() : 0;
    if (!lapic_present() || acpi->cpu_count < 2)
        return;
    boot_cr4 = cr4_read();
    boot_pat = msr_read(MSR_PAT);
    if (frame_allocate(0, REAL_MODE_END, &page)) {
        log_write(LOG_WARNING, "no memory below 1 MiB: the other processors stay off");
        return;
    }
    if (transition_tables(frames)) {
        frame_free(page, 0);
        return;
    }
    for (uint32_t i = 0; i < acpi->cpu_count && cpu_count < CPUS_MAX; i++)
        if (acpi->cpus[i].enabled && acpi->cpus[i].apic_id != boot_processor.apic_id)
            (void)start_one(acpi->cpus[i].apic_id, page, frames[0]);
    for (int i = 0; i < 3; i++)
        frame_free(frames[i], 0);
    frame_free(page, 0);
    if (cpu_count > 1)
        descriptors_choose_entry();
    log_write(LOG_INFO, "%u processors", cpu_count);
}
