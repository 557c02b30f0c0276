// Anonymous private memory. Everything else that mmap can do is refused until file servers are pagers.
#include <stdint.h>
#include <sys/mman.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

enum { PAGE = 4096 };

static error_t map(size_t size, int protection, int flags, void **address) {
    if ((flags & MAP_ANONYMOUS) == 0)
        return ERR_NO_DEVICE;
    if (size == 0 || size > PTRDIFF_MAX - PAGE || (flags & MAP_FIXED) != 0)
        return ERR_INVALID;
    if ((flags & MAP_SHARED) != 0)
        return ERR_NOT_SUPPORTED;
    size = (size + PAGE - 1) / PAGE * PAGE;
    error_t error = system_memory_map(size, address);
    if (error != ERR_OK || protection == (PROT_READ | PROT_WRITE))
        return error;
    error = system_memory_protect(*address, size, protection);
    if (error != ERR_OK)
        system_memory_unmap(*address, size);
    return error;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    (void)address;
    (void)fd;
    (void)offset;
    void *result;
    return result_of(map(size, protection, flags, &result)) == 0 ? result : MAP_FAILED;
}

int munmap(void *address, size_t size) {
    if ((uintptr_t)address % PAGE != 0 || size == 0)
        return result_of(ERR_INVALID);
    return result_of(system_memory_unmap(address, (size + PAGE - 1) / PAGE * PAGE));
}

int mprotect(void *address, size_t size, int protection) {
    if ((uintptr_t)address % PAGE != 0)
        return result_of(ERR_INVALID);
    return result_of(system_memory_protect(address, (size + PAGE - 1) / PAGE * PAGE, protection));
}
