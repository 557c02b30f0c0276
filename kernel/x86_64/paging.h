// Page tables: the kernel's own (shared by all address spaces above the canonical hole) and one tree per user
// space. The interface has no x86 in it, so that kernel/memory also runs on the host over a model of it.
// Invariants: no entry is writable and executable at once; no user-accessible entry lies in the kernel's
// half.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/memory/page_tree.h"

struct account;

// The processor's bits.
#define PAGE_PRESENT         (UINT64_C(1) << 0)
#define PAGE_WRITE           (UINT64_C(1) << 1)
#define PAGE_USER            (UINT64_C(1) << 2)
#define PAGE_WRITE_COMBINING (UINT64_C(1) << 3) // PWT: PAT entry 1, set to write-combining
#define PAGE_UNCACHED        (UINT64_C(1) << 4) // PCD: PAT entry 2
#define PAGE_LARGE           (UINT64_C(1) << 7)
#define PAGE_GLOBAL          (UINT64_C(1) << 8)
#define PAGE_NO_EXECUTE      (UINT64_C(1) << 63)
#define PAGE_ADDRESS         PAGE_TREE_ADDRESS

#define USER_LOWEST  UINT64_C(0x10000)
#define USER_HIGHEST UINT64_C(0x00007ffffffff000) // exclusive; the last page stays free because of sysret

// Page-table isolation: programs run on tables that show of the kernel's half its image and its processors' own memory only, not
// what is in memory. Set once, before the first space is made. The tables for programs lie PAGE_BYTES behind a space's root.
extern bool paging_isolated;

// The kernel's half. The address must lie in PML4 slots 384 to 510. ERR_NO_MEMORY.
void paging_initialize(uint64_t root);
uint64_t paging_kernel_root(void);
error_t kernel_map_page(uint64_t virtual_address, uint64_t physical, uint64_t flags) MUST_USE;
uint64_t kernel_unmap_page(uint64_t virtual_address); // returns the physical address
bool kernel_page_is_mapped(uint64_t virtual_address);
void kernel_release_table(uint64_t virtual_address); // the page table of an empty 2 MiB range
// Shows the page with a device's registers for good, uncached; only while the machine is set up. NULL: no memory.
void *kernel_map_device(uint64_t physical) MUST_USE;
#define PROCESSOR_REGION (UINT64_C(0xffff) << 48 | UINT64_C(410) << 39) // with what isolated programs need of the processors

// A user space. Its tables are charged to `account` page by page.
struct page_tables {
    uint64_t root;   // physical address, for CR3; 0: none
    uint64_t cursor; // how far destruction has come, in pages
};

error_t page_tables_create(struct page_tables *tables, struct account *account) MUST_USE;
// Frees the tables (not what they map), some at a time; true when all are gone.
bool page_tables_destroy_step(struct page_tables *tables, struct account *account);

error_t page_map(struct page_tables *tables, struct account *account, uint64_t address, uint64_t physical,
                 uint64_t flags) MUST_USE;
// The entry for the page, 0 if there is none.
uint64_t page_lookup(const struct page_tables *tables, uint64_t address);
void page_unmap(struct page_tables *tables, uint64_t address, uint64_t length);
void page_write_protect(struct page_tables *tables, uint64_t address, uint64_t length);
