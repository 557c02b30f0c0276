// memcmp: words while they are equal, then the bytes that differ.
#include <string.h>

#include "libc/internal/words.h"

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *x = a, *y = b;
    for (; size >= 8; size -= 8, x += 8, y += 8)
        if (*(const unaligned_word_t *)x != *(const unaligned_word_t *)y)
            break;
    for (; size > 0; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

int bcmp(const void *a, const void *b, size_t size) {
    return memcmp(a, b, size);
}

void bcopy(const void *source, void *destination, size_t size) {
    memmove(destination, source, size);
}
