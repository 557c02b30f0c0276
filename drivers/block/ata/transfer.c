// Where a step's bytes lie. The table of physical regions is built from the addresses of the clients' pages,
// which stay while the request is under way; neighbouring pages share an entry, and no entry crosses 64 KiB
// (Bus Master IDE 1.0, 1.2). Pages that the device can't reach go through the bounce buffer.
#include <stddef.h>

#include "drivers/block/ata/ata.h"
#include "drivers/block/ata/registers.h"
#include "libipc/protocols/memory.h"

enum { PAGE_BYTES = 4096, ENTRY_REACH = 65536, COUNT_MASK = 0xffff };
#define REACH_END (UINT64_C(1) << 32)

// The next run of contiguous bytes of a request: at most `left`.
static error_t run_find(const struct block_io *io, uint64_t offset, uint64_t left, uint64_t *address, uint64_t *length) {
    const struct block_buffer *buffer = io->buffer;
    if (buffer->physical != PHYSICAL_UNKNOWN) {
        *address = buffer->physical + offset;
        *length = left;
        return ERR_OK;
    }
    uint64_t in_page = offset % PAGE_BYTES, contiguous;
    error_t error = memory_physical(buffer->memory, offset - in_page, address, &contiguous);
    if (error != ERR_OK)
        return error;
    *address += in_page;
    *length = contiguous - in_page < left ? contiguous - in_page : left;
    return ERR_OK;
}

struct table {
    uint32_t *entries; // pairs: address, byte count (0: 64 KiB)
    uint32_t count;
    uint64_t end;    // address behind the last entry
    uint32_t length; // bytes of the last entry
};

// Adds as much of the run as there is room for; returns that many bytes.
static uint64_t table_add(struct table *table, uint64_t address, uint64_t length) {
    uint64_t added = 0;
    while (added < length) {
        uint64_t part = ENTRY_REACH - address % ENTRY_REACH;
        if (part > length - added)
            part = length - added;
        bool joins = table->count != 0 && table->end == address && address % ENTRY_REACH != 0;
        if (!joins) {
            if (table->count == ATA_TABLE_ENTRIES)
                break;
            table->entries[table->count * 2] = (uint32_t)address;
            table->count++;
            table->length = 0;
        }
        table->length += (uint32_t)part;
        table->entries[table->count * 2 - 1] = table->length & COUNT_MASK;
        address += part;
        added += part;
        table->end = address;
    }
    return added;
}

static void table_finish(struct table *table) {
    if (table->count != 0)
        table->entries[table->count * 2 - 1] |= (uint32_t)MASTER_LAST_ENTRY << 16;
}

// One request's part, from `done` sectors on. *stop: the table ends here.
static error_t table_add_io(struct table *table, const struct block_io *io, uint32_t done, uint32_t most, uint32_t *sectors,
                            bool *stop) {
    uint32_t wanted = io->count - done < most ? io->count - done : most;
    uint64_t left = (uint64_t)wanted * SECTOR_BYTES, offset = io->offset + (uint64_t)done * SECTOR_BYTES;
    while (left != 0 && !*stop) {
        uint64_t address, length;
        error_t error = run_find(io, offset, left, &address, &length);
        if (error != ERR_OK)
            return error;
        uint64_t added = address < REACH_END && length <= REACH_END - address ? table_add(table, address, length) : 0;
        *stop = added < length;
        *sectors += (uint32_t)(added / SECTOR_BYTES);
        left -= added;
        offset += added;
    }
    *stop = *stop || wanted == most;
    return ERR_OK;
}

error_t transfer_table(struct ata_channel *channel, uint32_t most, uint32_t *sectors) {
    const struct ata_command *command = &channel->command;
    struct table table = {.entries = channel->table};
    uint32_t done = command->io_done;
    bool stop = false;
    error_t error = ERR_OK;
    *sectors = 0;
    for (const struct block_io *io = command->io; io != NULL && !stop && error == ERR_OK; io = io->next) {
        error = table_add_io(&table, io, done, most - *sectors, sectors, &stop);
        done = 0;
        stop = stop || command->split;
    }
    table_finish(&table);
    return *sectors != 0 ? ERR_OK : error; // what could be described is done first; the error then comes again
}

void transfer_table_bounce(struct ata_channel *channel, uint32_t sectors) {
    struct table table = {.entries = channel->table};
    (void)table_add(&table, channel->bounce_physical, (uint64_t)sectors * SECTOR_BYTES);
    table_finish(&table);
}

static error_t bounce_copy(struct ata_channel *channel, uint32_t sectors, bool to_bounce) {
    const struct block_io *io = channel->command.io;
    const struct block_buffer *buffer = io->buffer;
    uint64_t offset = io->offset + (uint64_t)channel->command.io_done * SECTOR_BYTES;
    uint64_t length = (uint64_t)sectors * SECTOR_BYTES, moved = length;
    error_t error = ERR_OK;
    if (buffer->address != NULL && to_bounce)
        __builtin_memcpy(channel->bounce, (const char *)buffer->address + offset, length);
    else if (buffer->address != NULL)
        __builtin_memcpy((char *)buffer->address + offset, channel->bounce, length);
    else if (to_bounce)
        error = memory_read(buffer->memory, offset, channel->bounce, length, &moved);
    else
        error = memory_write(buffer->memory, offset, channel->bounce, length, &moved);
    return error == ERR_OK && moved != length ? ERR_PAGE_MISSING : error;
}

error_t transfer_to_bounce(struct ata_channel *channel, uint32_t sectors) {
    return bounce_copy(channel, sectors, true);
}

error_t transfer_from_bounce(struct ata_channel *channel, uint32_t sectors) {
    return bounce_copy(channel, sectors, false);
}
