// memmove: memcpy where that is safe, otherwise words from the far end backwards.
#include <string.h>

#include "libc/internal/words.h"

void *memmove(void *destination, const void *source, size_t size) {
    unsigned char *to = destination;
    const unsigned char *from = source;
    uintptr_t distance = (uintptr_t)to - (uintptr_t)from; // huge if `to` lies below
    if (distance >= size && (uintptr_t)from - (uintptr_t)to >= size)
        return memcpy(destination, source, size);
    if (distance < size) {
        while (size >= 8) {
            size -= 8;
            *(unaligned_word_t *)(to + size) = *(const unaligned_word_t *)(from + size);
        }
        while (size > 0) {
            size--;
            to[size] = from[size];
        }
        return destination;
    }
    for (; size >= 8; size -= 8, to += 8, from += 8)
        *(unaligned_word_t *)to = *(const unaligned_word_t *)from;
    for (; size > 0; size--)
        *to++ = *from++;
    return destination;
}
