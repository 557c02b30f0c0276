// See mmio.h. A page is left unmapped after each range, so that running off its end faults.
#include <stddef.h>

#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/paging.h"

static const uint64_t MMIO_START = 0xffff000000000000 | 509ull << 39;
static const uint64_t MMIO_LENGTH = 1ull << 39;
static const uint64_t MMIO_PAGE = 4096;

static uint64_t mmio_used; // bytes from MMIO_START

void *mmio_map(uint64_t physical, uint64_t length) {
    uint64_t limit = 1ull << cpu_features.physical_address_bits;
    if (length == 0 || length > MMIO_LENGTH || physical >= limit || length > limit - physical)
        return NULL;
    uint64_t offset = physical % MMIO_PAGE;
    uint64_t bytes = (offset + length + MMIO_PAGE - 1) / MMIO_PAGE * MMIO_PAGE;
    if (bytes + MMIO_PAGE > MMIO_LENGTH - mmio_used)
        return NULL;
    uint64_t start = MMIO_START + mmio_used;
    mmio_used +=
        bytes + MMIO_PAGE; // also if mapping fails half-way: what was mapped is never handed out again
    for (uint64_t done = 0; done < bytes; done += MMIO_PAGE)
        if (kernel_map_page(start + done, physical - offset + done, PAGE_WRITE | PAGE_NO_EXECUTE | PAGE_UNCACHED) != ERR_OK)
            return NULL;
    return (void *)(start + offset);
}
