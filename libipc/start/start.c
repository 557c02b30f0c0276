// See start.h. The page comes from the one that made this process and could do anything to it; it is checked
// so that a mistake there ends in an error and not in a wild read.
#include "libipc/start/start.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/process.h"

static const struct startup *startup_page;

static const struct startup_capability *capability_table(const struct startup *startup) {
    return (const struct startup_capability *)((const char *)startup + startup->capability_offset);
}

static const char *strings(const struct startup *startup) {
    return (const char *)startup + startup->strings_offset;
}

static bool strings_complete(const struct startup *startup) {
    uint64_t wanted = (uint64_t)startup->argument_count + startup->environment_count;
    for (uint32_t i = 0; i < startup->strings_length; i++)
        if (strings(startup)[i] == '\0' && wanted != 0)
            wanted--;
    return wanted == 0;
}

static bool startup_sound(const struct startup *startup) {
    if (startup == NULL || startup->magic != STARTUP_MAGIC || startup->version != STARTUP_VERSION)
        return false;
    uint64_t capabilities_end =
        startup->capability_offset + (uint64_t)startup->capability_count * sizeof(struct startup_capability);
    uint64_t strings_end = (uint64_t)startup->strings_offset + startup->strings_length;
    if (capabilities_end > startup->length || strings_end > startup->length || startup->capability_offset % 8 != 0 ||
        startup->message_page == 0)
        return false;
    for (uint32_t i = 0; i < startup->capability_count; i++)
        if (capability_table(startup)[i].name[STARTUP_NAME_BYTES - 1] != '\0')
            return false;
    return strings_complete(startup);
}

// What the actor before held is still in the table, until this one claims or releases it.
static void reserve_inherited(void) {
    uint64_t slot = 0, kind, rights, badge, object;
    while (process_slot_next(SLOT_SELF, slot, &slot, &kind, &rights, &badge, &object) == ERR_OK)
        slot_reserve((cap_t)slot++);
}

error_t startup_accept(const struct startup *startup) {
    if (!startup_sound(startup))
        return ERR_CORRUPT;
    startup_page = startup;
    ipc_page = (struct message_page *)(uintptr_t)startup->message_page;
    ipc_clock_page = (const volatile struct clock_page *)(uintptr_t)startup->clock_page;
    for (cap_t slot = 1; slot < STARTUP_FIRST_FREE_SLOT; slot++)
        slot_reserve(slot);
    for (uint32_t i = 0; i < startup->capability_count; i++)
        slot_reserve(capability_table(startup)[i].slot);
    if (startup->is_restart != RESTART_NONE)
        reserve_inherited();
    return ERR_OK;
}

const struct startup *startup_data(void) {
    return startup_page;
}

static const struct startup_capability *find(const char *name) {
    for (uint32_t i = 0; i < startup_page->capability_count; i++) {
        const char *other = capability_table(startup_page)[i].name;
        uint32_t at = 0;
        while (name[at] == other[at] && name[at] != '\0')
            at++;
        if (name[at] == other[at])
            return &capability_table(startup_page)[i];
    }
    return NULL;
}

cap_t startup_capability(const char *name) {
    const struct startup_capability *found = find(name);
    return found != NULL ? found->slot : 0;
}

uint32_t startup_value(const char *name) {
    const struct startup_capability *found = find(name);
    return found != NULL ? found->value : 0;
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

static const char *string_at(uint32_t index) {
    const char *string = strings(startup_page);
    for (; index != 0; index--) {
        while (*string != '\0')
            string++;
        string++;
    }
    return string;
}

const char *startup_argument(uint32_t index) {
    return index < startup_page->argument_count ? string_at(index) : NULL;
}

const char *startup_environment(uint32_t index) {
    return index < startup_page->environment_count ? string_at(startup_page->argument_count + index) : NULL;
}
