// The ata driver's channel against the model: what it finds, what it moves, and what becomes of requests when
// the hardware fails, is silent or hangs.
#include "tests/host/cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/block/ata/ata.h"
#include "drivers/framework/port.h"
#include "drivers/framework/report.h"
#include "libipc/client/clock.h"
#include "tests/host/drivers/ide_model.h"

struct block_service block_service;

static uint32_t reports;
static struct ata_channel channel;
static struct block_buffer buffer;
static _Alignas(65536) uint8_t dma[65536];

void block_service_flush(void) {}
void report_set_name(const char *name) {
    (void)name;
}
void report(enum report_level level, const struct text *text) {
    (void)level;
    (void)text;
    reports++;
}
void report_line(enum report_level level, const char *line) {
    (void)level;
    (void)line;
    reports++;
}
uint64_t clock_monotonic(void) {
    return ide.now;
}
static void model_pause(uint64_t nanoseconds) {
    ide.now += nanoseconds;
    (void)ide_step();
}

static uint8_t *memory_at(uint64_t offset) {
    return (uint8_t *)ide.pages + offset;
}

struct test_io {
    struct block_io io;
    bool finished;
    error_t status;
};

static void io_done(struct block_io *io, error_t status) {
    struct test_io *test = (struct test_io *)(void *)io;
    assert_false(test->finished);
    test->finished = true;
    test->status = status;
}

static void submit(struct test_io *test, uint32_t disk, uint32_t operation, uint64_t sector, uint32_t count, uint64_t offset) {
    *test = (struct test_io){
        .io = {.sector = sector, .count = count, .operation = operation, .buffer = &buffer, .offset = offset, .done = io_done}};
    channel_submit(&channel.disks[disk].block, &test->io);
}

// Lets device, interrupts and time go on until nothing is left to do. `spurious`: interrupts come twice.
static void settle(bool spurious) {
    channel_kick(&channel.disks[0].block);
    for (uint32_t i = 0; i < 2000000; i++) {
        if (ide.interrupt || spurious) {
            ide.interrupt = false;
            channel_collect(&channel);
            channel_proceed(&channel);
        }
        if (ide_step())
            continue;
        if (ide.interrupt)
            continue;
        if (channel.state == CHANNEL_IDLE || channel.state == CHANNEL_DEAD || timer_first() == 0)
            return;
        ide.now = timer_first() > ide.now ? timer_first() : ide.now + 1;
        timer_run(ide.now);
    }
    fail_msg("the channel does not settle");
}

static void fill_content(void) {
    for (uint32_t d = 0; d < 2; d++)
        for (uint32_t i = 0; i < sizeof(ide.disks[d].content); i++)
            ide.disks[d].content[i] = (uint8_t)(i * 7 + i / 512 + d * 3);
}

static int setup(void **state) {
    (void)state;
    timer_clear(&channel.timer);
    memset(&ide, 0, sizeof(ide));
    ide.disks[0].present = ide.disks[1].present = true;
    ide.dma = dma;
    ide.dma_physical = 0x200000;
    ide.dma_length = sizeof(dma);
    for (uint32_t i = 0; i < IDE_BUFFER_PAGES; i++) // pages in pairs, in reverse, below 4 GiB
        ide.page_physical[i] = 0x1000000 + (uint64_t)((IDE_BUFFER_PAGES - i) & ~1u) * 4096 + (i & 1) * 4096;
    fill_content();
    ide_reset_model();
    channel = (struct ata_channel){.base = IDE_BASE,
                                   .control = IDE_CONTROL,
                                   .master = IDE_MASTER,
                                   .table = (uint32_t *)(void *)dma,
                                   .table_physical = ide.dma_physical,
                                   .bounce = dma + ATA_TABLE_BYTES,
                                   .bounce_physical = ide.dma_physical + ATA_TABLE_BYTES};
    buffer = (struct block_buffer){.memory = IDE_BUFFER_CAP, .length = sizeof(ide.pages), .physical = PHYSICAL_UNKNOWN};
    reports = 0;
    block_service.prefix = "disk";
    probe_channel(&channel, model_pause);
    port_write8(IDE_CONTROL, 0);
    return 0;
}

static void test_probe(void **state) {
    (void)state;
    assert_true(channel.disks[0].present && channel.disks[1].present);
    assert_int_equal(channel.disks[0].block.sectors, IDE_SECTORS);
    assert_true(channel.disks[0].lba48 && channel.disks[0].dma && channel.disks[0].flush_ext);
    assert_string_equal(channel.disks[0].block.model, "Model MDI K");
    uint8_t sector[512];
    assert_int_equal(probe_read_sector(&channel.disks[1], 9, sector), ERR_OK);
    assert_memory_equal(sector, &ide.disks[1].content[9 * 512], 512);
    assert_int_equal(probe_read_sector(&channel.disks[1], IDE_SECTORS + 5, sector), ERR_IO);
    assert_int_equal(ide.violations, 0);
}

static enum ide_fate stuck(uint64_t sector, uint32_t count, bool dma_used, bool write) {
    (void)sector;
    (void)count;
    (void)dma_used;
    (void)write;
    return IDE_STUCK;
}

// The actor before ended in the middle of a transfer.
static void test_probe_of_a_busy_disk(void **state) {
    (void)state;
    struct test_io io;
    ide.fate = stuck;
    submit(&io, 1, BLOCK_OPERATION_READ, 10, 8, 0);
    channel_kick(&channel.disks[1].block);
    while (ide_step()) {
    }
    ide.fate = NULL;
    timer_clear(&channel.timer);
    channel.disks[0].present = channel.disks[1].present = false;
    probe_channel(&channel, model_pause);
    assert_true(channel.disks[0].present && channel.disks[1].present);
    assert_int_equal(ide.violations, 0);
}

static void test_packet_and_missing(void **state) {
    (void)state;
    ide.disks[0] = (struct ide_disk){.packet = true};
    ide.disks[1] = (struct ide_disk){0};
    ide_reset_model();
    probe_channel(&channel, model_pause);
    assert_true(channel.disks[0].packet);
    assert_false(channel.disks[0].present || channel.disks[1].present);
}

static void test_read_write(void **state) {
    (void)state;
    struct test_io ios[3];
    submit(&ios[0], 0, BLOCK_OPERATION_READ, 100, 300, 512 * 3);
    settle(false);
    assert_true(ios[0].finished && ios[0].status == ERR_OK);
    assert_memory_equal(memory_at(512 * 3), &ide.disks[0].content[100 * 512], 300 * 512);
    memset(ide.pages, 0xc5, 4096 * 20);
    submit(&ios[1], 1, BLOCK_OPERATION_WRITE, 50, 77, 512);
    submit(&ios[2], 1, BLOCK_OPERATION_FLUSH, 0, 0, 0);
    settle(false);
    assert_true(ios[1].finished && ios[1].status == ERR_OK && ios[2].finished && ios[2].status == ERR_OK);
    assert_memory_equal(&ide.disks[1].content[50 * 512], memory_at(512), 77 * 512);
    assert_int_equal(ide.disks[1].flushes, 1);
    assert_int_equal(ide.violations, 0);
    assert_int_equal(reports, 0);
}

static void test_merge(void **state) {
    (void)state;
    struct test_io ios[16];
    for (uint32_t i = 0; i < 16; i++) // in an order that is not the disk's
        submit(&ios[i], 0, BLOCK_OPERATION_READ, 1000 + (i * 7 % 16) * 8, 8, (uint64_t)(i * 7 % 16) * 4096);
    settle(false);
    for (uint32_t i = 0; i < 16; i++)
        assert_true(ios[i].finished && ios[i].status == ERR_OK);
    assert_memory_equal(ide.pages, &ide.disks[0].content[1000 * 512], 128 * 512);
    assert_int_equal(ide.commands, 1);
    assert_int_equal(ide.largest, 128);
}

static void test_short_only(void **state) {
    (void)state;
    struct test_io io;
    ide.disks[0].short_only = true;
    probe_channel(&channel, model_pause);
    port_write8(IDE_CONTROL, 0);
    assert_false(channel.disks[0].lba48);
    submit(&io, 0, BLOCK_OPERATION_READ, 10, 700, 0);
    settle(false);
    assert_true(io.finished && io.status == ERR_OK);
    assert_memory_equal(ide.pages, &ide.disks[0].content[10 * 512], 700 * 512);
    assert_true(ide.largest <= 256);
    assert_int_equal(ide.violations, 0);
}

static void test_high_memory(void **state) {
    (void)state;
    struct test_io ios[2];
    for (uint32_t i = 5; i < 60; i += 3)
        ide.page_physical[i] += UINT64_C(1) << 32;
    submit(&ios[0], 0, BLOCK_OPERATION_READ, 0, 512, 0);
    submit(&ios[1], 1, BLOCK_OPERATION_READ, 3, 1, 6 * 4096 - 512);
    settle(false);
    assert_true(ios[0].status == ERR_OK && ios[1].status == ERR_OK);
    uint8_t expected[512 * 512];
    memcpy(expected, ide.disks[0].content, sizeof(expected));
    memcpy(expected + 6 * 4096 - 512, &ide.disks[1].content[3 * 512], 512);
    assert_memory_equal(ide.pages, expected, sizeof(expected));
    assert_int_equal(ide.violations, 0);
}

// Memory in one piece, at an odd place: known as such, or found out page by page. Both become entries that end at 64 KiB.
static void test_contiguous(void **state) {
    (void)state;
    struct test_io io;
    for (uint32_t i = 0; i < IDE_BUFFER_PAGES; i++)
        ide.page_physical[i] = 0x1003000 + (uint64_t)i * 4096;
    for (uint32_t known = 0; known < 2; known++) {
        buffer.physical = known ? ide.page_physical[0] : PHYSICAL_UNKNOWN;
        memset(ide.pages, 0, sizeof(ide.pages));
        submit(&io, 0, BLOCK_OPERATION_READ, 3, 2000, 512);
        settle(false);
        assert_true(io.finished && io.status == ERR_OK);
        assert_memory_equal(memory_at(512), &ide.disks[0].content[3 * 512], 2000 * 512);
    }
    assert_int_equal(ide.commands, 2);
    assert_int_equal(ide.violations, 0);
}

static enum ide_fate bad_sector_700(uint64_t sector, uint32_t count, bool dma_transfer, bool write) {
    (void)dma_transfer;
    (void)write;
    return sector <= 700 && 700 < sector + count ? IDE_FAIL : IDE_GOOD;
}

// One bad sector in a run of merged requests fails the request that it belongs to, and no other.
static void test_bad_sector(void **state) {
    (void)state;
    struct test_io ios[8];
    ide.fate = bad_sector_700;
    for (uint32_t i = 0; i < 8; i++)
        submit(&ios[i], 0, BLOCK_OPERATION_READ, 664 + i * 16, 16, (uint64_t)i * 16 * 512);
    settle(false);
    for (uint32_t i = 0; i < 8; i++)
        assert_true(ios[i].finished && ios[i].status == (i == 2 ? ERR_IO : ERR_OK));
    assert_memory_equal(memory_at(3 * 16 * 512), &ide.disks[0].content[(664 + 48) * 512], 5 * 16 * 512);
    assert_true(reports > 0);
    assert_int_equal(ide.violations, 0);
}

static enum ide_fate dma_broken(uint64_t sector, uint32_t count, bool dma_transfer, bool write) {
    (void)sector;
    (void)count;
    (void)write;
    return dma_transfer ? IDE_DMA_FAIL : IDE_GOOD;
}

static void test_dma_broken(void **state) {
    (void)state;
    struct test_io ios[6];
    ide.fate = dma_broken;
    for (uint32_t i = 0; i < 6; i++) {
        submit(&ios[i], 0, i % 2 ? BLOCK_OPERATION_WRITE : BLOCK_OPERATION_READ, i * 200, 150, (uint64_t)i * 150 * 512);
        settle(false);
        assert_true(ios[i].finished && ios[i].status == ERR_OK);
        assert_memory_equal(memory_at(i * 150 * 512), &ide.disks[0].content[i * 200 * 512], 150 * 512);
    }
    assert_false(channel.disks[0].dma); // learned
    uint32_t before = ide.dma_commands;
    submit(&ios[0], 0, BLOCK_OPERATION_READ, 1, 1, 0);
    settle(false);
    assert_int_equal(ide.dma_commands, before);
    assert_int_equal(ide.violations, 0);
}

static enum ide_fate silent(uint64_t sector, uint32_t count, bool dma_transfer, bool write) {
    (void)sector;
    (void)count;
    (void)dma_transfer;
    (void)write;
    return IDE_SILENT;
}

static void test_lost_interrupts(void **state) {
    (void)state;
    struct test_io ios[2];
    ide.fate = silent;
    submit(&ios[0], 0, BLOCK_OPERATION_READ, 5, 64, 0);
    channel.disks[1].dma = false;
    submit(&ios[1], 1, BLOCK_OPERATION_READ, 5, 3, 64 * 512);
    settle(false);
    assert_true(ios[0].status == ERR_OK && ios[0].finished && ios[1].finished && ios[1].status == ERR_OK);
    assert_memory_equal(ide.pages, &ide.disks[0].content[5 * 512], 64 * 512);
    assert_memory_equal(memory_at(64 * 512), &ide.disks[1].content[5 * 512], 3 * 512);
    assert_true(channel.lost_interrupts >= 2);
    assert_int_equal(ide.resets, 1); // the one of the start
    assert_int_equal(reports, 1);
}

// What init counts: an interrupt is useful if the device has something for the step under way.
static void test_interrupts_without_cause(void **state) {
    (void)state;
    channel.disks[1].dma = false;
    for (uint32_t disk = 0; disk < 2; disk++) {
        struct test_io io;
        assert_false(channel_collect(&channel)); // there is no step
        channel_proceed(&channel);
        submit(&io, disk, BLOCK_OPERATION_READ, 5, 1, 0);
        channel_kick(&channel.disks[disk].block);
        assert_false(channel_collect(&channel)); // the disk still works on it
        channel_proceed(&channel);
        while (!ide.interrupt)
            assert_true(ide_step());
        ide.interrupt = false;
        assert_true(channel_collect(&channel));
        channel_proceed(&channel);
        assert_true(io.finished && io.status == ERR_OK);
    }
}

static uint32_t stuck_times;

static enum ide_fate stuck_first(uint64_t sector, uint32_t count, bool dma_transfer, bool write) {
    (void)sector;
    (void)count;
    (void)dma_transfer;
    (void)write;
    return stuck_times != 0 && stuck_times-- != 0 ? IDE_STUCK : IDE_GOOD;
}

static void test_stuck(void **state) {
    (void)state;
    struct test_io ios[2];
    uint64_t before = ide.now;
    ide.fate = stuck_first;
    stuck_times = 1;
    submit(&ios[0], 0, BLOCK_OPERATION_WRITE, 40, 8, 0);
    submit(&ios[1], 1, BLOCK_OPERATION_READ, 41, 8, 4096);
    settle(false);
    assert_true(ios[0].finished && ios[0].status == ERR_OK && ios[1].finished && ios[1].status == ERR_OK);
    assert_int_equal(ide.resets, 2);
    assert_true(ide.now - before < UINT64_C(15000000000));
    stuck_times = 1000;
    submit(&ios[0], 0, BLOCK_OPERATION_READ, 40, 8, 0);
    settle(false);
    assert_true(ios[0].finished && ios[0].status == ERR_IO);
    assert_int_equal(ide.violations, 0);
}

static void test_missing_page(void **state) {
    (void)state;
    struct test_io ios[2];
    ide.page_physical[3] = 0;
    submit(&ios[0], 0, BLOCK_OPERATION_READ, 0, 64, 0);
    submit(&ios[1], 0, BLOCK_OPERATION_READ, 64, 8, 65536);
    settle(false);
    assert_true(ios[0].finished && ios[0].status == ERR_PAGE_MISSING);
    assert_true(ios[1].finished && ios[1].status == ERR_OK);
    assert_int_equal(ide.violations, 0);
}

static enum ide_fate random_fate(uint64_t sector, uint32_t count, bool dma_transfer, bool write) {
    (void)sector;
    (void)count;
    (void)dma_transfer;
    (void)write;
    int roll = rand() % 100;
    return roll < 3 ? IDE_FAIL : roll < 6 ? IDE_DMA_FAIL : roll < 8 ? IDE_SILENT : roll < 9 ? IDE_STUCK : IDE_GOOD;
}

// Random requests under random faults: each ends once; what ended well moved the right bytes.
static void test_random(void **state) {
    (void)state;
    enum { SLOTS = 32, SLOT_SECTORS = 64 };
    static struct test_io ios[SLOTS];
    srand(20241);
    ide.fate = random_fate;
    for (uint32_t round = 0; round < 150; round++) {
        for (uint32_t i = 0; i < IDE_BUFFER_PAGES; i++) {
            uint64_t low = ide.page_physical[i] & 0xffffffff;
            ide.page_physical[i] = low | (rand() % 40 == 0 ? UINT64_C(1) << 32 : 0);
        }
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            uint32_t first = rand() % 3 ? 0 : (uint32_t)rand() % SLOT_SECTORS;
            uint32_t count = rand() % 3 ? SLOT_SECTORS - first : 1 + (uint32_t)rand() % (SLOT_SECTORS - first);
            uint32_t operation = rand() % 20 == 0 ? BLOCK_OPERATION_FLUSH
                                 : rand() % 2     ? BLOCK_OPERATION_READ
                                                  : BLOCK_OPERATION_WRITE;
            uint64_t offset = (uint64_t)slot * SLOT_SECTORS * 512 + first * 512;
            for (uint32_t i = 0; i < count * 512; i += 64)
                *memory_at(offset + i) = (uint8_t)rand();
            submit(&ios[slot], slot & 1, operation, (uint64_t)slot * SLOT_SECTORS + first, count, offset);
        }
        settle(round % 2 != 0);
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            struct block_io *io = &ios[slot].io;
            assert_true(ios[slot].finished);
            if (ios[slot].status == ERR_OK && io->operation != BLOCK_OPERATION_FLUSH)
                assert_memory_equal(memory_at(io->offset), &ide.disks[slot & 1].content[io->sector * 512], io->count * 512);
        }
        channel.disks[0].dma = channel.disks[1].dma = true;
        channel.disks[0].dma_failures = channel.disks[1].dma_failures = 0;
    }
    assert_int_equal(ide.violations, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_probe, setup),
        cmocka_unit_test_setup(test_probe_of_a_busy_disk, setup),
        cmocka_unit_test_setup(test_packet_and_missing, setup),
        cmocka_unit_test_setup(test_read_write, setup),
        cmocka_unit_test_setup(test_merge, setup),
        cmocka_unit_test_setup(test_short_only, setup),
        cmocka_unit_test_setup(test_high_memory, setup),
        cmocka_unit_test_setup(test_bad_sector, setup),
        cmocka_unit_test_setup(test_dma_broken, setup),
        cmocka_unit_test_setup(test_lost_interrupts, setup),
        cmocka_unit_test_setup(test_interrupts_without_cause, setup),
        cmocka_unit_test_setup(test_stuck, setup),
        cmocka_unit_test_setup(test_missing_page, setup),
        cmocka_unit_test_setup(test_random, setup),
        cmocka_unit_test_setup(test_contiguous, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
