// Painting memory ranges: against a plain array of one kind per page, with seeded random ranges, and when the
// list is full.
#include <stdlib.h>
#include <string.h>

#include "boot/loader/memory_map.h"
#include "tests/host/cmocka_test.h"

enum { PAGE = 4096, PAGES = 64 };

static void check_list(const struct boot_info *info) {
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        assert_true(range->length > 0 && range->start % PAGE == 0 && range->length % PAGE == 0);
        if (i > 0) {
            const struct boot_memory_range *before = range - 1;
            assert_true(before->start + before->length <= range->start);
            assert_false(before->kind == range->kind && before->start + before->length == range->start);
        }
    }
}

static uint32_t kind_at(const struct boot_info *info, uint64_t address) {
    for (uint32_t i = 0; i < info->memory_count; i++)
        if (address - info->memory[i].start < info->memory[i].length)
            return info->memory[i].kind;
    return 0;
}

static void agrees_with_a_model(void **state) {
    (void)state;
    static struct boot_info info;
    srand(1);
    for (int round = 0; round < 300; round++) {
        uint32_t model[PAGES] = {0};
        memset(&info, 0, sizeof info);
        for (int step = 0; step < 40; step++) {
            uint64_t start = (uint64_t)rand() % (PAGES * PAGE), end = (uint64_t)rand() % (PAGES * PAGE);
            uint32_t kind = (uint32_t)rand() % 6;
            assert_int_equal(memory_map_paint(&info, start, end, kind), 0);
            uint64_t first = kind == BOOT_MEMORY_FREE ? (start + PAGE - 1) / PAGE : start / PAGE;
            uint64_t last = kind == BOOT_MEMORY_FREE ? end / PAGE : (end + PAGE - 1) / PAGE;
            for (uint64_t page = first; start < end && page < last; page++)
                model[page] = kind;
            check_list(&info);
        }
        for (uint64_t page = 0; page < PAGES; page++)
            assert_int_equal(kind_at(&info, page * PAGE), model[page]);
    }
}

static void full_list_loses_memory_and_gains_none(void **state) {
    (void)state;
    static struct boot_info info;
    memset(&info, 0, sizeof info);
    memory_map_paint(&info, 0, 4096ULL * PAGE, BOOT_MEMORY_FREE);
    for (uint64_t i = 0; i < 400; i++)
        memory_map_paint(&info, (8 * i + 4) * PAGE, (8 * i + 5) * PAGE, BOOT_MEMORY_RESERVED);
    check_list(&info);
    assert_true(info.memory_count <= BOOT_MEMORY_RANGES);
    for (uint64_t i = 0; i < 400; i++)
        assert_int_not_equal(kind_at(&info, (8 * i + 4) * PAGE), BOOT_MEMORY_FREE);
}

static void ends_of_the_address_space(void **state) {
    (void)state;
    static struct boot_info info;
    memset(&info, 0, sizeof info);
    memory_map_paint(&info, UINT64_MAX - 5, UINT64_MAX, BOOT_MEMORY_FREE);
    assert_int_equal(info.memory_count, 0);
    memory_map_paint(&info, UINT64_MAX - 3 * PAGE, UINT64_MAX, BOOT_MEMORY_RESERVED);
    check_list(&info);
    memory_map_paint(&info, 5, PAGE, BOOT_MEMORY_FREE);
    memory_map_paint(&info, PAGE, PAGE + 100, BOOT_MEMORY_FREE);
    assert_int_equal(kind_at(&info, 0), 0);
    assert_int_equal(kind_at(&info, PAGE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(full_list_loses_memory_and_gains_none),
        cmocka_unit_test(ends_of_the_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
