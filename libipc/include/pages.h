// Memory that is there before it is needed. New memory appears page by page when it is first touched; what a
// server works with in any case it touches at its start, so that its memory does not depend later on what
// happens to be used when.
#pragma once

#include <stdint.h>

enum { PAGES_TOUCH_STEP = 4096 };

// Brings every page of the range in; contents stay. `memory` may be NULL.
static inline void pages_touch(void *memory, uint64_t bytes) {
    volatile unsigned char *at = (volatile unsigned char *)memory;
    if (at == 0 || bytes == 0)
        return;
    for (uint64_t i = 0; i < bytes; i += PAGES_TOUCH_STEP)
        at[i] = at[i];
    at[bytes - 1] = at[bytes - 1];
}
