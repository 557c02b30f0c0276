// Requests that come through rings. Descriptors are copied once, checked, and then belong to the driver; a
// request counts as the session's until its completion is in the ring. A client keeps at most `entries`
// requests whose completions it has not taken; what it sends beyond that waits.
#include "drivers/block/service/service.h"

#include <stddef.h>

#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/process.h"

struct server_work server_work; // read by init

static uint32_t session_index(const struct block_session *session) {
    return (uint32_t)(session - block_service.state->sessions);
}

uint32_t block_rings_bit(const struct block_session *session) {
    return BLOCK_FIRST_RING_BIT + session_index(session) % (SERVER_BITS - BLOCK_FIRST_RING_BIT);
}

error_t block_rings_map(struct block_session *session) {
    struct ring_pair_layout layout =
        ring_pair_layout(session->entries, sizeof(struct block_request), sizeof(struct block_completion));
    error_t error = driver_map(session->ring_memory, layout.bytes, &session->ring_address);
    if (error != ERR_OK)
        return error;
    session->pair = (struct ring_pair){.peer = session->client, .peer_bits = session->client_bits};
    error = ring_pair_attach_server(&session->pair, session->ring_address, layout.bytes, session->entries,
                                    sizeof(struct block_request), sizeof(struct block_completion));
    if (error != ERR_OK)
        block_rings_unmap(session);
    return error;
}

void block_rings_unmap(struct block_session *session) {
    struct ring_pair_layout layout =
        ring_pair_layout(session->entries, sizeof(struct block_request), sizeof(struct block_completion));
    error_t ignored = process_unmap(SLOT_SELF, (uintptr_t)session->ring_address, layout.bytes);
    (void)ignored;
    session->ring_address = NULL;
}

static void ring_io_free(struct block_ring_io *ring_io) {
    ring_io->state = RING_IO_FREE;
    ring_io->next = block_service.free_ios;
    block_service.free_ios = ring_io;
}

void block_ring_ios_initialize(void) {
    for (uint32_t i = 0; i < BLOCK_RING_IOS; i++)
        if (block_service.state->ios[i].state == RING_IO_FREE)
            ring_io_free(&block_service.state->ios[i]);
}

static void ring_broken(struct block_session *session) {
    if (session->broken)
        return;
    session->broken = true;
    report_line(REPORT_WARNING, "a client has broken its ring; nothing more is taken from it");
}

static void complete(struct block_ring_io *ring_io, error_t status) {
    struct block_session *session = &block_service.state->sessions[ring_io->session];
    struct block_completion completion = {.cookie = ring_io->request.cookie, .status = status};
    ring_io->status = status;
    ring_io->completion = session->pair.completions.position;
    __atomic_store_n(&ring_io->state, RING_IO_DONE, __ATOMIC_RELEASE);
    if (ring_push(&session->pair.completions, &completion) != ERR_OK)
        ring_broken(session);
    ring_io->next = block_service.done_ios;
    block_service.done_ios = ring_io;
    session->outstanding--;
    block_service.unflushed |= UINT64_C(1) << ring_io->session;
    server_work.done++;
}

static void ring_io_done(struct block_io *io, error_t status) {
    if (io->buffer != NULL)
        io->buffer->users--;
    complete((struct block_ring_io *)((char *)io - offsetof(struct block_ring_io, io)), status);
}

static error_t request_check(const struct block_session *session, const struct block_unit *unit,
                             const struct block_request *request) {
    if (request->operation == BLOCK_OPERATION_FLUSH)
        return ERR_OK;
    if (request->operation != BLOCK_OPERATION_READ && request->operation != BLOCK_OPERATION_WRITE)
        return ERR_INVALID;
    if (request->count == 0 || request->count > BLOCK_IO_SECTORS_MAX || request->sector > unit->count ||
        request->count > unit->count - request->sector || request->offset % SECTOR_BYTES != 0)
        return ERR_INVALID;
    if (request->buffer == 0 || request->buffer > BLOCK_BUFFERS_MOST)
        return ERR_INVALID;
    const struct block_buffer *buffer = &session->buffers[request->buffer - 1];
    uint64_t bytes = (uint64_t)request->count * SECTOR_BYTES;
    if (buffer->memory == 0 || request->offset > buffer->length || bytes > buffer->length - request->offset)
        return ERR_INVALID;
    if ((buffer->rights & (request->operation == BLOCK_OPERATION_READ ? RIGHT_WRITE : RIGHT_READ)) == 0)
        return ERR_RIGHTS;
    if (request->operation == BLOCK_OPERATION_WRITE && (unit->disk->flags & BLOCK_FLAG_READ_ONLY) != 0)
        return ERR_READ_ONLY;
    return ERR_OK;
}

// Hands a request that was taken from a ring to its disk.
static void ring_io_start(struct block_ring_io *ring_io, struct block_session *session) {
    struct block_unit unit;
    session->outstanding++;
    server_work.taken++;
    error_t error = ERR_NO_DEVICE;
    if (block_unit_find(session->unit, &unit))
        error = request_check(session, &unit, &ring_io->request);
    if (error != ERR_OK) {
        complete(ring_io, error);
        return;
    }
    const struct block_request *request = &ring_io->request;
    ring_io->io = (struct block_io){.operation = request->operation, .done = ring_io_done};
    if (request->operation != BLOCK_OPERATION_FLUSH) {
        ring_io->io.sector = unit.first + request->sector;
        ring_io->io.count = request->count;
        ring_io->io.offset = request->offset;
        ring_io->io.buffer = &session->buffers[request->buffer - 1];
        ring_io->io.buffer->users++;
    }
    unit.disk->submit(unit.disk, &ring_io->io);
}

static struct block_ring_io *ring_io_take(void) {
    struct block_ring_io *ring_io = block_service.free_ios;
    if (ring_io != NULL)
        block_service.free_ios = ring_io->next;
    else
        block_service.starved = true;
    return ring_io;
}

// One request from the ring. False: there is none for now.
static bool take_one(struct block_session *session) {
    if (session->outstanding >= ring_room(&session->pair.completions))
        return false;
    struct block_ring_io *ring_io = ring_io_take();
    if (ring_io == NULL)
        return false;
    ring_io->place = session->pair.requests.position;
    error_t error = ring_pop(&session->pair.requests, &ring_io->request);
    if (error != ERR_OK) {
        ring_io_free(ring_io);
        if (error == ERR_CORRUPT)
            ring_broken(session);
        return false;
    }
    ring_io->session = session_index(session);
    __atomic_store_n(&ring_io->state, RING_IO_TAKEN, __ATOMIC_RELEASE);
    ring_io_start(ring_io, session);
    return true;
}

void block_rings_drain(struct block_session *session) {
    struct block_unit unit;
    if (session->closing || session->broken)
        return;
    do {
        while (take_one(session)) {
        }
    } while (!session->broken && !ring_sleep(&session->pair.requests) && take_one(session));
    block_service.unflushed |= UINT64_C(1) << session_index(session);
    if (block_unit_find(session->unit, &unit))
        unit.disk->kick(unit.disk);
}

static void show(struct block_session *session) {
    server_point_output();
    bool wanted = ring_pair_publish(&session->pair.completions, &session->pair.requests);
    server_point_output();
    if (wanted)
        ring_pair_signal(&session->pair);
    server_point_output();
}

static void show_all(void) {
    while (block_service.unflushed != 0) {
        uint32_t index = (uint32_t)__builtin_ctzll(block_service.unflushed);
        struct block_session *session = &block_service.state->sessions[index];
        block_service.unflushed &= block_service.unflushed - 1;
        if (session->entries != 0)
            show(session);
        if (session->outstanding == 0)
            fiber_wake_all(&block_service.idle); // who closes the session, or attaches other rings
    }
    for (struct block_ring_io *ring_io; (ring_io = block_service.done_ios) != NULL;) {
        block_service.done_ios = ring_io->next;
        ring_io_free(ring_io);
    }
}

void block_service_flush(void) {
    show_all();
    if (!block_service.starved || block_service.free_ios == NULL)
        return;
    block_service.starved = false;
    for (uint32_t i = 0; i < BLOCK_SESSIONS_MOST; i++) {
        struct block_session *session = &block_service.state->sessions[i];
        if (session->open && session->entries != 0)
            block_rings_drain(session);
    }
    show_all();
    error_t ignored = block_service.starved ? notification_signal(block_service.server.notification, UINT64_MAX) : ERR_OK;
    (void)ignored; // the rest in the loop's next turn
}

static bool is_published(const struct block_ring_io *ring_io, const struct block_session *session) {
    return (int32_t)(session->pair.completions.position - ring_io->completion) > 0;
}

// What an earlier actor took and did not do is done again, by this one: reads and writes can be, as long as their client has not
// heard of them. What was done is told if that actor did not come to it.
static void ring_io_resume(struct block_ring_io *ring_io) {
    struct block_session *session = &block_service.state->sessions[ring_io->session % BLOCK_SESSIONS_MOST];
    bool is_done = ring_io->state == RING_IO_DONE;
    if (!session->open || session->entries == 0 || (is_done && is_published(ring_io, session))) {
        ring_io_free(ring_io);
    } else if (is_done) {
        session->outstanding++;
        complete(ring_io, ring_io->status);
    } else {
        ring_io_start(ring_io, session);
    }
}

// What was taken is not taken out of the ring once more, though that actor may not have said so: done twice, a read could end
// behind the client's next step. And each client is signalled: that actor may have ended before it did.
static void pass_taken(void) {
    for (uint32_t i = 0; i < BLOCK_RING_IOS; i++) {
        const struct block_ring_io *ring_io = &block_service.state->ios[i];
        struct ring *requests = &block_service.state->sessions[ring_io->session % BLOCK_SESSIONS_MOST].pair.requests;
        if (ring_io->state != RING_IO_FREE && (int32_t)(ring_io->place + 1 - requests->position) > 0)
            requests->position = ring_io->place + 1;
    }
    for (uint32_t i = 0; i < BLOCK_SESSIONS_MOST; i++) {
        struct block_session *session = &block_service.state->sessions[i];
        if (!session->open || session->entries == 0)
            continue;
        (void)ring_release(&session->pair.requests);
        ring_pair_signal(&session->pair);
    }
}

void block_rings_resume(void) {
    for (uint32_t i = 0; i < BLOCK_SESSIONS_MOST; i++) {
        struct block_session *session = &block_service.state->sessions[i];
        session->outstanding = 0;
        session->closing = session->broken = false;
        for (uint32_t at = 0; at < BLOCK_BUFFERS_MOST; at++)
            session->buffers[at].users = 0;
        if (session->open && session->entries != 0 && block_rings_map(session) != ERR_OK)
            session->entries = 0;
    }
    pass_taken();
    for (uint32_t i = 0; i < BLOCK_RING_IOS; i++)
        if (block_service.state->ios[i].state != RING_IO_FREE)
            ring_io_resume(&block_service.state->ios[i]);
}
