// GUID partition tables (UEFI 2.9, chapter 5.3). A header counts if its own and its entries' checksums are
// right; if those of the first copy are not, the one in the disk's last sector is used. Entries are read
// twice, once to sum, once to take: the array may be large, and nothing of it is believed before the sum is
// known.
#include "drivers/block/service/partition.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    HEADER_BYTES_LEAST = 92,
    ENTRY_BYTES_LEAST = 128,
    ENTRIES_MOST = 1024,
    ARRAY_SECTORS_MOST = 2048,
    HEADER_CRC_OFFSET = 16,
};

struct header {
    uint64_t entries_sector, first_usable, last_usable;
    uint32_t entry_count, entry_bytes, entries_crc;
};

struct array_walk {
    const struct header *header;
    uint64_t sectors;
    struct partition_table *table;
};

static uint32_t little32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t little64(const uint8_t *bytes) {
    return little32(bytes) | (uint64_t)little32(bytes + 4) << 32;
}

// CRC-32 of IEEE 802.3, as UEFI asks for; `crc` starts as 0 and carries over from piece to piece.
static uint32_t crc32_add(uint32_t crc, const uint8_t *bytes, size_t length) {
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
    }
    return ~crc;
}

static error_t header_read(partition_reader *read, void *context, uint64_t sectors, uint64_t at, struct header *header) {
    uint8_t sector[PARTITION_SECTOR_BYTES];
    error_t error = read(context, at, sector);
    if (error != ERR_OK)
        return error;
    if (__builtin_memcmp(sector, "EFI PART", 8) != 0)
        return ERR_NOT_FOUND;
    uint32_t bytes = little32(sector + 12), crc = little32(sector + HEADER_CRC_OFFSET);
    if (bytes < HEADER_BYTES_LEAST || bytes > sizeof(sector))
        return ERR_CORRUPT;
    for (uint32_t i = 0; i < 4; i++)
        sector[HEADER_CRC_OFFSET + i] = 0;
    if (crc32_add(0, sector, bytes) != crc || little64(sector + 24) != at)
        return ERR_CORRUPT;
    *header = (struct header){.first_usable = little64(sector + 40),
                              .last_usable = little64(sector + 48),
                              .entries_sector = little64(sector + 72),
                              .entry_count = little32(sector + 80),
                              .entry_bytes = little32(sector + 84),
                              .entries_crc = little32(sector + 88)};
    uint32_t size = header->entry_bytes;
    if (size < ENTRY_BYTES_LEAST || size > PARTITION_SECTOR_BYTES * 8 || (size & (size - 1)) != 0 || header->entry_count == 0 ||
        header->entry_count > ENTRIES_MOST)
        return ERR_CORRUPT;
    uint64_t length = ((uint64_t)header->entry_count * size + PARTITION_SECTOR_BYTES - 1) / PARTITION_SECTOR_BYTES;
    if (length > ARRAY_SECTORS_MOST || header->entries_sector < 2 || header->entries_sector >= sectors ||
        length > sectors - header->entries_sector)
        return ERR_CORRUPT;
    return ERR_OK;
}

static void entry_take(const struct array_walk *walk, const uint8_t *entry, uint32_t index) {
    uint64_t first = little64(entry + 32), last = little64(entry + 40);
    bool used = false;
    for (uint32_t i = 0; i < 16; i++)
        used = used || entry[i] != 0;
    if (!used)
        return;
    bool sound =
        last >= first && first >= walk->header->first_usable && last <= walk->header->last_usable && last < walk->sectors;
    partition_add(walk->table, walk->sectors, first, sound ? last - first + 1 : 0, index + 1);
}

// Goes over the array; sums it, and takes its entries if `walk->table` is there.
static error_t array_read(partition_reader *read, void *context, const struct array_walk *walk, uint32_t *crc) {
    const struct header *header = walk->header;
    uint8_t sector[PARTITION_SECTOR_BYTES];
    uint64_t left = (uint64_t)header->entry_count * header->entry_bytes;
    *crc = 0;
    for (uint64_t at = 0; left != 0; at++) {
        error_t error = read(context, header->entries_sector + at, sector);
        if (error != ERR_OK)
            return error;
        size_t part = left < sizeof(sector) ? (size_t)left : sizeof(sector);
        *crc = crc32_add(*crc, sector, part);
        left -= part;
        for (size_t offset = 0; walk->table != NULL && offset + ENTRY_BYTES_LEAST <= part; offset += ENTRY_BYTES_LEAST) {
            uint64_t byte = at * PARTITION_SECTOR_BYTES + offset;
            if (byte % header->entry_bytes == 0)
                entry_take(walk, sector + offset, (uint32_t)(byte / header->entry_bytes));
        }
    }
    return ERR_OK;
}

static error_t copy_scan(partition_reader *read, void *context, uint64_t sectors, uint64_t at, struct partition_table *table) {
    struct header header;
    uint32_t crc;
    error_t error = header_read(read, context, sectors, at, &header);
    struct array_walk walk = {.header = &header, .sectors = sectors};
    if (error == ERR_OK)
        error = array_read(read, context, &walk, &crc);
    if (error == ERR_OK && crc != header.entries_crc)
        error = ERR_CORRUPT;
    if (error != ERR_OK)
        return error;
    walk.table = table;
    return array_read(read, context, &walk, &crc);
}

error_t gpt_scan(partition_reader *read, void *context, uint64_t sectors, struct partition_table *table) {
    if (sectors < 3)
        return ERR_NOT_FOUND;
    error_t error = copy_scan(read, context, sectors, 1, table);
    if (error == ERR_OK)
        return ERR_OK;
    table->count = 0;
    table->remark = (struct text){0};
    error_t second = copy_scan(read, context, sectors, sectors - 1, table);
    if (second != ERR_OK) {
        *table = (struct partition_table){0};
        return error;
    }
    text_add(&table->remark, "the first copy of its GUID partition table is damaged, the second is used");
    return ERR_OK;
}
