// Walking and changing page tables (Intel SDM volume 3, chapter 4); see paging.h. A change to a present entry
// of the space in use is followed by its invalidation, or by one reload of CR3 when there are many.
#include "kernel/x86_64/paging.h"

#include "kernel/cap/account.h"
#include "kernel/debug/panic.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/page_tree.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"

enum { ENTRIES = PAGE_TREE_ENTRIES, LEVELS = PAGE_TREE_LEVELS, INVALIDATE_SINGLY = 32, DESTROY_STEP = 8 };
#define USER_PAGES (UINT64_C(1) << (PAGE_TREE_SHIFT * LEVELS - 1)) // those of the lower half

enum { CAPABILITY_SLOT = 400, PROCESSOR_SLOT = 410, DEVICE_SLOT = 509, IMAGE_SLOT = 511 }; // of the root
#define DEVICE_REGION (UINT64_C(0xffff) << 48 | (uint64_t)DEVICE_SLOT << 39)

bool paging_isolated;
static uint64_t kernel_root;

static uint64_t *table_at(uint64_t entry) {
    return direct_map(entry & PAGE_ADDRESS);
}

// The entry of a page; NULL if there is no table for it.
static uint64_t *find(uint64_t root, uint64_t address) {
    uint64_t *entry;
    return page_tree_find(&root, LEVELS, 0, address >> PAGE_SHIFT, &entry) == 0 ? entry : NULL;
}

void paging_initialize(uint64_t root) {
    kernel_root = root;
    // Every space shares the kernel's upper-level tables, so all that may ever be used exist from the start.
    uint64_t *table = table_at(root);
    static const uint16_t slots[] = {CAPABILITY_SLOT, PROCESSOR_SLOT, DEVICE_SLOT};
    for (uint32_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        uint64_t physical;
        if (frame_allocate_zeroed(&physical))
            panic("no memory for the kernel's own page tables");
        table[slots[i]] = physical | PAGE_PRESENT | PAGE_WRITE | PAGE_NO_EXECUTE;
    }
}

uint64_t paging_kernel_root(void) {
    return kernel_root;
}

error_t kernel_map_page(uint64_t virtual_address, uint64_t physical, uint64_t flags) {
    uint64_t *entry;
    error_t error = page_tree_make(&kernel_root, LEVELS, virtual_address >> PAGE_SHIFT, PAGE_PRESENT | PAGE_WRITE, NULL, &entry);
    if (!error)
        *entry = physical | flags | PAGE_PRESENT | PAGE_GLOBAL;
    return error;
}

void *kernel_map_device(uint64_t physical) {
    static uint64_t next = DEVICE_REGION;
    uint64_t page = next;
    next += 2 * PAGE_BYTES; // running off its end faults
    if (physical > PAGE_ADDRESS || kernel_map_page(page, physical & PAGE_ADDRESS, PAGE_WRITE | PAGE_NO_EXECUTE | PAGE_UNCACHED))
        return NULL;
    return (void *)(page + physical % PAGE_BYTES); // NOLINT(performance-no-int-to-ptr)
}

bool kernel_page_is_mapped(uint64_t virtual_address) {
    const uint64_t *entry = find(kernel_root, virtual_address);
    return entry && (*entry & PAGE_PRESENT);
}

// Empties an entry of the kernel's half; what it held.
static uint64_t forget(uint64_t *entry, uint64_t virtual_address) {
    uint64_t physical = *entry & PAGE_ADDRESS;
    *entry = 0;
    processor_invalidate_page(virtual_address);
    processors_forget_kernel_mappings();
    return physical;
}

uint64_t kernel_unmap_page(uint64_t virtual_address) {
    uint64_t *entry = find(kernel_root, virtual_address);
    if (!entry || !(*entry & PAGE_PRESENT))
        panic("unmapping a kernel page that is not mapped");
    return forget(entry, virtual_address);
}

void kernel_release_table(uint64_t virtual_address) {
    uint64_t *entry;
    if (page_tree_find(&kernel_root, LEVELS, 1, virtual_address >> PAGE_SHIFT, &entry) == 1 && *entry)
        frame_release(forget(entry, virtual_address));
}

error_t page_tables_create(struct page_tables *tables, struct account *account) {
    uint32_t order = paging_isolated;
    error_t error = account_charge(account, PAGE_BYTES << order);
    if (error)
        return error;
    uint64_t physical;
    error = frame_allocate(order, FRAME_ANYWHERE, &physical);
    if (error) {
        account_refund(account, PAGE_BYTES << order);
        return error;
    }
    uint64_t *root = memset(table_at(physical), 0, PAGE_BYTES << order), *kernel = table_at(kernel_root);
    memcpy(root + ENTRIES / 2, kernel + ENTRIES / 2, PAGE_BYTES / 2);
    if (paging_isolated) {
        root[ENTRIES + PROCESSOR_SLOT] = kernel[PROCESSOR_SLOT];
        root[ENTRIES + IMAGE_SLOT] = kernel[IMAGE_SLOT];
    }
    *tables = (struct page_tables){.root = physical};
    return ERR_OK;
}

bool page_tables_destroy_step(struct page_tables *tables, struct account *account) {
    uint64_t freed = 0, second = paging_isolated && tables->root ? tables->root + PAGE_BYTES : 0;
    bool done = page_tree_free(&tables->root, LEVELS, &tables->cursor, USER_PAGES, false, DESTROY_STEP, &freed);
    account_refund(account, freed * PAGE_BYTES);
    if (done && second)
        account_give_frame(account, second);
    return done;
}

static bool in_use(const struct page_tables *tables) {
    return processor_space_root() == tables->root;
}

error_t page_map(struct page_tables *tables, struct account *account, uint64_t address, uint64_t physical, uint64_t flags) {
    if ((flags & PAGE_WRITE) && !(flags & PAGE_NO_EXECUTE))
        panic("a page would be writable and executable");
    uint64_t *entry;
    error_t error =
        page_tree_make(&tables->root, LEVELS, address >> PAGE_SHIFT, PAGE_PRESENT | PAGE_WRITE | PAGE_USER, account, &entry);
    if (error)
        return error;
    if (paging_isolated) {
        uint64_t *root = table_at(tables->root) + (address >> (PAGE_SHIFT + PAGE_TREE_SHIFT * (LEVELS - 1)));
        root[ENTRIES] = *root;
    }
    uint64_t old = *entry;
    *entry = physical | flags | PAGE_PRESENT | PAGE_USER;
    if (old & PAGE_PRESENT) {
        if (in_use(tables))
            processor_invalidate_page(address);
        processors_reload(tables->root, tables->root);
    }
    return ERR_OK;
}

uint64_t page_lookup(const struct page_tables *tables, uint64_t address) {
    const uint64_t *entry = find(tables->root, address);
    return entry && (*entry & PAGE_PRESENT) ? *entry : 0;
}

// Clears `bits` in (or with bits == 0 empties) every present entry of the range; absent tables are stepped
// over.
static void change_range(struct page_tables *tables, uint64_t address, uint64_t length, uint64_t bits) {
    bool current = in_use(tables);
    uint32_t changed = 0;
    uint64_t end = address + length;
    while (address < end) {
        uint64_t *entry;
        uint32_t level = page_tree_find(&tables->root, LEVELS, 0, address >> PAGE_SHIFT, &entry);
        if (level > 0) {
            uint64_t span = UINT64_C(1) << (PAGE_SHIFT + PAGE_TREE_SHIFT * level);
            address = (address & ~(span - 1)) + span;
            continue;
        }
        do {
            if (*entry & PAGE_PRESENT) {
                *entry = bits ? *entry & ~bits : 0;
                if (++changed <= INVALIDATE_SINGLY && current)
                    processor_invalidate_page(address);
            }
            address += PAGE_BYTES;
        } while (address < end && (uintptr_t)++entry % PAGE_BYTES != 0);
    }
    if (changed > INVALIDATE_SINGLY && current)
        processor_load_space(tables->root);
    if (changed > 0)
        processors_reload(tables->root, tables->root);
}

void page_unmap(struct page_tables *tables, uint64_t address, uint64_t length) {
    change_range(tables, address, length, 0);
}

void page_write_protect(struct page_tables *tables, uint64_t address, uint64_t length) {
    change_range(tables, address, length, PAGE_WRITE);
}
