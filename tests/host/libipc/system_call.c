// The calls of the simulated kernel, as kernel/abi/syscall.h describes them. Before each one, another thread
// may run.
#include <string.h>

#include "kernel/abi/methods.h"
#include "tests/host/libipc/kernel_state.h"

static struct sim_cap *cap_at(struct sim_process *process, uint64_t slot) {
    static struct sim_cap none;
    none = (struct sim_cap){0};
    return slot != 0 && slot < SIM_SLOTS ? &process->table[slot] : &none;
}

// ---- Sessions and their end

static void endpoint_wake(struct sim_endpoint *endpoint);

static void session_check(struct sim_session *session) {
    if (session->caps != 0 || session->holds != 0 || session->gone)
        return;
    session->gone = true;
    session->next_gone = session->endpoint->gone;
    session->endpoint->gone = session;
    endpoint_wake(session->endpoint);
}

static void cap_clear(struct sim_cap *cap) {
    struct sim_cap old = *cap;
    *cap = (struct sim_cap){0};
    if (old.kind == CAP_SESSION) {
        ((struct sim_session *)old.object)->caps--;
        session_check(old.object);
    } else if (old.kind == CAP_CALL) {
        struct sim_call *call = old.object;
        call->endpoint = NULL; // nobody is told any more
    } else if (old.kind == CAP_REPLY) {
        sim_request_finish(old.object, ERR_SERVER_LOST);
    }
}

static cap_t cap_transfer(struct sim_process *from, cap_t sent, struct sim_process *to, cap_t wanted) {
    struct sim_cap *source = cap_at(from, sent & ~SEND_CAP_MOVE), *target = cap_at(to, wanted);
    if (source->kind == CAP_NONE)
        return 0;
    if (wanted == 0) {
        if ((sent & SEND_CAP_MOVE) != 0)
            cap_clear(source);
        return 0;
    }
    CHECK(target->kind == CAP_NONE); // libipc must never offer a slot that is in use
    *target = *source;
    if ((sent & SEND_CAP_MOVE) != 0)
        *source = (struct sim_cap){0};
    else if (source->kind == CAP_SESSION)
        ((struct sim_session *)source->object)->caps++;
    return wanted;
}

// An answer to nobody: what it would have moved is gone too.
static void caps_drop(struct sim_thread *thread, uint64_t tag) {
    for (uint32_t i = 0; i < tag_caps(tag) && i < MESSAGE_CAPS; i++)
        if ((thread->page.send_caps[i] & SEND_CAP_MOVE) != 0)
            cap_transfer(thread->process, thread->page.send_caps[i], thread->process, 0);
}

static void caps_transfer(uint64_t tag, struct sim_process *from, const cap_t *sent, struct sim_process *to, const cap_t *wanted,
                          cap_t *received) {
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++)
        received[i] = i < tag_caps(tag) ? cap_transfer(from, sent[i], to, wanted[i]) : 0;
}

// ---- Requests

static void list_remove(struct sim_request **list, struct sim_request *request) {
    while (*list != NULL && *list != request)
        list = &(*list)->next;
    if (*list != NULL)
        *list = request->next;
}

static void list_append(struct sim_request **list, struct sim_request *request) {
    request->next = NULL;
    while (*list != NULL)
        list = &(*list)->next;
    *list = request;
}

static void request_detach(struct sim_request *request) {
    if (request->state == SIM_QUEUED)
        list_remove(&request->session->endpoint->first, request);
    if (request->state == SIM_SERVED)
        request->server->serving = NULL;
    if (request->state == SIM_ASIDE)
        request->slot_holder->table[request->slot] = (struct sim_cap){0};
    request->cancelling = false;
    request->state = SIM_IDLE;
    request->session->holds--;
    session_check(request->session);
}

static void answer_ready(struct sim_call *call, error_t error) {
    call->error = error;
    if (call->endpoint == NULL)
        return;
    call->request.state = SIM_ANSWERED;
    list_append(&call->endpoint->first, &call->request);
    endpoint_wake(call->endpoint);
}

void sim_request_finish(struct sim_request *request, error_t error) {
    request_detach(request);
    if (request->call != NULL) {
        request->tag = 0;
        memset(request->call->received, 0, sizeof(request->call->received));
        answer_ready(request->call, error);
    } else if (request->thread->state == SIM_CALLING) {
        request->thread->result = error;
        request->thread->state = SIM_READY;
    }
}

void sim_request_cancel(struct sim_request *request) {
    if (request->state == SIM_QUEUED) {
        sim_request_finish(request, ERR_DEADLINE);
    } else if (request->cancelling) {
        sim_request_finish(request, ERR_OUTCOME_UNKNOWN);
    } else {
        request->cancelling = sim.has_cancelled = true;
        request->cancel_shown = false;
        if (request->thread != NULL)
            request->thread->deadline = sim.now + 1000; // the grace time
        endpoint_wake(request->session->endpoint);
    }
}

static void request_send(struct sim_request *request, struct sim_session *session) {
    request->session = session;
    session->holds++;
    request->state = SIM_QUEUED;
    list_append(&session->endpoint->first, request);
    endpoint_wake(session->endpoint);
}

static void request_load(struct sim_request *request, struct sim_thread *thread, struct ipc_registers *registers) {
    request->process = thread->process;
    request->tag = registers->tag & UINT32_MAX & ~(TAG_DEADLINE | TAG_REPEAT);
    memcpy(request->words, registers->words, sizeof(registers->words));
    memcpy(&request->words[6], &thread->page.words[6], sizeof(request->words) - sizeof(registers->words));
    memcpy(request->send_caps, thread->page.send_caps, sizeof(request->send_caps));
    request->lend_read = thread->page.lend_read;
    request->lend_write = thread->page.lend_write;
}

static void show_words(struct sim_thread *thread, const uint64_t *words, uint64_t tag) {
    memcpy(thread->registers->words, words, sizeof(thread->registers->words));
    for (uint32_t i = 6; i < tag_words(tag); i++)
        thread->page.words[i] = words[i];
}

static void show_request(struct sim_request *request, struct sim_thread *server) {
    struct ipc_registers *registers = server->registers;
    registers->target = request->session->badge;
    registers->tag = request->tag;
    registers->second = request->serial;
    registers->third = request->count;
    show_words(server, request->words, request->tag);
    if ((request->tag & TAG_SLOW) != 0) {
        caps_transfer(request->tag, request->process, request->send_caps, server->process, server->page.receive_slots,
                      server->page.received_caps);
        server->page.lent_read_length = (request->tag & TAG_LEND_READ) != 0 ? request->lend_read.length : 0;
        server->page.lent_write_length = (request->tag & TAG_LEND_WRITE) != 0 ? request->lend_write.length : 0;
    }
    request->state = SIM_SERVED;
    request->server = server;
    server->serving = request;
}

static void show_answer(struct sim_call *call, struct sim_thread *server) {
    call->request.state = SIM_IDLE;
    struct ipc_registers *registers = server->registers;
    registers->target = call->cookie;
    registers->tag = call->request.tag | TAG_ANSWER;
    registers->second = (uint64_t)(int64_t)call->error;
    registers->third = 0;
    show_words(server, call->request.words, call->request.tag);
    memcpy(server->page.received_caps, call->received, sizeof(call->received));
}

static void show_event(struct sim_thread *thread, uint32_t event, uint64_t badge, uint64_t word0, uint64_t word1) {
    *thread->registers = (struct ipc_registers){.target = badge, .tag = TAG(event, 2), .words = {word0, word1}};
}

static bool show_cancelled(struct sim_endpoint *endpoint, struct sim_thread *thread) {
    for (struct sim_thread *other = sim.has_cancelled ? sim.threads : NULL; other != NULL; other = other->next) {
        for (cap_t slot = 0; slot <= SIM_SLOTS; slot++) {
            struct sim_request *request = &other->request;
            if (slot < SIM_SLOTS && other->process->table[slot].kind == CAP_CALL)
                request = &((struct sim_call *)other->process->table[slot].object)->request;
            else if (slot != SIM_SLOTS)
                continue;
            if (request->cancelling && !request->cancel_shown && request->session->endpoint == endpoint) {
                request->cancel_shown = true;
                show_event(thread, EVENT_CANCEL, request->session->badge, request->serial, request->count);
                return true;
            }
        }
    }
    return false;
}

static bool endpoint_receive(struct sim_endpoint *endpoint, struct sim_thread *thread) {
    thread->result = ERR_OK;
    if (endpoint->notification != NULL && endpoint->notification->bits != 0) {
        *thread->registers = (struct ipc_registers){.words = {endpoint->notification->bits}};
        endpoint->notification->bits = 0;
        thread->result = WAIT_NOTIFICATION;
        return true;
    }
    if (show_cancelled(endpoint, thread))
        return true;
    for (struct sim_session *session = endpoint->gone; session != NULL; session = session->next_gone) {
        if (!session->shown) {
            session->shown = true;
            show_event(thread, EVENT_SESSION_CLOSED, session->badge, 0, 0);
            return true;
        }
    }
    struct sim_request *request = endpoint->first;
    if (request == NULL)
        return false;
    endpoint->first = request->next;
    if (request->state == SIM_ANSWERED)
        show_answer(request->call, thread);
    else
        show_request(request, thread);
    return true;
}

static void endpoint_wake(struct sim_endpoint *endpoint) {
    struct sim_thread *thread = endpoint->receiver;
    if (thread == NULL || thread->state != SIM_WAITING || !endpoint_receive(endpoint, thread))
        return;
    endpoint->receiver = NULL;
    thread->state = SIM_READY;
}

// ---- Kernel objects

static error_t new_cap(struct sim_thread *thread, enum capability_kind kind, void *object) {
    cap_t slot = thread->page.receive_slots[0];
    CHECK(slot != 0 && cap_at(thread->process, slot)->kind == CAP_NONE);
    *cap_at(thread->process, slot) = (struct sim_cap){kind, object};
    thread->page.received_caps[0] = slot;
    return ERR_OK;
}

static error_t account_create(struct sim_thread *thread, const uint64_t *words) {
    struct sim_call *call = sim_allocate(sizeof(*call));
    call->endpoint = cap_at(thread->process, thread->page.send_caps[0])->object;
    call->cookie = words[0];
    call->serial = ++sim.next_serial;
    call->request.call = call;
    return new_cap(thread, CAP_CALL, call);
}

static error_t endpoint_call(struct sim_thread *thread, struct sim_endpoint *endpoint, uint32_t method, const uint64_t *words) {
    if (method == METHOD_ENDPOINT_CREATE_SESSION) {
        struct sim_session *session = sim_session_create(endpoint, words[0]);
        session->caps = 1;
        return new_cap(thread, CAP_SESSION, session);
    }
    if (method == METHOD_ENDPOINT_BIND) {
        endpoint->notification = cap_at(thread->process, thread->page.send_caps[0])->object;
        endpoint->notification->endpoint = endpoint;
        return ERR_OK;
    }
    CHECK(method == METHOD_ENDPOINT_ACKNOWLEDGE);
    for (struct sim_session **place = &endpoint->gone; *place != NULL; place = &(*place)->next_gone) {
        if ((*place)->badge == words[0]) {
            *place = (*place)->next_gone;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static error_t process_call(struct sim_process *process, uint32_t method, const uint64_t *words) {
    if (method == METHOD_PROCESS_SLOT_DELETE) {
        if (cap_at(process, words[0])->kind == CAP_NONE)
            return ERR_BAD_CAPABILITY;
        cap_clear(cap_at(process, words[0]));
        return ERR_OK;
    }
    CHECK(method == METHOD_PROCESS_SLOT_COPY);
    return cap_transfer(process, (cap_t)words[0], process, (cap_t)words[1]) != 0 ? ERR_OK : ERR_BAD_CAPABILITY;
}

// memory.read and memory.write: between the object and the lent buffer.
static error_t memory_call(struct sim_thread *thread, struct sim_memory *memory, uint32_t method, uint64_t offset) {
    bool read = method == METHOD_MEMORY_READ;
    CHECK(read || method == METHOD_MEMORY_WRITE);
    struct lend lend = read ? thread->page.lend_write : thread->page.lend_read;
    if (offset > memory->length || lend.length > memory->length - offset)
        return ERR_INVALID;
    unsigned char *bytes = (unsigned char *)memory->bytes + offset;
    if (read)
        memcpy((void *)(uintptr_t)lend.address, bytes, lend.length);
    else
        memcpy(bytes, (const void *)(uintptr_t)lend.address, lend.length);
    return ERR_OK;
}

static void invoke_object(struct sim_thread *thread, struct sim_cap *cap, struct ipc_registers *registers) {
    uint32_t method = tag_method(registers->tag);
    error_t status = ERR_WRONG_KIND;
    memset(thread->page.received_caps, 0, sizeof(thread->page.received_caps));
    if (cap->kind == CAP_PROCESS)
        status = process_call(cap->object, method, registers->words);
    else if (cap->kind == CAP_ACCOUNT && method == METHOD_ACCOUNT_CREATE_CALL)
        status = account_create(thread, registers->words);
    else if (cap->kind == CAP_ENDPOINT)
        status = endpoint_call(thread, cap->object, method, registers->words);
    else if (cap->kind == CAP_MEMORY) {
        status = memory_call(thread, cap->object, method, registers->words[0]);
        uint64_t count = method == METHOD_MEMORY_READ ? thread->page.lend_write.length : thread->page.lend_read.length;
        *registers = (struct ipc_registers){.tag = TAG((uint16_t)status, status == ERR_OK ? 1u : 0u), .words = {count}};
        return;
    } else if (cap->kind == CAP_CALL) {
        struct sim_request *request = &((struct sim_call *)cap->object)->request;
        status = request->state == SIM_IDLE || request->state == SIM_ANSWERED ? ERR_NO_REQUEST : ERR_OK;
        if (status == ERR_OK && !request->cancelling)
            sim_request_cancel(request);
    }
    uint64_t caps = status == ERR_OK && thread->page.received_caps[0] != 0 ? 1 : 0;
    *registers = (struct ipc_registers){.tag = (uint16_t)status | caps << TAG_CAPS_SHIFT};
}

// ---- System calls

static error_t call(struct sim_thread *thread, struct ipc_registers *registers) {
    struct sim_cap *cap = cap_at(thread->process, registers->target);
    if (cap->kind == CAP_NONE)
        return ERR_BAD_CAPABILITY;
    if (cap->kind != CAP_SESSION) {
        invoke_object(thread, cap, registers);
        return ERR_OK;
    }
    struct sim_request *request = &thread->request;
    request->thread = thread;
    request_load(request, thread, registers);
    request->serial = thread->serial;
    request->count = (registers->tag & TAG_REPEAT) != 0 ? thread->calls : ++thread->calls;
    thread->deadline = (registers->tag & TAG_DEADLINE) != 0 ? thread->page.deadline : 0;
    thread->state = SIM_CALLING;
    request_send(request, cap->object);
    sim_switch_out();
    thread->deadline = 0;
    return thread->result;
}

static error_t send(struct sim_thread *thread, struct ipc_registers *registers) {
    struct sim_cap *cap = cap_at(thread->process, registers->target);
    struct sim_cap *through = cap_at(thread->process, registers->second);
    if (cap->kind == CAP_NONE || through->kind == CAP_NONE)
        return ERR_BAD_CAPABILITY;
    if (cap->kind != CAP_SESSION || through->kind != CAP_CALL)
        return ERR_WRONG_KIND;
    struct sim_call *object = through->object;
    if (object->request.state != SIM_IDLE)
        return ERR_BUSY;
    request_load(&object->request, thread, registers);
    memcpy(object->receive_slots, thread->page.receive_slots, sizeof(object->receive_slots));
    object->count += (registers->tag & TAG_REPEAT) == 0;
    object->request.serial = object->serial;
    object->request.count = object->count;
    request_send(&object->request, cap->object);
    return ERR_OK;
}

static void reply_to(struct sim_request *request, struct sim_thread *server, struct ipc_registers *registers) {
    uint64_t tag = registers->tag & UINT64_C(0x0fffffff);
    if (request->call != NULL) {
        struct sim_call *object = request->call;
        caps_transfer(tag, server->process, server->page.send_caps, request->process, object->receive_slots, object->received);
        memcpy(request->words, registers->words, sizeof(registers->words));
        memcpy(&request->words[6], &server->page.words[6], sizeof(request->words) - sizeof(registers->words));
        request_detach(request);
        request->tag = tag;
        answer_ready(object, ERR_OK);
        return;
    }
    struct sim_thread *caller = request->thread;
    caller->registers->tag = tag;
    memcpy(caller->registers->words, registers->words, sizeof(registers->words));
    for (uint32_t i = 6; i < tag_words(tag); i++)
        caller->page.words[i] = server->page.words[i];
    if ((tag & TAG_SLOW) != 0)
        caps_transfer(tag, server->process, server->page.send_caps, caller->process, caller->page.receive_slots,
                      caller->page.received_caps);
    sim_request_finish(request, ERR_OK);
}

static error_t find_request(struct sim_thread *thread, uint64_t slot, struct sim_request **request) {
    if (slot == 0) {
        *request = thread->serving;
        return thread->serving != NULL ? ERR_OK : ERR_NO_REQUEST;
    }
    struct sim_cap *cap = cap_at(thread->process, slot);
    *request = cap->object;
    return cap->kind == CAP_REPLY ? ERR_OK : ERR_BAD_CAPABILITY;
}

static error_t put_aside(struct sim_thread *thread, uint64_t slot) {
    struct sim_request *request = thread->serving;
    if (request == NULL)
        return ERR_OK;
    if (slot == 0)
        return ERR_BUSY;
    CHECK(cap_at(thread->process, slot)->kind == CAP_NONE);
    *cap_at(thread->process, slot) = (struct sim_cap){CAP_REPLY, request};
    request->state = SIM_ASIDE;
    request->slot_holder = thread->process;
    request->slot = (cap_t)slot;
    thread->serving = NULL;
    return ERR_OK;
}

static error_t serve(struct sim_thread *thread, struct ipc_registers *registers) {
    struct sim_request *request = NULL;
    error_t error = registers->second != 0 ? find_request(thread, registers->second, &request) : ERR_OK;
    if (error == ERR_OK)
        error = put_aside(thread, registers->tag);
    if (error != ERR_OK || request == NULL)
        return error;
    thread->process->table[request->slot] = (struct sim_cap){0};
    request->state = SIM_SERVED;
    request->server = thread;
    thread->serving = request;
    return ERR_OK;
}

static error_t wait(struct sim_thread *thread, struct ipc_registers *registers, bool deadline) {
    struct sim_cap *cap = cap_at(thread->process, registers->target);
    if (cap->kind != CAP_ENDPOINT)
        return ERR_WRONG_KIND;
    struct sim_endpoint *endpoint = cap->object;
    if (endpoint_receive(endpoint, thread))
        return thread->result;
    if (deadline && thread->page.deadline <= sim.now)
        return ERR_DEADLINE;
    thread->deadline = deadline ? thread->page.deadline : 0;
    thread->state = SIM_WAITING;
    endpoint->receiver = thread;
    sim_switch_out();
    if (endpoint->receiver == thread)
        endpoint->receiver = NULL;
    thread->deadline = 0;
    return thread->result;
}

static error_t forward(struct sim_thread *thread, struct ipc_registers *registers) {
    struct sim_request *request;
    struct sim_cap *cap = cap_at(thread->process, registers->target);
    error_t error = cap->kind == CAP_SESSION ? find_request(thread, registers->second, &request) : ERR_WRONG_KIND;
    if (error != ERR_OK)
        return error;
    uint64_t lends = request->tag & (TAG_LEND_READ | TAG_LEND_WRITE);
    request_detach(request);
    memcpy(request->words, registers->words, sizeof(registers->words));
    request->tag = (registers->tag & (TAG_METHOD_MASK | TAG_WORDS_MASK << TAG_WORDS_SHIFT)) | lends;
    request_send(request, cap->object);
    return ERR_OK;
}

static error_t copy(struct sim_thread *thread, struct ipc_registers *registers) {
    struct sim_request *request;
    uint64_t offset = registers->words[0], address = registers->words[1], length = registers->words[2];
    bool out = registers->tag == COPY_TO_CALLER;
    registers->words[0] = 0;
    error_t error = find_request(thread, registers->second, &request);
    if (error != ERR_OK)
        return error;
    const struct lend *lend = out ? &request->lend_write : &request->lend_read;
    if ((request->tag & (out ? TAG_LEND_WRITE : TAG_LEND_READ)) == 0 || offset > lend->length)
        return ERR_INVALID;
    if (sim.page_misses != 0) {
        sim.page_misses--;
        return ERR_PAGE_MISSING;
    }
    if (length > lend->length - offset)
        length = lend->length - offset;
    if (length > SIM_COPY_STEP)
        length = SIM_COPY_STEP;
    if (registers->target != 0)
        address += (uintptr_t)sim_memory_bytes((cap_t)registers->target);
    void *lent = (void *)(uintptr_t)(lend->address + offset);
    if (out)
        memcpy(lent, (const void *)(uintptr_t)address, length);
    else
        memcpy((void *)(uintptr_t)address, lent, length);
    registers->words[0] = length;
    return ERR_OK;
}

// A chance for the others, and for the end of this process.
static void preempt(struct sim_thread *thread) {
    if (thread->process->calls_left != 0 && --thread->process->calls_left == 0) {
        sim.doomed = thread->process;
        sim_switch_out();
    }
    if (sim_random(4) == 0)
        sim_switch_out();
}

error_t system_call(int32_t number, struct ipc_registers *registers) {
    struct sim_thread *thread = sim.running;
    preempt(thread);
    thread->registers = registers;
    struct sim_request *request;
    error_t error;
    switch (number) {
    case SYS_CALL:
        return call(thread, registers);
    case SYS_REPLY_WAIT:
        if (thread->serving != NULL)
            reply_to(thread->serving, thread, registers);
        else
            caps_drop(thread, registers->tag);
        return wait(thread, registers, (registers->tag & TAG_DEADLINE) != 0);
    case SYS_WAIT:
        error = put_aside(thread, registers->second);
        return error != ERR_OK ? error : wait(thread, registers, (registers->tag & TAG_DEADLINE) != 0);
    case SYS_SEND:
        return send(thread, registers);
    case SYS_REPLY:
        error = find_request(thread, registers->second, &request);
        if (error == ERR_OK)
            reply_to(request, thread, registers);
        else
            caps_drop(thread, registers->tag);
        return error;
    case SYS_FORWARD:
        return forward(thread, registers);
    case SYS_COPY:
        return copy(thread, registers);
    case SYS_SERVE:
        return serve(thread, registers);
    default:
        sim_fail(__FILE__, __LINE__, "unknown system call");
    }
}

error_t notification_signal(cap_t slot, uint64_t bits) {
    struct sim_cap *cap = cap_at(sim.running->process, slot);
    if (cap->kind != CAP_NOTIFICATION)
        return ERR_WRONG_KIND;
    struct sim_notification *notification = cap->object;
    notification->bits |= bits;
    if (notification->endpoint != NULL)
        endpoint_wake(notification->endpoint);
    return ERR_OK;
}
