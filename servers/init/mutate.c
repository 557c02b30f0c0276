// Faults put into a running program by tests (service.mutate); see mutate.h.
#include "servers/init/mutate.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"

enum { PAGE = 4096 };

// Text can't be written to, by nobody: the page is taken away, and a changed copy put in its place.
static error_t text_change(struct role *role, uint64_t address, const void *bytes, uint64_t length) {
    static uint8_t page[PAGE];
    uint64_t start = address & ~(uint64_t)(PAGE - 1), count, mapped;
    cap_t memory = 0;
    if (address - start + length > PAGE)
        return ERR_INVALID;
    error_t error = process_peek(role->process, start, page, PAGE, &count);
    if (!error && count != PAGE)
        error = ERR_FAULT;
    if (!error)
        error = account_create_memory(role->account, PAGE, &memory);
    memcpy(page + (address - start), bytes, length);
    if (!error)
        error = memory_write(memory, 0, page, PAGE, &count);
    if (!error)
        error = process_unmap(role->process, start, PAGE);
    if (!error)
        error = process_map(role->process, start, PAGE, 0, MAP_FLAG_READ | MAP_FLAG_EXECUTE | MAP_FLAG_FIXED, memory, &mapped);
    if (memory)
        slot_release(memory);
    return error;
}

error_t mutate(struct role *role, uint64_t offset, uint64_t value, uint64_t length, uint64_t *was) {
    uint64_t address = role->image.base + offset, count = 0, now = 0;
    if (role->phase != SERVICE_STATE_RUNNING)
        return ERR_NOT_SUPPORTED;
    if (length == 0 || length > sizeof(value))
        return ERR_INVALID;
    error_t error = process_peek(role->process, address, &now, length, &count);
    if (error || count != length)
        return ERR_FAULT;
    *was = now;
    if (value == 0)
        return ERR_OK;
    value ^= now;
    count = 0;
    error = process_poke(role->process, address, &value, length, &count);
    return error == ERR_OK && count == length ? ERR_OK : text_change(role, address, &value, length);
}
