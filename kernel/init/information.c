// Keeps what information.h gives out.
#include "kernel/init/information.h"

#include "kernel/memory/frame.h"
#include "kernel/x86_64/clock.h"

static struct boot_info *boot;
static struct clock_page *clock_page;
static uint64_t kernel_bytes;

void information_start(struct boot_info *info) {
    boot = info;
    uint64_t ram = 0;
    for (uint32_t i = 0; i < info->memory_count; i++)
        if (info->memory[i].kind == BOOT_MEMORY_FREE || info->memory[i].kind == BOOT_MEMORY_KERNEL)
            ram += info->memory[i].length;
    kernel_bytes = ram - frame_total_bytes();
}

struct boot_info *information_boot(void) {
    return boot;
}

uint64_t information_kernel_bytes(void) {
    return kernel_bytes;
}

void information_clock_page(struct clock_page *page) {
    clock_page = page;
    clock_page_fill(page);
}

void information_set_wall(uint64_t wall_offset) {
    clock_wall_set(wall_offset);
    clock_page_fill(clock_page);
}
