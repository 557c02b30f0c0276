// What handlers do with requests; see request.h. A request that is served is named by slot 0, one that was
// put aside by the slot of its reply capability.
#include "libipc/server/request.h"

#include <stddef.h>

#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/memory.h"
#include "libipc/server/loop.h"

// One lent buffer and one place of the server's own; `memory` 0: `own` is an address, else an offset in that
// object. The kernel moves a bounded piece at a time.
static error_t copy(cap_t reply, uint64_t direction, uint64_t offset, cap_t memory, uint64_t own, uint64_t length) {
    while (length != 0) {
        struct ipc_registers registers = {.target = memory, .tag = direction, .second = reply};
        registers.words[0] = offset;
        registers.words[1] = own;
        registers.words[2] = length;
        error_t error = system_call(SYS_COPY, &registers);
        uint64_t moved = registers.words[0];
        if (error != ERR_OK)
            return error;
        if (moved == 0 || moved > length)
            return ERR_INVALID;
        offset += moved;
        own += moved;
        length -= moved;
    }
    return ERR_OK;
}

// The same with a buffer that travels in the message. `limit`: its length.
static error_t copy_inline(struct inline_buffer *carried, uint64_t direction, uint64_t limit, uint64_t offset, cap_t memory,
                           uint64_t own, uint64_t length) {
    if (offset > limit || length > limit - offset)
        return ERR_INVALID;
    uint64_t moved = length;
    error_t error = ERR_OK;
    unsigned char *data = (unsigned char *)carried->data + offset;
    if (length == 0)
        return ERR_OK;
    if (direction == COPY_FROM_CALLER) {
        if (memory != 0)
            error = memory_write(memory, own, data, length, &moved);
        else
            __builtin_memcpy((void *)(uintptr_t)own, data, length);
    } else {
        if (memory != 0)
            error = memory_read(memory, own, data, length, &moved);
        else
            __builtin_memcpy(data, (const void *)(uintptr_t)own, length);
    }
    if (error == ERR_OK && moved != length)
        error = ERR_INVALID;
    if (error == ERR_OK && direction == COPY_TO_CALLER && offset + length > carried->size)
        carried->size = (uint8_t)(offset + length);
    return error;
}

static bool travels(const struct inline_buffer *carried, uint64_t direction) {
    return direction == COPY_FROM_CALLER ? carried->in : carried->out;
}

static error_t request_copy(struct request *request, uint64_t direction, uint64_t offset, cap_t memory, uint64_t own,
                            uint64_t length) {
    if (!request_is_open(request))
        return ERR_NO_REQUEST;
    if (__builtin_expect(loop.running != NULL && loop.running->detached, 0)) {
        error_t error = fiber_attach(request);
        if (error != ERR_OK)
            return error;
    }
    if (travels(&request->carried, direction))
        return copy_inline(&request->carried, direction,
                           direction == COPY_FROM_CALLER ? request->lent_read_length : request->lent_write_length, offset, memory,
                           own, length);
    return copy(0, direction, offset, memory, own, length);
}

error_t request_copy_in(struct request *request, uint64_t offset, void *to, uint64_t length) {
    kept_note(to, length); // the kernel's stores are not seen
    return request_copy_in_unnoted(request, offset, to, length);
}

error_t request_copy_in_unnoted(struct request *request, uint64_t offset, void *to, uint64_t length) {
    return request_copy(request, COPY_FROM_CALLER, offset, 0, (uintptr_t)to, length);
}

error_t request_copy_out(struct request *request, uint64_t offset, const void *from, uint64_t length) {
    return request_copy(request, COPY_TO_CALLER, offset, 0, (uintptr_t)from, length);
}

error_t request_copy_in_memory(struct request *request, uint64_t offset, cap_t memory, uint64_t memory_offset, uint64_t length) {
    return request_copy(request, COPY_FROM_CALLER, offset, memory, memory_offset, length);
}

error_t request_copy_out_memory(struct request *request, uint64_t offset, cap_t memory, uint64_t memory_offset, uint64_t length) {
    return request_copy(request, COPY_TO_CALLER, offset, memory, memory_offset, length);
}

// A server is not told that the caller of a deferred request died: the copy has to find out, or what it takes
// away (a pipe's bytes) goes to nobody. For a lent buffer the kernel looks; here a copy of nothing asks it.
static error_t deferred_copy(struct deferred *deferred, uint64_t direction, uint64_t offset, uint64_t own, uint64_t length) {
    if (!travels(&deferred->carried, direction))
        return copy(deferred->reply, direction, offset, 0, own, length);
    struct ipc_registers registers = {.tag = direction, .second = deferred->reply};
    if (system_call(SYS_COPY, &registers) == ERR_BAD_CAPABILITY)
        return ERR_BAD_CAPABILITY;
    return copy_inline(&deferred->carried, direction,
                       direction == COPY_FROM_CALLER ? deferred->lent_read_length : deferred->lent_write_length, offset, 0, own,
                       length);
}

error_t deferred_copy_in(struct deferred *deferred, uint64_t offset, void *to, uint64_t length) {
    kept_note(to, length);
    return deferred_copy_in_unnoted(deferred, offset, to, length);
}

error_t deferred_copy_in_unnoted(struct deferred *deferred, uint64_t offset, void *to, uint64_t length) {
    deferred->failed |= deferred->detached;
    return deferred_copy(deferred, COPY_FROM_CALLER, offset, (uintptr_t)to, length);
}

error_t deferred_copy_out(struct deferred *deferred, uint64_t offset, const void *from, uint64_t length) {
    deferred->failed |= deferred->detached;
    return deferred_copy(deferred, COPY_TO_CALLER, offset, (uintptr_t)from, length);
}

cap_t request_keep(struct request *request, cap_t cap) {
    for (unsigned i = 0; i < MESSAGE_CAPS; i++)
        if (request->caps[i] == cap)
            request->caps[i] = 0;
    return cap;
}

// Into noted memory.
KEPT_UNNOTED static void deferred_fill(struct deferred *deferred, const struct request *request, cap_t reply) {
    *deferred = (struct deferred){
        .reply = reply,
        .badge = request->badge,
        .number_thread = request->number_thread,
        .number_count = request->number_count,
        .lent_read_length = request->lent_read_length,
        .lent_write_length = request->lent_write_length,
        .carried = request->carried,
        .next = loop.deferred,
    };
}

error_t request_defer(struct request *request, struct deferred *deferred) {
    if (!request_is_open(request))
        return ERR_NO_REQUEST;
    struct fiber *fiber = loop.running;
    error_t error = fiber->detached ? fiber_attach(request) : ERR_OK;
    if (error != ERR_OK)
        return error;
    struct ipc_registers registers = {.tag = fiber->reply_slot, .second = 0};
    error = system_call(SYS_SERVE, &registers);
    if (error != ERR_OK)
        return error;
    kept_note(deferred, sizeof(*deferred));
    deferred_fill(deferred, request, fiber->reply_slot);
    if (loop.deferred != NULL)
        loop.deferred->previous = deferred;
    loop.deferred = deferred;
    fiber->reply_slot = 0;
    fiber->serves = false;
    loop_aside();
    request->state = REQUEST_DEFERRED;
    return ERR_OK;
}

// Answered, or about to be.
static void deferred_end(struct deferred *deferred) {
    deferred->reply = 0;
    if (deferred->next != NULL)
        deferred->next->previous = deferred->previous;
    if (deferred->previous != NULL)
        deferred->previous->next = deferred->next;
    else
        loop.deferred = deferred->next;
}

// Stores to its caller's stack and the message page.
KEPT_UNNOTED static void reply_load(struct ipc_registers *registers, error_t status, const struct reply *reply,
                                    const struct inline_buffer *carried, uint64_t thread, uint64_t count) {
    MESSAGE_NOTE((uint32_t)thread, (uint16_t)status, MESSAGE_ANSWERED, count);
    unsigned words = status == ERR_OK ? reply->word_count : 0;
    unsigned caps = status == ERR_OK ? reply->cap_count : 0;
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers->words[i] = i < words ? reply->words[i] : 0;
    if (carried->out && status == ERR_OK) {
        registers->words[words++] = carried->size;
        for (unsigned i = 0; i < carried->size; i += 8)
            registers->words[words++] = carried->data[i / 8];
    }
    registers->tag = TAG((uint16_t)status, words);
    registers->tag |= (uint64_t)caps << TAG_CAPS_SHIFT;
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < words; i++)
        ipc_page->words[i] = reply->words[i];
    for (unsigned i = 0; i < caps; i++) {
        ipc_page->send_caps[i] = reply->caps[i];
        ipc_page->send_rights[i] = 0;
    }
}

void loop_load_result(const struct result *result, struct ipc_registers *registers) {
    reply_load(registers, result->status, &result->reply, &result->carried, result->thread, result->count);
}

void loop_reply_sent(const struct reply *reply) {
    for (unsigned i = 0; i < reply->cap_count; i++)
        if ((reply->caps[i] & SEND_CAP_MOVE) != 0) // it left, whether or not it arrived
            slot_give_back(reply->caps[i] & ~SEND_CAP_MOVE);
}

void loop_load_reply(struct fiber *fiber, struct ipc_registers *registers) {
    const struct request *request = &fiber->request;
    reply_load(registers, fiber->result, &request->reply, &request->carried, request->number_thread, request->number_count);
}

error_t request_answer(struct deferred *deferred, error_t status, const struct reply *reply) {
    if (loop_answer_later(deferred, status, reply)) {
        deferred_end(deferred);
        return ERR_OK;
    }
    struct ipc_registers registers = {.second = deferred->reply};
    reply_load(&registers, status, reply, &deferred->carried, deferred->number_thread, deferred->number_count);
    error_t error = system_call(SYS_REPLY, &registers);
    slot_give_back(deferred->reply);
    deferred_end(deferred);
    if (status == ERR_OK)
        loop_reply_sent(reply);
    return error;
}

// What travels in the message goes along, if the other method has the same room for it.
static error_t forward(cap_t reply, cap_t session, const struct ipc_shape *shape, const uint64_t *words,
                       const struct inline_buffer *carried, uint64_t length) {
    struct ipc_registers registers = {.target = session, .second = reply};
    unsigned count = shape->words_in;
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers.words[i] = words[i];
    if (carried->in || carried->out) {
        if (length > (carried->in ? shape->carries_in : shape->carries_out))
            return ERR_MESSAGE_SIZE;
        registers.words[count++] = length;
        for (unsigned i = 0; carried->in && i < length; i += 8)
            registers.words[count++] = carried->data[i / 8];
    }
    registers.tag = TAG(shape->method, count);
    return system_call(SYS_FORWARD, &registers);
}

static uint64_t carried_length(const struct inline_buffer *carried, uint64_t read_length, uint64_t write_length) {
    return carried->in ? read_length : write_length;
}

error_t request_forward(struct request *request, cap_t session, const struct ipc_shape *shape, const uint64_t *words) {
    if (!request_is_open(request))
        return ERR_NO_REQUEST;
    error_t error = loop.running->detached ? fiber_attach(request) : ERR_OK;
    if (error != ERR_OK)
        return error;
    error = forward(0, session, shape, words, &request->carried,
                    carried_length(&request->carried, request->lent_read_length, request->lent_write_length));
    if (error != ERR_OK)
        return error;
    request->state = REQUEST_FORWARDED;
    loop.running->serves = false;
    loop.served = NULL;
    return ERR_OK;
}

error_t deferred_forward(struct deferred *deferred, cap_t session, const struct ipc_shape *shape, const uint64_t *words) {
    error_t error = forward(deferred->reply, session, shape, words, &deferred->carried,
                            carried_length(&deferred->carried, deferred->lent_read_length, deferred->lent_write_length));
    if (error == ERR_OK) {
        slot_give_back(deferred->reply);
        deferred_end(deferred);
    }
    return error;
}

void loop_answer_now(void) {
    struct fiber *fiber = loop.finished;
    struct ipc_registers registers = {0};
    loop_load_reply(fiber, &registers);
    loop_point(POINT_REPLY);
    if (fiber->state != FIBER_IDLE && is_noting()) {
        loop_note_receive_slots();
        fiber_retire(fiber);
        kept_commit();
    }
    error_t ignored = system_call(SYS_REPLY, &registers); // ERR_NO_REQUEST: the caller is gone
    (void)ignored;
    loop_answer_sent();
}

KEPT_UNNOTED void loop_answer_sent(void) {
    struct fiber *fiber = loop.finished;
    loop.served = loop.finished = NULL;
    loop.answered = loop.answers;
    loop_reply_sent(&fiber->request.reply);
    if (fiber->state != FIBER_IDLE)
        fiber_recycle(fiber);
}
