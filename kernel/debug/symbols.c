// Looks addresses up in the generated symbol table. Only called by panic, so it trusts nothing but the
// table's order.
#include "kernel/debug/symbols.h"

extern char image_start[], image_text_end[]; // boot/kernel.ld

bool symbol_find(uintptr_t address, const char **name, uint32_t *offset, uint32_t *place) {
    uintptr_t start = (uintptr_t)image_start;
    if (address < start || address >= (uintptr_t)image_text_end)
        return false;
    *place = (uint32_t)(address - start);
    uint32_t low = 0, high = kernel_symbol_count;
    while (low < high) { // the first symbol past the place
        uint32_t middle = low + (high - low) / 2;
        if (kernel_symbol_offsets[middle] <= *place)
            low = middle + 1;
        else
            high = middle;
    }
    *name = low == 0 ? "?" : kernel_symbol_names + kernel_symbol_name_offsets[low - 1];
    *offset = low == 0 ? *place : *place - kernel_symbol_offsets[low - 1];
    return true;
}
