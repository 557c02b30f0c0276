// The platform's disk over the block protocol's rings; see volume.h and libipc/protocols/block.idl.
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "servers/ext2/volume.h"

struct server_work server_asks; // read by init

// platform_words of a request on its way.
enum { WORD_LEFT, WORD_RESULT, WORD_NEXT_SEGMENT, WORD_LINK };

static uint64_t sectors_before(const struct platform_request *request, uint64_t segment) {
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < segment; i++)
        bytes += request->segments[i].length;
    return bytes / PLATFORM_SECTOR_BYTES;
}

// Pushes as many segments as find room; true if all are out.
static bool push_segments(struct platform_disk *disk, struct platform_request *request) {
    uint64_t *next = &request->platform_words[WORD_NEXT_SEGMENT];
    uint64_t sector = request->sector + sectors_before(request, *next);
    for (; *next < request->segment_count; (*next)++) {
        const struct platform_segment *segment = &request->segments[*next];
        if (disk->free_count == 0)
            return false;
        uint32_t slot = disk->free_slots[disk->free_count - 1];
        uint64_t count = segment->length / PLATFORM_SECTOR_BYTES;
        struct block_request entry = {
            .cookie = disk->slots[slot].generation << 16 | slot,
            .sector = sector,
            .offset = segment->offset,
            .count = (uint32_t)count,
            .operation = request->write ? BLOCK_OPERATION_WRITE : BLOCK_OPERATION_READ,
            .buffer = disk->buffer,
        };
        if (ring_push(&disk->rings.requests, &entry) != ERR_OK)
            return false;
        disk->free_count--;
        server_asks.taken++;
        disk->slots[slot].request = request;
        sector += count;
    }
    return true;
}

static void push_waiting(struct platform_disk *disk) {
    while (disk->first_waiting && push_segments(disk, disk->first_waiting)) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): a link kept in the request's spare words
        disk->first_waiting = (struct platform_request *)disk->first_waiting->platform_words[WORD_LINK];
        if (!disk->first_waiting)
            disk->last_waiting = NULL;
    }
    server_flush_rings(&disk->rings, &disk->rings.requests, &disk->rings.completions);
}

void platform_disk_start(struct platform_disk *disk, struct platform_request *request) {
    request->platform_words[WORD_LEFT] = request->segment_count;
    request->platform_words[WORD_RESULT] = ERR_OK;
    request->platform_words[WORD_NEXT_SEGMENT] = 0;
    request->platform_words[WORD_LINK] = 0;
    if (disk->last_waiting)
        disk->last_waiting->platform_words[WORD_LINK] = (uint64_t)request;
    else
        disk->first_waiting = request;
    disk->last_waiting = request;
    push_waiting(disk);
}

static void complete(struct platform_disk *disk, const struct block_completion *completion) {
    uint64_t slot = completion->cookie & 0xffff;
    if (slot >= DISK_ENTRIES || !disk->slots[slot].request || disk->slots[slot].generation != completion->cookie >> 16)
        return;
    struct platform_request *request = disk->slots[slot].request;
    disk->slots[slot].request = NULL;
    disk->slots[slot].generation++;
    disk->free_slots[disk->free_count++] = (uint16_t)slot;
    server_asks.done++;
    if (completion->status)
        request->platform_words[WORD_RESULT] = (uint64_t)(int64_t)completion->status;
    if (--request->platform_words[WORD_LEFT] == 0)
        request->complete(request, (error_t)(int64_t)request->platform_words[WORD_RESULT]);
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
    for (uint32_t i = 0; i < DISK_ENTRIES; i++)
        disk->free_slots[disk->free_count++] = (uint16_t)i;
    server_on_bit(&ext2_server.server, bit, completions, disk);
    (void)ring_sleep(&disk->rings.completions); // asks for a signal
    return ERR_OK;
}

void disk_close(struct platform_disk *disk) {
    server_on_bit(&ext2_server.server, disk->bit, NULL, NULL);
    slot_release(disk->rings.peer);
    slot_release(disk->block); // the driver forgets rings and buffer with the session
}
