// Memory objects: pages that can be mapped into any number of spaces. Anonymous pages appear zeroed when first touched;
// a clone shares its frames with its source until one of them writes (per-frame counts, no chains). Charged in full when
// made, tables included, so that a fault never fails for want of quota. Invariant: an entry's frame is counted once for
// each object that holds it.
#pragma once

#include "kernel/cap/object.h"
#include "kernel/structure/list.h"

enum { MEMORY_DIRECT_PAGES = 8 };

struct session;
struct space;

struct memory {
    struct object object;
    uint8_t memory_kind; // MEMORY_KIND_* of kernel/abi/methods.h
    uint8_t levels;      // of the table below `root`; 0: entries lie in `direct`
    bool pinned;         // pages may not be taken away (message pages, DMA)
    bool cloned;         // some may be another's until one of both writes
    bool common;         // some are another's for good (memory_share): none is copied on write
    uint64_t page_flags; // caching bits for its mappings
    uint64_t pages;
    uint64_t charged;  // bytes
    uint64_t resident; // pages
    uint64_t physical; // PHYSICAL and CONTIGUOUS: the first page's address
    struct session *pager;
    struct list mappings; // struct mapping.in_memory
    uint32_t mapping_count;
    const struct memory *source; // of a clone that is being made
    uint64_t cursor;             // how far creation or destruction has come, in pages
    union {
        uint64_t direct[MEMORY_DIRECT_PAGES]; // frame addresses, 0: none yet
        uint64_t root;
    };
};

error_t memory_create_anonymous(struct account *account, uint64_t length, struct memory **out) MUST_USE;
// In steps, as memory_clone.
error_t memory_create_contiguous(struct account *account, uint64_t length, uint64_t limit, struct memory **out) MUST_USE;
error_t memory_create_physical(struct account *account, uint64_t start, uint64_t length, uint64_t page_flags,
                               struct memory **out) MUST_USE;
error_t memory_create_paged(struct account *account, uint64_t length, struct session *pager, struct memory **out) MUST_USE;
// In steps: *clone is NULL at first, and not complete while ERR_AGAIN is returned.
error_t memory_clone(struct memory *source, struct account *account, uint64_t offset, uint64_t length,
                     struct memory **clone) MUST_USE;

// The frame of a page, brought in if need be; for a write it is this object's alone afterwards. *shared tells that it
// must be mapped read-only. ERR_PAGE_MISSING (ask the pager), ERR_NO_MEMORY, ERR_INVALID (past the end).
error_t memory_page(struct memory *memory, uint64_t page, bool write, uint64_t *physical, bool *shared) MUST_USE;

// Takes the first of these pages away; how many it came past.
uint64_t memory_discard(struct memory *memory, uint64_t first, uint64_t count);
// Moves pages from an anonymous object into a paged one; pages that are already there stay.
error_t memory_supply(struct memory *memory, uint64_t first, uint64_t count, struct memory *source,
                      uint64_t source_first) MUST_USE;
// Puts pages of an anonymous object, which has no clones, into a paged one as well.
error_t memory_share(struct memory *memory, uint64_t first, uint64_t count, struct memory *source,
                     uint64_t source_first) MUST_USE;
