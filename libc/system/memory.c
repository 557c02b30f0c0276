// Memory for the heap and mmap: one anonymous memory object per range, charged to this process's account.
#include <sys/mman.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"

error_t system_memory_map(size_t size, void **address) {
    cap_t memory;
    uint64_t mapped;
    error_t error = account_create_memory(SLOT_ACCOUNT, size, &memory);
    if (error)
        return error == ERR_QUOTA ? ERR_NO_MEMORY : error;
    error = process_map(SLOT_SELF, 0, size, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &mapped);
    slot_release(memory); // the mapping keeps it
    if (!error)
        *address = (void *)mapped; // NOLINT(performance-no-int-to-ptr)
    return error;
}

error_t system_memory_unmap(void *address, size_t size) {
    return process_unmap(SLOT_SELF, (uint64_t)address, size);
}

error_t system_memory_protect(void *address, size_t size, int protection) {
    uint64_t flags = (protection & PROT_READ ? MAP_FLAG_READ : 0) | (protection & PROT_WRITE ? MAP_FLAG_WRITE : 0) |
                     (protection & PROT_EXEC ? MAP_FLAG_EXECUTE : 0);
    return process_protect(SLOT_SELF, (uint64_t)address, size, flags);
}
