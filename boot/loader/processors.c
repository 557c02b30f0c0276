// See processors.h; what they run first is trampoline.asm.
#include "boot/loader/processors.h"

#include "boot/loader/clock.h"
#include "boot/loader/lapic.h"
#include "boot/loader/memory_map.h"
#include "boot/loader/start.h"

enum { PAGE = 4096, REAL_MODE_END = 0xa0000, SENDS = 2, APIC_IDS = 255 };
enum { INIT_WAIT_NS = 10000000, STARTUP_WAIT_NS = 200000 };

static uint64_t page; // 0: none

void processors_reserve(struct boot_info *info) {
    if (info->acpi.cpu_count < 2 || !info->lapic_address)
        return;
    for (uint32_t i = 0; i < info->memory_count && !page; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        if (range->kind == BOOT_MEMORY_FREE && range->start && range->start + PAGE <= REAL_MODE_END)
            page = range->start;
    }
    if (!page)
        return;
    memory_map_paint(info, page, page + PAGE, BOOT_MEMORY_KERNEL);
    memory_map_paint(info, (uintptr_t)loader_root, (uintptr_t)loader_root + LOADER_TABLES_BYTES, BOOT_MEMORY_KERNEL);
}

static void send(const struct boot_info *info, uint32_t what) {
    uint32_t own = lapic_id();
    for (uint32_t i = 0; i < info->acpi.cpu_count; i++)
        if (info->acpi.cpus[i].enabled && info->acpi.cpus[i].apic_id != own && info->acpi.cpus[i].apic_id < APIC_IDS)
            lapic_send(info->acpi.cpus[i].apic_id, what);
}

void processors_start(const struct boot_info *info, uint64_t entry, uint64_t root) {
    if (!page)
        return;
    trampoline_place((void *)page, page, (uintptr_t)loader_root, entry, root); // NOLINT(performance-no-int-to-ptr)
    send(info, LAPIC_INIT);
    clock_wait(info, INIT_WAIT_NS);
    for (int i = 0; i < SENDS; i++) {
        send(info, LAPIC_STARTUP | (uint32_t)(page / PAGE));
        clock_wait(info, STARTUP_WAIT_NS);
    }
}
