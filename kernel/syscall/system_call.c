// The nine system calls; the register map is in kernel/abi/syscall.h. Each either finishes, with its result in the saved
// registers, or leaves the thread blocked.
#include "kernel/abi/syscall.h"

#include "kernel/ipc/call.h"
#include "kernel/ipc/copy.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notification.h"
#include "kernel/ipc/request.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "kernel/syscall/invocation.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/vectors.h"

enum { REAP_STEPS = 2 };

void system_call(struct thread *thread);

static error_t find(struct thread *thread, uint64_t index, enum capability_kind kind, uint16_t rights, struct capability **out) {
    struct capability *slot = capability_slot(&thread->process->table, (cap_t)index);
    *out = slot;
    if (!slot || slot->kind == CAP_NONE)
        return ERR_BAD_CAPABILITY;
    if (slot->kind != kind)
        return ERR_WRONG_KIND;
    return (slot->rights & rights) == rights ? ERR_OK : ERR_RIGHTS;
}

static error_t find_session(struct thread *thread, struct session **session) {
    struct capability *slot;
    error_t error = find(thread, thread->registers.rdi, CAP_SESSION, RIGHT_CALL, &slot);
    if (!error)
        *session = slot->object;
    return error;
}

// The kernel's own events can't be forged, and counts must be possible.
static error_t check_tag(const struct thread *thread) {
    uint64_t tag = thread->registers.rsi;
    const struct message_page *page = thread->page;
    if (tag_method(tag) >> 8 == 0 || !tag_is_possible(tag))
        return ERR_BAD_MESSAGE;
    if (((tag & TAG_LEND_READ) && page->lend_read.length > MESSAGE_LEND_MAX) ||
        ((tag & TAG_LEND_WRITE) && page->lend_write.length > MESSAGE_LEND_MAX))
        return ERR_MESSAGE_SIZE;
    return ERR_OK;
}

static error_t call(struct thread *thread) {
    struct capability *slot;
    error_t error = find(thread, thread->registers.rdi, CAP_SESSION, RIGHT_CALL, &slot);
    if (error == ERR_WRONG_KIND) {
        cpu_self()->messages++;
        invoke_object(thread, slot);
        return ERR_OK;
    }
    if (!error)
        error = check_tag(thread);
    if (error)
        return error;
    struct request *request = &thread->request;
    uint64_t tag = thread->registers.rsi;
    const struct message_page *page = thread->page;
    request->tag = tag;
    request->priority = thread->effective;
    request->count += !(tag & TAG_REPEAT);
    request_lend(request, page);
    request->space_serial = thread->process->space.serial;
    thread_block(thread, THREAD_STATE_CALLING);
    if (tag & TAG_DEADLINE)
        thread_set_deadline(thread, page->deadline);
    error = request_send(request, slot->object);
    if (error)
        thread_wake(thread);
    return error;
}

static error_t send(struct thread *thread) {
    struct session *session;
    struct capability *slot;
    error_t error = find_session(thread, &session);
    if (!error)
        error = find(thread, thread->registers.r14, CAP_CALL, RIGHT_CONTROL, &slot);
    if (!error)
        error = check_tag(thread);
    return error ? error : call_send(slot->object, session, thread);
}

// Waits at an endpoint or notification; the registers are filled now or when something arrives.
static error_t wait_at(struct thread *thread) {
    struct capability *slot;
    bool deadline = thread->registers.rsi & TAG_DEADLINE;
    error_t error = find(thread, thread->registers.rdi, CAP_ENDPOINT, RIGHT_RECEIVE, &slot);
    struct endpoint *endpoint = error ? NULL : slot->object;
    if (error == ERR_WRONG_KIND)
        error = find(thread, thread->registers.rdi, CAP_NOTIFICATION, RIGHT_RECEIVE, &slot);
    if (error)
        return error;
    if (thread->shown)
        request_noted(thread);
    if (endpoint ? !endpoint_receive(endpoint, thread) : notification_take(slot->object, thread))
        return ERR_OK;
    if (deadline && thread->page->deadline == 0)
        return ERR_DEADLINE;
    thread_block(thread, THREAD_STATE_WAITING);
    if (endpoint)
        endpoint_add_receiver(endpoint, thread);
    else
        notification_add_waiter(slot->object, thread);
    if (deadline)
        thread_set_deadline(thread, thread->page->deadline);
    return ERR_OK;
}

static error_t reply_wait(struct thread *thread) {
    if (thread_serving(thread))
        request_reply(thread_serving(thread), thread);
    else
        transfer_drop(thread);
    return wait_at(thread);
}

static error_t put_aside(struct thread *thread, uint64_t index) {
    struct request *serving = thread_serving(thread);
    if (!serving)
        return ERR_OK;
    if (index == 0)
        return ERR_BUSY;
    struct capability *slot;
    error_t error = capability_reserve(&thread->process->table, thread->process->object.account, (cap_t)index, &slot);
    if (!error)
        request_put_aside(serving, slot);
    return error;
}

static error_t wait(struct thread *thread) {
    error_t error = put_aside(thread, thread->registers.r14);
    return error ? error : wait_at(thread);
}

// The request in a reply slot, or the one being served if `index` is 0.
static error_t find_request(struct thread *thread, uint64_t index, struct request **request) {
    if (index == 0) {
        *request = thread_serving(thread);
        return *request ? ERR_OK : ERR_NO_REQUEST;
    }
    struct capability *slot;
    error_t error = find(thread, index, CAP_REPLY, 0, &slot);
    if (!error)
        *request = slot->object;
    return error;
}

static error_t reply(struct thread *thread) {
    struct request *request;
    error_t error = find_request(thread, thread->registers.r14, &request);
    if (error)
        transfer_drop(thread);
    else
        request_reply(request, thread);
    return error;
}

static error_t forward(struct thread *thread) {
    struct session *session;
    struct request *request;
    error_t error = find_session(thread, &session);
    if (!error)
        error = find_request(thread, thread->registers.r14, &request);
    if (!error && (tag_method(thread->registers.rsi) >> 8 == 0 || !tag_is_possible(thread->registers.rsi)))
        error = ERR_BAD_MESSAGE;
    return error ? error : request_forward(request, session, thread);
}

static error_t copy(struct thread *thread) {
    struct registers *registers = &thread->registers;
    uint64_t offset = registers->words[0], address = registers->words[1], length = registers->words[2];
    bool to_caller = registers->rsi == COPY_TO_CALLER;
    registers->words[0] = 0;
    struct request *request;
    error_t error = find_request(thread, registers->r14, &request);
    if (error)
        return error;
    struct copy_side lent, own = {.space = &thread->process->space, .address = address};
    error = copy_lent_side(request, to_caller, offset, &length, &lent);
    if (!error && registers->rdi) {
        struct capability *slot;
        error = find(thread, registers->rdi, CAP_MEMORY, to_caller ? RIGHT_READ : RIGHT_WRITE, &slot);
        if (!error)
            own = (struct copy_side){.memory = slot->object, .address = address};
    }
    if (error)
        return error;
    return to_caller ? copy_bytes(lent, own, length, &registers->words[0]) : copy_bytes(own, lent, length, &registers->words[0]);
}

static error_t serve(struct thread *thread) {
    struct registers *registers = &thread->registers;
    struct request *request = NULL;
    error_t error = registers->r14 ? find_request(thread, registers->r14, &request) : ERR_OK;
    if (!error)
        error = put_aside(thread, registers->rsi);
    if (!error && request)
        request_serve(request, thread);
    return error;
}

static error_t signal(struct thread *thread) {
    struct capability *slot;
    error_t error = find(thread, thread->registers.rdi, CAP_NOTIFICATION, RIGHT_SIGNAL, &slot);
    if (error)
        return error;
    trace_event(TRACE_EVENT_SIGNAL, thread, 0, trace_object(slot->object), thread->registers.rsi);
    notification_signal(slot->object, thread->registers.rsi);
    return ERR_OK;
}

// Not one of ours: back to user mode, to the layer that serves it, with the return address in rcx.
static void foreign(struct thread *thread) {
    if (!thread->process->foreign) {
        thread->fault_address = thread->fault_code = 0;
        thread_fault(thread, VECTOR_INVALID_OPCODE); // as an undefined instruction would be
        return;
    }
    thread->registers.rcx = thread->registers.rip;
    thread->registers.rip = thread->process->foreign;
    thread->interrupted = true; // every other register arrives as it was
}

// Those that answer have no result but the error; the others fill rax when something arrives.
static const struct {
    error_t (*run)(struct thread *thread);
    bool answers;
} calls[] = {
    [-SYS_CALL] = {call, false},    [-SYS_REPLY_WAIT] = {reply_wait, false},
    [-SYS_WAIT] = {wait, false},    [-SYS_SEND] = {send, true},
    [-SYS_REPLY] = {reply, true},   [-SYS_FORWARD] = {forward, true},
    [-SYS_SIGNAL] = {signal, true}, [-SYS_COPY] = {copy, true},
    [-SYS_SERVE] = {serve, true},
};

static void dispatch(struct thread *thread) {
    struct registers *registers = &thread->registers;
    uint32_t number = 0 - (uint32_t)registers->rax;
    if (number == 0 || number > -SYS_LAST) {
        foreign(thread);
        return;
    }
    if (number != -SYS_SIGNAL)
        registers->rbx = 0;
    error_t error = calls[number].run(thread);
    if (error || calls[number].answers)
        registers->rax = (uint64_t)(int64_t)error;
}

void system_call(struct thread *thread) {
    kernel_lock();
    if (schedule_admit(thread, true))
        dispatch(thread);
    (void)reaper_run(REAP_STEPS);
    schedule();
}
