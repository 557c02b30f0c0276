// Reading the loader's information: every tag that is used, overlaps in the memory map, and malformed input
// of all kinds.
#include <stdlib.h>
#include <string.h>

#include "boot/loader/multiboot2.h"
#include "tests/host/cmocka_test.h"

enum { BYTES = 4096 };

struct builder {
    uint8_t *bytes;
    uint32_t length;
};

static struct builder builder_new(void) {
    struct builder b = {calloc(1, BYTES), 8};
    assert_non_null(b.bytes);
    return b;
}

static void add_tag(struct builder *b, uint32_t type, const void *data, uint32_t length) {
    uint32_t header[2] = {type, 8 + length};
    memcpy(b->bytes + b->length, header, 8);
    memcpy(b->bytes + b->length + 8, data, length);
    b->length = (b->length + 8 + length + 7) & ~7U;
    memcpy(b->bytes, &b->length, 4);
}

static void add_memory(struct builder *b, const uint64_t (*entries)[3], uint32_t count) {
    uint8_t data[1024] = {24, 0, 0, 0};
    for (uint32_t i = 0; i < count; i++)
        memcpy(data + 8 + (size_t)i * 24, entries[i], 24);
    add_tag(b, 6, data, 8 + count * 24);
}

static struct boot_input input;

// Parses a copy of exactly this size, so that the sanitizer sees every byte read beyond it.
static error_t parse(struct builder *b, struct boot_info *info) {
    uint8_t *exact = malloc(b->length);
    assert_non_null(exact);
    memcpy(exact, b->bytes, b->length);
    error_t error = multiboot2_parse(exact, b->length, info, &input);
    free(exact);
    return error;
}

static void expect_range(const struct boot_info *info, uint32_t index, uint64_t start, uint64_t end, uint32_t kind) {
    assert_true(index < info->memory_count);
    assert_int_equal(info->memory[index].start, start);
    assert_int_equal(info->memory[index].start + info->memory[index].length, end);
    assert_int_equal(info->memory[index].kind, kind);
}

static const uint64_t simple_memory[][3] = {{0x100000, 0x1f00000, 1}};

static void reads_every_tag(void **state) {
    (void)state;
    static struct boot_info info;
    struct builder b = builder_new();
    add_tag(&b, 1, "seed=1 quiet", 13);
    uint32_t kernel[3] = {0x300000, 0x300124, 0}, empty[3] = {0x600000, 0x600000, 0};
    add_tag(&b, 3, empty, sizeof empty);
    add_tag(&b, 3, kernel, sizeof kernel);
    uint32_t module[3] = {0x400000, 0x400123, 0};
    add_tag(&b, 3, module, sizeof module);
    uint32_t second[3] = {0x500000, 0x500123, 0};
    add_tag(&b, 3, second, sizeof second);
    uint8_t framebuffer[30] = {0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 16, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 32, 1, 0, 0, 16, 8, 8, 8, 0, 8};
    add_tag(&b, 8, framebuffer, sizeof framebuffer);
    add_tag(&b, 14, "RSD PTR old.........", 20);
    add_tag(&b, 15, "RSD PTR new.........................", 36);
    add_tag(&b, 12, "\0\0\0\0\0\0\0\0", 8);
    add_memory(&b, simple_memory, 1);
    add_tag(&b, 0, "", 0);
    assert_int_equal(parse(&b, &info), ERR_OK);
    assert_string_equal(info.command_line, "seed=1 quiet");
    assert_int_equal(info.initrd_start, 0x400000);
    assert_int_equal(info.initrd_length, 0x123);
    assert_int_equal(info.framebuffer.address, 0xfd000000);
    assert_int_equal(info.framebuffer.width, 1024);
    assert_int_equal(info.framebuffer.height, 768);
    assert_int_equal(info.framebuffer.kind, 1);
    assert_int_equal(info.framebuffer.red_position, 16);
    assert_true(input.has_rsdp);
    assert_memory_equal(input.rsdp, "RSD PTR new", 11);
    assert_int_equal(input.kernel_start, 0x300000);
    assert_int_equal(input.kernel_length, 0x124);
    assert_int_equal(info.from_efi, 1);
    expect_range(&info, 0, 0x100000, 0x2000000, BOOT_MEMORY_FREE);
    free(b.bytes);
}

static void careful_kinds_win_where_entries_overlap(void **state) {
    (void)state;
    static struct boot_info info;
    struct builder b = builder_new();
    const uint64_t memory[][3] = {
        {0x500800, 0x1000, 2}, // inside the free memory, not on page boundaries
        {0x100, 0x9fb00, 1},   // rounded inwards
        {0x100000, 0x900000, 1},
        {0x400000, 0x10000, 3},         // tables inside free memory
        {0x40f000, 0x2000, 5},          // bad RAM over the tables' end
        {0x800000, 0x400000, 1},        // overlaps the first free entry
        {0xfffffffff000, 0x1000, 1},    // beyond what is used
        {0xf00000000, 0x1000000000, 1}, // crosses the limit
    };
    add_memory(&b, memory, sizeof memory / sizeof memory[0]);
    add_tag(&b, 0, "", 0);
    assert_int_equal(parse(&b, &info), ERR_OK);
    expect_range(&info, 0, 0x1000, 0x9f000, BOOT_MEMORY_FREE);
    expect_range(&info, 1, 0x100000, 0x400000, BOOT_MEMORY_FREE);
    expect_range(&info, 2, 0x400000, 0x40f000, BOOT_MEMORY_ACPI);
    expect_range(&info, 3, 0x40f000, 0x411000, BOOT_MEMORY_RESERVED);
    expect_range(&info, 4, 0x411000, 0x500000, BOOT_MEMORY_FREE);
    expect_range(&info, 5, 0x500000, 0x502000, BOOT_MEMORY_RESERVED);
    expect_range(&info, 6, 0x502000, 0xc00000, BOOT_MEMORY_FREE);
    expect_range(&info, 7, 0xf00000000, (uint64_t)BOOT_PHYSICAL_LIMIT_GIB << 30, BOOT_MEMORY_FREE);
    assert_int_equal(info.memory_count, 8);
    free(b.bytes);
}

static void long_command_lines_are_cut(void **state) {
    (void)state;
    static struct boot_info info;
    struct builder b = builder_new();
    char text[2000];
    memset(text, 'x', sizeof text);
    add_tag(&b, 1, text, sizeof text);
    add_memory(&b, simple_memory, 1);
    add_tag(&b, 0, "", 0);
    assert_int_equal(parse(&b, &info), ERR_OK);
    assert_int_equal(strlen(info.command_line), BOOT_COMMAND_LINE_BYTES - 1);
    free(b.bytes);
}

static void refuses_what_is_malformed(void **state) {
    (void)state;
    static struct boot_info info;
    struct builder b = builder_new();
    add_tag(&b, 0, "", 0);
    assert_int_equal(parse(&b, &info), ERR_NOT_FOUND); // no memory map
    add_tag(&b, 99, "no end tag follows", 18);
    memset(b.bytes + 8, 0, 8);
    b.bytes[8] = 99;
    b.bytes[12] = 8; // the old end tag becomes an empty unknown tag
    assert_int_equal(parse(&b, &info), ERR_BAD_MESSAGE);
    b.bytes[12] = 7; // shorter than its own header
    assert_int_equal(parse(&b, &info), ERR_BAD_MESSAGE);
    assert_int_equal(multiboot2_parse(b.bytes, 8, &info, &input), ERR_BAD_MESSAGE);
    free(b.bytes);
}

static void survives_random_damage(void **state) {
    (void)state;
    static struct boot_info info;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        struct builder b = builder_new();
        uint32_t kernel[3] = {0x300000, 0x300124, 0}, empty[3] = {0x600000, 0x600000, 0};
        add_tag(&b, 3, empty, sizeof empty);
        add_tag(&b, 3, kernel, sizeof kernel);
        uint32_t module[3] = {0x400000, 0x400123, 0};
        add_tag(&b, 3, module, sizeof module);
        add_memory(&b, simple_memory, 1);
        add_tag(&b, 8, "................................", 30);
        add_tag(&b, 15, "RSD PTR new.........................", 36);
        add_tag(&b, 0, "", 0);
        for (int hits = rand() % 4; hits >= 0; hits--)
            b.bytes[4 + (uint32_t)rand() % (b.length - 4)] = (uint8_t)rand();
        error_t error = parse(&b, &info);
        assert_true(error == ERR_OK || error == ERR_BAD_MESSAGE || error == ERR_NOT_FOUND);
        free(b.bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_tag),
        cmocka_unit_test(careful_kinds_win_where_entries_overlap),
        cmocka_unit_test(long_command_lines_are_cut),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(survives_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
