// stdlib/qsort.c and bsearch.c: sorted, nothing lost, and never quadratic.
#include "tests/host/libc/compare.h"

#include <stdlib.h>

extern void keelson_qsort(void *, size_t, size_t, int (*)(const void *, const void *));
extern void *keelson_bsearch(const void *, const void *, size_t, size_t, int (*)(const void *, const void *));

static unsigned long comparisons;

static int compare_words(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    comparisons++;
    return (x > y) - (x < y);
}

static int compare_bytes(const void *a, const void *b) {
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

static uint32_t value_at(int kind, size_t i, size_t count) {
    switch (kind) {
    case 0:
        return (uint32_t)random_word();
    case 1:
        return (uint32_t)i;
    case 2:
        return (uint32_t)(count - i);
    case 3:
        return random_below(4);
    case 4:
        return 7;
    case 5: // organ pipe
        return (uint32_t)(i < count / 2 ? i : count - i);
    default: // sorted but for a few
        return random_below(100) ? (uint32_t)i : random_below((uint32_t)count);
    }
}

static void orders(void **state) {
    (void)state;
    static uint32_t ours[20000], theirs[20000];
    for (int kind = 0; kind < 7; kind++)
        for (size_t count = 0; count <= 20000; count = count < 40 ? count + 1 : count * 3) {
            for (size_t i = 0; i < count; i++)
                ours[i] = theirs[i] = value_at(kind, i, count);
            comparisons = 0;
            keelson_qsort(ours, count, sizeof ours[0], compare_words);
            if (count > 1000)
                assert_true(comparisons < count * 60);
            qsort(theirs, count, sizeof theirs[0], compare_words);
            assert_memory_equal(ours, theirs, count * sizeof ours[0]);
        }
}

// An adversary that decides the order as it is asked (McIlroy, "A killer adversary for quicksort", 1999):
// quicksort alone takes quadratic time against it.
enum { ADVERSARY = 5000, GAS = ADVERSARY };
static uint32_t adversary_value[ADVERSARY];
static uint32_t adversary_solid, adversary_candidate;

static int compare_adversary(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    comparisons++;
    if (adversary_value[x] == GAS && adversary_value[y] == GAS)
        adversary_value[x == adversary_candidate ? x : y] = adversary_solid++;
    if (adversary_value[x] == GAS)
        adversary_candidate = x;
    else if (adversary_value[y] == GAS)
        adversary_candidate = y;
    return (adversary_value[x] > adversary_value[y]) - (adversary_value[x] < adversary_value[y]);
}

static void adversary(void **state) {
    (void)state;
    static uint32_t items[ADVERSARY];
    for (uint32_t i = 0; i < ADVERSARY; i++) {
        items[i] = i;
        adversary_value[i] = GAS;
    }
    comparisons = 0;
    keelson_qsort(items, ADVERSARY, sizeof items[0], compare_adversary);
    assert_true(comparisons < ADVERSARY * 100);
}

static void sizes(void **state) {
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        unsigned char items[200 * 40];
        unsigned counts[256] = {0};
        for (size_t i = 0; i < 200; i++) {
            memset(items + i * size, (int)random_below(256), size);
            counts[items[i * size]]++;
        }
        keelson_qsort(items, 200, size, compare_bytes);
        for (size_t i = 0; i < 200; i++) {
            counts[items[i * size]]--;
            for (size_t j = 0; j < size; j++)
                assert_int_equal(items[i * size + j], items[i * size]);
            if (i > 0)
                assert_true(items[i * size] >= items[(i - 1) * size]);
        }
        for (int i = 0; i < 256; i++)
            assert_int_equal(counts[i], 0);
    }
}

static void searching(void **state) {
    (void)state;
    uint32_t items[100];
    for (uint32_t count = 0; count < 100; count++) {
        for (uint32_t i = 0; i < count; i++)
            items[i] = 2 * i;
        for (uint32_t key = 0; key < 2 * count + 2; key++) {
            uint32_t *found = keelson_bsearch(&key, items, count, sizeof items[0], compare_words);
            if (key % 2 == 0 && key < 2 * count)
                assert_ptr_equal(found, &items[key / 2]);
            else
                assert_null(found);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(adversary),
        cmocka_unit_test(sizes),
        cmocka_unit_test(searching),
    };
    return cmocka_run_group_tests_name("libc_sort", tests, NULL, NULL);
}
