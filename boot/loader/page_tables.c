// Four-level page tables made from fresh pages (Intel SDM volume 3, section 4.5). No entry is ever
// overwritten: callers map disjoint ranges. Called by loader_main, on the identity mapping.
#include "boot/loader/page_tables.h"

#include "kernel/x86_64/string.h"

enum { PAGE_BYTES = 4096, HUGE_BYTES = 2 << 20 };
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

static uint64_t *table_at(uint64_t physical) {
    return (uint64_t *)(uintptr_t)physical; // NOLINT(performance-no-int-to-ptr): mapped one to one
}

uint64_t page_builder_take(struct page_builder *builder, uint64_t bytes) {
    if (builder->limit - builder->next < bytes) {
        builder->failed = true;
        return 0;
    }
    return builder->limit -= bytes;
}

static uint64_t table_new(struct page_builder *builder) {
    uint64_t table = page_builder_take(builder, PAGE_BYTES);
    if (table != 0)
        memset(table_at(table), 0, PAGE_BYTES);
    return table;
}

bool page_builder_start(struct page_builder *builder, const struct boot_info *info) {
    const uint64_t reachable = UINT64_C(1) << 32;
    *builder = (struct page_builder){0};
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        uint64_t end = range->start + range->length < reachable ? range->start + range->length : reachable;
        if (range->kind == BOOT_MEMORY_FREE && range->start < end && end - range->start > builder->limit - builder->next) {
            builder->next = range->start;
            builder->limit = builder->top = end;
        }
    }
    builder->root = table_new(builder);
    return !builder->failed;
}

// The table below entry, made if it is missing; null when memory ran out.
static uint64_t *descend(struct page_builder *builder, uint64_t *entry) {
    if (!(*entry & PAGE_PRESENT)) {
        uint64_t table = table_new(builder);
        if (table == 0)
            return 0;
        *entry = table | PAGE_PRESENT | PAGE_WRITE;
    }
    return table_at(*entry & ENTRY_ADDRESS);
}

static bool map_page(struct page_builder *builder, uint64_t virtual_address, uint64_t physical, bool huge, uint64_t flags) {
    uint64_t *table = table_at(builder->root);
    int last = huge ? 21 : 12;
    for (int shift = 39; shift > last; shift -= 9) {
        table = descend(builder, &table[virtual_address >> shift & 511]);
        if (!table)
            return false;
    }
    table[virtual_address >> last & 511] = physical | flags | PAGE_PRESENT | (huge ? (uint64_t)PAGE_HUGE : 0);
    return true;
}

void page_builder_map(struct page_builder *builder, uint64_t virtual_address, uint64_t physical, uint64_t length,
                      uint64_t flags) {
    while (length != 0) {
        bool huge = ((virtual_address | physical) & (HUGE_BYTES - 1)) == 0 && length >= HUGE_BYTES;
        uint64_t step = huge ? HUGE_BYTES : PAGE_BYTES;
        if (!map_page(builder, virtual_address, physical, huge, flags))
            return;
        virtual_address += step;
        physical += step;
        length -= step;
    }
}
