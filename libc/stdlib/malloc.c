// malloc and its family: argument checks and errno over the heap (stdlib/heap.c). A request for no bytes
// gives a block of its own.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/heap.h"

static void *allocate(size_t size, size_t alignment) {
    void *block = size <= PTRDIFF_MAX ? heap_allocate(size, alignment) : NULL;
    if (block == NULL)
        errno = ENOMEM;
    return block;
}

void *malloc(size_t size) {
    return allocate(size, HEAP_ALIGNMENT);
}

void *calloc(size_t count, size_t size) {
    size_t bytes;
    void *block = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes) && bytes <= PTRDIFF_MAX)
        block = heap_allocate_zeroed(bytes);
    if (block == NULL)
        errno = ENOMEM;
    return block;
}

void free(void *block) {
    if (block != NULL)
        heap_release(block);
}

void *realloc(void *block, size_t size) {
    if (block == NULL)
        return malloc(size);
    if (size <= PTRDIFF_MAX && heap_resize(block, size))
        return block;
    void *moved = malloc(size);
    if (moved == NULL)
        return NULL;
    size_t old = heap_usable_size(block);
    memcpy(moved, block, old < size ? old : size);
    heap_release(block);
    return moved;
}

void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX;
    return realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return allocate(size, alignment);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *block = size <= PTRDIFF_MAX ? heap_allocate(size, alignment) : NULL;
    if (block == NULL)
        return ENOMEM;
    *result = block;
    return 0;
}

size_t malloc_usable_size(void *block) {
    return block != NULL ? heap_usable_size(block) : 0;
}
