// Starting the other processors, the lock between them, and answering each other; see processors.h. Intel SDM volume 3A, 4.10.5
// (translations of other processors). Those that the loader found wait in start.asm until `processor_wanted` is theirs.
#include "kernel/x86_64/processors.h"

#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/vectors.h"

enum { KERNEL_MAPPINGS = 1 }; // in a mailbox; no root is odd
enum { ANSWER_SPINS = 2000000000, START_WAIT_NS = 1000000000 };

_Noreturn void return_to_user(void); // entry.asm
_Noreturn void processor_enter(struct processor *processor);

struct processor *processor_wanted;
struct kernel_lock kernel_lock_state;

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

void kernel_lock(void) {
    struct kernel_lock *lock = &kernel_lock_state;
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&lock->now, __ATOMIC_ACQUIRE) == ticket)
        return;
    while (__atomic_load_n(&lock->now, __ATOMIC_ACQUIRE) != ticket) {
        processors_answer();
        __builtin_ia32_pause();
    }
    lock->waits++;
}

uint64_t kernel_lock_waits(void) {
    return kernel_lock_state.waits;
}

void kernel_unlock(void) {
    __atomic_store_n(&kernel_lock_state.now, kernel_lock_state.now + 1, __ATOMIC_RELEASE);
}

void processors_stop(void) {
    for (uint32_t i = 0; i < cpu_count; i++)
        if (i != processors_own_index())
            lapic_ipi(processor_at(i)->apic_id, LAPIC_IPI_NMI);
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

// Where start.asm leads to, on the stack of `processor`.
_Noreturn void processor_enter(struct processor *processor) {
    descriptors_load(processor);
    platform_enable_cpu();
    kernel_lock(); // held by the first until all are there
    schedule();
    return_to_user();
}

static void start_one(uint32_t apic_id) {
    struct processor *processor = descriptors_allocate();
    if (!processor)
        return;
    processor->apic_id = apic_id;
    __atomic_store_n(&processor_wanted, processor, __ATOMIC_RELEASE);
    uint64_t end = clock_now() + START_WAIT_NS;
    while (!__atomic_load_n(&processor->self, __ATOMIC_ACQUIRE) && clock_now() < end)
        __builtin_ia32_pause();
    __atomic_store_n(&processor_wanted, NULL, __ATOMIC_RELEASE);
    if (processor->self)
        cpu_register(&processor->cpu);
    else // its memory is lost: it may just have seen that it is wanted
        log_write(LOG_WARNING, "processor with APIC id %u does not start", apic_id);
}

void processors_start(const struct acpi_information *acpi) {
    if (!lapic_present() || acpi->cpu_count < 2)
        return;
    boot_processor.apic_id = lapic_id();
    for (uint32_t i = 0; i < acpi->cpu_count && cpu_count < CPUS_MAX; i++)
        if (acpi->cpus[i].enabled && acpi->cpus[i].apic_id != boot_processor.apic_id)
            start_one(acpi->cpus[i].apic_id);
    if (cpu_count > 1)
        descriptors_choose_entry();
    log_write(LOG_INFO, "%u processors", cpu_count);
}
