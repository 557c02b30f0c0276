// The part of libc's system layer that servers need: randomness for the heap's seals, and an end when the
// heap is found damaged. Memory itself comes from libc/system/memory.c. A server that uses malloc links this;
// nothing else of the layer exists there.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libipc/protocols/kernel.h"

enum { LEVEL_ERROR = 1, LINE_BYTES = 1024 };

error_t system_random(void *buffer, size_t size) {
    unsigned char *to = buffer;
    while (size != 0) {
        uint64_t words[6];
        error_t error = kernel_random(SLOT_KERNEL, &words[0], &words[1], &words[2], &words[3], &words[4], &words[5]);
        if (error != ERR_OK)
            return error;
        size_t count = size < sizeof(words) ? size : sizeof(words);
        memcpy(to, words, count);
        to += count;
        size -= count;
    }
    return ERR_OK;
}

// Only the heap's last words come this way.
error_t system_write(int fd, const void *buffer, size_t size, size_t *done) {
    (void)fd;
    *done = size;
    return kernel_log_write(SLOT_KERNEL, LEVEL_ERROR, buffer, size < LINE_BYTES ? size : LINE_BYTES);
}

_Noreturn void system_abort(void) {
    __builtin_trap(); // a fault: init reports it and starts the next actor
}
