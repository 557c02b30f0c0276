// Memory that is freed all at once, in a chain of blocks of which only the newest is filled.
#include "programs/sh/region.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/program.h"

struct region_block {
    struct region_block *previous;
    size_t used;
    size_t size;
    _Alignas(16) unsigned char bytes[];
};

#define REGION_BLOCK_SIZE 4000

void *region_allocate(struct region *region, size_t size) {
    size = (size + 15) & ~(size_t)15;
    struct region_block *block = region->top;
    if (!block || block->size - block->used < size) {
        size_t block_size = size > REGION_BLOCK_SIZE ? size : REGION_BLOCK_SIZE;
        block = memory_allocate(sizeof(*block) + block_size);
        *block = (struct region_block){.previous = region->top, .size = block_size};
        region->top = block;
    }
    void *memory = block->bytes + block->used;
    block->used += size;
    return memset(memory, 0, size);
}

char *region_copy(struct region *region, const char *text, size_t length) {
    char *copy = region_allocate(region, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

struct region_mark region_mark(const struct region *region) {
    return (struct region_mark){region->top, region->top ? region->top->used : 0};
}

void region_release(struct region *region, struct region_mark mark) {
    while (region->top != mark.block) {
        struct region_block *block = region->top;
        region->top = block->previous;
        free(block);
    }
    if (mark.block)
        mark.block->used = mark.used;
}

void region_free(struct region *region) {
    region_release(region, (struct region_mark){0});
}
