// Reads a frame only after looking its address up in the current page tables, through the direct map, so that
// a broken stack ends the trace instead of faulting. Called by panic.
#include "kernel/x86_64/stack_trace.h"

#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/registers.h"

static const struct boot_info *machine;

void stack_trace_start(const struct boot_info *info) {
    machine = info;
}

static bool physical_is_ram(uint64_t physical) {
    for (uint32_t i = 0; i < machine->memory_count; i++) {
        const struct boot_memory_range *range = &machine->memory[i];
        if (range->kind != BOOT_MEMORY_RESERVED && physical - range->start < range->length)
            return true;
    }
    return false;
}

static bool address_is_mapped(uintptr_t address) {
    uint64_t entry = cr3_read();
    for (int shift = 39; shift >= 12; shift -= 9) {
        uint64_t table = entry & PAGE_ADDRESS;
        if (!physical_is_ram(table))
            return false;
        uint64_t place = machine->direct_map_base + table + (address >> shift & 511) * 8;
        entry = *(const volatile uint64_t *)place; // NOLINT(performance-no-int-to-ptr): direct map
        if (!(entry & PAGE_PRESENT))
            return false;
        if ((entry & PAGE_LARGE) && (shift == 30 || shift == 21))
            return true;
    }
    return true;
}

bool stack_trace_next(uintptr_t *frame, uintptr_t *instruction) {
    uintptr_t at = *frame;
    if (!machine || at < UINT64_C(0xffff800000000000) || at % 8 != 0 || at > UINTPTR_MAX - 16 ||
        !address_is_mapped(at) || !address_is_mapped(at + 8))
        return false;
    const uintptr_t *words = (const uintptr_t *)at; // NOLINT(performance-no-int-to-ptr): checked above
    if (words[1] == 0 || (words[0] != 0 && words[0] <= at))
        return false;
    *frame = words[0];
    *instruction = words[1];
    return true;
}
