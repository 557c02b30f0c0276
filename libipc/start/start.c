// See start.h. The block comes from the one that made this process and could do anything to it; it is checked
// so that a mistake there ends in an error and not in a wild read.
#include "libipc/start/start.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/process.h"

static const struct startup *startup_block;

static bool table_inside(const struct startup *startup, uint32_t offset, uint32_t count,
                         uint32_t entry_bytes) {
    return count == 0 || (offset % 4 == 0 && offset + (uint64_t)count * entry_bytes <= startup->length);
}

// The strings begin inside the block, and the block ends with a NUL, so they end inside it too.
static bool strings_inside(const struct startup *startup, uint32_t offset, uint32_t count) {
    const char *block = (const char *)startup;
    const uint32_t *offsets = (const uint32_t *)(const void *)(block + offset);
    if (!table_inside(startup, offset, count, sizeof(uint32_t)))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (offsets[i] >= startup->length)
            return false;
    return count == 0 || block[startup->length - 1] == '\0';
}

static bool startup_sound(const struct startup *startup) {
    return startup != NULL && startup->magic == STARTUP_MAGIC && startup->version == STARTUP_VERSION &&
           startup->length >= sizeof(*startup) && startup->length <= STARTUP_MAX_BYTES &&
           startup->message_page != 0 && startup->free_slot <= CAP_TABLE_SLOTS &&
           table_inside(startup, startup->capability_offset, startup->capability_count,
                        sizeof(struct startup_capability)) &&
           strings_inside(startup, startup->argument_offset, startup->argument_count) &&
           strings_inside(startup, startup->environment_offset, startup->environment_count);
}

// A fresh actor must not hand out slots that its predecessor filled.
static void slots_reserve_used(void) {
    uint64_t slot = 0;
    while (slot < CAP_TABLE_SLOTS &&
           process_slot_next(SLOT_SELF, slot, &slot, NULL, NULL, NULL, NULL) == ERR_OK)
        slot_reserve((cap_t)slot++);
}

error_t startup_accept(const struct startup *startup) {
    if (!startup_sound(startup))
        return ERR_CORRUPT;
    startup_block = startup;
    ipc_page = (struct message_page *)(uintptr_t)startup->message_page;
    ipc_clock_page = (const volatile struct clock_page *)(uintptr_t)startup->clock_page;
    for (cap_t slot = 0; slot < startup->free_slot; slot++)
        slot_reserve(slot);
    if (startup->is_restart != 0)
        slots_reserve_used();
    return ERR_OK;
}

const struct startup *startup_data(void) {
    return startup_block;
}

cap_t startup_capability(const char *name) {
    return startup_slot(startup_block, name);
}

cap_t startup_capability_numbered(const char *prefix, uint32_t index) {
    char name[STARTUP_NAME_BYTES];
    uint32_t length = 0;
    for (; prefix[length] != '\0'; length++) {
        if (length + 11 >= STARTUP_NAME_BYTES)
            return 0;
        name[length] = prefix[length];
    }
    char digits[10];
    uint32_t count = 0;
    do {
        digits[count++] = (char)('0' + index % 10);
        index /= 10;
    } while (index != 0);
    while (count != 0)
        name[length++] = digits[--count];
    name[length] = '\0';
    return startup_capability(name);
}
