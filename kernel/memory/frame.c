// The buddy allocator behind frame.h. One 16-byte record per frame of RAM, in an array that covers the managed address
// range and is itself taken from the first free range that holds it.
#include "kernel/memory/frame.h"

#include "kernel/debug/panic.h"
#include "kernel/memory/direct_map.h"
#include "kernel/x86_64/string.h"

enum { FRAME_HOLE = 0xff, FRAME_USED = 0xfe, NO_FRAME = 0xffffffff };

struct frame {
    uint32_t next, previous; // indexes, while free and first of its block
    uint32_t count;          // users
    uint8_t order;           // of the free block that starts here, FRAME_USED or FRAME_HOLE
};

static struct frame *frames;
static uint64_t frame_limit; // frames covered by the array
static uint32_t free_lists[FRAME_ORDERS];
static uint64_t total_frames, free_frames, ram_bytes;

static void free_list_push(uint32_t index, uint32_t order) {
    struct frame *frame = &frames[index];
    frame->order = (uint8_t)order;
    frame->previous = NO_FRAME;
    frame->next = free_lists[order];
    if (frame->next != NO_FRAME)
        frames[frame->next].previous = index;
    free_lists[order] = index;
}

static void free_list_remove(uint32_t index) {
    struct frame *frame = &frames[index];
    if (frame->previous != NO_FRAME)
        frames[frame->previous].next = frame->next;
    else
        free_lists[frame->order] = frame->next;
    if (frame->next != NO_FRAME)
        frames[frame->next].previous = frame->previous;
    frame->order = FRAME_USED;
}

void frame_free(uint64_t physical, uint32_t order) {
    uint32_t index = (uint32_t)(physical >> PAGE_SHIFT);
    free_frames += UINT64_C(1) << order;
    for (uint32_t i = 0; i < 1u << order; i++)
        frames[index + i].count = 0;
    while (order + 1 < FRAME_ORDERS) {
        uint32_t buddy = index ^ 1u << order;
        if (buddy + (1u << order) > frame_limit || frames[buddy].order != order)
            break;
        free_list_remove(buddy);
        index &= ~(1u << order);
        order++;
    }
    free_list_push(index, order);
}

// Splits a free block down to the order wanted, keeping the lower half each time.
static uint32_t take_block(uint32_t index, uint32_t have, uint32_t order) {
    free_list_remove(index);
    while (have > order) {
        have--;
        frames[index + (1u << have)].order = FRAME_USED;
        free_list_push(index + (1u << have), have);
    }
    return index;
}

error_t frame_allocate(uint32_t order, uint64_t limit, uint64_t *physical) {
    for (uint32_t have = order; have < FRAME_ORDERS; have++) {
        uint32_t index = free_lists[have];
        // Only a search below a limit looks past the head: DMA memory, allocated at start.
        while (index != NO_FRAME && ((uint64_t)index << PAGE_SHIFT) + ((uint64_t)PAGE_BYTES << order) > limit)
            index = frames[index].next;
        if (index == NO_FRAME)
            continue;
        take_block(index, have, order);
        free_frames -= UINT64_C(1) << order;
        for (uint32_t i = 0; i < 1u << order; i++) {
            frames[index + i].order = FRAME_USED;
            frames[index + i].count = 1;
        }
        *physical = (uint64_t)index << PAGE_SHIFT;
        return ERR_OK;
    }
    return ERR_NO_MEMORY;
}

error_t frame_allocate_zeroed(uint64_t *physical) {
    error_t error = frame_allocate(0, FRAME_ANYWHERE, physical);
    if (!error)
        memset(direct_map(*physical), 0, PAGE_BYTES);
    return error;
}

void frame_share(uint64_t physical) {
    frames[physical >> PAGE_SHIFT].count++;
}

bool frame_is_shared(uint64_t physical) {
    return frames[physical >> PAGE_SHIFT].count > 1;
}

void frame_release(uint64_t physical) {
    if (--frames[physical >> PAGE_SHIFT].count == 0)
        frame_free(physical, 0);
}

bool frame_is_managed(uint64_t physical) {
    return physical >> PAGE_SHIFT < frame_limit && frames[physical >> PAGE_SHIFT].order != FRAME_HOLE;
}

uint64_t frame_total_bytes(void) {
    return total_frames << PAGE_SHIFT;
}

uint64_t frame_kernel_bytes(void) {
    return ram_bytes - frame_total_bytes();
}

uint64_t frame_free_bytes(void) {
    return free_frames << PAGE_SHIFT;
}

// Hands the range [first, last) to the buddy lists in the largest aligned blocks.
static void add_range(uint64_t first, uint64_t last) {
    while (first < last) {
        uint32_t order = 0;
        while (order + 1 < FRAME_ORDERS && !(first & (1u << order)) && first + (2u << order) <= last)
            order++;
        for (uint64_t i = first; i < first + (1u << order); i++)
            frames[i].order = FRAME_USED;
        total_frames += UINT64_C(1) << order;
        frame_free(first << PAGE_SHIFT, order);
        first += UINT64_C(1) << order;
    }
}

void frame_initialize(const struct boot_info *info) {
    for (uint32_t order = 0; order < FRAME_ORDERS; order++)
        free_lists[order] = NO_FRAME;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        ram_bytes += range->kind == BOOT_MEMORY_FREE || range->kind == BOOT_MEMORY_KERNEL ? range->length : 0;
        if (range->kind == BOOT_MEMORY_FREE || range->kind == BOOT_MEMORY_INITRD)
            frame_limit = (range->start + range->length) >> PAGE_SHIFT;
    }
    uint64_t bytes = (frame_limit * sizeof(struct frame) + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
    uint64_t array = 0;
    for (uint32_t i = 0; i < info->memory_count && !array; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        if (range->kind == BOOT_MEMORY_FREE && range->length >= bytes && range->start)
            array = range->start;
    }
    if (!array)
        panic("no free range holds the frame array");
    frames = direct_map(array);
    memset(frames, 0, bytes);
    for (uint64_t i = 0; i < frame_limit; i++)
        frames[i].order = FRAME_HOLE;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        uint64_t start = range->start, end = range->start + range->length;
        if (range->kind == BOOT_MEMORY_INITRD) // mapped by the initrd's memory object, never freed
            for (uint64_t page = start; page < end; page += PAGE_BYTES)
                frames[page >> PAGE_SHIFT].order = FRAME_USED, frames[page >> PAGE_SHIFT].count = 1;
        if (range->kind != BOOT_MEMORY_FREE)
            continue;
        if (start == array)
            start += bytes;
        if (start == 0) // address 0 stays unused, so that it can mean "none"
            start = PAGE_BYTES;
        if (start < end)
            add_range(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
    }
}
