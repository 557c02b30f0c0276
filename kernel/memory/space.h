// An address space: an ordered set of mappings over page tables that are filled on demand. Invariant: mappings do not
// overlap; a present entry maps the frame that its memory object holds for that page.
#pragma once

#include "kernel/memory/memory.h"
#include "kernel/structure/tree.h"
#include "kernel/x86_64/paging.h"

struct space {
    struct page_tables tables;
    struct tree mappings;
    struct account *account; // pays for tables and mappings; owned by the process
    uint64_t search_base;    // where addresses are picked from: random
    uint64_t serial;         // unique since boot; 0: it is being taken apart, or could not be made
    uint64_t cloned;         // the address below which space_clone is done
    uint32_t mapping_count;
};

enum { SPACE_MAPPINGS = 4096, MEMORY_MAPPINGS = 256 }; // at most; the second of one anonymous object

struct mapping {
    struct tree_node node; // key: start
    struct list in_memory;
    struct space *space;
    struct memory *memory;          // referenced
    uint64_t start, length, offset; // bytes
    uint16_t flags;                 // RIGHT_READ, _WRITE, _EXECUTE
    uint16_t allowed;               // the most that protect may give
    bool private_page;              // a message page: not cloned
};

enum space_access { ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_EXECUTE = 2 };

error_t space_create(struct space *space, struct account *account) MUST_USE;
bool space_destroy_step(struct space *space);

// address 0: picked. ERR_INVALID, ERR_RIGHTS (writable and executable), ERR_EXISTS, ERR_QUOTA, ERR_NO_MEMORY, ERR_DYING.
error_t space_map(struct space *space, struct memory *memory, uint64_t *address, uint64_t length, uint64_t offset, uint16_t flags,
                  uint16_t allowed, struct mapping **out) MUST_USE;
// In steps: ERR_AGAIN while there is more to do.
error_t space_unmap(struct space *space, uint64_t address, uint64_t length) MUST_USE;
// *done: how far it came, in bytes from the address; the rest is for the next call.
error_t space_protect(struct space *space, uint64_t address, uint64_t length, uint16_t flags, uint64_t *done) MUST_USE;
// In steps; *building keeps the memory object that is not cloned whole yet.
error_t space_clone(struct space *space, struct space *from, struct memory **building) MUST_USE;
struct mapping *space_find(struct space *space, uint64_t address);

// Makes the page at `address` present for the access. ERR_FAULT: no mapping, or not allowed; ERR_PAGE_MISSING: *missing
// is the mapping whose pager must be asked; ERR_NO_MEMORY.
error_t space_fault(struct space *space, uint64_t address, enum space_access access, struct mapping **missing) MUST_USE;

// A pointer, through the direct map, to the byte at a user address, good to the end of its page.
error_t space_touch(struct space *space, uint64_t address, enum space_access access, void **pointer) MUST_USE;

// Called by memory.c: a page's frame changes, or becomes shared.
void mapping_drop_pages(struct mapping *mapping, uint64_t first_page, uint64_t count);
void mapping_write_protect(struct mapping *mapping, uint64_t first_page, uint64_t count);
