// Reads the clock page; see kernel/abi/clock_page.h.
#include "libipc/client/clock.h"

#include <stddef.h>

const volatile struct clock_page *ipc_clock_page;

uint64_t clock_monotonic(void) {
    uint64_t monotonic, wall_offset;
    if (ipc_clock_page == NULL || !clock_page_read(ipc_clock_page, &monotonic, &wall_offset))
        return 0;
    return monotonic;
}

uint64_t clock_wall(void) {
    uint64_t monotonic, wall_offset;
    if (ipc_clock_page == NULL || !clock_page_read(ipc_clock_page, &monotonic, &wall_offset) || wall_offset == 0)
        return 0;
    return monotonic + wall_offset;
}
