// The copy behind copy.h: page by page, each side looked up when its page changes.
#include "kernel/ipc/copy.h"

#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/x86_64/string.h"

static error_t side_touch(const struct copy_side *side, uint64_t position, bool write, void **pointer) {
    if (side->space)
        return space_touch(side->space, side->address + position, write ? ACCESS_WRITE : ACCESS_READ, pointer);
    uint64_t offset = side->address + position, physical;
    bool shared;
    error_t error = memory_page(side->memory, offset / PAGE_BYTES, write, &physical, &shared);
    if (error)
        return error;
    if (!frame_is_managed(physical))
        return ERR_FAULT;
    *pointer = (char *)direct_map(physical) + offset % PAGE_BYTES;
    return ERR_OK;
}

static uint64_t to_page_end(uint64_t address) {
    return PAGE_BYTES - address % PAGE_BYTES;
}

error_t copy_bytes(struct copy_side to, struct copy_side from, uint64_t length, uint64_t *moved) {
    if (length > COPY_STEP_BYTES)
        length = COPY_STEP_BYTES;
    *moved = 0;
    while (*moved < length) {
        void *target, *source;
        // Writing first: settling a copy-on-write page may move the frame that is read.
        error_t error = side_touch(&to, *moved, true, &target);
        if (!error)
            error = side_touch(&from, *moved, false, &source);
        if (error)
            return error;
        uint64_t part = length - *moved, limit = to_page_end(to.address + *moved);
        if (part > limit)
            part = limit;
        limit = to_page_end(from.address + *moved);
        if (part > limit)
            part = limit;
        memmove(target, source, part);
        *moved += part;
    }
    return ERR_OK;
}

error_t copy_kernel(struct copy_side side, bool to_side, void *bytes, uint64_t length) {
    char *own = bytes;
    for (uint64_t done = 0, part; done < length; done += part) {
        void *other;
        error_t error = side_touch(&side, done, to_side, &other);
        if (error)
            return error;
        part = to_page_end(side.address + done);
        if (part > length - done)
            part = length - done;
        memcpy(to_side ? other : own + done, to_side ? own + done : other, part);
    }
    return ERR_OK;
}

error_t copy_lent_side(const struct request *request, bool write, uint64_t offset, uint64_t *length, struct copy_side *side) {
    if (!(request->tag & (write ? TAG_LEND_WRITE : TAG_LEND_READ)))
        return ERR_INVALID;
    if (request->space_serial != request->process->space.serial)
        return ERR_FAULT;
    const struct lend *lend = write ? &request->lend_write : &request->lend_read;
    if (offset > lend->length || lend->address + lend->length < lend->address)
        return ERR_INVALID;
    if (*length > lend->length - offset)
        *length = lend->length - offset;
    *side = (struct copy_side){.space = &request->process->space, .address = lend->address + offset};
    return ERR_OK;
}
