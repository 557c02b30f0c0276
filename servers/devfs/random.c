// /dev/random and /dev/urandom: the kernel's generator, which blocks nobody.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"
#include "servers/devfs/state.h"

enum { RANDOM_BYTES = 48, BUFFER_BYTES = 10 * RANDOM_BYTES, READ_MAX = 64 * 1024 };

error_t random_read(struct request *request, uint64_t length, uint64_t *count) {
    unsigned char buffer[BUFFER_BYTES];
    error_t error = ERR_OK;
    uint64_t done = 0;
    if (length > READ_MAX)
        length = READ_MAX; // others wait
    while (error == ERR_OK && done < length) {
        uint64_t part = length - done < BUFFER_BYTES ? length - done : BUFFER_BYTES;
        for (uint64_t at = 0; error == ERR_OK && at < part; at += RANDOM_BYTES) {
            uint64_t words[6];
            error = kernel_random(SLOT_KERNEL, &words[0], &words[1], &words[2], &words[3], &words[4], &words[5]);
            memcpy(buffer + at, words, RANDOM_BYTES);
        }
        if (error == ERR_OK)
            error = request_copy_out(request, done, buffer, part);
        if (error == ERR_OK)
            done += part;
    }
    *count = done;
    return done != 0 ? ERR_OK : error;
}
