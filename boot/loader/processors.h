// Starting the processors beside the first. Each goes from real mode straight to the kernel's entry, without a stack, and waits
// there until the kernel wants it. Intel SDM volume 3A, 8.4.4.
#pragma once

#include "boot/loader/page_tables.h"

// Reserves the page in which they start, and marks it and the loader's first page tables as the kernel's for good: a processor
// may come late. Before memory is handed to the kernel.
void processors_reserve(struct boot_info *info);
// Starts all that the tables name. entry: the kernel's; root: its page tables. Nothing can fail: who does not come is missing.
void processors_start(const struct boot_info *info, uint64_t entry, uint64_t root);
