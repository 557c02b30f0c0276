// Partitions of a disk: the table in the master boot record with its chain of extended ones, or a GUID
// partition table. The bytes come from anywhere and may be hostile: reading ends whatever they say, and only
// ranges that lie on the disk come out.
#pragma once

#include <stdint.h>

#include "drivers/framework/text.h"
#include "kernel/abi/errors.h"

enum { PARTITIONS_MOST = 64, PARTITION_SECTOR_BYTES = 512 };

struct partition {
    uint64_t first, count; // sectors
    uint32_t number;       // as tools on other systems count: from 1; logical ones from 5
};

// Reads one sector of 512 bytes.
typedef error_t partition_reader(void *context, uint64_t sector, void *to);

struct partition_table {
    struct partition partitions[PARTITIONS_MOST];
    uint32_t count;
    struct text remark; // what is wrong with the table, for the log; empty: nothing
};

// Fills the table of a disk of `sectors` sectors. A disk without a table has no partitions.
void partition_scan(partition_reader *read, void *context, uint64_t sectors, struct partition_table *table);

// For partition.c and gpt.c. Adds [first, first + count), if it lies on the disk, else says so in the remark.
void partition_add(struct partition_table *table, uint64_t sectors, uint64_t first, uint64_t count, uint32_t number);
// UEFI 2.9, 5.3: ERR_OK if there is a sound GPT, whose entries are added; ERR_NOT_FOUND: no such table;
// ERR_CORRUPT.
MUST_USE error_t gpt_scan(partition_reader *read, void *context, uint64_t sectors, struct partition_table *table);
