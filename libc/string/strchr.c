// Finding a byte in a string, from either end.
#include <string.h>

#include "libc/internal/words.h"

READS_WORDS char *strchrnul(const char *string, int c) {
    char wanted = (char)c;
    for (; (uintptr_t)string % WORD_BYTES != 0; string++)
        if (*string == wanted || *string == '\0')
            return (char *)(uintptr_t)string;
    for (uint64_t fill = word_fill((unsigned char)c);; string += WORD_BYTES) {
        uint64_t word = *(const word_t *)(const void *)string;
        // The lowest mark of each is exact; the lower of the two is what is looked for.
        uint64_t marks = word_zeros(word) | word_zeros(word ^ fill);
        if (marks != 0)
            return (char *)(uintptr_t)(string + word_first(marks));
    }
}

char *strchr(const char *string, int c) {
    char *found = strchrnul(string, c);
    return *found == (char)c ? found : NULL;
}

char *strrchr(const char *string, int c) {
    return memrchr(string, c, strlen(string) + 1);
}

char *index(const char *string, int c) {
    return strchr(string, c);
}

char *rindex(const char *string, int c) {
    return strrchr(string, c);
}
