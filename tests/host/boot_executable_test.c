// Loading ELF images: a good one lands where it should, relocated; a cut or changed one is refused or
// harmless: the sanitizer watches the file and the image, both of exactly their size.
#include <stdlib.h>
#include <string.h>

#include "boot/loader/executable.h"
#include "tests/host/cmocka_test.h"

enum { PAGE = 4096, FILE_BYTES = 3 * PAGE, BASE = 0x7000000 };

static uint8_t file[FILE_BYTES];

static void put(uint64_t offset, uint64_t value, size_t size) {
    memcpy(file + offset, &value, size);
}

static void put_segment(int index, uint32_t type, uint32_t flags, uint64_t offset, uint64_t address, uint64_t in_file,
                        uint64_t in_memory) {
    uint64_t at = 64 + (uint64_t)index * 56;
    put(at, type, 4);
    put(at + 4, flags, 4);
    const uint64_t words[] = {offset, address, address, in_file, in_memory, PAGE};
    memcpy(file + at + 8, words, sizeof words);
}

// Text at 0, constants with the dynamic section and one relocation at 0x1000, a page of data with a pointer
// and .bss at 0x2000.
static void make_file(void) {
    memset(file, 0, sizeof file);
    memcpy(file, "\177ELF\2\1\1", 7);
    put(16, 3, 2);
    put(18, 62, 2);
    put(24, 0x10, 8); // entry
    put(32, 64, 8);
    put(54, 56, 2);
    put(56, 4, 2);
    put_segment(0, 1, 5, 0, 0, 0x200, 0x200);
    put_segment(1, 1, 4, PAGE, PAGE, 0x80, 0x80);
    put_segment(2, 1, 6, PAGE + 0x80, 0x2000, 0x20, 0x1800);
    put_segment(3, 2, 4, PAGE, PAGE, 0x30, 0x30);
    const uint64_t dynamic[] = {7, PAGE + 0x40, 8, 24, 0, 0}, relocation[] = {0x2008, 8, 0x123};
    memcpy(file + PAGE, dynamic, sizeof dynamic);
    memcpy(file + PAGE + 0x40, relocation, sizeof relocation);
    memset(file + PAGE + 0x80, 0xaa, 0x20);
}

static bool load(uint64_t length, uint8_t **memory, struct executable *image) {
    uint8_t *exact = malloc(length ? length : 1);
    memcpy(exact, file, length);
    *memory = NULL;
    bool good = executable_open(image, exact, length) == ERR_OK;
    if (good) {
        *memory = malloc(image->bytes ? image->bytes : 1);
        image->physical = (uintptr_t)*memory;
        executable_load(image);
        good = executable_relocate(image, BASE);
    }
    free(exact);
    return good;
}

static void a_good_image_is_relocated(void **state) {
    (void)state;
    struct executable image;
    uint8_t *memory;
    uint64_t pointer;
    make_file();
    assert_true(load(FILE_BYTES, &memory, &image));
    assert_int_equal(image.bytes, 0x4000);
    assert_int_equal(image.constant_bytes, 0x2000);
    assert_int_equal(image.entry, 0x10);
    assert_int_equal(image.segment_count, 3);
    assert_int_equal(image.segments[0].access, BOOT_EXECUTE);
    assert_int_equal(image.segments[1].access, 0);
    assert_int_equal(image.segments[2].access, BOOT_WRITE);
    memcpy(&pointer, memory + 0x2008, 8);
    assert_int_equal(pointer, BASE + 0x123);
    assert_int_equal(memory[0x2000], 0xaa);
    assert_int_equal(memory[0x2020], 0);
    assert_memory_equal(memory, "\177ELF", 4);
    free(memory);
}

static void a_foreign_relocation_is_refused(void **state) {
    (void)state;
    struct executable image;
    uint8_t *memory;
    make_file();
    put(PAGE + 0x48, 1, 8);
    assert_false(load(FILE_BYTES, &memory, &image));
    free(memory);
    make_file();
    put(PAGE + 0x40, 0x3ffc, 8); // across the end
    assert_false(load(FILE_BYTES, &memory, &image));
    free(memory);
}

static void damage_is_never_followed_outside(void **state) {
    (void)state;
    struct executable image;
    uint8_t *memory;
    for (uint64_t length = 0; length < PAGE + 0xa0; length += 7) {
        make_file();
        (void)load(length, &memory, &image);
        free(memory);
    }
    uint64_t random = 20261121;
    unsigned refused = 0;
    for (int round = 0; round < 20000; round++) {
        make_file();
        for (int change = 0; change < 3; change++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            uint64_t place = (random >> 33) % 0x1a0;
            file[place < 0x120 ? place : PAGE + place - 0x120] = (uint8_t)(random >> 25);
        }
        refused += !load(FILE_BYTES, &memory, &image);
        free(memory);
    }
    assert_true(refused > 1000 && refused < 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_image_is_relocated),
        cmocka_unit_test(a_foreign_relocation_is_refused),
        cmocka_unit_test(damage_is_never_followed_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
