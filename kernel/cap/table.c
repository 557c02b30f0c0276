// The memory of capability tables: pages of the region are given to a table from its start, and counted to its
// process's account. Invariant: slots below table.size have memory; slots in use are counted on the way in and out by
// scanning only at destruction.
#include "kernel/cap/account.h"
#include "kernel/cap/capability.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/x86_64/paging.h"

enum { SLOTS_PER_PAGE = PAGE_BYTES / sizeof(struct capability), GROWTH_PAGES = 16, TABLES = 32768 };

static uint64_t table_used[TABLES / 64] = {1}; // table 0 is never used: global slot number 0 means none

error_t capability_table_create(struct capability_table *table) {
    for (uint32_t word = 0; word < TABLES / 64; word++) {
        if (table_used[word] == UINT64_MAX)
            continue;
        uint32_t bit = (uint32_t)__builtin_ctzll(~table_used[word]);
        table_used[word] |= UINT64_C(1) << bit;
        *table = (struct capability_table){.index = word * 64 + bit};
        table->slots = capability_region + (uint64_t)table->index * CAP_TABLE_SLOTS;
        return ERR_OK;
    }
    return ERR_NO_MEMORY;
}

static error_t table_grow(struct capability_table *table, struct account *account) {
    uint64_t more = table->size ? 0 : PAGE_BYTES, physical; // the first brings its page table along
    error_t error = account_charge(account, more);
    if (error)
        return error;
    error = account_take_frame(account, &physical);
    if (error)
        goto refund;
    error = kernel_map_page((uint64_t)&table->slots[table->size], physical, PAGE_WRITE | PAGE_NO_EXECUTE);
    if (error)
        goto release;
    table->size += SLOTS_PER_PAGE;
    process_table_grown(CONTAINER_OF(table, struct process, table));
    return ERR_OK;
release:
    account_give_frame(account, physical);
refund:
    account_refund(account, more);
    return error;
}

error_t capability_reserve(struct capability_table *table, struct account *account, uint64_t index, struct capability **slot) {
    if (!table->index)
        return ERR_DYING;
    if (index == 0 || index >= CAP_TABLE_SLOTS || index >= table->size + GROWTH_PAGES * SLOTS_PER_PAGE)
        return ERR_INVALID;
    while (index >= table->size) {
        error_t error = table_grow(table, account);
        if (error)
            return error;
    }
    *slot = &table->slots[index];
    return (*slot)->kind == CAP_NONE ? ERR_OK : ERR_SLOT_IN_USE;
}

bool capability_table_destroy_step(struct capability_table *table, struct account *account, uint32_t budget) {
    while (table->size > 0) {
        struct capability *page = &table->slots[table->size - SLOTS_PER_PAGE];
        for (uint32_t i = 0; i < SLOTS_PER_PAGE; i++) {
            if (page[i].kind == CAP_NONE)
                continue;
            if (budget-- == 0)
                return false;
            capability_delete(&page[i]);
        }
        table->size -= SLOTS_PER_PAGE;
        frame_release(kernel_unmap_page((uint64_t)page));
        account_refund(account, table->size ? PAGE_BYTES : 2 * PAGE_BYTES);
    }
    if (table->index) {
        kernel_release_table((uint64_t)table->slots);
        table_used[table->index / 64] &= ~(UINT64_C(1) << table->index % 64);
        table->index = 0;
    }
    return true;
}
