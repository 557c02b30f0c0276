// Decoding calls of kernel objects: counts are checked against the method table generated from the .idl files, sent
// capabilities and result slots are looked up, the result is written back. See invocation.h.
#include "kernel/syscall/invocation.h"

#include "kernel/ipc/copy.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/string.h"

enum { SYSTEM_CALL_INSTRUCTION_BYTES = 2, PROTOCOLS = 12, METHODS = 32, RETRIES = 32 };

struct shape {
    uint32_t words_in, caps_in, reads, writes, words_out, caps_out;
    uint16_t rights;
    bool known;
};

#define SHAPE(protocol, method, code, words_in, caps_in, reads, writes, words_out, caps_out, rights)                             \
    [(code) >> 8][(code)&0xff] = {words_in, caps_in, reads, writes, words_out, caps_out, rights, true},
static const struct shape shapes[PROTOCOLS][METHODS] = {KERNEL_OBJECT_METHODS(SHAPE)};
#undef SHAPE

static const struct {
    uint8_t protocol;
    error_t (*invoke)(struct invocation *call, uint32_t method);
} kinds[CAP_KIND_COUNT] = {
    [CAP_PROCESS] = {PROTOCOL_PROCESS, process_invoke},
    [CAP_THREAD] = {PROTOCOL_THREAD, thread_invoke},
    [CAP_ENDPOINT] = {PROTOCOL_ENDPOINT, endpoint_invoke},
    [CAP_CALL] = {PROTOCOL_CALL, call_invoke},
    [CAP_NOTIFICATION] = {PROTOCOL_NOTIFICATION, notification_invoke},
    [CAP_MEMORY] = {PROTOCOL_MEMORY, memory_invoke},
    [CAP_IRQ] = {PROTOCOL_IRQ, irq_invoke},
    [CAP_IOPORT] = {PROTOCOL_IOPORT, ioport_invoke},
    [CAP_ACCOUNT] = {PROTOCOL_ACCOUNT, account_invoke},
    [CAP_KERNEL] = {PROTOCOL_KERNEL, kernel_invoke},
};

static error_t find_shape(const struct capability *slot, uint64_t tag, const struct shape **shape) {
    uint32_t protocol = tag_method(tag) >> 8, method = tag_method(tag) & 0xff;
    if (!kinds[slot->kind].invoke)
        return ERR_WRONG_KIND;
    if (protocol != kinds[slot->kind].protocol || method >= METHODS || !shapes[protocol][method].known)
        return ERR_BAD_METHOD;
    *shape = &shapes[protocol][method];
    if (!tag_is_possible(tag) || tag_words(tag) != (*shape)->words_in || tag_caps(tag) != (*shape)->caps_in)
        return ERR_BAD_MESSAGE;
    if (((*shape)->reads != 0) != !!(tag & TAG_LEND_READ) || ((*shape)->writes != 0) != !!(tag & TAG_LEND_WRITE))
        return ERR_BAD_MESSAGE;
    return (slot->rights & (*shape)->rights) == (*shape)->rights ? ERR_OK : ERR_RIGHTS;
}

static error_t find_capabilities(struct invocation *call, const struct shape *shape) {
    const struct message_page *page = call->thread->page;
    for (uint32_t i = 0; i < shape->caps_in; i++) {
        call->caps[i] = capability_slot(&call->process->table, page->send_caps[i] & ~SEND_CAP_MOVE);
        if (!call->caps[i] || call->caps[i]->kind == CAP_NONE)
            return ERR_BAD_CAPABILITY;
    }
    for (uint32_t i = 0; i < shape->caps_out; i++) {
        error_t error =
            capability_reserve(&call->process->table, call->process->object.account, page->receive_slots[i], &call->out[i]);
        if (error)
            return error;
        for (uint32_t j = 0; j < i; j++)
            if (call->out[j] == call->out[i])
                return ERR_SLOT_IN_USE;
    }
    return ERR_OK;
}

static void write_result(struct invocation *call, const struct shape *shape, error_t error) {
    struct registers *registers = &call->thread->registers;
    struct message_page *page = call->thread->page;
    registers->rax = ERR_OK;
    registers->rdi = registers->r14 = registers->r15 = 0;
    registers->rsi = (uint16_t)error;
    memset(registers->words, 0, sizeof(registers->words));
    if (error)
        return;
    uint32_t words = shape->words_out;
    uint64_t caps = (uint64_t)shape->caps_out << TAG_CAPS_SHIFT;
    registers->rsi = TAG(0, words) | caps;
    for (uint32_t i = 0; i < words; i++) {
        if (i < MESSAGE_REGISTER_WORDS)
            registers->words[i] = call->reply[i];
        else
            page->words[i] = call->reply[i];
    }
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++)
        page->received_caps[i] = i < shape->caps_out ? page->receive_slots[i] : 0;
}

void invoke_object(struct thread *thread, struct capability *slot) {
    struct registers *registers = &thread->registers;
    uint64_t tag = registers->rsi;
    struct invocation call = {.thread = thread, .process = thread->process, .slot = slot};
    const struct shape *shape = NULL;
    error_t error = find_shape(slot, tag, &shape);
    if (!error && shape->caps_out && (slot->flags & CAPABILITY_REVOKING))
        error = ERR_REVOKED;
    if (!error)
        error = find_capabilities(&call, shape);
    if (!error) {
        for (uint32_t i = 0; i < shape->words_in; i++)
            call.in[i] = i < MESSAGE_REGISTER_WORDS ? registers->words[i] : thread->page->words[i];
        error = kinds[slot->kind].invoke(&call, tag_method(tag) & 0xff);
    }
    if (call.gone)
        return;
    // Some is on its way back, perhaps; a call that fails half way makes more to reap itself, so not for ever.
    if (error == ERR_NO_MEMORY && !reaper_run(0) && thread->retries++ < RETRIES) {
        (void)reaper_run(1);
        error = ERR_AGAIN;
    } else {
        thread->retries = 0;
    }
    if (error == ERR_AGAIN) {
        registers->rip -= SYSTEM_CALL_INSTRUCTION_BYTES;
        return;
    }
    if (trace_is_on(TRACE_EVENT_INVOKE)) {
        trace_write(TRACE_EVENT_INVOKE, thread, tag_method(tag), (uint32_t)error, (uint64_t)(slot - call.process->table.slots));
        trace_write_words(call.in, shape ? shape->words_in : 0);
    }
    write_result(&call, shape, error);
}

error_t invocation_advance(const struct invocation *call, uint64_t done) {
    call->thread->registers.words[0] += done;
    call->thread->registers.words[1] -= done;
    return ERR_AGAIN;
}

error_t invocation_object(const struct invocation *call, uint32_t i, enum capability_kind kind, uint16_t rights, void *out) {
    const struct capability *capability = call->caps[i];
    if (capability->kind != kind)
        return ERR_WRONG_KIND;
    if ((capability->rights & rights) != rights)
        return ERR_RIGHTS;
    *(void **)out = capability->object;
    return ERR_OK;
}

error_t invocation_give(struct invocation *call, error_t error, enum capability_kind kind, void *object, uint16_t rights) {
    if (error)
        return error;
    capability_fill(call->out[0], kind, object, rights, NULL);
    object_release(object);
    return ERR_OK;
}

error_t invocation_give_built(struct invocation *call, error_t error, uint16_t rights) {
    struct memory *built = call->thread->building;
    if (!error)
        call->thread->building = NULL;
    return invocation_give(call, error, CAP_MEMORY, built, rights);
}

struct copy_side invocation_lent(const struct invocation *call, bool write, uint64_t *length) {
    const struct message_page *page = call->thread->page;
    const struct lend lend = write ? page->lend_write : page->lend_read;
    *length = lend.length;
    return (struct copy_side){.space = &call->process->space, .address = lend.address};
}
