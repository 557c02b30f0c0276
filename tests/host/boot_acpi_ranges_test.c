// Finding ACPI tables in a small imitation of physical memory; damaged tables must not lead outside it.
#include <stdlib.h>
#include <string.h>

#include "kernel/x86_64/boot/acpi_ranges.h"
#include "tests/host/cmocka_test.h"

enum { MEMORY = 1 << 20, RSDT = 0x10000, FADT = 0x20ff0, DSDT = 0x40000, OTHER = 0x50000 };

static uint8_t *memory;

static void put(uint32_t address, uint32_t value) {
    memcpy(memory + address, &value, 4);
}

static void table(uint32_t address, const char *signature, uint32_t length) {
    memcpy(memory + address, signature, 4);
    put(address + 4, length);
}

static void setup_tables(struct boot_info *info) {
    memset(memory, 0, MEMORY);
    memset(info, 0, sizeof *info);
    uint32_t root = RSDT;
    memcpy(info->acpi_rsdp_copy, "RSD PTR ", 8);
    memcpy(info->acpi_rsdp_copy + 16, &root, 4);
    info->acpi_rsdp = 1;
    table(RSDT, "RSDT", 36 + 8);
    put(RSDT + 36, FADT);
    put(RSDT + 40, OTHER);
    table(FADT, "FACP", 116);
    put(FADT + 40, DSDT);
    table(DSDT, "DSDT", 5000);
    table(OTHER, "HPET", 56);
}

static uint32_t kind_at(const struct boot_info *info, uint64_t address) {
    for (uint32_t i = 0; i < info->memory_count; i++)
        if (address - info->memory[i].start < info->memory[i].length)
            return info->memory[i].kind;
    return 0;
}

static void finds_all_tables(void **state) {
    (void)state;
    static struct boot_info info;
    memory = malloc(MEMORY);
    assert_non_null(memory);
    setup_tables(&info);
    acpi_ranges_paint(&info, (uintptr_t)memory);
    const uint32_t pages[] = {RSDT, FADT, FADT + 4096, DSDT, DSDT + 4096, OTHER};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        assert_int_equal(kind_at(&info, pages[i] & ~4095U), BOOT_MEMORY_ACPI);
    assert_int_equal(kind_at(&info, OTHER + 4096), 0);
    free(memory);
}

static void passes_impossible_tables_over(void **state) {
    (void)state;
    static struct boot_info info;
    memory = malloc(MEMORY);
    assert_non_null(memory);
    setup_tables(&info);
    put(DSDT + 4, 0xffffffff);
    put(OTHER + 4, 35);
    acpi_ranges_paint(&info, (uintptr_t)memory);
    assert_int_equal(kind_at(&info, DSDT), 0);
    assert_int_equal(kind_at(&info, OTHER), 0);
    assert_int_equal(kind_at(&info, RSDT), BOOT_MEMORY_ACPI);
    setup_tables(&info);
    memset(info.acpi_rsdp_copy + 16, 0, 4);
    acpi_ranges_paint(&info, (uintptr_t)memory);
    assert_int_equal(info.memory_count, 0);
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_all_tables),
        cmocka_unit_test(passes_impossible_tables_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
