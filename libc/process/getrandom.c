// Random bytes from the kernel, which never run out.
#include <sys/random.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

ssize_t getrandom(void *buffer, size_t size, unsigned flags) {
    if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM)) != 0)
        return result_of(ERR_INVALID);
    return result_with(system_random(buffer, size), (long)size);
}

int getentropy(void *buffer, size_t size) {
    return result_of(size <= 256 ? system_random(buffer, size) : ERR_IO);
}
