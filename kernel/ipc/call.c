// Sending through call objects and queueing their answers; see call.h.
#include "kernel/ipc/call.h"

#include "kernel/ipc/endpoint.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/string.h"

error_t call_create(struct account *account, struct endpoint *endpoint, uint64_t cookie, struct call **out) {
    struct call *call;
    error_t error = object_create(CAP_CALL, sizeof(*call), account, &call);
    if (error)
        return error;
    request_initialize(&call->request, REQUEST_CALL);
    call->endpoint = endpoint;
    object_reference(&endpoint->object);
    call->cookie = cookie;
    call->serial = thread_next_serial();
    call->request.words = call->request.page_words = call->words;
    call->request.send_caps = call->send_caps;
    call->request.send_rights = call->send_rights;
    *out = call;
    return ERR_OK;
}

error_t call_send(struct call *call, struct session *session, struct thread *thread) {
    struct request *request = &call->request;
    if (request->state != REQUEST_IDLE)
        return ERR_BUSY;
    if (request->server)
        request_noted(request->server);
    uint64_t tag = thread->registers.rsi;
    const struct message_page *page = thread->page;
    transfer_page_words(call->words, page->words, tag);
    memcpy(call->words, thread->registers.words, sizeof(thread->registers.words));
    memcpy(call->send_caps, page->send_caps, sizeof(call->send_caps));
    memcpy(call->send_rights, page->send_rights, sizeof(call->send_rights));
    memcpy(call->receive_slots, page->receive_slots, sizeof(call->receive_slots));
    if (!(tag & TAG_REPEAT))
        call->count++;
    request->serial = call->serial;
    request->count = call->count;
    request->tag = tag;
    request_lend(request, page);
    request->space_serial = thread->process->space.serial;
    request->priority = thread->effective;
    request->process = thread->process;
    object_reference(&request->process->object);
    error_t error = request_send(request, session);
    if (error)
        object_release(&request->process->object);
    return error;
}

void call_answered(struct call *call, error_t error) {
    call->error = error;
    call->request.state = REQUEST_ANSWERED;
    if (call->endpoint->object.dying || call->object.capabilities == 0) {
        call->request.state = REQUEST_IDLE;
        object_release(&call->request.process->object);
        return;
    }
    list_push_back(&call->endpoint->queue, &call->request.link);
    call->endpoint->queued++;
    endpoint_wake(call->endpoint);
    endpoint_press(call->endpoint);
}

// The sender is gone or closed its slot: the request is withdrawn, an answer is dropped.
void call_unreachable(struct object *object) {
    struct call *call = CONTAINER_OF(object, struct call, object);
    if (call->request.state == REQUEST_IDLE) {
        if (call->request.server)
            request_noted(call->request.server);
        return;
    }
    request_withdraw(&call->request);
    object_release(&call->request.process->object);
}

bool call_reap_step(struct object *object) {
    object_release(&CONTAINER_OF(object, struct call, object)->endpoint->object);
    return true;
}
