// Partition tables: good ones of each kind are read right, damaged and hostile ones never give a range
// outside the disk, never hang, never read behind a sector.
#include "tests/host/cmocka_test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/service/partition.h"

enum { SECTORS = 4096, BYTES = 512 };

static uint8_t disk[SECTORS][BYTES];
static struct partition_table table;
static uint32_t reads;
static uint64_t bad_sector;

static error_t read_sector(void *context, uint64_t sector, void *to) {
    (void)context;
    reads++;
    if (sector >= SECTORS)
        fail_msg("read of sector %llu behind the end", (unsigned long long)sector);
    if (sector == bad_sector)
        return ERR_IO;
    memcpy(to, disk[sector], BYTES);
    return ERR_OK;
}

static void scan(void) {
    reads = 0;
    partition_scan(read_sector, NULL, SECTORS, &table);
    assert_true(table.count <= PARTITIONS_MOST);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct partition *p = &table.partitions[i];
        assert_true(p->first > 0 && p->count > 0 && p->first < SECTORS && p->count <= SECTORS - p->first);
        assert_true(p->number > 0);
    }
    assert_true(reads < 3 * 2048 + 200);
}

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}
static void put64(uint8_t *at, uint64_t value) {
    put32(at, (uint32_t)value);
    put32(at + 4, (uint32_t)(value >> 32));
}

static void entry(uint32_t sector, int index, uint8_t type, uint32_t first, uint32_t count) {
    uint8_t *at = disk[sector] + 446 + 16 * index;
    at[4] = type;
    put32(at + 8, first);
    put32(at + 12, count);
    disk[sector][510] = 0x55;
    disk[sector][511] = 0xaa;
}

static uint32_t crc(const uint8_t *bytes, size_t length) { // bit by bit, from the definition
    uint32_t sum = 0xffffffff;
    for (size_t i = 0; i < length * 8; i++) {
        uint32_t in = bytes[i / 8] >> (i % 8) & 1;
        sum = ((sum ^ in) & 1) != 0 ? sum >> 1 ^ 0xedb88320 : sum >> 1;
    }
    return ~sum;
}

static void gpt_entry(uint32_t array, int index, uint64_t first, uint64_t last) {
    uint8_t *at = disk[array] + 128 * index;
    memset(at, 0x5a, 16);
    put64(at + 32, first);
    put64(at + 40, last);
}

static void gpt_header(uint32_t at, uint32_t other, uint32_t array) {
    uint8_t *header = disk[at];
    memset(header, 0, BYTES);
    memcpy(header, "EFI PART", 8);
    put32(header + 8, 0x10000);
    put32(header + 12, 92);
    put64(header + 24, at);
    put64(header + 32, other);
    put64(header + 40, 34);
    put64(header + 48, SECTORS - 34);
    put64(header + 72, array);
    put32(header + 80, 128);
    put32(header + 84, 128);
    put32(header + 88, crc(disk[array], 128 * 128));
    put32(header + 16, crc(header, 92));
}

static void make_gpt(void) {
    memset(disk, 0, sizeof(disk));
    entry(0, 0, 0xee, 1, SECTORS - 1);
    for (int copy = 0; copy < 2; copy++) {
        uint32_t array = copy ? SECTORS - 33 : 2;
        gpt_entry(array, 0, 100, 199);
        gpt_entry(array, 3, 1000, SECTORS - 34);
    }
    gpt_header(1, SECTORS - 1, 2);
    gpt_header(SECTORS - 1, 1, SECTORS - 33);
}

static void make_chain(void) {
    memset(disk, 0, sizeof(disk));
    entry(0, 0, 0x83, 10, 90);
    entry(0, 1, 0x05, 100, 1000);
    entry(0, 2, 0x82, 1200, 100);
    entry(100, 0, 0x83, 1, 50);
    entry(100, 1, 0x05, 200, 60);
    entry(300, 0, 0x83, 2, 40);
    entry(300, 1, 0x05, 400, 60);
    entry(500, 0, 0x83, 3, 30);
}

static int setup(void **state) {
    (void)state;
    memset(disk, 0, sizeof(disk));
    bad_sector = UINT64_MAX;
    return 0;
}

static void check(uint32_t index, uint32_t number, uint64_t first, uint64_t count) {
    assert_int_equal(table.partitions[index].number, number);
    assert_int_equal(table.partitions[index].first, first);
    assert_int_equal(table.partitions[index].count, count);
}

static void test_none(void **state) {
    (void)state;
    scan();
    assert_int_equal(table.count, 0);
    assert_int_equal(table.remark.length, 0);
    disk[0][510] = 0x55; // a boot sector of a file system: code where the table would be
    disk[0][511] = 0xaa;
    memset(disk[0] + 446, 0x33, 64);
    scan();
    assert_int_equal(table.count, 0);
    bad_sector = 0;
    scan();
    assert_int_equal(table.count, 0);
    assert_true(table.remark.length != 0);
}

static void test_classic(void **state) {
    (void)state;
    make_chain();
    scan();
    assert_int_equal(table.count, 5);
    check(0, 1, 10, 90);
    check(1, 3, 1200, 100);
    check(2, 5, 101, 50);
    check(3, 6, 302, 40);
    check(4, 7, 503, 30);
    assert_int_equal(table.remark.length, 0);
    entry(500, 1, 0x05, 400, 60); // the chain's end leads to itself
    scan();
    assert_true(table.count > 5);
    entry(0, 3, 0x83, SECTORS - 1, 2); // goes one sector too far
    scan();
    assert_true(table.remark.length != 0);
    bad_sector = 300;
    scan();
    assert_int_equal(table.count, 3);
}

static void test_gpt(void **state) {
    (void)state;
    make_gpt();
    scan();
    assert_int_equal(table.count, 2);
    check(0, 1, 100, 100);
    check(1, 4, 1000, SECTORS - 34 - 1000 + 1);
    assert_int_equal(table.remark.length, 0);
    disk[2][5] ^= 1; // the first array's sum is wrong now
    scan();
    assert_int_equal(table.count, 2);
    assert_true(table.remark.length != 0);
    disk[SECTORS - 1][60] ^= 1;
    scan();
    assert_int_equal(table.count, 0);
    make_gpt();
    bad_sector = 1;
    scan();
    assert_int_equal(table.count, 2);
}

// Sound sums around nonsense: entries outside the usable range, reversed, beyond the disk.
static void test_gpt_hostile(void **state) {
    (void)state;
    make_gpt();
    gpt_entry(2, 1, 500, 400);
    gpt_entry(2, 2, 1, 50);
    gpt_entry(3, 0, 50, UINT64_MAX);
    gpt_entry(3, 1, UINT64_MAX, UINT64_MAX);
    gpt_header(1, SECTORS - 1, 2);
    scan();
    assert_int_equal(table.count, 2);
    assert_true(table.remark.length != 0);
}

// A header that is sound in itself, but whose array would reach behind the disk.
static void test_gpt_array_outside(void **state) {
    (void)state;
    make_gpt();
    disk[SECTORS - 1][0] = 0; // no second copy
    put64(disk[1] + 72, SECTORS - 3);
    put32(disk[1] + 16, 0);
    put32(disk[1] + 16, crc(disk[1], 92));
    scan();
    assert_int_equal(table.count, 0);
}

static void mutate(void (*make)(void), const uint32_t *targets, uint32_t target_count, bool fix_sums) {
    static uint8_t made[SECTORS][BYTES];
    make();
    memcpy(made, disk, sizeof(disk));
    for (uint32_t round = 0; round < 4000; round++) {
        memcpy(disk, made, sizeof(disk));
        uint32_t changes = 1 + (uint32_t)rand() % 6;
        for (uint32_t i = 0; i < changes; i++) {
            uint8_t *at = disk[targets[(uint32_t)rand() % target_count]] + rand() % BYTES;
            static const uint8_t values[] = {0, 1, 0x05, 0x0f, 0x7f, 0x80, 0xee, 0xff};
            *at = rand() % 2 ? (uint8_t)rand() : values[rand() % 8];
        }
        if (fix_sums) { // so that the nonsense gets past the sums
            uint32_t size = disk[1][12] | (uint32_t)disk[1][13] << 8;
            put32(disk[1] + 88, crc(disk[2], 128 * 128));
            put32(disk[1] + 16, 0);
            if (size <= BYTES)
                put32(disk[1] + 16, crc(disk[1], size));
        }
        scan();
    }
}

static void test_mutations(void **state) {
    (void)state;
    srand(7);
    mutate(make_chain, (const uint32_t[]){0, 0, 100, 300, 500}, 5, false);
    mutate(make_gpt, (const uint32_t[]){0, 1, 1, 2, SECTORS - 1}, 5, false);
    mutate(make_gpt, (const uint32_t[]){1, 2, 3}, 3, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_none, setup),
        cmocka_unit_test_setup(test_classic, setup),
        cmocka_unit_test_setup(test_gpt, setup),
        cmocka_unit_test_setup(test_gpt_hostile, setup),
        cmocka_unit_test_setup(test_gpt_array_outside, setup),
        cmocka_unit_test_setup(test_mutations, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
