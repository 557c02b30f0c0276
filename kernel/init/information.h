// What the kernel object tells: the boot information, how much memory the kernel itself uses, and the page from which
// programs read the time.
#pragma once

#include <stdint.h>

#include "kernel/abi/boot_info.h"

struct clock_page;

void information_start(struct boot_info *info);
struct boot_info *information_boot(void);
// Bytes that the kernel holds for itself since boot: its image, tables and frame records.
uint64_t information_kernel_bytes(void);
// This page is kept up to date from now on.
void information_clock_page(struct clock_page *page);
void information_set_wall(uint64_t wall_offset);
