// stdlib/heap.c and malloc.c: that blocks never overlap, keep their contents, and go back; that misuse is
// found.
#define _GNU_SOURCE
#include "tests/host/libc/compare.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *keelson_malloc(size_t), *keelson_calloc(size_t, size_t), *keelson_realloc(void *, size_t),
    *keelson_aligned_alloc(size_t, size_t), *keelson_reallocarray(void *, size_t, size_t);
extern void keelson_free(void *);
extern size_t keelson_malloc_usable_size(void *);
extern size_t keelson_linux_mapped_bytes, keelson_linux_mapped_most; // of system_linux.c

enum { BLOCKS = 2000, ROUNDS = 200000 };

struct held {
    unsigned char *bytes;
    size_t size;
    unsigned char mark;
};

static struct held held[BLOCKS];

static void mark(struct held *block) {
    block->mark = (unsigned char)random_word();
    memset(block->bytes, block->mark, block->size);
}

static void check(const struct held *block) {
    for (size_t i = 0; i < block->size; i++)
        if (block->bytes[i] != block->mark)
            fail_msg("byte %zu of %zu changed", i, block->size);
}

static size_t random_size(void) {
    switch (random_below(50)) {
    case 0:
        return random_below(1000000);
    case 1:
    case 2:
    case 3:
        return random_below(20000);
    default:
        return random_below(300);
    }
}

static void step(struct held *block) {
    if (block->bytes == NULL) {
        block->size = random_size();
        size_t alignment = 16u << random_below(9);
        if (random_below(8) == 0) {
            block->bytes = keelson_aligned_alloc(alignment, block->size);
            assert_int_equal((uintptr_t)block->bytes % alignment, 0);
        } else if (random_below(4) == 0) {
            block->bytes = keelson_calloc(1, block->size);
            for (size_t i = 0; i < block->size; i++)
                assert_int_equal(block->bytes[i], 0);
        } else {
            block->bytes = keelson_malloc(block->size);
        }
        assert_non_null(block->bytes);
        assert_int_equal((uintptr_t)block->bytes % 16, 0);
        assert_true(keelson_malloc_usable_size(block->bytes) >= block->size);
        mark(block);
        return;
    }
    check(block);
    if (random_below(3) == 0) {
        size_t old = block->size, size = random_size();
        block->bytes = keelson_realloc(block->bytes, size);
        assert_non_null(block->bytes);
        block->size = old < size ? old : size;
        check(block);
        block->size = size;
        mark(block);
        return;
    }
    keelson_free(block->bytes);
    block->bytes = NULL;
}

static void stress(void **state) {
    (void)state;
    size_t before = keelson_linux_mapped_bytes;
    for (int round = 0; round < ROUNDS; round++)
        step(&held[random_below(BLOCKS)]);
    size_t live = 0;
    for (int i = 0; i < BLOCKS; i++)
        if (held[i].bytes != NULL)
            live += held[i].size;
    // What is mapped stays near what is held.
    assert_true(keelson_linux_mapped_bytes - before < live + live / 2 + 4 * 1024 * 1024);
    for (int i = 0; i < BLOCKS; i++) {
        if (held[i].bytes != NULL) {
            check(&held[i]);
            keelson_free(held[i].bytes);
            held[i].bytes = NULL;
        }
    }
    // All went back, but for one empty arena.
    assert_true(keelson_linux_mapped_bytes - before <= 1024 * 1024);
}

static void limits(void **state) {
    (void)state;
    assert_null(keelson_malloc(SIZE_MAX));
    assert_null(keelson_malloc((size_t)1 << 62));
    assert_int_equal(OUR_ERRNO, 12);
    assert_null(keelson_calloc((size_t)1 << 33, (size_t)1 << 33));
    assert_null(keelson_reallocarray(NULL, (size_t)1 << 33, (size_t)1 << 33));
    assert_null(keelson_aligned_alloc(24, 10));
    void *a = keelson_malloc(0), *b = keelson_malloc(0);
    assert_true(a != NULL && b != NULL && a != b);
    keelson_free(a);
    keelson_free(b);
    keelson_free(NULL);
    for (size_t size = 0; size < 3000; size++) { // grows in place or moves, at every size
        unsigned char *block = keelson_malloc(size);
        memset(block, 1, size);
        block = keelson_realloc(block, size * 3);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 1);
        block = keelson_realloc(block, size / 2);
        keelson_free(block);
    }
}

// Small blocks rest after their release and are given again, the last first; while others are used beside them.
static void resting(void **state) {
    (void)state;
    enum { COUNT = 6 };
    void *blocks[COUNT], *guard = keelson_malloc(100);
    for (size_t size = 0; size <= 1000; size += 8) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = keelson_malloc(size);
        void *other = keelson_malloc(size + 32);
        for (int i = 0; i < COUNT; i++)
            keelson_free(blocks[i]);
        keelson_free(other);
        for (int i = COUNT - 1; i >= 0; i--)
            assert_ptr_equal(keelson_malloc(size), blocks[i]);
        for (int i = 0; i < COUNT; i++)
            keelson_free(blocks[i]);
    }
    keelson_free(guard);
}

// A block beside one that rests does not grow into it.
static void resting_neighbour(void **state) {
    (void)state;
    unsigned char *first = keelson_malloc(100), *second = keelson_malloc(100);
    unsigned char *low = first < second ? first : second, *high = first < second ? second : first;
    memset(low, 1, 100);
    keelson_free(high);
    unsigned char *moved = keelson_realloc(low, 200);
    assert_ptr_not_equal(moved, low);
    for (int i = 0; i < 100; i++)
        assert_int_equal(moved[i], 1);
    keelson_free(moved);
}

// What rests is joined before the system is asked for memory; it is refused here.
static void resting_joins(void **state) {
    (void)state;
    enum { MOST = 100000, FREED = 8, SIZE = 1000 };
    static unsigned char *blocks[MOST];
    int count = 0;
    keelson_linux_mapped_most = keelson_linux_mapped_bytes + 64 * 1024;
    while (count < MOST && (blocks[count] = keelson_malloc(SIZE)) != NULL)
        count++;
    assert_in_range(count, FREED + 2, MOST - 1);
    int from = 0, joined = 1; // a row of neighbours
    for (int i = 1; i < count && joined < FREED; i++, joined++) {
        if (blocks[i - 1] - blocks[i] != blocks[0] - blocks[1]) {
            from = i;
            joined = 0;
        }
    }
    assert_int_equal(joined, FREED);
    for (int i = from; i < from + FREED; i++)
        keelson_free(blocks[i]);
    unsigned char *large = keelson_malloc((size_t)SIZE * FREED / 2);
    assert_non_null(large);
    memset(large, 1, (size_t)SIZE * FREED / 2);
    keelson_free(large);
    for (int i = 0; i < count; i++)
        if (i < from || i >= from + FREED)
            keelson_free(blocks[i]);
    keelson_linux_mapped_most = SIZE_MAX;
}

// Nothing that rests holds an arena in which nothing is used, whatever is released last.
static void resting_gives_back(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    static void *blocks[COUNT];
    size_t before = keelson_linux_mapped_bytes;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = keelson_malloc(random_below(2000));
        assert_true(keelson_linux_mapped_bytes > before);
        for (int left = COUNT; left > 0; left--) { // forwards, backwards, at random
            int i = round == 0 ? COUNT - left : round == 1 ? left - 1 : (int)random_below((uint32_t)left);
            keelson_free(blocks[i]);
            if (round == 2)
                blocks[i] = blocks[left - 1];
        }
        assert_true(keelson_linux_mapped_bytes - before <= 1024 * 1024);
    }
}

static unsigned char *volatile victim;

static void free_twice(void) {
    void *guard = keelson_malloc(100);
    keelson_free((void *)victim);
    keelson_free((void *)victim);
    keelson_free(guard);
}

static void free_twice_joined(void) {
    unsigned char *next = keelson_malloc(100);
    keelson_free((void *)victim);
    keelson_free(next);
    keelson_free((void *)victim);
}

static void overflow(void) {
    void *next = keelson_malloc(100);
    memset((void *)victim, 'x', 120);
    keelson_free((void *)victim);
    keelson_free(next);
}

static void free_inside(void) {
    keelson_free((unsigned char *)victim + 16);
}

static void use_after_free(void) {
    void *next = keelson_malloc(100);
    keelson_free((void *)victim);
    memset((void *)victim, 'x', 16);
    void *again = keelson_malloc(100);
    keelson_free(next);
    keelson_free(again);
}

static void free_twice_below(void) { // others of its size rest above it
    void *next = keelson_malloc(100), *last = keelson_malloc(100);
    keelson_free((void *)victim);
    keelson_free(next);
    keelson_free(last);
    keelson_free((void *)victim);
}

static void header_of_resting(void) {
    keelson_free((void *)victim);
    memset((unsigned char *)victim - 16, 'x', 16);
    keelson_free(keelson_malloc(100));
}

static void link_of_resting(void) { // to a block that is not free
    void *next = keelson_malloc(100);
    keelson_free((void *)victim);
    memcpy((void *)victim, &(void *){(char *)next - 16}, sizeof(void *));
    keelson_free(keelson_malloc(100));
}

static void use_after_large_free(void) {
    unsigned char *large = keelson_malloc(5000);
    keelson_free(large);
    memset(large, 'x', 16);
    keelson_free(keelson_malloc(5000));
}

static void free_twice_large(void) {
    unsigned char *large = keelson_malloc(5000), *next = keelson_malloc(5000), *last = keelson_malloc(5000);
    keelson_free(last);
    keelson_free(large);
    keelson_free(next); // joins both
    keelson_free((uintptr_t)large < (uintptr_t)last ? last : large);
}

// Each must end the process by SIGABRT.
static void misuse(void **state) {
    (void)state;
    void (*const crimes[])(void) = {free_twice,       free_twice_joined, overflow,        free_inside,      use_after_free,
                                    free_twice_below, header_of_resting, link_of_resting, free_twice_large, use_after_large_free};
    for (size_t i = 0; i < sizeof crimes / sizeof crimes[0]; i++) {
        pid_t child = fork();
        if (child == 0) {
            close(2);
            signal(SIGSEGV, SIG_DFL);
            signal(SIGABRT, SIG_DFL);
            keelson_free(keelson_malloc(50000));
            void *guard = keelson_malloc(100); // so that the victim rests
            victim = keelson_malloc(100);
            crimes[i]();
            keelson_free(guard);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        // Links that were written over may lead nowhere: then it ends by a fault.
        bool noticed = crimes[i] == use_after_large_free ? status != 0 : WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        if (!noticed)
            fail_msg("misuse %zu went unnoticed: status %x", i, status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stress),        cmocka_unit_test(limits),
        cmocka_unit_test(resting),       cmocka_unit_test(resting_neighbour),
        cmocka_unit_test(resting_joins), cmocka_unit_test(resting_gives_back),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests_name("libc_memory", tests, NULL, NULL);
}
