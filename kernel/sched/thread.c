// Creation, blocking, faults and the end of threads; see thread.h.
#include "kernel/sched/thread.h"

#include "kernel/cap/account.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/memory.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/switch.h"

enum { REVOKE_STEP = 64, PRIORITY_DEPTH = 8 };

uint64_t thread_count;

uint64_t thread_next_serial(void) {
    static uint64_t serial;
    return ++serial;
}

error_t thread_create(struct process *process, uint8_t priority, bool fpu, struct thread **out) {
    struct account *account = process->object.account;
    struct thread *thread;
    error_t error = object_create(CAP_THREAD, sizeof(*thread), account, &thread);
    if (error)
        return error;
    thread->priority = thread->effective = priority;
    thread->state = THREAD_STATE_READY;
    thread->slice_left = TIME_SLICE_NS;
    thread->extras = EXTRA_HELD;
    thread->interrupted = true;
    thread->call_state = REQUEST_SERVED;
    thread->affinity = UINT64_MAX;
    thread->registers.rflags = 0x202;
    request_initialize(&thread->request, REQUEST_THREAD);
    request_initialize(&thread->fault, REQUEST_FAULT);
    thread->request.serial = thread->fault.serial = thread_next_serial();
    thread->request.process = thread->fault.process = process;
    thread->request.words = thread->registers.words;
    thread->fault.words = thread->fault.page_words = thread->fault_words;
    list_initialize(&thread->queue_link);
    list_initialize(&thread->process_link);
    bool shared;
    uint64_t physical;
    error = memory_create_anonymous(account, PAGE_BYTES, &thread->message_memory);
    if (!error)
        error = memory_page(thread->message_memory, 0, true, &physical, &shared);
    if (error)
        goto fail;
    thread->message_memory->pinned = true;
    thread->page = direct_map(physical);
    thread->request.page_words = thread->page->words;
    thread->request.send_caps = thread->page->send_caps;
    thread->request.send_rights = thread->page->send_rights;
    thread->space_root = process->space.tables.root;
    if (fpu) {
        error = account_take_frame(account, &physical);
        if (error)
            goto fail;
        thread->fpu_area = direct_map(physical);
        fpu_initialize_area(thread->fpu_area);
        thread->extras |= EXTRA_FPU;
    }
    if (process->port_ranges)
        thread->extras |= EXTRA_PORTS;
    thread->process = process;
    thread->table_slots = process->table.slots;
    thread->table_size = process->table.size;
    object_reference(&process->object);
    list_push_back(&process->threads, &thread->process_link);
    process->thread_count++;
    thread_count++;
    *out = thread;
    return ERR_OK;
fail:
    thread->state = THREAD_STATE_ENDED;
    object_release(&thread->object);
    return error;
}

void thread_wake(struct thread *thread) {
    if (thread->state == THREAD_STATE_ENDED)
        return;
    trace_event(TRACE_EVENT_WAKE, NULL, 0, thread->request.serial, 0);
    timer_remove(thread);
    thread->extras &= ~(uint32_t)EXTRA_TIMER;
    if (thread->state == THREAD_STATE_WAITING)
        endpoint_remove_receiver(thread);
    thread->state = THREAD_STATE_READY;
    if (thread_is_held(thread) || thread->in_queue || thread_runs(thread) || (thread->class == 2 && schedule_gather(thread)))
        return;
    run_queue_push(thread, true);
    schedule_hurry(thread);
}

void thread_block(struct thread *thread, enum thread_state state) {
    thread->state = (uint8_t)state;
    if (thread->in_queue)
        run_queue_remove(thread);
}

void thread_hold(struct thread *thread) {
    thread->extras |= EXTRA_HELD;
    if (thread->in_queue)
        run_queue_remove(thread);
    schedule_review(thread);
}

void thread_start(struct thread *thread) {
    if (thread->state == THREAD_STATE_ENDED)
        return;
    thread->extras &= ~(uint32_t)EXTRA_HELD;
    if (thread->state != THREAD_STATE_READY || thread->in_queue || thread_runs(thread))
        return;
    timer_remove(thread); // of its account's next period
    run_queue_push(thread, false);
}

void thread_stop(struct thread *thread) {
    thread_hold(thread);
    thread->state = THREAD_STATE_STOPPED;
}

void thread_serve(struct thread *thread, struct request *request) {
    bool plain = request && request->origin == REQUEST_THREAD && !request->cancelling;
    thread->caller = plain ? CONTAINER_OF(request, struct thread, request) : NULL;
    thread->serving = plain ? NULL : request;
    thread_update_priority(thread);
}

// What it runs for: itself, the request that it serves, and the first that waits for it.
static uint8_t wanted_priority(const struct thread *thread) {
    const struct request *serving = thread_serving(thread);
    struct list *link = thread->home ? list_first(&thread->home->queue) : NULL;
    const struct request *first = link ? CONTAINER_OF(link, struct request, link) : NULL;
    uint8_t wanted = thread->priority;
    wanted = serving && serving->priority > wanted ? serving->priority : wanted;
    return first && first->priority > wanted ? first->priority : wanted;
}

void thread_update_priority(struct thread *thread) {
    for (int depth = 0; thread && depth < PRIORITY_DEPTH; depth++) {
        uint8_t effective = wanted_priority(thread);
        if (effective == thread->effective)
            return;
        bool queued = thread->in_queue;
        if (queued)
            run_queue_remove(thread);
        thread->effective = effective;
        if (queued)
            run_queue_push(thread, true);
        else
            schedule_review(thread);
        struct request *request = &thread->request; // whoever it waits for runs for it
        if (thread->state != THREAD_STATE_CALLING || (request->state != REQUEST_SERVED && request->state != REQUEST_QUEUED))
            return;
        request->priority = effective;
        thread = request->state == REQUEST_SERVED ? request->server : request->session->endpoint->server;
    }
}

void thread_set_deadline(struct thread *thread, uint64_t time) {
    if (!time)
        return;
    timer_add(thread, time);
    thread->extras |= EXTRA_TIMER;
}

void thread_fault(struct thread *thread, uint64_t vector) {
    struct registers *registers = &thread->registers;
    struct session *keeper = thread->process->keeper;
    thread_block(thread, THREAD_STATE_FAULTED);
    const uint64_t words[6] = {vector, thread->fault_address, registers->rip, registers->rsp, registers->rbp, thread->fault_code};
    for (int i = 0; i < 6; i++)
        thread->fault_words[i] = words[i];
    struct request *request = &thread->fault;
    request->origin = REQUEST_FAULT;
    request->tag = TAG(EVENT_FAULT, 6);
    request->priority = thread->effective;
    request->count++;
    if (!keeper || request_send(request, keeper))
        thread_stop(thread);
}

void thread_end(struct thread *thread) {
    if (thread->state == THREAD_STATE_ENDED)
        return;
    if (thread_serving(thread))
        request_abandon(thread_serving(thread));
    request_show_again(thread);
    request_withdraw(&thread->request);
    request_withdraw(&thread->fault);
    timer_remove(thread);
    if (thread->in_queue)
        run_queue_remove(thread);
    else if (thread->state == THREAD_STATE_WAITING)
        endpoint_remove_receiver(thread);
    thread->state = THREAD_STATE_ENDED;
    thread->table_size = 0; // it may be on its way into the kernel on another processor, and the table goes now
    thread->extras |= EXTRA_HELD;
    if (thread->home)
        thread->home->server = NULL;
    thread->home = NULL;
    list_remove(&thread->process_link);
    thread_count--;
    if (--thread->process->thread_count == 0 && !thread->process->exited)
        process_check_reachable(thread->process);
    schedule_forget(thread);
    object_release(&thread->object); // the reference of its creation: a thread lives until it ends
}

bool thread_reap_step(struct object *object) {
    struct thread *thread = CONTAINER_OF(object, struct thread, object);
    if (!capability_revoke_rest(thread->revoking, REVOKE_STEP))
        return false;
    if (thread->building)
        object_release(&thread->building->object);
    thread->building = NULL;
    if (thread->fpu_area)
        account_give_frame(object->account, direct_map_physical(thread->fpu_area));
    if (thread->message_memory)
        object_release(&thread->message_memory->object);
    if (thread->process)
        object_release(&thread->process->object);
    return true;
}
