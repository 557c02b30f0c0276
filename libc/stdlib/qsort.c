// qsort and qsort_r: quicksort around the median of three, insertion sort for short runs, and heapsort where
// the cuts go badly (introsort: Musser 1997), so the time is O(n log n) for every input, in place. Not
// stable.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/words.h"

enum { SHORT_RUN = 12 };

struct sort {
    size_t size; // of an element
    int (*compare)(const void *, const void *, void *);
    void *argument;
};

static void swap(char *a, char *b, size_t size) {
    for (; size >= WORD_BYTES; size -= WORD_BYTES, a += WORD_BYTES, b += WORD_BYTES) {
        uint64_t word = *(unaligned_word_t *)(void *)a;
        *(unaligned_word_t *)(void *)a = *(unaligned_word_t *)(void *)b;
        *(unaligned_word_t *)(void *)b = word;
    }
    for (; size > 0; size--, a++, b++) {
        char byte = *a;
        *a = *b;
        *b = byte;
    }
}

static int order_of(const struct sort *sort, const char *a, const char *b) {
    return sort->compare(a, b, sort->argument);
}

static void insertion_sort(const struct sort *sort, char *base, size_t count) {
    for (char *next = base + sort->size, *end = base + count * sort->size; next < end; next += sort->size)
        for (char *at = next; at > base && order_of(sort, at - sort->size, at) > 0; at -= sort->size)
            swap(at - sort->size, at, sort->size);
}

static void heap_sift(const struct sort *sort, char *base, size_t at, size_t count) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && order_of(sort, base + child * sort->size, base + (child + 1) * sort->size) < 0)
            child++;
        if (order_of(sort, base + at * sort->size, base + child * sort->size) >= 0)
            return;
        swap(base + at * sort->size, base + child * sort->size, sort->size);
    }
}

static void heap_sort(const struct sort *sort, char *base, size_t count) {
    for (size_t at = count / 2; at-- > 0;)
        heap_sift(sort, base, at, count);
    while (count-- > 1) {
        swap(base, base + count * sort->size, sort->size);
        heap_sift(sort, base, 0, count);
    }
}

// Moves the median of first, middle and last to the front.
static void choose_pivot(const struct sort *sort, char *base, size_t count) {
    char *middle = base + count / 2 * sort->size, *last = base + (count - 1) * sort->size;
    if (order_of(sort, middle, last) > 0)
        swap(middle, last, sort->size);
    if (order_of(sort, base, middle) < 0)
        swap(base, middle, sort->size);
    else if (order_of(sort, base, last) > 0)
        swap(base, last, sort->size);
}

// Parts the elements around the first: those before the result are not greater, those behind not less. Equal
// elements stop both scans, so runs of equals are cut in the middle.
static size_t partition(const struct sort *sort, char *base, size_t count) {
    choose_pivot(sort, base, count);
    size_t low = 0, high = count;
    for (;;) {
        do
            low++;
        while (low < count && order_of(sort, base + low * sort->size, base) < 0);
        do
            high--;
        while (order_of(sort, base + high * sort->size, base) > 0);
        if (low >= high)
            break;
        swap(base + low * sort->size, base + high * sort->size, sort->size);
    }
    swap(base, base + high * sort->size, sort->size);
    return high;
}

static void intro_sort(const struct sort *sort, char *base, size_t count, unsigned depth) {
    while (count > SHORT_RUN) {
        if (depth-- == 0) {
            heap_sort(sort, base, count);
            return;
        }
        size_t cut = partition(sort, base, count);
        size_t behind = count - cut - 1;
        char *right = base + (cut + 1) * sort->size;
        // The shorter part recurses, so the stack stays logarithmic.
        if (cut < behind) {
            intro_sort(sort, base, cut, depth);
            base = right;
            count = behind;
        } else {
            intro_sort(sort, right, behind, depth);
            count = cut;
        }
    }
    insertion_sort(sort, base, count);
}

void qsort_r(void *base, size_t count, size_t size, int (*order)(const void *, const void *, void *), void *argument) {
    if (count < 2 || size == 0)
        return;
    struct sort sort = {size, order, argument};
    unsigned depth = 2 * (64 - (unsigned)__builtin_clzll(count));
    intro_sort(&sort, base, count, depth);
}

struct plain_order {
    int (*compare)(const void *, const void *);
};

static int plain_compare(const void *a, const void *b, void *argument) {
    return ((const struct plain_order *)argument)->compare(a, b);
}

void qsort(void *base, size_t count, size_t size, int (*order)(const void *, const void *)) {
    struct plain_order plain = {order};
    qsort_r(base, count, size, plain_compare, &plain);
}
