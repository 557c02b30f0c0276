// Memory that is freed all at once: syntax trees and the strings of expansion. A region is a stack:
// region_release() gives back everything allocated after the mark.
#pragma once

#include <stddef.h>

struct region_block;

struct region {
    struct region_block *top;
};

struct region_mark {
    struct region_block *block;
    size_t used;
};

void *region_allocate(struct region *region, size_t size); // zeroed, aligned for any object; never null
char *region_copy(struct region *region, const char *text, size_t length);
struct region_mark region_mark(const struct region *region);
void region_release(struct region *region, struct region_mark mark);
void region_free(struct region *region);
