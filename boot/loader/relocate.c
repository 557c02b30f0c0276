// See start.h. Apart, so that the rest of the loader also links on the host.
#include "boot/loader/executable.h"
#include "boot/loader/start.h"

extern const uint8_t loader_relocations[], loader_relocations_end[];

void loader_relocate(void) {
    (void)relocations_apply((uint8_t *)loader_start, (uint64_t)(loader_end - loader_start), loader_relocations,
                            (uint64_t)(loader_relocations_end - loader_relocations), (uintptr_t)loader_start);
}
