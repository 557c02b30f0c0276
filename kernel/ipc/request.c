// The life of a request; see request.h for the states. Nothing here allocates, blocks or fails for want of anything.
#include "kernel/ipc/request.h"

#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/vectors.h"

static struct thread *thread_of(struct request *request) {
    if (request->origin == REQUEST_THREAD)
        return CONTAINER_OF(request, struct thread, request);
    return CONTAINER_OF(request, struct thread, fault);
}

void request_initialize(struct request *request, enum request_origin origin) {
    request->origin = (uint8_t)origin;
    request->state = REQUEST_IDLE;
    list_initialize(&request->link);
    list_initialize(&request->cancel_link);
}

static struct lend cut(struct lend lend) {
    lend.length = lend.length < MESSAGE_LEND_MAX ? lend.length : MESSAGE_LEND_MAX;
    return lend;
}

void request_lend(struct request *request, const struct message_page *page) {
    request->lend_read = cut(page->lend_read);
    request->lend_write = cut(page->lend_write);
}

error_t request_send(struct request *request, struct session *session) {
    struct endpoint *endpoint = session->endpoint;
    if (endpoint->object.dying)
        return ERR_DYING;
    request->session = session;
    session_hold(session);
    request->state = REQUEST_QUEUED;
    request->cancelling = false;
    request->since = clock_now();
    list_push_back(&endpoint->queue, &request->link);
    endpoint->queued++;
    cpu_self()->messages++;
    trace_request(TRACE_EVENT_CALL, request, tag_method(request->tag), request->words);
    endpoint_wake(endpoint);
    if (request->state == REQUEST_QUEUED)
        endpoint_press(endpoint);
    return ERR_OK;
}

// Out of the queue or the server's hands; its session is still held.
static void detach(struct request *request) {
    if (!list_is_empty(&request->cancel_link)) {
        list_remove(&request->cancel_link);
        request->session->endpoint->events--;
    }
    list_remove(&request->link);
    switch (request->state) {
    case REQUEST_QUEUED:
        request->session->endpoint->queued--;
        endpoint_press(request->session->endpoint);
        break;
    case REQUEST_ANSWERED:
        CONTAINER_OF(request, struct call, request)->endpoint->queued--;
        endpoint_press(CONTAINER_OF(request, struct call, request)->endpoint);
        break;
    case REQUEST_SERVED:
        thread_serve(request->server, NULL);
        request->server = NULL;
        break;
    case REQUEST_ASIDE:
        *request->slot = (struct capability){0};
        request->slot = NULL;
        break;
    default:
        break;
    }
}

// Idle again.
static void release(struct request *request) {
    bool held = request->state != REQUEST_ANSWERED; // an answer holds no session any more
    detach(request);
    request->state = REQUEST_IDLE;
    if (held)
        session_unhold(request->session);
    request->session = NULL;
}

static void shown(struct request *request, struct thread *thread) {
    request->server = thread;
    thread->shown = request;
    thread->extras |= EXTRA_SHOWN; // so that its next wait takes the slow path
}

void request_noted(struct thread *thread) {
    if (!thread->shown)
        return;
    thread->shown->server = NULL;
    thread->shown = NULL;
    thread->extras &= ~(uint32_t)EXTRA_SHOWN;
}

void request_show_again(struct thread *thread) {
    struct request *request = thread->shown;
    request_noted(thread);
    if (!request || request->state != REQUEST_IDLE)
        return;
    if (request->origin == REQUEST_CALL) {
        struct call *call = CONTAINER_OF(request, struct call, request);
        object_reference(&request->process->object);
        call_answered(call, call->error);
    } else if (!request->process->object.dying && request->process->keeper) {
        object_reference(&request->process->object);
        if (request_send(request, request->process->keeper))
            object_release(&request->process->object);
    }
}

static void show_answer(struct call *call, struct thread *thread) {
    struct request *request = &call->request;
    struct registers *registers = &thread->registers;
    release(request);
    trace_event(TRACE_EVENT_ANSWER, thread, (uint16_t)call->error, call->serial, call->count);
    object_release(&request->process->object);
    registers->rax = ERR_OK;
    registers->rdi = call->cookie;
    registers->rsi = (request->tag & UINT32_MAX) | TAG_ANSWER;
    registers->r14 = (uint64_t)(int64_t)call->error;
    registers->r15 = request->count;
    shown(request, thread);
    memcpy(registers->words, call->words, sizeof(registers->words));
    transfer_page_words(thread->page->words, call->words, request->tag);
    memcpy(thread->page->received_caps, call->received_caps, sizeof(call->received_caps));
}

void request_take(struct request *request, struct thread *server) {
    if (request->state == REQUEST_ANSWERED) {
        show_answer(CONTAINER_OF(request, struct call, request), server);
        return;
    }
    request->session->endpoint->queued--;
    list_remove(&request->link);
    trace_event(TRACE_EVENT_RECEIVE, server, tag_method(request->tag), request->serial, request->count);
    if (request->origin == REQUEST_EXIT) { // an event: nobody waits for an answer
        transfer_request(request, server);
        request->state = REQUEST_IDLE;
        session_unhold(request->session);
        shown(request, server);
        process_exit_told(request->process, true);
        return;
    }
    request->state = REQUEST_SERVED;
    request->server = server;
    thread_serve(server, request);
    transfer_request(request, server); // last: what is moved may end the request itself
}

// The thread that waits for the request goes on.
static void wake_caller(struct request *request, error_t error) {
    struct thread *thread = thread_of(request);
    switch (request->origin) {
    case REQUEST_THREAD:
        thread->registers.rax = (uint64_t)(int64_t)error;
        thread_wake(thread);
        break;
    case REQUEST_PAGE: // the access is tried again, whatever was answered; without the page it faults to the keeper
        if (error)
            thread_fault(thread, VECTOR_PAGE_FAULT);
        else
            thread_wake(thread);
        break;
    case REQUEST_FAULT:
        if (error || thread->fault_words[0] != FAULT_RESUME)
            thread_stop(thread);
        else
            thread_wake(thread);
        break;
    default:
        break;
    }
}

void request_finish(struct request *request, error_t error) {
    trace_request(TRACE_EVENT_FINISH, request, (uint16_t)error, NULL);
    release(request);
    if (request->origin == REQUEST_CALL) {
        struct call *call = CONTAINER_OF(request, struct call, request);
        request->tag = 0;
        memset(call->received_caps, 0, sizeof(call->received_caps));
        call_answered(call, error);
    } else if (request->origin == REQUEST_EXIT) {
        process_exit_told(request->process, false);
    } else {
        wake_caller(request, error);
    }
}

void request_reply(struct request *request, struct thread *server) {
    trace_request(TRACE_EVENT_REPLY, request, tag_method(server->registers.rsi), server->registers.words);
    if (request->origin == REQUEST_CALL) {
        transfer_answer(CONTAINER_OF(request, struct call, request), server);
        if (request->state == REQUEST_IDLE) // the call object itself was moved, and did not arrive
            return;
        release(request);
        call_answered(CONTAINER_OF(request, struct call, request), ERR_OK);
        return;
    }
    if (request->origin == REQUEST_THREAD)
        transfer_reply(request, server, thread_of(request));
    else if (request->origin == REQUEST_FAULT)
        thread_of(request)->fault_words[0] = server->registers.words[0];
    release(request);
    wake_caller(request, request->origin == REQUEST_THREAD ? ERR_OK : tag_status(server->registers.rsi));
}

error_t request_forward(struct request *request, struct session *session, struct thread *server) {
    if (session->endpoint->object.dying)
        return ERR_DYING;
    if (request->cancelling) { // no further: its caller has given up
        request_finish(request, ERR_DEADLINE);
        return ERR_OK;
    }
    uint64_t lends = request->tag & (TAG_LEND_READ | TAG_LEND_WRITE);
    trace_request(TRACE_EVENT_FORWARD, request, tag_method(server->registers.rsi), NULL);
    release(request);
    // Register words only, and they lie in the kernel: the caller can neither see nor change them.
    memcpy(request->words, server->registers.words, sizeof(server->registers.words));
    request->tag = (server->registers.rsi & (TAG_METHOD_MASK | TAG_WORDS_MASK << TAG_WORDS_SHIFT)) | lends;
    return request_send(request, session);
}

void request_abandon(struct request *request) {
    struct session *session = request->session;
    session_hold(session);
    if (request->origin == REQUEST_FAULT || request->origin == REQUEST_PAGE) {
        release(request); // the keeper or pager died: its successor is asked again
        if (request_send(request, session))
            wake_caller(request, ERR_SERVER_LOST);
    } else {
        request_finish(request, ERR_SERVER_LOST);
    }
    session_unhold(session);
}

void request_withdraw(struct request *request) {
    if (request->state != REQUEST_IDLE)
        release(request);
}

bool request_cancel(struct request *request) {
    trace_request(TRACE_EVENT_CANCEL, request, 0, NULL);
    if (request->state == REQUEST_QUEUED) {
        request_finish(request, ERR_DEADLINE);
        return true;
    }
    if (request->cancelling) {
        request_finish(request, ERR_OUTCOME_UNKNOWN);
        return true;
    }
    request->cancelling = true;
    if (request->state == REQUEST_SERVED)
        thread_serve(request->server, request); // not by the fast path any more
    list_push_back(&request->session->endpoint->cancelled, &request->cancel_link);
    request->session->endpoint->events++;
    endpoint_wake(request->session->endpoint);
    return false;
}

void request_put_aside(struct request *request, struct capability *slot) {
    struct process *process = request->server->process;
    thread_serve(request->server, NULL);
    request->server = NULL;
    request->state = REQUEST_ASIDE;
    request->slot = slot;
    list_push_back(&process->aside, &request->link);
    capability_fill(slot, CAP_REPLY, request, 0, NULL);
}

void request_serve(struct request *request, struct thread *server) {
    *request->slot = (struct capability){0};
    request->slot = NULL;
    list_remove(&request->link);
    request->state = REQUEST_SERVED;
    request->server = server;
    thread_serve(server, request);
}
