// Units, start and state memory; see service.h.
#include "drivers/block/service/service.h"

#include <stddef.h>

#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/protocols/block_server.h"
#include "libipc/protocols/memory.h"
#include "libipc/start/start.h"

struct block_service block_service;

static struct block_state cold_state; // if the role was given no state memory

bool block_unit_find(uint64_t id, struct block_unit *unit) {
    uint64_t disk = (id - 1) >> 16, partition = (id - 1) & 0xffff;
    if (id == 0 || disk >= block_service.disk_count)
        return false;
    *unit = (struct block_unit){.disk = block_service.disks[disk], .id = id, .partition = (uint32_t)partition};
    unit->count = unit->disk->sectors;
    if (partition == 0)
        return true;
    const struct partition_table *table = &unit->disk->table;
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->partitions[i].number != partition)
            continue;
        unit->first = table->partitions[i].first;
        unit->count = table->partitions[i].count;
        return true;
    }
    return false;
}

static void consider(uint64_t id, uint64_t above, uint64_t *best) {
    if (id > above && (*best == 0 || id < *best))
        *best = id;
}

bool block_unit_next(uint64_t id, struct block_unit *unit) {
    uint64_t best = 0;
    for (uint64_t disk = 0; disk < block_service.disk_count; disk++) {
        const struct partition_table *table = &block_service.disks[disk]->table;
        consider((disk << 16) + 1, id, &best);
        for (uint32_t i = 0; i < table->count; i++)
            consider((disk << 16 | table->partitions[i].number) + 1, id, &best);
    }
    return best != 0 && block_unit_find(best, unit);
}

void block_unit_status(const struct block_unit *unit, struct block_status *status) {
    const struct block_disk *disk = unit->disk;
    *status = (struct block_status){.sectors = unit->count,
                                    .sector_size = SECTOR_BYTES,
                                    .flags = disk->flags | (unit->partition != 0 ? BLOCK_FLAG_PARTITION : 0u),
                                    .first_sector = unit->first,
                                    .disk = disk->number,
                                    .partition = unit->partition,
                                    .queue_depth = disk->queue_depth};
    struct text name = {0};
    text_add(&name, block_service.prefix);
    text_add_number(&name, disk->number);
    if (unit->partition != 0) {
        text_add(&name, "p");
        text_add_number(&name, unit->partition);
    }
    for (uint32_t i = 0; i < name.length && i + 1 < sizeof(status->name); i++)
        status->name[i] = (uint8_t)name.bytes[i];
    __builtin_memcpy(status->model, disk->model, sizeof(status->model));
}

static void report_disk(const struct block_disk *disk) {
    struct text text = {0};
    text_add(&text, block_service.prefix);
    text_add_number(&text, disk->number);
    text_add(&text, ": ");
    text_add_number(&text, disk->sectors / 2048);
    text_add(&text, " MiB, ");
    text_add_bytes(&text, disk->model, sizeof(disk->model));
    if (disk->table.count != 0) {
        text_add(&text, ", partitions");
        for (uint32_t i = 0; i < disk->table.count; i++) {
            text_add(&text, " ");
            text_add_number(&text, disk->table.partitions[i].number);
        }
    }
    report(block_service.is_restart ? REPORT_DEBUG : REPORT_INFORMATION, &text);
    if (disk->table.remark.length == 0 || block_service.is_restart)
        return;
    text = (struct text){0};
    text_add(&text, block_service.prefix);
    text_add_number(&text, disk->number);
    text_add(&text, ": ");
    text_add(&text, disk->table.remark.bytes);
    report(REPORT_WARNING, &text);
}

error_t block_service_add(struct block_disk *disk, partition_reader *read, void *context) {
    if (block_service.disk_count == BLOCK_DISKS_MOST)
        return ERR_NO_SPACE;
    disk->number = block_service.disk_count;
    partition_scan(read, context, disk->sectors, &disk->table);
    block_service.disks[block_service.disk_count++] = disk;
    report_disk(disk);
    return ERR_OK;
}

void block_service_add_call_memory(const struct driver_memory *memory) {
    uint64_t offset = 0;
    for (uint32_t i = 0; i < BLOCK_CALLS_MOST && offset + BLOCK_CALL_BYTES <= memory->length; i++) {
        block_service.calls[i] = (struct block_buffer){.memory = memory->memory,
                                                       .length = BLOCK_CALL_BYTES,
                                                       .physical = memory->physical + offset,
                                                       .address = (char *)memory->address + offset};
        offset += BLOCK_CALL_BYTES;
    }
}

static error_t state_open(void) {
    cap_t memory = startup_capability("state");
    uint64_t length;
    void *address;
    block_service.state = &cold_state;
    if (memory == 0)
        return ERR_OK;
    error_t error = memory_information(memory, &length, NULL, NULL);
    if (error == ERR_OK && length < sizeof(struct block_state)) {
        report_line(REPORT_WARNING, "the state memory is too small: sessions will not survive a restart");
        return ERR_OK;
    }
    if (error == ERR_OK)
        error = driver_map(memory, length, &address);
    if (error == ERR_OK)
        block_service.state = address;
    return error;
}

void block_service_keep_content(cap_t memory, uint64_t bytes) {
    block_service.state->content_bytes = bytes;
    block_service.state->content = memory;
}

cap_t block_service_content(uint64_t *bytes) {
    *bytes = block_service.state->content_bytes;
    return block_service.state->content;
}

static bool slot_claimed(cap_t slot) {
    if (slot == block_service.state->content)
        return true;
    for (uint32_t i = 0; i < BLOCK_SESSIONS_MOST; i++) {
        const struct block_session *session = &block_service.state->sessions[i];
        if (!session->open)
            continue;
        if (session->ring_memory == slot || session->client == slot)
            return true;
        for (uint32_t at = 0; at < BLOCK_BUFFERS_MOST; at++)
            if (session->buffers[at].memory == slot)
                return true;
    }
    return false;
}

error_t block_service_open(const char *prefix) {
    block_service.prefix = prefix;
    block_service.is_restart = startup_data()->is_restart != 0;
    error_t error = state_open();
    if (error != ERR_OK)
        return error;
    struct block_state *state = block_service.state;
    if (state->magic != BLOCK_STATE_MAGIC || state->version != BLOCK_STATE_VERSION) {
        __builtin_memset(state, 0, sizeof(*state));
        state->version = BLOCK_STATE_VERSION;
        state->magic = BLOCK_STATE_MAGIC;
    }
    if (block_service.is_restart)
        driver_reconcile(slot_claimed);
    return ERR_OK;
}

static error_t dispatch(struct request *request) {
    return block_dispatch(&block_operations, request);
}

static void session_closed(uint64_t badge) {
    struct block_session *session = block_session_find(badge);
    if (session != NULL)
        block_session_close(session);
}

static void rings_signalled(void *argument, uint32_t bit) {
    (void)argument;
    for (uint32_t i = 0; i < BLOCK_SESSIONS_MOST; i++) {
        struct block_session *session = &block_service.state->sessions[i];
        if (session->open && session->entries != 0 && block_rings_bit(session) == bit)
            block_rings_drain(session);
    }
    block_service_flush();
}

error_t block_service_run(void) {
    struct server *server = &block_service.server;
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    server->session_closed = session_closed;
    for (uint32_t bit = BLOCK_FIRST_RING_BIT; bit < SERVER_BITS; bit++)
        server_on_bit(server, bit, rings_signalled, NULL);
    block_ring_ios_initialize();
    block_rings_resume();
    // Bits may have been taken while the driver looked for its disks: look at everything once.
    error_t error = notification_signal(server->notification, UINT64_MAX);
    return error == ERR_OK ? server_run(server) : error;
}
