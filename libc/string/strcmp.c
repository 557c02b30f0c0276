// Comparing strings by byte value. There is one collation, so strcoll is strcmp and strxfrm a copy.
#include <string.h>

#include "libc/internal/words.h"

READS_WORDS int strcmp(const char *a, const char *b) {
    if ((uintptr_t)a % WORD_BYTES == (uintptr_t)b % WORD_BYTES) {
        for (; (uintptr_t)a % WORD_BYTES != 0; a++, b++)
            if (*a != *b || *a == '\0')
                return (unsigned char)*a - (unsigned char)*b;
        while (*(const word_t *)(const void *)a == *(const word_t *)(const void *)b &&
               word_zeros(*(const word_t *)(const void *)a) == 0) {
            a += WORD_BYTES;
            b += WORD_BYTES;
        }
    }
    for (; *a == *b && *a != '\0'; a++, b++)
        ;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t maximum) {
    for (; maximum > 0; maximum--, a++, b++)
        if (*a != *b || *a == '\0')
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

int strcoll(const char *a, const char *b) {
    return strcmp(a, b);
}

size_t strxfrm(char *restrict destination, const char *restrict source, size_t size) {
    size_t length = strlen(source);
    if (length < size)
        memcpy(destination, source, length + 1);
    return length;
}
