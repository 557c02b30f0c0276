// strlen and strnlen: a word at a time from the first aligned byte on.
#include <string.h>

#include "libc/internal/words.h"

READS_WORDS size_t strlen(const char *string) {
    const char *at = string;
    for (; (uintptr_t)at % WORD_BYTES != 0; at++)
        if (*at == '\0')
            return (size_t)(at - string);
    for (;; at += WORD_BYTES) {
        uint64_t marks = word_zeros(*(const word_t *)(const void *)at);
        if (marks != 0)
            return (size_t)(at - string) + word_first(marks);
    }
}

size_t strnlen(const char *string, size_t maximum) {
    const char *end = memchr(string, '\0', maximum);
    return end != NULL ? (size_t)(end - string) : maximum;
}
