// Where C and assembly of the loader meet, and the names that loader.ld gives.
#pragma once

#include <stdint.h>

extern char loader_start[], loader_end[]; // all of it, its stack and first page tables included; whole pages
extern uint64_t loader_root[512];         // the root of the first page tables, followed by the rest of them
enum { LOADER_TABLES_BYTES = 6 * 4096 };

// Called by start.asm. information: physical address of the multiboot2 information, below 4 GiB.
_Noreturn void loader_main(uint64_t information);
// Turns the loader's own pointers into physical addresses: it lies where GRUB chose. Before any of them is
// used.
void loader_relocate(void);
// Jumps to the kernel's entry with the first two arguments in rdi and rsi.
_Noreturn void loader_enter(uint64_t boot_info, uint64_t page_table_root, uint64_t entry);

// Copies the code that other processors start with to `page` (below 1 MiB; seen at `copy`): it leaves real mode on `tables` and
// enters the kernel with rdi 0 and rsi `root`.
void trampoline_place(void *copy, uint64_t page, uint64_t tables, uint64_t entry, uint64_t root);
