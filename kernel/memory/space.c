// Mappings and faults; see space.h. A mapping that is cut in two by unmap or protect becomes two.
#include "kernel/memory/space.h"

#include "kernel/abi/methods.h"
#include "kernel/cap/account.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/entropy.h"

// What a step may do: so many mappings, a mapping counting for more by its length.
enum { STEP_BUDGET = 32, STEP_BYTES_PER_UNIT = 128 << 10, UNMAP_BYTES = 4 << 20, PROTECT_BYTES = 1 << 20 };

#define SEARCH_LOWEST UINT64_C(0x0000100000000000)
#define SEARCH_SPREAD UINT64_C(0x00003fffffe00000) // 2 MiB-aligned, 25 random bits

static struct mapping *mapping_of(struct tree_node *node) {
    return node ? CONTAINER_OF(node, struct mapping, node) : NULL;
}

error_t space_create(struct space *space, struct account *account) {
    static uint64_t serial;
    uint64_t random;
    entropy_fill(&random, sizeof(random));
    *space = (struct space){.account = account, .search_base = SEARCH_LOWEST + (random & SEARCH_SPREAD)};
    error_t error = page_tables_create(&space->tables, account);
    if (!error)
        space->serial = ++serial;
    return error;
}

static error_t mapping_create(struct space *space, const struct memory *shown, struct mapping **out) {
    if (space->mapping_count == SPACE_MAPPINGS ||
        (shown->memory_kind == MEMORY_KIND_ANONYMOUS && shown->mapping_count == MEMORY_MAPPINGS))
        return ERR_QUOTA;
    void *memory;
    error_t error = heap_allocate(space->account, sizeof(struct mapping), &memory);
    if (!error)
        *out = memory;
    return error;
}

static void mapping_insert(struct mapping *mapping) {
    object_reference(&mapping->memory->object);
    mapping->memory->mapping_count++;
    mapping->space->mapping_count++;
    list_push_back(&mapping->memory->mappings, &mapping->in_memory);
    tree_insert(&mapping->space->mappings, &mapping->node, mapping->start);
}

// Takes away at most UNMAP_BYTES from its start, and it with the last of them.
static void mapping_remove(struct mapping *mapping) {
    struct space *space = mapping->space;
    uint64_t part = mapping->length < UNMAP_BYTES ? mapping->length : UNMAP_BYTES;
    page_unmap(&space->tables, mapping->start, part);
    mapping->start = mapping->node.key = mapping->start + part; // it stays before its successor
    mapping->offset += part;
    mapping->length -= part;
    if (mapping->length)
        return;
    tree_remove(&space->mappings, &mapping->node);
    list_remove(&mapping->in_memory);
    space->mapping_count--;
    mapping->memory->mapping_count--;
    object_release(&mapping->memory->object);
    heap_free(mapping);
}

static uint64_t step_cost(const struct mapping *mapping) {
    return 1 + mapping->length / STEP_BYTES_PER_UNIT;
}

bool space_destroy_step(struct space *space) {
    space->serial = 0; // nothing may be added behind the back of what goes through it in steps
    if (!space->tables.root)
        return true;
    for (uint64_t done = 0; done < STEP_BUDGET;) {
        struct mapping *mapping = mapping_of(tree_first(&space->mappings));
        if (!mapping)
            return done == 0 && page_tables_destroy_step(&space->tables, space->account);
        done += step_cost(mapping);
        mapping_remove(mapping);
    }
    return false;
}

struct mapping *space_find(struct space *space, uint64_t address) {
    struct mapping *mapping = mapping_of(tree_at_or_below(&space->mappings, address));
    return mapping && address - mapping->start < mapping->length ? mapping : NULL;
}

// True if nothing is mapped in the range.
static bool is_free(struct space *space, uint64_t address, uint64_t length) {
    struct mapping *next = mapping_of(tree_at_or_above(&space->mappings, address));
    return !space_find(space, address) && (!next || next->start - address >= length);
}

// The first gap from the search base on; a guard page is left before it.
static error_t pick_address(struct space *space, uint64_t length, uint64_t *address) {
    uint64_t candidate = space->search_base;
    struct mapping *mapping = mapping_of(tree_at_or_below(&space->mappings, candidate));
    if (mapping && mapping->start + mapping->length > candidate)
        candidate = mapping->start + mapping->length + PAGE_BYTES;
    for (mapping = mapping_of(tree_at_or_above(&space->mappings, candidate)); mapping;
         mapping = mapping_of(tree_next(&mapping->node))) {
        if (mapping->start >= candidate && mapping->start - candidate >= length + PAGE_BYTES)
            break;
        candidate = mapping->start + mapping->length + PAGE_BYTES;
    }
    if (length > USER_HIGHEST - SEARCH_LOWEST || candidate > USER_HIGHEST - length)
        return ERR_NO_MEMORY;
    *address = candidate;
    return ERR_OK;
}

error_t space_map(struct space *space, struct memory *memory, uint64_t *address, uint64_t length, uint64_t offset, uint16_t flags,
                  uint16_t allowed, struct mapping **out) {
    if (!space->serial)
        return ERR_DYING;
    if ((flags & RIGHT_WRITE) && (flags & RIGHT_EXECUTE))
        return ERR_RIGHTS;
    uint64_t bytes = memory->pages * PAGE_BYTES;
    if (length == 0 || length % PAGE_BYTES || offset % PAGE_BYTES || offset > bytes || length > bytes - offset ||
        *address % PAGE_BYTES)
        return ERR_INVALID;
    if (*address == 0) {
        error_t error = pick_address(space, length, address);
        if (error)
            return error;
    } else if (*address < USER_LOWEST || *address >= USER_HIGHEST || length > USER_HIGHEST - *address) {
        return ERR_INVALID;
    } else if (!is_free(space, *address, length)) {
        return ERR_EXISTS;
    }
    struct mapping *mapping;
    error_t error = mapping_create(space, memory, &mapping);
    if (error)
        return error;
    mapping->space = space;
    mapping->memory = memory;
    mapping->start = *address;
    mapping->length = length;
    mapping->offset = offset;
    mapping->flags = flags;
    mapping->allowed = allowed;
    mapping_insert(mapping);
    trace_event(TRACE_EVENT_MAP, NULL, flags, length / PAGE_BYTES, *address);
    if (out)
        *out = mapping;
    return ERR_OK;
}

// Cuts a mapping at `address`, so that what lies from there on is a mapping of its own.
static error_t mapping_split(struct mapping *mapping, uint64_t address) {
    struct mapping *upper;
    error_t error = mapping_create(mapping->space, mapping->memory, &upper);
    if (error)
        return error;
    uint64_t lower_length = address - mapping->start;
    *upper = *mapping;
    upper->start = address;
    upper->length -= lower_length;
    upper->offset += lower_length;
    mapping->length = lower_length;
    mapping_insert(upper);
    return ERR_OK;
}

// Cuts at both ends of the range, so that every mapping lies inside or outside of it.
static error_t isolate(struct space *space, uint64_t address, uint64_t length) {
    if (address % PAGE_BYTES || length % PAGE_BYTES || length == 0 || address >= USER_HIGHEST || length > USER_HIGHEST - address)
        return ERR_INVALID;
    const uint64_t cuts[] = {address, address + length};
    for (int i = 0; i < 2; i++) {
        struct mapping *mapping = space_find(space, cuts[i]);
        if (mapping && mapping->start != cuts[i]) {
            error_t error = mapping_split(mapping, cuts[i]);
            if (error)
                return error;
        }
    }
    return ERR_OK;
}

error_t space_unmap(struct space *space, uint64_t address, uint64_t length) {
    error_t error = isolate(space, address, length);
    if (error)
        return error;
    trace_event(TRACE_EVENT_UNMAP, NULL, 0, length / PAGE_BYTES, address);
    for (uint64_t done = 0; done < STEP_BUDGET;) {
        struct mapping *mapping = mapping_of(tree_at_or_above(&space->mappings, address));
        if (!mapping || mapping->start >= address + length)
            return ERR_OK;
        done += step_cost(mapping);
        mapping_remove(mapping);
    }
    return ERR_AGAIN;
}

error_t space_protect(struct space *space, uint64_t address, uint64_t length, uint16_t flags, uint64_t *done) {
    if ((flags & RIGHT_WRITE) && (flags & RIGHT_EXECUTE))
        return ERR_RIGHTS;
    struct mapping *next = mapping_of(tree_at_or_above(&space->mappings, address));
    uint64_t gap = space_find(space, address) ? 0 : next ? next->start - address : length;
    *done = length;
    if (length % PAGE_BYTES == 0 && length > PROTECT_BYTES && gap < length - PROTECT_BYTES)
        *done = length = gap + PROTECT_BYTES;
    error_t error = isolate(space, address, length);
    if (error)
        return error;
    struct mapping *first = mapping_of(tree_at_or_above(&space->mappings, address)), *mapping = first;
    for (; mapping && mapping->start < address + length; mapping = mapping_of(tree_next(&mapping->node)))
        if (flags & ~mapping->allowed)
            return ERR_RIGHTS;
    for (mapping = first; mapping && mapping->start < address + length; mapping = mapping_of(tree_next(&mapping->node))) {
        mapping->flags = flags;
        page_unmap(&space->tables, mapping->start, mapping->length); // entries come back with the new rights
    }
    return ERR_OK;
}

static error_t clone_mapping(struct space *space, struct mapping *mapping, struct memory **building) {
    struct memory *memory = mapping->memory;
    uint64_t offset = mapping->offset, address = mapping->start;
    bool cloned = memory->memory_kind == MEMORY_KIND_ANONYMOUS && (mapping->allowed & RIGHT_WRITE);
    if (cloned) {
        error_t error = memory_clone(memory, space->account, offset, mapping->length, building);
        if (error)
            return error;
        memory = *building;
        *building = NULL;
        offset = 0;
    }
    error_t error = space_map(space, memory, &address, mapping->length, offset, mapping->flags, mapping->allowed, NULL);
    if (cloned)
        object_release(&memory->object);
    return error;
}

error_t space_clone(struct space *space, struct space *from, struct memory **building) {
    struct mapping *mapping;
    for (uint64_t done = 0; (mapping = mapping_of(tree_at_or_above(&from->mappings, space->cloned)));) {
        if (done >= STEP_BUDGET)
            return ERR_AGAIN;
        done += 2 * step_cost(mapping);
        error_t error = mapping->private_page ? ERR_OK : clone_mapping(space, mapping, building);
        if (error)
            return error;
        space->cloned = mapping->start + mapping->length;
    }
    space->cloned = 0;
    return ERR_OK;
}

error_t space_fault(struct space *space, uint64_t address, enum space_access access, struct mapping **missing) {
    static const uint16_t needed[] = {RIGHT_READ, RIGHT_WRITE, RIGHT_EXECUTE};
    struct mapping *mapping = space_find(space, address);
    if (!space->serial || !mapping || !(mapping->flags & needed[access]))
        return ERR_FAULT;
    address &= ~(uint64_t)(PAGE_BYTES - 1);
    uint64_t physical;
    bool shared;
    error_t error = memory_page(mapping->memory, (mapping->offset + address - mapping->start) / PAGE_BYTES,
                                access == ACCESS_WRITE, &physical, &shared);
    if (error) {
        *missing = mapping;
        return error;
    }
    uint64_t flags = mapping->memory->page_flags;
    if ((mapping->flags & RIGHT_WRITE) && !shared)
        flags |= PAGE_WRITE;
    if (!(mapping->flags & RIGHT_EXECUTE))
        flags |= PAGE_NO_EXECUTE;
    return page_map(&space->tables, space->account, address, physical, flags);
}

error_t space_touch(struct space *space, uint64_t address, enum space_access access, void **pointer) {
    if (!space->serial || address >= USER_HIGHEST)
        return ERR_FAULT;
    uint64_t entry = page_lookup(&space->tables, address);
    if (!entry || (access == ACCESS_WRITE && !(entry & PAGE_WRITE))) {
        struct mapping *missing;
        error_t error = space_fault(space, address, access, &missing);
        if (error)
            return error;
        entry = page_lookup(&space->tables, address);
    }
    uint64_t physical = entry & PAGE_ADDRESS;
    if (!frame_is_managed(physical))
        return ERR_FAULT;
    *pointer = (char *)direct_map(physical) + address % PAGE_BYTES;
    return ERR_OK;
}

// The part of the mapping that shows the object's pages [first, first + count), as addresses; false if none
// does.
static bool visible_part(const struct mapping *mapping, uint64_t first, uint64_t count, uint64_t *start, uint64_t *length) {
    uint64_t low = mapping->offset / PAGE_BYTES, high = low + mapping->length / PAGE_BYTES;
    uint64_t from = first > low ? first : low, to = first + count < high ? first + count : high;
    if (from >= to)
        return false;
    *start = mapping->start + (from - low) * PAGE_BYTES;
    *length = (to - from) * PAGE_BYTES;
    return true;
}

void mapping_drop_pages(struct mapping *mapping, uint64_t first_page, uint64_t count) {
    uint64_t start, length;
    if (visible_part(mapping, first_page, count, &start, &length))
        page_unmap(&mapping->space->tables, start, length);
}

void mapping_write_protect(struct mapping *mapping, uint64_t first_page, uint64_t count) {
    uint64_t start, length;
    if (visible_part(mapping, first_page, count, &start, &length))
        page_write_protect(&mapping->space->tables, start, length);
}
