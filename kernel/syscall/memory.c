// Methods of memory objects; what each does is in libipc/protocols/memory.idl.
#include "kernel/memory/memory.h"

#include "kernel/cap/account.h"
#include "kernel/ipc/copy.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/x86_64/string.h"
#include "kernel/syscall/invocation.h"

enum { SUPPLY_STEP = 256 << 10, ZERO_STEP = 128 << 10 }; // bytes

static bool in_range(const struct memory *memory, uint64_t offset, uint64_t length) {
    uint64_t bytes = memory->pages * PAGE_BYTES;
    return offset <= bytes && length <= bytes - offset;
}

static bool is_page_range(const struct memory *memory, uint64_t offset, uint64_t length) {
    return offset % PAGE_BYTES == 0 && length % PAGE_BYTES == 0 && length && in_range(memory, offset, length);
}

static error_t clone(struct invocation *call, struct memory *memory) {
    struct account *account;
    error_t error = invocation_object(call, 0, CAP_ACCOUNT, RIGHT_CONTROL, &account);
    if (!error)
        error = memory_clone(memory, account, call->in[0], call->in[1], &call->thread->building);
    return invocation_give_built(call, error, call->slot->rights | RIGHT_WRITE);
}

static error_t physical(struct invocation *call, struct memory *memory) {
    uint64_t first;
    bool shared;
    if (call->in[0] % PAGE_BYTES)
        return ERR_INVALID;
    error_t error = memory_page(memory, call->in[0] / PAGE_BYTES, true, &first, &shared);
    if (error)
        return error;
    memory->pinned = true;
    uint64_t contiguous = PAGE_BYTES;
    if (memory->memory_kind == MEMORY_KIND_PHYSICAL || memory->memory_kind == MEMORY_KIND_CONTIGUOUS)
        contiguous = memory->pages * PAGE_BYTES - call->in[0];
    call->reply[0] = first;
    call->reply[1] = contiguous;
    return ERR_OK;
}

// supply or share.
static error_t put_pages(struct invocation *call, struct memory *memory, bool stay) {
    struct memory *source;
    error_t error = invocation_object(call, 0, CAP_MEMORY, RIGHT_READ | RIGHT_WRITE, &source);
    if (!error && (!is_page_range(memory, call->in[0], call->in[1]) || !is_page_range(source, call->in[2], call->in[1])))
        error = ERR_INVALID;
    uint64_t part = call->in[1] < SUPPLY_STEP ? call->in[1] : SUPPLY_STEP;
    if (!error)
        error = (stay ? memory_share : memory_supply)(memory, call->in[0] / PAGE_BYTES, part / PAGE_BYTES, source,
                                                      call->in[2] / PAGE_BYTES);
    if (error || part == call->in[1])
        return error;
    call->thread->registers.words[2] += part;
    return invocation_advance(call, part);
}

static error_t zero(struct invocation *call, struct memory *memory) {
    uint64_t offset = call->in[0], length = call->in[1] < ZERO_STEP ? call->in[1] : ZERO_STEP, end = offset + length;
    error_t error = in_range(memory, offset, call->in[1]) ? ERR_OK : ERR_INVALID;
    while (!error && offset < end) {
        uint64_t part = PAGE_BYTES - offset % PAGE_BYTES, frame;
        if (part > end - offset)
            part = end - offset;
        bool shared;
        error = memory_page(memory, offset / PAGE_BYTES, true, &frame, &shared);
        if (!error && !frame_is_managed(frame))
            error = ERR_INVALID;
        if (!error)
            memset((char *)direct_map(frame) + offset % PAGE_BYTES, 0, part);
        offset += part;
    }
    return error || length == call->in[1] ? error : invocation_advance(call, length);
}

static error_t transfer(struct invocation *call, struct memory *memory, bool to_caller) {
    uint64_t length, offset = call->in[0];
    struct copy_side lent = invocation_lent(call, to_caller, &length);
    struct copy_side own = {.memory = memory, .address = offset};
    if (!in_range(memory, offset, 0))
        return ERR_INVALID;
    if (length > memory->pages * PAGE_BYTES - offset)
        length = memory->pages * PAGE_BYTES - offset;
    error_t error = to_caller ? copy_bytes(lent, own, length, &call->reply[0]) : copy_bytes(own, lent, length, &call->reply[0]);
    return call->reply[0] ? ERR_OK : error;
}

error_t memory_invoke(struct invocation *call, uint32_t method) {
    struct memory *memory = call->slot->object;
    uint64_t done;
    switch (method | PROTOCOL_MEMORY << 8) {
    case METHOD_MEMORY_INFORMATION:
        call->reply[0] = memory->pages * PAGE_BYTES;
        call->reply[1] = memory->memory_kind;
        call->reply[2] = memory->resident * PAGE_BYTES;
        return ERR_OK;
    case METHOD_MEMORY_CLONE:
        return clone(call, memory);
    case METHOD_MEMORY_PHYSICAL:
        return physical(call, memory);
    case METHOD_MEMORY_DISCARD:
        if (!is_page_range(memory, call->in[0], call->in[1]))
            return ERR_INVALID;
        done = memory_discard(memory, call->in[0] / PAGE_BYTES, call->in[1] / PAGE_BYTES) * PAGE_BYTES;
        return done == call->in[1] ? ERR_OK : invocation_advance(call, done);
    case METHOD_MEMORY_SUPPLY:
    case METHOD_MEMORY_SHARE:
        return put_pages(call, memory, (method | PROTOCOL_MEMORY << 8) == METHOD_MEMORY_SHARE);
    case METHOD_MEMORY_ZERO:
        return zero(call, memory);
    case METHOD_MEMORY_READ:
        return transfer(call, memory, true);
    default:
        return transfer(call, memory, false);
    }
}
