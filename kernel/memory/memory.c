// Memory objects; see memory.h. Frames hang in a tree of pages (or, up to 8, in the object itself).
#include "kernel/memory/memory.h"

#include "kernel/abi/methods.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/page_tree.h"
#include "kernel/memory/space.h"
#include "kernel/x86_64/string.h"

enum { REAP_PAGES = 128, STEP_PAGES = 256, ZERO_PAGES = 32 };

static uint8_t levels_for(uint64_t pages) {
    uint8_t levels = 0;
    if (pages > MEMORY_DIRECT_PAGES)
        for (uint64_t reach = 1; reach < pages; reach <<= PAGE_TREE_SHIFT)
            levels++;
    return levels;
}

// Bytes of tables that an object of so many pages can come to need.
static uint64_t table_bytes(uint64_t pages) {
    uint64_t total = 0;
    for (uint8_t levels = levels_for(pages); levels > 0; levels--) {
        pages = (pages + PAGE_TREE_ENTRIES - 1) >> PAGE_TREE_SHIFT;
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

// Of the block of frames that holds so many bytes; FRAME_ORDERS if none does.
static uint32_t block_order(uint64_t length) {
    uint32_t order = 0;
    while (order < FRAME_ORDERS && (uint64_t)PAGE_BYTES << order < length)
        order++;
    return order;
}

error_t memory_create_contiguous(struct account *account, uint64_t length, uint64_t limit, struct memory **out) {
    struct memory *memory = *out;
    uint32_t order = block_order(length);
    if (memory && (memory->memory_kind != MEMORY_KIND_CONTIGUOUS || memory->pages != length / PAGE_BYTES)) {
        object_release(&memory->object); // of a call that was not finished
        *out = memory = NULL;
    }
    if (order >= FRAME_ORDERS)
        return ERR_INVALID;
    if (!memory) {
        error_t error = memory_create(account, length, (uint64_t)PAGE_BYTES << order, out);
        if (error)
            return error;
        memory = *out;
        memory->memory_kind = MEMORY_KIND_CONTIGUOUS;
        memory->pinned = true;
        error = frame_allocate(order, limit, &memory->physical);
        if (error) {
            object_release(&memory->object);
            *out = NULL;
            return error;
        }
    }
    for (uint32_t i = 0; i < ZERO_PAGES && memory->cursor < UINT64_C(1) << order; i++)
        memset(direct_map(memory->physical + memory->cursor++ * PAGE_BYTES), 0, PAGE_BYTES);
    if (memory->cursor < UINT64_C(1) << order)
        return ERR_AGAIN;
    memory->cursor = 0;
    memory->resident = memory->pages;
    return ERR_OK;
}

static bool is_linear(const struct memory *memory) {
    return memory->memory_kind == MEMORY_KIND_PHYSICAL || memory->memory_kind == MEMORY_KIND_CONTIGUOUS;
}

// The place of a page's entry; NULL (and ERR_OK) if its table does not exist and is not to be made.
static error_t find_entry(struct memory *memory, uint64_t page, bool create, uint64_t **entry) {
    if (memory->levels == 0) {
        *entry = &memory->direct[page];
        return ERR_OK;
    }
    if (create)
        return page_tree_make(&memory->root, memory->levels, page, 0, NULL, entry);
    if (page_tree_find(&memory->root, memory->levels, 0, page, entry) > 0)
        *entry = NULL;
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
    } else if (frame_is_shared(*entry) && !memory->common) {
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

// Pages that are worked on at once: every mapping of the object is looked at for them.
static uint64_t step_pages(const struct memory *memory, uint64_t count) {
    uint64_t step = STEP_PAGES / (memory->mapping_count + 1);
    step = step ? step : 1;
    return count < step ? count : step;
}

uint64_t memory_discard(struct memory *memory, uint64_t first, uint64_t count) {
    if (is_linear(memory) || memory->pinned)
        return count;
    count = step_pages(memory, count);
    drop_mapped(memory, first, count);
    for (uint64_t page = first; page < first + count; page++) {
        uint64_t *entry;
        if (find_entry(memory, page, false, &entry) || !entry || !*entry)
            continue;
        frame_release(*entry);
        *entry = 0;
        memory->resident--;
    }
    return count;
}

// Shares a page with a clone. A pinned one must stay the source's alone, since a device may write to it: it
// is copied.
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

static uint64_t *next_entry(uint64_t *entry) {
    return entry && (uintptr_t)(entry + 1) % PAGE_BYTES ? entry + 1 : NULL;
}

static error_t clone_pages(struct memory *source, struct memory *clone, uint64_t first, uint64_t end) {
    for (struct list *link = source->mappings.next; link != &source->mappings; link = link->next)
        mapping_write_protect(CONTAINER_OF(link, struct mapping, in_memory), first + clone->cursor, end - clone->cursor);
    uint64_t *from = NULL, *to = NULL; // at the cursor, as long as they stay in one page of their tree
    for (; clone->cursor < end; clone->cursor++, from = next_entry(from), to = next_entry(to)) {
        if (!from && (find_entry(source, first + clone->cursor, false, &from) || !from))
            continue;
        if (!*from)
            continue;
        error_t error = to ? ERR_OK : find_entry(clone, clone->cursor, true, &to);
        if (!error)
            error = clone_page(source, *from, to);
        if (error)
            return error;
        clone->resident++;
    }
    return ERR_OK;
}

error_t memory_clone(struct memory *source, struct account *account, uint64_t offset, uint64_t length, struct memory **clone) {
    uint64_t first = offset / PAGE_BYTES, count = length / PAGE_BYTES;
    if (offset % PAGE_BYTES || first > source->pages || count > source->pages - first ||
        source->memory_kind != MEMORY_KIND_ANONYMOUS)
        return ERR_INVALID;
    if (*clone && ((*clone)->source != source || (*clone)->pages != count)) { // of a call that was not finished
        object_release(&(*clone)->object);
        *clone = NULL;
    }
    error_t error = *clone ? ERR_OK : memory_create_anonymous(account, length, clone);
    if (error)
        return error;
    (*clone)->source = source;
    (*clone)->cloned = true;
    source->cloned = source->cloned || !source->pinned;
    uint64_t step = step_pages(source, count - (*clone)->cursor);
    error = clone_pages(source, *clone, first, (*clone)->cursor + step);
    if (!error && (*clone)->cursor < count)
        return ERR_AGAIN;
    (*clone)->cursor = 0;
    (*clone)->source = NULL;
    if (error) {
        object_release(&(*clone)->object);
        *clone = NULL;
    }
    return error;
}

error_t memory_supply(struct memory *memory, uint64_t first, uint64_t count, struct memory *source, uint64_t source_first) {
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

error_t memory_share(struct memory *memory, uint64_t first, uint64_t count, struct memory *source, uint64_t source_first) {
    if (memory->memory_kind != MEMORY_KIND_PAGED || source->memory_kind != MEMORY_KIND_ANONYMOUS || source->cloned)
        return ERR_INVALID;
    memory->common = source->common = memory->pinned = source->pinned = true;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t *to, physical;
        bool shared;
        error_t error = memory_page(source, source_first + i, true, &physical, &shared);
        if (!error)
            error = find_entry(memory, first + i, true, &to);
        if (error)
            return error;
        if (*to)
            continue;
        frame_share(physical);
        *to = physical;
        memory->resident++;
    }
    return ERR_OK;
}

bool memory_reap_step(struct object *object) {
    struct memory *memory = CONTAINER_OF(object, struct memory, object);
    uint64_t freed = 0;
    if (memory->source) // a clone that was not finished: its cursor tells how far it came
        memory->cursor = 0;
    memory->source = NULL;
    if (memory->memory_kind == MEMORY_KIND_CONTIGUOUS && memory->physical)
        frame_free(memory->physical, block_order(memory->pages * PAGE_BYTES));
    if (!is_linear(memory)) {
        if (memory->levels == 0) {
            for (uint64_t page = 0; page < memory->pages; page++)
                if (memory->direct[page])
                    frame_release(memory->direct[page]);
        } else if (!page_tree_free(&memory->root, memory->levels, &memory->cursor, memory->pages, true, REAP_PAGES, &freed)) {
            return false;
        }
    }
    if (memory->pager)
        session_unhold(memory->pager);
    account_refund(object->account, memory->charged);
    return true;
}
