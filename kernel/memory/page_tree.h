// Trees of 512-entry pages: the processor's page tables, and the tables of a memory object's frames. An entry is a page's
// physical address with flags in the low bits and the highest, or 0. What a tree's root holds is an entry too. Level 0 is the
// leaves' level.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/memory/direct_map.h"

struct account;

enum { PAGE_TREE_ENTRIES = 512, PAGE_TREE_SHIFT = 9, PAGE_TREE_LEVELS = 4 };
#define PAGE_TREE_ADDRESS UINT64_C(0x000ffffffffff000)

// The place on the way to `index` in the page that an entry of this level names.
static inline uint64_t *page_tree_below(uint64_t entry, uint32_t level, uint64_t index) {
    uint64_t *page = direct_map(entry & PAGE_TREE_ADDRESS);
    return &page[index >> (PAGE_TREE_SHIFT * (level - 1)) & (PAGE_TREE_ENTRIES - 1)];
}

// Goes down towards `index` as far as there are pages, at most to level `least`. The level that was reached: *entry lies there,
// empty if that is above `least`.
static inline uint32_t page_tree_find(uint64_t *root, uint32_t levels, uint32_t least, uint64_t index, uint64_t **entry) {
    uint32_t level = levels;
    for (*entry = root; level > least && **entry; level--)
        *entry = page_tree_below(**entry, level, index);
    return level;
}

// The leaf's entry; pages that are missing on the way are made, with `flags`, and charged. ERR_QUOTA, ERR_NO_MEMORY.
error_t page_tree_grow(uint64_t *root, uint32_t levels, uint64_t index, uint64_t flags, struct account *account,
                       uint64_t **entry) MUST_USE;
static inline error_t page_tree_make(uint64_t *root, uint32_t levels, uint64_t index, uint64_t flags, struct account *account,
                                     uint64_t **entry) {
    bool there = page_tree_find(root, levels, 0, index, entry) == 0;
    return there ? ERR_OK : page_tree_grow(root, levels, index, flags, account, entry);
}

// Frees what lies from *cursor on to `end`: the leaves' pages (with `leaves`), each page of the tree with the last that it
// reaches, and the root. *freed counts them. True when all is gone; false: `steps` steps were made, there is more to do.
bool page_tree_free(uint64_t *root, uint32_t levels, uint64_t *cursor, uint64_t end, bool leaves, uint32_t steps,
                    uint64_t *freed);
