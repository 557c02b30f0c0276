// ACPI 6.4, sections 5.2.5 to 5.2.10: from the RSDP to the addresses and lengths of all tables; nothing in
// them is interpreted here. Checksums are left to the kernel's ACPI code: a wrong table only costs a mapping.
#include "kernel/x86_64/boot/acpi_ranges.h"

#include <stdbool.h>

#include "kernel/x86_64/boot/memory_map.h"
#include "kernel/x86_64/string.h"

enum {
    RSDP_REVISION = 15,
    RSDP_RSDT = 16,
    RSDP_XSDT = 24,
    TABLE_HEADER = 36,
    TABLE_LENGTH = 4,
    TABLES_MAX = 256,
    TABLE_BYTES_MAX = 16 << 20,
    FADT_FACS = 36,
    FADT_DSDT = 40,
    FADT_FACS_64 = 132,
    FADT_DSDT_64 = 140,
};

static uint64_t read_number(uintptr_t memory, uint64_t address, uint32_t size) {
    uint64_t value = 0;
    memcpy(&value, (const void *)(memory + address),
           size); // NOLINT(performance-no-int-to-ptr): physical memory
    return value;
}

// Paints one table; its length, or 0 if it can't be one.
static uint32_t table_paint(struct boot_info *info, uintptr_t memory, uint64_t address) {
    const uint64_t limit = UINT64_C(1) << 32;
    if (address < 4096 || address > limit - TABLE_HEADER)
        return 0;
    uint32_t length = (uint32_t)read_number(memory, address + TABLE_LENGTH, 4);
    if (length < TABLE_HEADER || length > TABLE_BYTES_MAX || address + length > limit)
        return 0;
    memory_map_paint(info, address, address + length, BOOT_MEMORY_ACPI);
    return length;
}

static void fadt_paint(struct boot_info *info, uintptr_t memory, uint64_t fadt, uint32_t length) {
    if (length < FADT_DSDT + 4)
        return;
    table_paint(info, memory, read_number(memory, fadt + FADT_FACS, 4));
    table_paint(info, memory, read_number(memory, fadt + FADT_DSDT, 4));
    if (length < FADT_DSDT_64 + 8)
        return;
    table_paint(info, memory, read_number(memory, fadt + FADT_FACS_64, 8));
    table_paint(info, memory, read_number(memory, fadt + FADT_DSDT_64, 8));
}

void acpi_ranges_paint(struct boot_info *info, uintptr_t memory) {
    if (info->acpi_rsdp == 0)
        return;
    uintptr_t rsdp = (uintptr_t)info->acpi_rsdp_copy;
    uint32_t entry_size = 4;
    uint64_t root = read_number(rsdp, RSDP_RSDT, 4);
    if (info->acpi_rsdp_copy[RSDP_REVISION] >= 2 && read_number(rsdp, RSDP_XSDT, 8) != 0) {
        root = read_number(rsdp, RSDP_XSDT, 8);
        entry_size = 8;
    }
    uint32_t length = table_paint(info, memory, root);
    for (uint32_t i = 0; i < TABLES_MAX && TABLE_HEADER + (i + 1) * entry_size <= length; i++) {
        uint64_t table = read_number(memory, root + TABLE_HEADER + (uint64_t)i * entry_size, entry_size);
        uint32_t table_length = table_paint(info, memory, table);
        if (table_length != 0 && read_number(memory, table, 4) == 0x50434146) // "FACP"
            fadt_paint(info, memory, table, table_length);
    }
}
