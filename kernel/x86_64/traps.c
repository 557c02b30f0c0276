// What entry.asm calls: exceptions of user mode become repaired page faults or messages to a keeper; device interrupts
// become notifications; an exception of the kernel itself is a panic.
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/irq/irq.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/vectors.h"

enum { REAP_STEPS = 2 };
enum { FAULT_WRITE = 2, FAULT_FETCH = 16 };

struct interrupt_frame {
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

void interrupt_from_user(struct thread *thread, uint64_t vector, uint64_t error);
void interrupt_from_kernel(const struct interrupt_frame *frame, uint64_t rbp);

// The thread waits until its pager has supplied the page.
static void ask_pager(struct thread *thread, const struct mapping *mapping, uint64_t address, bool write) {
    struct request *request = &thread->fault;
    thread_block(thread, THREAD_STATE_FAULTED);
    thread->fault_words[0] = mapping->offset + (address & ~UINT64_C(4095)) - mapping->start;
    thread->fault_words[1] = write;
    request->origin = REQUEST_PAGE;
    request->tag = TAG(EVENT_PAGE, 2);
    request->priority = thread->effective;
    request->count++;
    if (request_send(request, mapping->memory->pager))
        thread_fault(thread, VECTOR_PAGE_FAULT);
}

static void page_fault(struct thread *thread, uint64_t address, uint64_t code) {
    enum space_access access = code & FAULT_FETCH ? ACCESS_EXECUTE : code & FAULT_WRITE ? ACCESS_WRITE : ACCESS_READ;
    struct mapping *missing = NULL;
    error_t error = space_fault(&thread->process->space, address, access, &missing);
    if (error == ERR_NO_MEMORY && !reaper_run(0)) // some is on its way back: the access is tried again
        return;
    if (error == ERR_PAGE_MISSING)
        ask_pager(thread, missing, address, access == ACCESS_WRITE);
    else if (error)
        thread_fault(thread, VECTOR_PAGE_FAULT);
}

static void device_interrupt(uint8_t vector) {
    interrupt_count++;
    entropy_stir(clock_now());
    trace_event(TRACE_EVENT_INTERRUPT, NULL, vector, 0, 0);
    if (!irq_controller->accept(vector))
        return;
    if (vector == clock_alarm_vector())
        schedule_tick();
    else if (vector == VECTOR_RESCHEDULE)
        descriptors_choose_entry();
    else if (vector < VECTOR_DYNAMIC_END)
        irq_deliver(vector);
    irq_controller->end_of_interrupt(vector);
}

static void exception(struct thread *thread, uint64_t vector, uint64_t address, uint64_t error) {
    thread->fault_address = address;
    thread->fault_code = error;
    trace_event(TRACE_EVENT_FAULT, thread, vector, error, address);
    if (vector == VECTOR_PAGE_FAULT)
        page_fault(thread, address, error);
    else
        thread_fault(thread, vector);
}

void interrupt_from_user(struct thread *thread, uint64_t vector, uint64_t error) {
    if (vector == VECTOR_NMI && panicked)
        cpu_stop();
    uint64_t address = vector == VECTOR_PAGE_FAULT ? processor_fault_address() : 0;
    kernel_lock();
    bool admitted = schedule_admit(thread, false);
    if (vector >= VECTOR_EXCEPTIONS_END) {
        device_interrupt((uint8_t)vector);
    } else if (vector == VECTOR_NMI && !trace_is_on(TRACE_EVENT_SAMPLE)) {
        log_write(LOG_WARNING, "an NMI arrived");
    } else if (admitted && vector == VECTOR_NMI) {
        trace_sample_user(thread);
    } else if (admitted) { // else it comes again
        exception(thread, vector, address, error);
    }
    (void)reaper_run(REAP_STEPS);
    schedule();
}

void interrupt_from_kernel(const struct interrupt_frame *frame, uint64_t rbp) {
    if (frame->vector >= VECTOR_EXCEPTIONS_END) { // the idle loop waits for nothing else
        kernel_lock();
        device_interrupt((uint8_t)frame->vector);
        kernel_unlock();
        return;
    }
    if (frame->vector == VECTOR_NMI) { // GS may still be the user's
        if (panicked)
            cpu_stop();
        if (trace_is_on(TRACE_EVENT_SAMPLE))
            trace_sample_kernel(processors_own_index(), frame->rip, rbp);
        return;
    }
    panic_at(frame->rip, rbp, "exception %llu in the kernel at %p: error code %llx, address %p, stack %p",
             (unsigned long long)frame->vector, (void *)frame->rip, (unsigned long long)frame->error,
             (void *)processor_fault_address(), (void *)frame->rsp);
}
