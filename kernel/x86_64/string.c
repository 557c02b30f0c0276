// Memory functions for code without SSE: string instructions in 8-byte steps, which real CPUs and QEMU both
// run well. Called by the whole kernel and by the compiler's own code; none of them allocates or fails.
#include "kernel/x86_64/string.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
    void *out = to;
    size_t words = length / 8, bytes = length % 8;
    __asm__ volatile("rep movsq" : "+D"(out), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(out), "+S"(from), "+c"(bytes) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t length) {
    uintptr_t distance = (uintptr_t)to - (uintptr_t)from;
    if (distance >= length)
        return memcpy(to, from, length);
    unsigned char *out = (unsigned char *)to + length - 1;
    const unsigned char *in = (const unsigned char *)from + length - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(out), "+S"(in), "+c"(length) : : "memory");
    return to;
}

void *memset(void *to, int value, size_t length) {
    void *out = to;
    uint64_t pattern = (uint8_t)value * UINT64_C(0x0101010101010101);
    size_t words = length / 8, bytes = length % 8;
    __asm__ volatile("rep stosq" : "+D"(out), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(out), "+c"(bytes) : "a"(pattern) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t length) {
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < length; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}
