// memcpy and mempcpy: the copy that everything rests on. Short ones are two overlapping words, middling ones
// a loop of 64 bytes, long ones the processor's string move, which fetches whole lines. General registers
// only, so that servers may copy.
#include <string.h>

#include "libc/internal/words.h"

enum { STRING_MOVE_FROM = 1024 };

static void copy_short(unsigned char *to, const unsigned char *from, size_t size) {
    if (size >= 8) {
        uint64_t head = *(const unaligned_word_t *)from;
        uint64_t tail = *(const unaligned_word_t *)(from + size - 8);
        *(unaligned_word_t *)to = head;
        *(unaligned_word_t *)(to + size - 8) = tail;
    } else if (size >= 4) {
        uint32_t head = *(const unaligned_half_word_t *)from;
        uint32_t tail = *(const unaligned_half_word_t *)(from + size - 4);
        *(unaligned_half_word_t *)to = head;
        *(unaligned_half_word_t *)(to + size - 4) = tail;
    } else if (size > 0) {
        unsigned char first = from[0], middle = from[size / 2], last = from[size - 1];
        to[0] = first;
        to[size / 2] = middle;
        to[size - 1] = last;
    }
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size) {
    unsigned char *to = destination;
    const unsigned char *from = source;
    if (size <= 16) {
        copy_short(to, from, size);
        return destination;
    }
    if (size >= STRING_MOVE_FROM) {
        size_t words = size / 8;
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        copy_short(to, from, size % 8);
        return destination;
    }
    for (; size >= 64; size -= 64, to += 64, from += 64)
#pragma clang loop unroll(full)
        for (unsigned i = 0; i < 8; i++)
            ((unaligned_word_t *)to)[i] = ((const unaligned_word_t *)from)[i];
    for (; size > 16; size -= 8, to += 8, from += 8)
        *(unaligned_word_t *)to = *(const unaligned_word_t *)from;
    copy_short(to, from, size);
    return destination;
}

void *mempcpy(void *restrict destination, const void *restrict source, size_t size) {
    return (unsigned char *)memcpy(destination, source, size) + size;
}
