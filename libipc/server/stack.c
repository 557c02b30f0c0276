// Stacks of fibers in a server process: anonymous memory, its lowest page taken away
// again, so that an overflow faults instead of running into something else.
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "libipc/server/loop.h"

enum { GUARD_BYTES = 4096 };

error_t server_stack_create(uint64_t bytes, void **low) {
    cap_t account = loop.server->account != 0 ? loop.server->account : SLOT_ACCOUNT;
    cap_t memory;
    uint64_t address;
    error_t error = account_create_memory(account, bytes + GUARD_BYTES, &memory);
    if (error != ERR_OK)
        return error;
    error = kept_map(memory, bytes + GUARD_BYTES, &address);
    slot_release(memory); // the mapping keeps it
    if (error != ERR_OK)
        return error;
    error = process_unmap(SLOT_SELF, address, GUARD_BYTES);
    if (error != ERR_OK)
        return error;
    *low = (void *)(uintptr_t)(address + GUARD_BYTES);
    return ERR_OK;
}
