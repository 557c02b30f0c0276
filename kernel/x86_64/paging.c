// Walking and changing page tables (Intel SDM volume 3, chapter 4); see paging.h. A change to a present entry
// of the space in use is followed by its invalidation, or by one reload of CR3 when there are many.
#include "kernel/x86_64/paging.h"

#include "kernel/cap/account.h"
#include "kernel/debug/panic.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/x86_64/string.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"

enum { ENTRIES = 512, LEVELS = 4, INVALIDATE_SINGLY = 32, DESTROY_STEP = 8 };

enum { CAPABILITY_SLOT = 400, DEVICE_SLOT = 509 }; // of the root
#define DEVICE_REGION (UINT64_C(0xffff) << 48 | (uint64_t)DEVICE_SLOT << 39)

static uint64_t kernel_root;

static uint32_t entry_index(uint64_t address, uint32_t level) { // level 3 is the root, 0 the last
    return (uint32_t)(address >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

static uint64_t *table_at(uint64_t entry) {
    return direct_map(entry & PAGE_ADDRESS);
}

// The last-level entry for an address; missing tables are made (and charged) if `create`.
static error_t walk(uint64_t root, uint64_t address, bool create, struct account *account, uint64_t flags,
                    uint64_t **entry) {
    uint64_t *table = table_at(root);
    for (uint32_t level = LEVELS - 1; level > 0; level--) {
        uint64_t *slot = &table[entry_index(address, level)];
        if (!(*slot & PAGE_PRESENT)) {
            if (!create)
                return ERR_NOT_FOUND;
            error_t error = account_charge(account, PAGE_BYTES);
            if (error)
                return error;
            uint64_t physical;
            error = frame_allocate_zeroed(&physical);
            if (error) {
                account_refund(account, PAGE_BYTES);
                return error;
            }
            *slot = physical | PAGE_PRESENT | PAGE_WRITE | flags;
        }
        table = table_at(*slot);
    }
    *entry = &table[entry_index(address, 0)];
    return ERR_OK;
}

void paging_initialize(uint64_t root) {
    kernel_root = root;
    // Every space shares the kernel's upper-level tables, so all that may ever be used exist from the start.
    uint64_t *table = table_at(root);
    static const uint16_t slots[] = {CAPABILITY_SLOT, DEVICE_SLOT};
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
    error_t error = walk(kernel_root, virtual_address, true, NULL, 0, &entry);
    if (!error)
        *entry = physical | flags | PAGE_PRESENT | PAGE_GLOBAL;
    return error;
}

void *kernel_map_device(uint64_t physical) {
    static uint64_t next = DEVICE_REGION;
    uint64_t page = next;
    next += 2 * PAGE_BYTES; // running off its end faults
    if (physical > PAGE_ADDRESS ||
        kernel_map_page(page, physical & PAGE_ADDRESS, PAGE_WRITE | PAGE_NO_EXECUTE | PAGE_UNCACHED))
        return NULL;
    return (void *)(page + physical % PAGE_BYTES); // NOLINT(performance-no-int-to-ptr)
}

bool kernel_page_is_mapped(uint64_t virtual_address) {
    uint64_t *entry;
    return !walk(kernel_root, virtual_address, false, NULL, 0, &entry) && (*entry & PAGE_PRESENT);
}

uint64_t kernel_unmap_page(uint64_t virtual_address) {
    uint64_t *entry;
    if (walk(kernel_root, virtual_address, false, NULL, 0, &entry) || !(*entry & PAGE_PRESENT))
        panic("unmapping a kernel page that is not mapped");
    uint64_t physical = *entry & PAGE_ADDRESS;
    *entry = 0;
    processor_invalidate_page(virtual_address);
    processors_forget_kernel_mappings();
    return physical;
}

void kernel_release_table(uint64_t virtual_address) {
    uint64_t *table = table_at(kernel_root);
    for (uint32_t level = LEVELS - 1; level > 1; level--) {
        uint64_t entry = table[entry_index(virtual_address, level)];
        if (!(entry & PAGE_PRESENT))
            return;
        table = table_at(entry);
    }
    uint64_t *slot = &table[entry_index(virtual_address, 1)];
    if (!(*slot & PAGE_PRESENT))
        return;
    uint64_t physical = *slot & PAGE_ADDRESS;
    *slot = 0;
    processor_invalidate_page(virtual_address);
    processors_forget_kernel_mappings();
    frame_release(physical);
}

error_t page_tables_create(struct page_tables *tables, struct account *account) {
    error_t error = account_charge(account, PAGE_BYTES);
    if (error)
        return error;
    uint64_t physical;
    error = frame_allocate_zeroed(&physical);
    if (error) {
        account_refund(account, PAGE_BYTES);
        return error;
    }
    memcpy(table_at(physical) + ENTRIES / 2, table_at(kernel_root) + ENTRIES / 2, PAGE_BYTES / 2);
    *tables = (struct page_tables){.root = physical};
    return ERR_OK;
}

// The address of the next entry in use of the table at this level, or the table's end; tables of pages are passed whole.
static uint64_t next_entry(const uint64_t *table, uint32_t level, uint64_t cursor) {
    uint32_t index = entry_index(cursor, level) + 1, end = level == LEVELS - 1 ? ENTRIES / 2 : ENTRIES;
    while (level > 0 && index < end && !(table[index] & PAGE_PRESENT))
        index++;
    uint64_t span = UINT64_C(1) << (PAGE_SHIFT + 9 * level), start = cursor & ~(span * ENTRIES - 1);
    return start + (level > 0 ? index : ENTRIES) * span;
}

// Frees one table whose children are all gone, or goes one level down; depth-first along the cursor.
bool page_tables_destroy_step(struct page_tables *tables, struct account *account) {
    if (!tables->root)
        return true;
    uint64_t *path[LEVELS] = {[LEVELS - 1] = table_at(tables->root)};
    uint32_t budget = DESTROY_STEP;
    while (tables->cursor < USER_HIGHEST) {
        uint32_t level = LEVELS - 1;
        for (; level > 0; level--) { // find the deepest table on the way to the cursor
            uint64_t entry = path[level][entry_index(tables->cursor, level)];
            if (!(entry & PAGE_PRESENT))
                break;
            path[level - 1] = table_at(entry);
        }
        tables->cursor = next_entry(path[level], level, tables->cursor);
        // The table at `level` just passed; free it and every parent whose range ends here too.
        for (uint32_t up = level ? level : 0; up < LEVELS - 1; up++) {
            uint64_t table_span = UINT64_C(1) << (PAGE_SHIFT + 9 * (up + 1));
            if (tables->cursor & (table_span - 1))
                break;
            uint64_t *slot = &path[up + 1][entry_index(tables->cursor - 1, up + 1)];
            frame_release(*slot & PAGE_ADDRESS);
            account_refund(account, PAGE_BYTES);
            *slot = 0;
        }
        if (--budget == 0)
            return false;
    }
    frame_release(tables->root);
    account_refund(account, PAGE_BYTES);
    tables->root = 0;
    return true;
}

static bool in_use(const struct page_tables *tables) {
    return processor_space_root() == tables->root;
}

error_t page_map(struct page_tables *tables, struct account *account, uint64_t address, uint64_t physical,
                 uint64_t flags) {
    if ((flags & PAGE_WRITE) && !(flags & PAGE_NO_EXECUTE))
        panic("a page would be writable and executable");
    uint64_t *entry;
    error_t error = walk(tables->root, address, true, account, PAGE_USER, &entry);
    if (error)
        return error;
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
    uint64_t *entry;
    if (walk(tables->root, address, false, NULL, 0, &entry))
        return 0;
    return *entry & PAGE_PRESENT ? *entry : 0;
}

// Clears `bits` in (or with bits == 0 empties) every present entry of the range; absent tables are stepped
// over.
static void change_range(struct page_tables *tables, uint64_t address, uint64_t length, uint64_t bits) {
    bool current = in_use(tables);
    uint32_t changed = 0;
    uint64_t end = address + length;
    while (address < end) {
        uint64_t *table = table_at(tables->root);
        uint32_t level = LEVELS - 1;
        for (; level > 0; level--) {
            uint64_t entry = table[entry_index(address, level)];
            if (!(entry & PAGE_PRESENT))
                break;
            table = table_at(entry);
        }
        if (level > 0) {
            uint64_t span = UINT64_C(1) << (PAGE_SHIFT + 9 * level);
            address = (address & ~(span - 1)) + span;
            continue;
        }
        do {
            uint64_t *entry = &table[entry_index(address, 0)];
            if (*entry & PAGE_PRESENT) {
                *entry = bits ? *entry & ~bits : 0;
                if (++changed <= INVALIDATE_SINGLY && current)
                    processor_invalidate_page(address);
            }
            address += PAGE_BYTES;
        } while (address < end && entry_index(address, 0) != 0);
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
