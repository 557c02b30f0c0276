// A buffer larger than the bounce buffer is lent in part. Methods with such buffers say how many bytes they
// moved, so their callers see a short count. Servers' memory has no pager, so the one static buffer is never
// wanted twice at once; a second user is refused all the same.
#include "libipc/client/bounce.h"

enum { BOUNCE_BYTES = 16 * 1024, PAGE_BYTES = 4096, MISSES_BEFORE_BOUNCE = 2 };

static unsigned char read_buffer[BOUNCE_BYTES];
static unsigned char write_buffer[BOUNCE_BYTES];
static bool in_use;

// Reads a byte of each page, and writes it back where the server is to write.
static void buffer_touch(const void *address, uint64_t size, bool write) {
    for (uint64_t offset = 0; offset < size;) {
        uintptr_t at = (uintptr_t)address + offset;
        volatile unsigned char *byte = (volatile unsigned char *)at;
        unsigned char value = *byte;
        if (write)
            *byte = value;
        offset += PAGE_BYTES - at % PAGE_BYTES;
    }
}

bool bounce_prepare(struct bounce *bounce, struct ipc_extras *extras) {
    if (bounce->active || (extras->read_size == 0 && extras->write_size == 0))
        return false;
    if (bounce->misses++ < MISSES_BEFORE_BOUNCE) {
        buffer_touch(extras->read_address, extras->read_size, false);
        buffer_touch(extras->write_address, extras->write_size, true);
        return true;
    }
    if (in_use)
        return false;
    in_use = true;
    bounce->active = true;
    bounce->original = *extras;
    if (extras->read_size > BOUNCE_BYTES)
        extras->read_size = BOUNCE_BYTES;
    if (extras->write_size > BOUNCE_BYTES)
        extras->write_size = BOUNCE_BYTES;
    if (extras->read_size != 0)
        __builtin_memcpy(read_buffer, extras->read_address, extras->read_size);
    if (extras->write_size != 0)
        __builtin_memcpy(write_buffer, extras->write_address, extras->write_size);
    extras->read_address = read_buffer;
    extras->write_address = write_buffer;
    return true;
}

void bounce_finish(struct bounce *bounce, struct ipc_extras *extras) {
    if (!bounce->active)
        return;
    if (extras->write_size != 0)
        __builtin_memcpy(bounce->original.write_address, write_buffer, extras->write_size);
    extras->read_address = bounce->original.read_address;
    extras->read_size = bounce->original.read_size;
    extras->write_address = bounce->original.write_address;
    extras->write_size = bounce->original.write_size;
    in_use = false;
    bounce->active = false;
}
