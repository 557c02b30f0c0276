// The platform's disk over the block protocol's rings; see volume.h and libipc/protocols/block.idl.
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "servers/ext2/volume.h"

struct server_work server_asks; // read by init; not noted, but counted anew by an actor that goes on

// A cookie names the request, the segment, and the use of the request: a completion that comes twice names an old one.
enum { COOKIE_REQUEST = 8, COOKIE_USE = 16 };
_Static_assert(PLATFORM_SEGMENTS <= 1 << COOKIE_REQUEST && PLATFORM_REQUESTS <= 1 << (COOKIE_USE - COOKIE_REQUEST), "they fit");

// Ring entries without a completion. Each side's positions count them since the beginning.
static uint32_t entries_out(const struct platform_disk *disk) {
    return disk->rings.requests.position - (disk->rings.completions.position - disk->repeated);
}

KEPT_UNNOTED static void entry_is_out(void) {
    server_asks.taken++;
}

KEPT_UNNOTED static void entry_is_answered(void) {
    server_asks.done++;
}

static bool push_segment(struct platform_disk *disk, const struct platform_request *request, uint32_t number, uint64_t sector) {
    const struct platform_segment *segment = &request->segments[number];
    struct block_request entry = {
        .cookie = (uint64_t)request->platform_use << COOKIE_USE | request->number << COOKIE_REQUEST | number,
        .sector = sector,
        .offset = segment->offset,
        .count = (uint32_t)(segment->length / PLATFORM_SECTOR_BYTES),
        .operation = request->write ? BLOCK_OPERATION_WRITE : BLOCK_OPERATION_READ,
        .buffer = disk->buffer,
    };
    if (entries_out(disk) == DISK_ENTRIES || ring_push(&disk->rings.requests, &entry) != ERR_OK)
        return false;
    entry_is_out();
    return true;
}

// Pushes as many segments as find room; true if all are out.
static bool push_segments(struct platform_disk *disk, struct platform_request *request) {
    uint64_t sector = request->sector;
    for (uint32_t i = 0; i < request->segment_count; i++) {
        if (i >= request->platform_next) {
            if (!push_segment(disk, request, i, sector))
                return false;
            request->platform_pending |= UINT64_C(1) << i;
            request->platform_next++;
        }
        sector += request->segments[i].length / PLATFORM_SECTOR_BYTES;
    }
    return true;
}

static void flush(struct platform_disk *disk) {
    server_flush_rings(&disk->rings, &disk->rings.requests, &disk->rings.completions);
}

static void push_waiting(struct platform_disk *disk) {
    while (disk->first_waiting && push_segments(disk, disk->first_waiting))
        disk->first_waiting = disk->first_waiting->platform_link;
    flush(disk);
}

void platform_disk_start(struct platform_disk *disk, struct platform_request *request) {
    request->platform_pending = 0;
    request->platform_use++;
    request->platform_error = ERR_OK;
    request->platform_next = 0;
    KEPT_SET(disk->requests[request->number], request);
    if (disk->first_waiting || !push_segments(disk, request)) {
        request->platform_link = NULL;
        if (disk->first_waiting)
            disk->last_waiting->platform_link = request;
        else
            disk->first_waiting = request;
        disk->last_waiting = request;
    }
    flush(disk);
}

// The pending request that the cookie names, or NULL.
static struct platform_request *request_of(const struct platform_disk *disk, uint64_t cookie) {
    uint64_t number = cookie >> COOKIE_REQUEST & ((1u << (COOKIE_USE - COOKIE_REQUEST)) - 1);
    uint64_t segment = cookie & ((1u << COOKIE_REQUEST) - 1);
    if (number >= PLATFORM_REQUESTS || segment >= PLATFORM_SEGMENTS)
        return NULL;
    struct platform_request *request = disk->requests[number];
    bool is_pending = request && request->platform_use == cookie >> COOKIE_USE && request->platform_pending >> segment & 1;
    return is_pending ? request : NULL;
}

static void complete(struct platform_disk *disk, const struct block_completion *completion) {
    struct platform_request *request = request_of(disk, completion->cookie);
    if (!request) {
        disk->repeated++;
        return;
    }
    entry_is_answered();
    if (completion->status)
        request->platform_error = completion->status;
    request->platform_pending &= ~(UINT64_C(1) << (completion->cookie & ((1u << COOKIE_REQUEST) - 1)));
    if (request->platform_pending == 0 && request->platform_next == request->segment_count)
        request->complete(request, request->platform_error);
}

static void completions(void *argument, uint32_t bit) {
    struct platform_disk *disk = argument;
    struct block_completion completion;
    (void)bit;
    do {
        while (ring_pop(&disk->rings.completions, &completion) == ERR_OK)
            complete(disk, &completion);
    } while (!ring_sleep(&disk->rings.completions));
    push_waiting(disk);
}

KEPT_UNNOTED void disks_resumed(void) {
    server_asks.taken = server_asks.done;
    for (uint32_t bit = 0; bit < SERVER_BITS; bit++)
        if (ext2_server.server.bits[bit].handler == completions)
            server_asks.taken += entries_out(ext2_server.server.bits[bit].argument);
}

error_t platform_disk_flush(struct platform_disk *disk) {
    return block_flush(disk->block);
}

uint64_t platform_disk_sectors(struct platform_disk *disk) {
    return disk->sectors;
}

error_t disk_open(struct platform_disk *disk, cap_t block, cap_t memory, uint32_t known_buffer, uint32_t bit) {
    struct block_status status;
    struct ring_pair_layout layout =
        ring_pair_layout(DISK_ENTRIES, sizeof(struct block_request), sizeof(struct block_completion));
    uint64_t address, buffer = known_buffer;
    cap_t rings = 0;
    disk->block = block;
    disk->memory = memory;
    disk->bit = bit;
    error_t error = block_status(block, &status);
    if (!error && status.sector_size != PLATFORM_SECTOR_BYTES)
        error = ERR_NOT_SUPPORTED;
    if (!error)
        error = account_create_memory(SLOT_ACCOUNT, layout.bytes, &rings);
    if (!error)
        error = memory_zero(rings, 0, layout.bytes); // all its pages now, not as the entries go round
    if (!error)
        error = process_map(SLOT_SELF, 0, layout.bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, rings, &address);
    if (!error)
        error = ring_pair_attach_client(&disk->rings, (void *)address, layout.bytes, DISK_ENTRIES, // NOLINT
                                        sizeof(struct block_request), sizeof(struct block_completion));
    if (!error)
        error = block_attach_rings(block, DISK_ENTRIES, UINT64_C(1) << bit, rings, ext2_server.server.notification,
                                   &disk->rings.peer_bits, &disk->rings.peer);
    if (rings)
        slot_release(rings); // the mappings keep it
    if (!error && !buffer)
        error = block_attach_buffer(block, memory, &buffer);
    if (error)
        return error;
    disk->sectors = status.sectors;
    disk->buffer = (uint32_t)buffer;
    server_on_bit(&ext2_server.server, bit, completions, disk);
    (void)ring_sleep(&disk->rings.completions); // asks for a signal
    return ERR_OK;
}

void disk_close(struct platform_disk *disk) {
    server_on_bit(&ext2_server.server, disk->bit, NULL, NULL);
    slot_release(disk->rings.peer);
    slot_release(disk->block); // the driver forgets rings and buffer with the session
}
