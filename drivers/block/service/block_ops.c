// The protocol block. Calls move their data through a buffer that the device can reach, or straight if the
// content is mapped; each waits on its fiber, so that many are under way at once.
#include "libipc/protocols/block_server.h"

#include <stddef.h>

#include "drivers/block/service/service.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"

struct call_io {
    struct block_io io;
    struct fiber_wait_queue finished;
    error_t status;
    bool is_finished;
};

static error_t session_unit(const struct request *request, struct block_session **session, struct block_unit *unit) {
    *session = block_session_find(request->badge);
    if (*session == NULL)
        return ERR_BAD_CAPABILITY;
    return block_unit_find((*session)->unit, unit) ? ERR_OK : ERR_NO_DEVICE;
}

static bool is_control(const struct request *request) {
    return request->badge >> 63 != 0; // made at boot, see startup_badge
}

static error_t block_next_unit_handler(struct request *request, const struct block_next_unit_in *in,
                                       struct block_next_unit_out *out) {
    struct block_unit unit;
    if (!is_control(request))
        return ERR_BAD_CAPABILITY;
    if (!block_unit_next(in->cursor, &unit))
        return ERR_NOT_FOUND;
    out->cursor = unit.id;
    block_unit_status(&unit, &out->status);
    return ERR_OK;
}

static error_t block_open_handler(struct request *request, const struct block_open_in *in, struct block_open_out *out) {
    struct block_unit unit;
    if (!is_control(request))
        return ERR_BAD_CAPABILITY;
    if (!block_unit_find(in->unit, &unit))
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < BLOCK_SESSIONS_MOST; i++) {
        struct block_session *session = &block_service.state->sessions[i];
        if (session->open)
            continue;
        uint32_t generation = session->generation + 1;
        *session = (struct block_session){.generation = generation, .unit = unit.id};
        error_t error = server_create_session(&block_service.server, block_session_badge(session), &out->block);
        session->open = error == ERR_OK;
        return error;
    }
    return ERR_NO_MEMORY;
}

static error_t block_status_handler(struct request *request, const struct block_status_in *in, struct block_status_out *out) {
    (void)in;
    struct block_session *session;
    struct block_unit unit;
    error_t error = session_unit(request, &session, &unit);
    if (error == ERR_OK)
        block_unit_status(&unit, &out->status);
    return error;
}

static struct block_buffer *call_buffer_take(void) {
    for (;;) {
        for (uint32_t i = 0; i < BLOCK_CALLS_MOST; i++) {
            if (block_service.calls[i].memory == 0 || block_service.calls_taken[i])
                continue;
            block_service.calls_taken[i] = true;
            return &block_service.calls[i];
        }
        fiber_wait_always(&block_service.call_waiters);
    }
}

static void call_buffer_give(struct block_buffer *buffer) {
    block_service.calls_taken[buffer - block_service.calls] = false;
    fiber_wake(&block_service.call_waiters);
}

static void call_done(struct block_io *io, error_t status) {
    struct call_io *call = (struct call_io *)((char *)io - offsetof(struct call_io, io));
    call->status = status;
    call->is_finished = true;
    fiber_wake(&call->finished);
}

static error_t call_run(struct block_disk *disk, uint32_t operation, uint64_t sector, uint32_t count,
                        struct block_buffer *buffer) {
    struct call_io call = {.io = {.sector = sector, .count = count, .operation = operation, .buffer = buffer, .done = call_done}};
    disk->submit(disk, &call.io);
    disk->kick(disk);
    while (!call.is_finished)
        fiber_wait_always(&call.finished);
    return call.status;
}

// The bytes of a call that lie on the unit: whole sectors; cut at its end.
static error_t range_check(const struct block_unit *unit, uint64_t sector, uint64_t lent, uint64_t *bytes) {
    if (lent == 0 || lent % SECTOR_BYTES != 0 || sector > unit->count)
        return ERR_INVALID;
    uint64_t left = unit->count - sector;
    *bytes = lent / SECTOR_BYTES < left ? lent : left * SECTOR_BYTES;
    return ERR_OK;
}

static error_t block_read_handler(struct request *request, const struct block_read_in *in, struct block_read_out *out) {
    struct block_session *session;
    struct block_unit unit;
    uint64_t bytes;
    error_t error = session_unit(request, &session, &unit);
    if (error == ERR_OK)
        error = range_check(&unit, in->sector, in->data_size, &bytes);
    if (error != ERR_OK || (out->count = bytes) == 0)
        return error;
    uint64_t sector = unit.first + in->sector;
    if (unit.disk->direct != NULL)
        return request_copy_out(request, 0, unit.disk->direct + sector * SECTOR_BYTES, bytes);
    struct block_buffer *buffer = call_buffer_take();
    error = call_run(unit.disk, BLOCK_OPERATION_READ, sector, (uint32_t)(bytes / SECTOR_BYTES), buffer);
    if (error == ERR_OK)
        error = request_copy_out(request, 0, buffer->address, bytes);
    call_buffer_give(buffer);
    return error;
}

static error_t block_write_handler(struct request *request, const struct block_write_in *in, struct block_write_out *out) {
    struct block_session *session;
    struct block_unit unit;
    uint64_t bytes;
    error_t error = session_unit(request, &session, &unit);
    if (error == ERR_OK && (unit.disk->flags & BLOCK_FLAG_READ_ONLY) != 0)
        error = ERR_READ_ONLY;
    if (error == ERR_OK)
        error = range_check(&unit, in->sector, in->data_size, &bytes);
    if (error != ERR_OK || (out->count = bytes) == 0)
        return error;
    uint64_t sector = unit.first + in->sector;
    if (unit.disk->direct != NULL)
        return request_copy_in(request, 0, unit.disk->direct + sector * SECTOR_BYTES, bytes);
    struct block_buffer *buffer = call_buffer_take();
    error = request_copy_in(request, 0, buffer->address, bytes);
    if (error == ERR_OK)
        error = call_run(unit.disk, BLOCK_OPERATION_WRITE, sector, (uint32_t)(bytes / SECTOR_BYTES), buffer);
    call_buffer_give(buffer);
    return error;
}

static error_t block_flush_handler(struct request *request, const struct block_flush_in *in, struct block_flush_out *out) {
    (void)in;
    (void)out;
    struct block_session *session;
    struct block_unit unit;
    error_t error = session_unit(request, &session, &unit);
    return error == ERR_OK ? call_run(unit.disk, BLOCK_OPERATION_FLUSH, 0, 0, NULL) : error;
}

// Memory that a pager backs is refused for rings: whoever touches it would wait for the client.
static error_t ring_memory_check(cap_t memory, uint64_t entries) {
    uint64_t length;
    if (entries == 0 || entries > BLOCK_RING_ENTRIES_MOST)
        return ERR_INVALID;
    struct ring_pair_layout layout =
        ring_pair_layout((uint32_t)entries, sizeof(struct block_request), sizeof(struct block_completion));
    return layout.bytes != 0 ? driver_client_memory(memory, layout.bytes, &length) : ERR_INVALID;
}

static error_t block_attach_rings_handler(struct request *request, const struct block_attach_rings_in *in,
                                          struct block_attach_rings_out *out) {
    struct block_session *session = block_session_find(request->badge);
    if (session == NULL)
        return ERR_BAD_CAPABILITY;
    error_t error = ring_memory_check(in->rings, in->entries);
    while (session->outstanding != 0) // in the rings before
        fiber_wait_always(&block_service.idle);
    if (error == ERR_OK)
        error = slot_duplicate(block_service.server.notification, RIGHT_SIGNAL | RIGHT_COPY, &out->server);
    if (error != ERR_OK)
        return error;
    if (session->entries != 0)
        block_rings_unmap(session);
    slot_release(session->ring_memory);
    slot_release(session->client);
    session->ring_memory = in->rings;
    session->client = in->client;
    session->client_bits = in->client_bits;
    session->entries = (uint32_t)in->entries;
    error = block_rings_map(session);
    if (error != ERR_OK) {
        session->entries = 0;
        session->ring_memory = session->client = 0;
        slot_release(out->server);
        return error;
    }
    (void)request_keep(request, in->rings);
    (void)request_keep(request, in->client);
    out->server_bits = UINT64_C(1) << block_rings_bit(session);
    block_rings_drain(session); // what is in the ring already, and the wish to be signalled
    block_service_flush();
    return ERR_OK;
}

static error_t block_attach_buffer_handler(struct request *request, const struct block_attach_buffer_in *in,
                                           struct block_attach_buffer_out *out) {
    struct block_session *session = block_session_find(request->badge);
    uint64_t length, slot, rights;
    if (session == NULL)
        return ERR_BAD_CAPABILITY;
    error_t error = memory_information(in->memory, &length, NULL, NULL);
    if (error == ERR_OK)
        error = process_slot_next(SLOT_SELF, in->memory, &slot, NULL, &rights, NULL, NULL);
    if (error != ERR_OK)
        return error == ERR_RIGHTS ? ERR_RIGHTS : ERR_INVALID;
    for (uint32_t i = 0; i < BLOCK_BUFFERS_MOST; i++) {
        struct block_buffer *buffer = &session->buffers[i];
        if (buffer->memory != 0)
            continue;
        *buffer = (struct block_buffer){

            .memory = request_keep(request, in->memory), .rights = rights, .length = length, .physical = PHYSICAL_UNKNOWN};
        out->buffer = i + 1;
        return ERR_OK;
    }
    return ERR_NO_MEMORY;
}

static error_t block_detach_buffer_handler(struct request *request, const struct block_detach_buffer_in *in,
                                           struct block_detach_buffer_out *out) {
    (void)out;
    struct block_session *session = block_session_find(request->badge);
    if (session == NULL)
        return ERR_BAD_CAPABILITY;
    if (in->buffer == 0 || in->buffer > BLOCK_BUFFERS_MOST)
        return ERR_INVALID;
    struct block_buffer *buffer = &session->buffers[in->buffer - 1];
    if (buffer->users != 0)
        return ERR_BUSY;
    slot_release(buffer->memory);
    *buffer = (struct block_buffer){0};
    return ERR_OK;
}

struct block_session *block_session_find(uint64_t badge) {
    uint64_t index = badge & 0xffff;
    if ((badge & ~UINT64_C(0xffffffff)) != BLOCK_BADGE || index >= BLOCK_SESSIONS_MOST)
        return NULL;
    struct block_session *session = &block_service.state->sessions[index];
    return session->open && !session->closing && block_session_badge(session) == badge ? session : NULL;
}

uint64_t block_session_badge(const struct block_session *session) {
    return BLOCK_BADGE | (uint64_t)(session->generation & 0xffff) << 16 | (uint64_t)(session - block_service.state->sessions);
}

void block_session_close(struct block_session *session) {
    session->closing = true;
    while (session->outstanding != 0)
        fiber_wait_always(&block_service.idle);
    if (session->entries != 0)
        block_rings_unmap(session);
    slot_release(session->ring_memory);
    slot_release(session->client);
    for (uint32_t i = 0; i < BLOCK_BUFFERS_MOST; i++)
        slot_release(session->buffers[i].memory);
    uint32_t generation = session->generation;
    *session = (struct block_session){.generation = generation};
}

const struct block_ops block_operations = {
    .next_unit = block_next_unit_handler,
    .open = block_open_handler,
    .status = block_status_handler,
    .read = block_read_handler,
    .write = block_write_handler,
    .flush = block_flush_handler,
    .attach_rings = block_attach_rings_handler,
    .attach_buffer = block_attach_buffer_handler,
    .detach_buffer = block_detach_buffer_handler,
};
