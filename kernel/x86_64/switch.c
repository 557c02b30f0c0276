// Loading a thread's context; see switch.h. FS and GS bases are written when they differ and never read back: user mode
// can't change them itself, since CR4.FSGSBASE stays off. A thread without FPU state runs with CR0.TS set, so the
// registers of the last one that has are safe from it; they are saved when another owner comes, or before the thread may
// run elsewhere. Invariant: thread->fpu_cpu names the one processor whose fpu_owner it is.
#include "kernel/x86_64/switch.h"

#include "kernel/sched/process.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/vectors.h"

enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102 };

struct processor boot_processor;

static void load_segments(struct processor *processor, const struct thread *thread) {
    bool other = processor->fs_owner != thread->process; // which may have loaded selectors, and that clears the bases
    if (processor->fs_base != thread->fs_base || (other && thread->fs_base)) {
        msr_write(MSR_FS_BASE, thread->fs_base);
        processor->fs_base = thread->fs_base;
    }
    if (processor->gs_base != thread->gs_base || (other && thread->gs_base)) {
        msr_write(MSR_KERNEL_GS_BASE, thread->gs_base);
        processor->gs_base = thread->gs_base;
    }
    processor->fs_owner = thread->process;
}

static void set_trap(struct processor *processor, bool trapped) {
    if (processor->fpu_trapped == trapped)
        return;
    processor->fpu_trapped = trapped;
    if (trapped)
        cr0_write(cr0_read() | CR0_TASK_SWITCHED);
    else
        __asm__ volatile("clts");
}

void switch_save_fpu(struct thread *thread) {
    struct processor *processor = processor_self();
    if (!thread || processor->fpu_owner != thread)
        return;
    set_trap(processor, false);
    fpu_save(thread->fpu_area);
    thread->fpu_cpu = NULL;
    processor->fpu_owner = NULL;
}

static void load_fpu(struct processor *processor, struct thread *thread) {
    set_trap(processor, false);
    if (processor->fpu_owner == thread)
        return;
    switch_save_fpu(processor->fpu_owner);
    fpu_restore(thread->fpu_area);
    thread->fpu_cpu = &processor->cpu;
    processor->fpu_owner = thread;
}

static void load_extras(struct processor *processor, struct thread *thread) {
    if (thread->extras & EXTRA_FPU)
        load_fpu(processor, thread);
    else
        set_trap(processor, true);
    struct process *ports = thread->extras & EXTRA_PORTS ? thread->process : NULL;
    if (processor->ports_owner != ports) {
        if (processor->ports_owner)
            descriptors_deny_ports(processor, processor->ports_owner);
        if (ports)
            descriptors_allow_ports(processor, ports);
        processor->ports_owner = ports;
    }
}

uint32_t switch_to(struct thread *thread) {
    struct processor *processor = processor_self();
    uint64_t root = thread->space_root;
    uint32_t switched = processor->space_root != root;
    processor->kicked = false; // it has looked at its queue
    if (switched)
        processor->space_root = processor->load_root = root;
    load_segments(processor, thread);
    load_extras(processor, thread);
    return switched;
}

void switch_forget(struct thread *thread) {
    if (thread->fpu_cpu)
        ((struct processor *)thread->fpu_cpu)->fpu_owner = NULL;
    thread->fpu_cpu = NULL;
}

void switch_leave_space(struct space *space) {
    uint64_t root = space->tables.root;
    struct process *process = CONTAINER_OF(space, struct process, space);
    if (root && processor_space_root() == root)
        processor_load_space(paging_kernel_root());
    if (root)
        processors_reload(root, paging_kernel_root());
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (processor_at(i)->ports_owner == process) {
            descriptors_deny_ports(processor_at(i), process);
            processor_at(i)->ports_owner = NULL;
        }
        if (processor_at(i)->fs_owner == process)
            processor_at(i)->fs_owner = NULL;
    }
}

void switch_ports_changed(struct process *process) {
    for (uint32_t i = 0; i < cpu_count; i++)
        if (processor_at(i)->ports_owner == process)
            descriptors_allow_ports(processor_at(i), process);
}

// The space of who ran last must not be taken apart under a sleeping processor: with others at work it keeps the kernel's.
__attribute__((noinline)) void switch_idle(bool sleep) {
    if (cpu_count > 1 && processor_space_root() != paging_kernel_root())
        processor_load_space(paging_kernel_root());
    processor_self()->kicked = false;
    kernel_unlock();
    if (sleep)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    else
        __asm__ volatile("sti; nop; cli" : : : "memory");
    kernel_lock();
}

void switch_kick(struct cpu *cpu) {
    struct processor *processor = (struct processor *)cpu;
    if (processor->kicked || processor == processor_self())
        return;
    processor->kicked = true;
    lapic_ipi(processor->apic_id, VECTOR_RESCHEDULE);
}

void switch_choose_entries(void) {
    descriptors_choose_entry();
    for (uint32_t i = 0; i < cpu_count; i++)
        switch_kick(cpus[i]);
}
