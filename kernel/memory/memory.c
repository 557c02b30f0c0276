// Memory objects; see memory.h. Frames hang in a table of 512-entry pages (or, up to 8 pages, in the object itself).
#include "kernel/memory/memory.h"

#include "kernel/abi/methods.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/session.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/space.h"
#include "kernel/x86_64/string.h"

enum { ENTRIES = 512, ENTRY_SHIFT = 9, REAP_PAGES = 256 };

static uint8_t levels_for(uint64_t pages) {
    uint8_t levels = 0;
    if (pages > MEMORY_DIRECT_PAGES)
        for (uint64_t reach = 1; reach < pages; reach <<= ENTRY_SHIFT)
            levels++;
    return levels;
}

// Bytes of tables that an object of so many pages can come to need.
static uint64_t table_bytes(uint64_t pages) {
    uint64_t total = 0;
    for (uint8_t levels = levels_for(pages); levels > 0; levels--) {
        pages = (pages + ENTRIES - 1) >> ENTRY_SHIFT;
        total += pages;
    }
    return total * PAGE_BYTES;
}

static error_t memory_create(struct account *account, uint64_t length, uint64_t charge, struct memory **out) {
    if (length == 0 || length % PAGE_BYTES || length > UINT64_C(1) << 46)
        return ERR_INVALID;
    error_t error = account_charge(account, charge);
    if (error)
        return error;
    struct memory *memory;
    error = object_create(CAP_MEMORY, sizeof(*memory), account, &memory);
    if (error) {
        account_refund(account, charge);
        return error;
    }
    memory->pages = length / PAGE_BYTES;
    memory->levels = levels_for(memory->pages);
    memory->charged = charge;
    list_initialize(&memory->mappings);
    *out = memory;
    return ERR_OK;
}

error_t memory_create_anonymous(struct account *account, uint64_t length, struct memory **out) {
    error_t error = memory_create(account, length, length + table_bytes(length / PAGE_BYTES), out);
    if (!error)
        (*out)->memory_kind = MEMORY_KIND_ANONYMOUS;
    return error;
}

error_t memory_create_paged(struct account *account, uint64_t length, struct session *pager, struct memory **out) {
    error_t error = memory_create(account, length, length + table_bytes(length / PAGE_BYTES), out);
    if (error)
        return error;
    (*out)->memory_kind = MEMORY_KIND_PAGED;
    (*out)->pager = pager;
    session_hold(pager);
    return ERR_OK;
}

error_t memory_create_physical(struct account *account, uint64_t start, uint64_t length, uint64_t page_flags,
                               struct memory **out) {
    error_t error = memory_create(account, length, 0, out);
    if (error)
        return error;
    (*out)->memory_kind = MEMORY_KIND_PHYSICAL;
    (*out)->physical = start;
    (*out)->page_flags = page_flags;
    return ERR_OK;
}

error_t memory_create_contiguous(struct account *account, uint64_t length, uint64_t limit, struct memory **out) {
    uint32_t order = 0;
    while (order < FRAME_ORDERS && (uint64_t)PAGE_BYTES << order < length)
        order++;
    if (order >= FRAME_ORDERS)
        return ERR_INVALID;
    error_t error = memory_create(account, length, (uint64_t)PAGE_BYTES << order, out);
    if (error)
        return error;
    struct memory *memory = *out;
    memory->memory_kind = MEMORY_KIND_CONTIGUOUS;
    memory->pinned = true;
    error = frame_allocate(order, limit, &memory->physical);
    if (error) {
        object_release(&memory->object);
        return error;
    }
    memset(direct_map(memory->physical), 0, (uint64_t)PAGE_BYTES << order);
    memory->resident = memory->pages;
    return ERR_OK;
}

static bool is_linear(const struct memory *memory) {
    return memory->memory_kind == MEMORY_KIND_PHYSICAL || memory->memory_kind == MEMORY_KIND_CONTIGUOUS;
}

// The place of a page's entry; NULL (and ERR_OK) if its table does not exist and is not to be made.
static error_t find_entry(struct memory *memory, uint64_t page, bool create, uint64_t **entry) {
    *entry = NULL;
    if (memory->levels == 0) {
        *entry = &memory->direct[page];
        return ERR_OK;
    }
    uint64_t *slot = &memory->root;
    for (uint32_t level = memory->levels; level > 0; level--) {
        if (!*slot) {
            if (!create)
                return ERR_OK;
            error_t error = frame_allocate_zeroed(slot);
            if (error)
                return error;
        }
        slot = (uint64_t *)direct_map(*slot) + (page >> (ENTRY_SHIFT * (level - 1)) & (ENTRIES - 1));
    }
    *entry = slot;
    return ERR_OK;
}

static void drop_mapped(struct memory *memory, uint64_t first, uint64_t count) {
    for (struct list *link = memory->mappings.next; link != &memory->mappings; link = link->next)
        mapping_drop_pages(CONTAINER_OF(link, struct mapping, in_memory), first, count);
}

// Gives this object a frame of its own in place of one that it shares.
static error_t break_sharing(struct memory *memory, uint64_t page, uint64_t *entry) {
    uint64_t copy;
    error_t error = frame_allocate(0, FRAME_ANYWHERE, &copy);
    if (error)
        return error;
    memcpy(direct_map(copy), direct_map(*entry), PAGE_BYTES);
    drop_mapped(memory, page, 1);
    frame_release(*entry);
    *entry = copy;
    return ERR_OK;
}

error_t memory_page(struct memory *memory, uint64_t page, bool write, uint64_t *physical, bool *shared) {
    *shared = false;
    if (page >= memory->pages)
        return ERR_INVALID;
    if (is_linear(memory)) {
        *physical = memory->physical + page * PAGE_BYTES;
        return ERR_OK;
    }
    uint64_t *entry;
    error_t error = find_entry(memory, page, memory->memory_kind == MEMORY_KIND_ANONYMOUS, &entry);
    if (error)
        return error;
    if (!entry || !*entry) {
        if (memory->memory_kind == MEMORY_KIND_PAGED)
            return ERR_PAGE_MISSING;
        error = frame_allocate_zeroed(entry);
        if (error)
            return error;
        memory->resident++;
    } else if (frame_is_shared(*entry)) {
        if (write) {
            error = break_sharing(memory, page, entry);
            if (error)
                return error;
        } else {
            *shared = true;
        }
    }
    *physical = *entry;
    return ERR_OK;
}

void memory_discard(struct memory *memory, uint64_t first, uint64_t count) {
    if (is_linear(memory) || memory->pinned)
        return;
    drop_mapped(memory, first, count);
    for (uint64_t page = first; page < first + count; page++) {
        uint64_t *entry;
        if (find_entry(memory, page, false, &entry) || !entry || !*entry)
            continue;
        frame_release(*entry);
        *entry = 0;
        memory->resident--;
    }
}

// Shares a page with a clone. A pinned one must stay the source's alone, since a device may write to it: it is copied.
static error_t clone_page(const struct memory *source, uint64_t from, uint64_t *to) {
    if (!source->pinned) {
        frame_share(from);
        *to = from;
        return ERR_OK;
    }
    uint64_t copy;
    error_t error = frame_allocate(0, FRAME_ANYWHERE, &copy);
    if (error)
        return error;
    memcpy(direct_map(copy), direct_map(from), PAGE_BYTES);
    *to = copy;
    return ERR_OK;
}

error_t memory_clone(struct memory *source, struct account *account, uint64_t offset, uint64_t length,
                     struct memory **out) {
    uint64_t first = offset / PAGE_BYTES, count = length / PAGE_BYTES;
    if (offset % PAGE_BYTES || first > source->pages || count > source->pages - first ||
        source->memory_kind != MEMORY_KIND_ANONYMOUS)
        return ERR_INVALID;
    struct memory *clone;
    error_t error = memory_create_anonymous(account, length, &clone);
    if (error)
        return error;
    for (uint64_t page = 0; page < count; page++) {
        uint64_t *from, *to;
        if (find_entry(source, first + page, false, &from) || !from || !*from)
            continue;
        error = find_entry(clone, page, true, &to);
        if (!error)
            error = clone_page(source, *from, to);
        if (error) {
            object_release(&clone->object);
            return error;
        }
        clone->resident++;
    }
    for (struct list *link = source->mappings.next; link != &source->mappings; link = link->next)
        mapping_write_protect(CONTAINER_OF(link, struct mapping, in_memory), first, count);
    *out = clone;
    return ERR_OK;
}

error_t memory_supply(struct memory *memory, uint64_t first, uint64_t count, struct memory *source,
                      uint64_t source_first) {
    if (memory->memory_kind != MEMORY_KIND_PAGED || source->memory_kind != MEMORY_KIND_ANONYMOUS || source->pinned)
        return ERR_INVALID;
    drop_mapped(source, source_first, count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t *to, *from;
        error_t error = find_entry(memory, first + i, true, &to);
        if (error)
            return error;
        if (*to)
            continue;
        uint64_t physical;
        bool shared;
        error = memory_page(source, source_first + i, true, &physical, &shared);
        if (error)
            return error;
        error = find_entry(source, source_first + i, false, &from);
        if (error)
            return error;
        *to = *from;
        *from = 0;
        source->resident--;
        memory->resident++;
    }
    return ERR_OK;
}

// Frees the pages below one table entry's reach and the tables that are passed, from the cursor on.
static bool free_pages(struct memory *memory) {
    for (uint32_t budget = REAP_PAGES; memory->cursor < memory->pages;) {
        uint64_t *slot = &memory->root;
        uint32_t level = memory->levels;
        for (; level > 0 && *slot; level--)
            slot = (uint64_t *)direct_map(*slot) + (memory->cursor >> (ENTRY_SHIFT * (level - 1)) & (ENTRIES - 1));
        if (level > 0) { // nothing below this entry: step over its reach
            uint64_t reach = UINT64_C(1) << (ENTRY_SHIFT * level);
            memory->cursor = (memory->cursor & ~(reach - 1)) + reach;
        } else {
            if (*slot)
                frame_release(*slot);
            *slot = 0;
            memory->cursor++;
        }
        if (--budget == 0)
            return false;
    }
    return true;
}

static void free_tables(uint64_t table, uint32_t level) {
    if (!table)
        return;
    if (level > 1)
        for (uint32_t i = 0; i < ENTRIES; i++)
            free_tables(((uint64_t *)direct_map(table))[i], level - 1);
    frame_release(table);
}

bool memory_reap_step(struct object *object) {
    struct memory *memory = CONTAINER_OF(object, struct memory, object);
    if (memory->memory_kind == MEMORY_KIND_CONTIGUOUS && memory->physical) {
        uint32_t order = 0;
        while ((uint64_t)PAGE_BYTES << order < memory->pages * PAGE_BYTES)
            order++;
        frame_free(memory->physical, order);
    }
    if (!is_linear(memory)) {
        if (memory->levels == 0) {
            for (uint64_t page = 0; page < memory->pages; page++)
                if (memory->direct[page])
                    frame_release(memory->direct[page]);
        } else {
            if (!free_pages(memory))
                return false;
            free_tables(memory->root, memory->levels);
        }
    }
    if (memory->pager)
        session_unhold(memory->pager);
    account_refund(object->account, memory->charged);
    return true;
}
