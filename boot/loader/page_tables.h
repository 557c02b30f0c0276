// Building the page tables that the kernel starts with, while the first 4 GiB are still mapped one to one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/boot_info.h"

enum { // bits of a page-table entry that a caller chooses (Intel SDM volume 3, section 4.5)
    PAGE_PRESENT = 1 << 0,
    PAGE_WRITE = 1 << 1,
    PAGE_WRITE_COMBINE = 1 << 3, // PWT: entry 1 of the PAT, which boot sets to write-combining
    PAGE_HUGE = 1 << 7,
    PAGE_GLOBAL = 1 << 8,
};
#define PAGE_NO_EXECUTE (UINT64_C(1) << 63)

struct page_builder {
    uint64_t root;        // physical address of the PML4
    uint64_t next, limit; // what is left of the range: taken from limit downwards; physical, below 4 GiB
    uint64_t top;         // its end: [limit, top) is in use
    bool failed;          // ran out of memory: the tables are incomplete
};

// Takes the largest free range below 4 GiB for tables. False if there is none.
bool page_builder_start(struct page_builder *builder, const struct boot_info *info);
// Whole pages for another use; 0 if there are none left.
uint64_t page_builder_take(struct page_builder *builder, uint64_t bytes);
// Maps length bytes, with 2 MiB pages where both addresses allow it. All in whole pages; flags: those above.
void page_builder_map(struct page_builder *builder, uint64_t virtual_address, uint64_t physical, uint64_t length, uint64_t flags);
