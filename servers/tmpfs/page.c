// Pages of content: slabs of 64, each one memory object that nobody maps, given back when its last page is
// free. Charged to the server's account in full when made, so a page that was taken can always be written.
#include <stdlib.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "servers/tmpfs/state.h"

struct slab {
    cap_t memory;  // 0: this entry is free
    uint64_t used; // bit per page
};

static struct slab *slabs;
static uint32_t slab_count, slab_capacity, first_with_room; // no slab before it has a free page
static uint32_t slabs_made;

static error_t slab_make(uint32_t index) {
    if (index == slab_capacity) {
        uint32_t capacity = slab_capacity == 0 ? 16 : 2 * slab_capacity;
        struct slab *larger = realloc(slabs, capacity * sizeof(*slabs));
        if (larger == NULL)
            return ERR_NO_SPACE;
        slabs = larger;
        slab_capacity = capacity;
    }
    cap_t memory;
    if (account_create_memory(SLOT_ACCOUNT, SLAB_PAGES * PAGE_BYTES, &memory) != ERR_OK)
        return ERR_NO_SPACE;
    slabs[index] = (struct slab){.memory = memory};
    if (index == slab_count)
        slab_count++;
    slabs_made++;
    return ERR_OK;
}

static page_t slab_take(uint32_t index, uint32_t bit) {
    slabs[index].used |= UINT64_C(1) << bit;
    return index * SLAB_PAGES + bit + 1;
}

error_t page_take(page_t near, page_t *page) {
    if (near != 0 && near < slab_count * SLAB_PAGES) { // `near` as an index is the page behind it
        uint32_t index = near / SLAB_PAGES, bit = near % SLAB_PAGES;
        if (slabs[index].memory != 0 && (slabs[index].used >> bit & 1) == 0) {
            *page = slab_take(index, bit);
            return ERR_OK;
        }
    }
    uint32_t free_entry = slab_count;
    for (uint32_t index = first_with_room; index < slab_count; index++) {
        if (slabs[index].memory == 0) {
            if (free_entry == slab_count)
                free_entry = index;
        } else if (slabs[index].used != UINT64_MAX) {
            if (free_entry == slab_count)
                first_with_room = index;
            *page = slab_take(index, (uint32_t)__builtin_ctzll(~slabs[index].used));
            return ERR_OK;
        }
    }
    error_t error = slab_make(free_entry);
    if (error != ERR_OK)
        return error;
    first_with_room = free_entry;
    *page = slab_take(free_entry, 0);
    return ERR_OK;
}

void page_locate(page_t page, cap_t *memory, uint64_t *offset) {
    *memory = slabs[(page - 1) / SLAB_PAGES].memory;
    *offset = (uint64_t)((page - 1) % SLAB_PAGES) * PAGE_BYTES;
}

void page_free(page_t page) {
    uint32_t index = (page - 1) / SLAB_PAGES, bit = (page - 1) % SLAB_PAGES;
    struct slab *slab = &slabs[index];
    slab->used &= ~(UINT64_C(1) << bit);
    if (index < first_with_room)
        first_with_room = index;
    if (slab->used == 0) {
        slot_release(slab->memory);
        slab->memory = 0;
        slabs_made--;
        return;
    }
    // If it can't be discarded it must not be handed out with its old bytes.
    if (memory_discard(slab->memory, (uint64_t)bit * PAGE_BYTES, PAGE_BYTES) != ERR_OK)
        slab->used |= UINT64_C(1) << bit;
}

uint32_t page_pool_slabs(void) {
    return slabs_made;
}

bool page_slab(uint32_t index, uint64_t *memory, uint64_t *used) {
    if (index >= slab_count)
        return false;
    *memory = slabs[index].memory;
    *used = slabs[index].used;
    return true;
}

error_t page_slab_restore(uint32_t index, cap_t memory, uint64_t used) {
    while (index >= slab_capacity) {
        uint32_t capacity = slab_capacity == 0 ? 16 : 2 * slab_capacity;
        struct slab *larger = realloc(slabs, capacity * sizeof(*slabs));
        if (larger == NULL)
            return ERR_NO_MEMORY;
        slabs = larger;
        slab_capacity = capacity;
    }
    for (; slab_count <= index; slab_count++)
        slabs[slab_count] = (struct slab){0};
    slabs[index] = (struct slab){memory, used};
    slabs_made++;
    return ERR_OK;
}
