// memchr, memrchr and memccpy: finding a byte in a known number of bytes.
#include <string.h>

#include "libc/internal/words.h"

READS_WORDS void *memchr(const void *memory, int byte, size_t size) {
    const unsigned char *at = memory;
    unsigned char wanted = (unsigned char)byte;
    for (; size > 0 && (uintptr_t)at % WORD_BYTES != 0; size--, at++)
        if (*at == wanted)
            return (void *)(uintptr_t)at;
    for (uint64_t fill = word_fill(wanted); size >= WORD_BYTES; size -= WORD_BYTES, at += WORD_BYTES) {
        uint64_t marks = word_zeros(*(const word_t *)(const void *)at ^ fill);
        if (marks != 0)
            return (void *)(uintptr_t)(at + word_first(marks));
    }
    for (; size > 0; size--, at++)
        if (*at == wanted)
            return (void *)(uintptr_t)at;
    return NULL;
}

void *memrchr(const void *memory, int byte, size_t size) {
    const unsigned char *start = memory;
    while (size > 0)
        if (start[--size] == (unsigned char)byte)
            return (void *)(uintptr_t)(start + size);
    return NULL;
}

void *memccpy(void *restrict destination, const void *restrict source, int stop, size_t size) {
    const void *found = memchr(source, stop, size);
    if (found == NULL) {
        memcpy(destination, source, size);
        return NULL;
    }
    return mempcpy(destination, source, (size_t)((const char *)found - (const char *)source) + 1);
}
