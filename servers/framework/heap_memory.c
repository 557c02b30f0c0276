// Memory for the heap of a server: one anonymous memory object per range, charged to its account, in the
// window whose contents outlive the actor (libipc/kept/undo.h).
#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/server/server.h"

error_t system_memory_map(size_t size, void **address) {
    cap_t memory;
    uint64_t mapped;
    error_t error = account_create_memory(SLOT_ACCOUNT, size, &memory);
    if (error)
        return error == ERR_QUOTA ? ERR_NO_MEMORY : error;
    error = kept_map(memory, size, &mapped);
    slot_release(memory); // the mapping keeps it
    if (!error)
        *address = (void *)mapped; // NOLINT(performance-no-int-to-ptr)
    return error;
}

error_t system_memory_unmap(void *address, size_t size) {
    return server_unmap(address, size);
}
