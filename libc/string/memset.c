// memset and the two ways to clear: explicit_bzero is never optimised away.
#include <string.h>

#include "libc/internal/words.h"

enum { STRING_STORE_FROM = 512 };

void *memset(void *destination, int byte, size_t size) {
    unsigned char *to = destination;
    uint64_t word = word_fill((unsigned char)byte);
    if (size < 8) {
        while (size > 0)
            to[--size] = (unsigned char)byte;
        return destination;
    }
    *(unaligned_word_t *)(to + size - 8) = word;
    if (size >= STRING_STORE_FROM) {
        size_t words = size / 8;
        __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
        return destination;
    }
    for (; size > 32; size -= 32, to += 32)
#pragma clang loop unroll(full)
        for (unsigned i = 0; i < 4; i++)
            ((unaligned_word_t *)to)[i] = word;
    for (; size > 8; size -= 8, to += 8)
        *(unaligned_word_t *)to = word;
    return destination;
}

void bzero(void *memory, size_t size) {
    memset(memory, 0, size);
}

void explicit_bzero(void *memory, size_t size) {
    memset(memory, 0, size);
    __asm__ volatile("" : : "r"(memory) : "memory");
}
