// Painting ranges into boot_info's memory list. Pure arithmetic: also runs on the host under test. The list
// is always sorted, disjoint and merged when a function returns. Called by the boot code only.
#include "boot/loader/memory_map.h"

#include <stdbool.h>

#include "kernel/x86_64/string.h"

enum { PAGE = 4096 };

static uint64_t range_end(const struct boot_memory_range *range) {
    return range->start + range->length;
}

static void range_remove(struct boot_info *info, uint32_t index) {
    info->memory_count--;
    memmove(&info->memory[index], &info->memory[index + 1], (info->memory_count - index) * sizeof info->memory[0]);
}

static void range_insert(struct boot_info *info, uint32_t index, uint64_t start, uint64_t end, uint32_t kind) {
    memmove(&info->memory[index + 1], &info->memory[index], (info->memory_count - index) * sizeof info->memory[0]);
    info->memory[index] = (struct boot_memory_range){.start = start, .length = end - start, .kind = kind};
    info->memory_count++;
}

static bool gives_up_before(const struct boot_memory_range *a, const struct boot_memory_range *b) {
    bool a_reserved = a->kind == BOOT_MEMORY_RESERVED, b_reserved = b->kind == BOOT_MEMORY_RESERVED;
    if (a_reserved != b_reserved)
        return a_reserved;
    return a->length < b->length;
}

// Makes room for two more entries: a range can be split by another.
static uint64_t make_room(struct boot_info *info) {
    uint64_t lost = 0;
    while (info->memory_count + 2 > BOOT_MEMORY_RANGES) {
        uint32_t victim = BOOT_MEMORY_RANGES;
        for (uint32_t i = 0; i < info->memory_count; i++) {
            uint32_t kind = info->memory[i].kind;
            if (kind != BOOT_MEMORY_RESERVED && kind != BOOT_MEMORY_FREE)
                continue;
            if (victim == BOOT_MEMORY_RANGES || gives_up_before(&info->memory[i], &info->memory[victim]))
                victim = i;
        }
        if (victim == BOOT_MEMORY_RANGES)
            victim = info->memory_count - 1; // 126 tables: the last is not worth a crash
        if (info->memory[victim].kind == BOOT_MEMORY_FREE)
            lost += info->memory[victim].length;
        range_remove(info, victim);
    }
    return lost;
}

static void merge_around(struct boot_info *info, uint32_t index) {
    if (index + 1 < info->memory_count && info->memory[index + 1].kind == info->memory[index].kind &&
        range_end(&info->memory[index]) == info->memory[index + 1].start) {
        info->memory[index].length += info->memory[index + 1].length;
        range_remove(info, index + 1);
    }
    if (index > 0 && info->memory[index - 1].kind == info->memory[index].kind &&
        range_end(&info->memory[index - 1]) == info->memory[index].start) {
        info->memory[index - 1].length += info->memory[index].length;
        range_remove(info, index);
    }
}

uint64_t memory_map_paint(struct boot_info *info, uint64_t start, uint64_t end, uint32_t kind) {
    if (start >= end)
        return 0;
    if (kind == BOOT_MEMORY_FREE) {
        start = start > UINT64_MAX - (PAGE - 1) ? UINT64_MAX : (start + PAGE - 1);
        end &= ~(uint64_t)(PAGE - 1);
    } else {
        end = end > UINT64_MAX - (PAGE - 1) ? UINT64_MAX : (end + PAGE - 1);
        end &= ~(uint64_t)(PAGE - 1);
    }
    start &= ~(uint64_t)(PAGE - 1);
    if (start >= end)
        return 0;
    uint64_t lost = make_room(info);
    uint32_t i = 0;
    while (i < info->memory_count && range_end(&info->memory[i]) <= start)
        i++;
    // Everything from here that starts before our end overlaps us.
    while (i < info->memory_count && info->memory[i].start < end) {
        struct boot_memory_range old = info->memory[i];
        range_remove(info, i);
        if (old.start < start)
            range_insert(info, i++, old.start, start, old.kind);
        if (range_end(&old) > end)
            range_insert(info, i, end, range_end(&old), old.kind);
    }
    if (kind != 0) {
        range_insert(info, i, start, end, kind);
        merge_around(info, i);
    }
    return lost;
}
