// Loading a thread's context; see switch.h. FS and GS bases are written when they differ and never read back: user mode
// can't change them itself, since CR4.FSGSBASE stays off. A thread without FPU state runs with CR0.TS set, so the
// registers of the last one that has are safe from it; they are saved when another owner comes.
#include "kernel/x86_64/switch.h"

#include "kernel/sched/process.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/processor.h"

enum { MSR_FS_BASE = 0xc0000100, MSR_KERNEL_GS_BASE = 0xc0000102, CR0_TS = 8 };

struct processor boot_processor;

static void load_segments(struct processor *processor, const struct thread *thread) {
    bool other = processor->fs_owner != thread->process; // which may have loaded selectors, and that clears the bases
    if (processor->fs_base != thread->fs_base || (other && thread->fs_base)) {
        processor_write_msr(MSR_FS_BASE, thread->fs_base);
        processor->fs_base = thread->fs_base;
    }
    if (processor->gs_base != thread->gs_base || (other && thread->gs_base)) {
        processor_write_msr(MSR_KERNEL_GS_BASE, thread->gs_base);
        processor->gs_base = thread->gs_base;
    }
    processor->fs_owner = thread->process;
}

static void set_trap(struct processor *processor, bool trapped) {
    if (processor->fpu_trapped == trapped)
        return;
    processor->fpu_trapped = trapped;
    if (trapped) {
        uint64_t cr0;
        __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
        __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_TS));
    } else {
        __asm__ volatile("clts");
    }
}

static void load_fpu(struct processor *processor, struct thread *thread) {
    set_trap(processor, false);
    if (processor->fpu_owner == thread)
        return;
    if (processor->fpu_owner)
        fpu_save(processor->fpu_owner->fpu_area);
    fpu_restore(thread->fpu_area);
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
            descriptors_deny_ports(processor->ports_owner);
        if (ports)
            descriptors_allow_ports(ports);
        processor->ports_owner = ports;
    }
}

uint32_t switch_to(struct thread *thread) {
    struct processor *processor = processor_self();
    uint64_t root = thread->space_root;
    uint32_t switched = processor->space_root != root;
    if (switched)
        processor_load_space(root);
    load_segments(processor, thread);
    load_extras(processor, thread);
    processor->current = thread;
    return switched;
}

struct thread *current_thread(void) {
    return processor_self()->current;
}

void switch_to_nothing(void) {
    processor_self()->current = NULL;
}

void switch_forget(struct thread *thread) {
    struct processor *processor = processor_self();
    if (processor->fpu_owner == thread)
        processor->fpu_owner = NULL;
    if (processor->current == thread)
        processor->current = NULL;
}

void switch_leave_space(struct space *space) {
    struct processor *processor = processor_self();
    if (space->tables.root && processor->space_root == space->tables.root)
        processor_load_space(paging_kernel_root());
    struct process *process = CONTAINER_OF(space, struct process, space);
    if (processor->ports_owner == process) {
        descriptors_deny_ports(process);
        processor->ports_owner = NULL;
    }
    if (processor->fs_owner == process)
        processor->fs_owner = NULL;
}

void switch_ports_changed(struct process *process) {
    struct processor *processor = processor_self();
    if (processor->ports_owner == process)
        descriptors_allow_ports(process);
}

void switch_idle(void) {
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

void switch_arm_timer(uint64_t deadline, uint64_t now) {
    clock_alarm(deadline, now); // UINT64_MAX is CLOCK_NEVER
}
