// The classic table (a boot record's bytes 446 to 511) and the chain of extended boot records. A boot sector
// without a table, of a file system on the whole disk, is told apart by impossible status bytes.
#include "drivers/block/service/partition.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TABLE_OFFSET = 446,
    ENTRY_BYTES = 16,
    ENTRIES = 4,
    SIGNATURE_OFFSET = 510,
    TYPE_PROTECTIVE = 0xee, // the disk has a GPT
    FIRST_LOGICAL = 5,
    LINKS_MOST = 128, // of a chain
};

struct entry {
    uint8_t status, type;
    uint32_t first, count;
};

static uint32_t little32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static struct entry entry_at(const uint8_t *sector, uint32_t index) {
    const uint8_t *bytes = sector + TABLE_OFFSET + (size_t)index * ENTRY_BYTES;
    return (struct entry){.status = bytes[0], .type = bytes[4], .first = little32(bytes + 8), .count = little32(bytes + 12)};
}

static bool is_record(const uint8_t *sector) {
    return sector[SIGNATURE_OFFSET] == 0x55 && sector[SIGNATURE_OFFSET + 1] == 0xaa;
}

static bool is_extended(uint8_t type) {
    return type == 0x05 || type == 0x0f || type == 0x85;
}

void partition_add(struct partition_table *table, uint64_t sectors, uint64_t first, uint64_t count, uint32_t number) {
    if (first == 0 || count == 0 || first >= sectors || count > sectors - first) {
        text_add(&table->remark, table->remark.length != 0 ? ", " : "partitions that do not lie on the disk: ");
        text_add_number(&table->remark, number);
        return;
    }
    if (table->count < PARTITIONS_MOST)
        table->partitions[table->count++] = (struct partition){first, count, number};
}

// Each record of the chain describes one logical partition, relative to itself, and the next record, relative
// to the whole extended partition.
static void chain_scan(partition_reader *read, void *context, uint64_t sectors, const struct entry *extended, uint32_t *number,
                       struct partition_table *table) {
    uint8_t sector[PARTITION_SECTOR_BYTES];
    uint64_t at = extended->first;
    for (uint32_t links = 0; links < LINKS_MOST && table->count < PARTITIONS_MOST; links++) {
        if (at >= sectors || read(context, at, sector) != ERR_OK || !is_record(sector)) {
            text_add(&table->remark, table->remark.length != 0 ? ", " : "");
            text_add(&table->remark, "the chain of logical partitions is broken");
            return;
        }
        struct entry logical = entry_at(sector, 0), next = entry_at(sector, 1);
        if (logical.type != 0 && logical.count != 0)
            partition_add(table, sectors, at + logical.first, logical.count, (*number)++);
        if (!is_extended(next.type) || next.first == 0 || next.first >= extended->count)
            return;
        at = (uint64_t)extended->first + next.first;
    }
}

static void record_scan(partition_reader *read, void *context, uint64_t sectors, const uint8_t *sector,
                        struct partition_table *table) {
    uint32_t number = FIRST_LOGICAL;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct entry entry = entry_at(sector, i);
        if (entry.type != 0 && entry.count != 0 && !is_extended(entry.type))
            partition_add(table, sectors, entry.first, entry.count, i + 1);
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct entry entry = entry_at(sector, i);
        if (is_extended(entry.type) && entry.first != 0 && entry.count != 0)
            chain_scan(read, context, sectors, &entry, &number, table);
    }
}

void partition_scan(partition_reader *read, void *context, uint64_t sectors, struct partition_table *table) {
    uint8_t sector[PARTITION_SECTOR_BYTES];
    *table = (struct partition_table){0};
    if (sectors < 2)
        return;
    if (read(context, 0, sector) != ERR_OK) {
        text_add(&table->remark, "its first sector can't be read");
        return;
    }
    if (!is_record(sector))
        return;
    bool protective = false;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct entry entry = entry_at(sector, i);
        if ((entry.status & 0x7f) != 0)
            return;
        protective = protective || entry.type == TYPE_PROTECTIVE;
    }
    if (!protective) {
        record_scan(read, context, sectors, sector, table);
        return;
    }
    error_t error = gpt_scan(read, context, sectors, table);
    if (error != ERR_OK)
        text_add(&table->remark, error == ERR_IO ? "its GUID partition table can't be read"
                                                 : "neither copy of its GUID partition table is sound");
}
