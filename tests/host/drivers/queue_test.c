// The order in which a disk's requests are done: upwards, with neighbours found, flushes first, and nobody
// passed over for ever.
#include "tests/host/cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/block/service/queue.h"
#include "libipc/protocols/block.h"

static struct block_queue queue;
static struct block_io ios[256];

static struct block_io *add(uint32_t index, uint64_t sector, uint32_t count, uint32_t operation) {
    ios[index] = (struct block_io){.sector = sector, .count = count, .operation = operation};
    block_queue_add(&queue, &ios[index]);
    return &ios[index];
}

static int setup(void **state) {
    (void)state;
    queue = (struct block_queue){0};
    return 0;
}

static void test_sweep(void **state) {
    (void)state;
    struct block_io *b = add(0, 500, 8, BLOCK_OPERATION_READ), *a = add(1, 100, 8, BLOCK_OPERATION_READ);
    struct block_io *c = add(2, 900, 8, BLOCK_OPERATION_WRITE);
    assert_ptr_equal(block_queue_take(&queue), a);
    struct block_io *behind = add(3, 50, 8, BLOCK_OPERATION_READ);
    struct block_io *flush = add(4, 0, 0, BLOCK_OPERATION_FLUSH);
    assert_ptr_equal(block_queue_take(&queue), flush);
    assert_ptr_equal(block_queue_take(&queue), b);
    assert_ptr_equal(block_queue_take(&queue), c);
    assert_ptr_equal(block_queue_take(&queue), behind);
    assert_null(block_queue_take(&queue));
    assert_int_equal(queue.length, 0);
}

static void test_neighbours(void **state) {
    (void)state;
    struct block_io *a = add(0, 100, 8, BLOCK_OPERATION_READ);
    add(1, 108, 8, BLOCK_OPERATION_WRITE);
    struct block_io *c = add(2, 108, 8, BLOCK_OPERATION_READ);
    assert_ptr_equal(block_queue_take(&queue), a);
    assert_null(block_queue_take_at(&queue, 108, BLOCK_OPERATION_READ, 7));
    assert_ptr_equal(block_queue_take_at(&queue, 108, BLOCK_OPERATION_READ, 8), c);
    assert_null(block_queue_take_at(&queue, 108, BLOCK_OPERATION_READ, 8));
    assert_int_equal(queue.length, 1);
}

// A stream that always has a next request does not keep one behind it from being served.
static void test_no_starvation(void **state) {
    (void)state;
    struct block_io *lonely = add(255, 10, 1, BLOCK_OPERATION_READ);
    queue.position = 1000;
    uint64_t sector = 1000;
    add(0, sector, 1, BLOCK_OPERATION_READ);
    for (uint32_t i = 1; i < 200; i++) {
        add(i, ++sector, 1, BLOCK_OPERATION_READ);
        if (block_queue_take(&queue) == lonely) {
            assert_true(i <= SWEEP_COMMANDS);
            return;
        }
    }
    fail();
}

static void test_random(void **state) {
    (void)state;
    srand(3);
    bool waiting[256] = {false};
    uint32_t count = 0;
    for (uint32_t round = 0; round < 50000; round++) {
        uint32_t index = (uint32_t)rand() % 256;
        if (!waiting[index] && rand() % 2) {
            add(index, (uint64_t)rand() % 5000, 1 + (uint32_t)rand() % 64,
                rand() % 10 ? 1 + (uint32_t)rand() % 2 : BLOCK_OPERATION_FLUSH);
            waiting[index] = true;
            count++;
        } else {
            struct block_io *io =
                rand() % 2 ? block_queue_take(&queue) : block_queue_take_at(&queue, (uint64_t)rand() % 5000, 1, 64);
            if (io != NULL) {
                assert_true(waiting[io - ios]);
                waiting[io - ios] = false;
                count--;
            }
        }
        assert_int_equal(queue.length, count);
    }
    while (block_queue_take(&queue) != NULL)
        count--;
    assert_int_equal(count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sweep, setup),
        cmocka_unit_test_setup(test_neighbours, setup),
        cmocka_unit_test_setup(test_no_starvation, setup),
        cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
