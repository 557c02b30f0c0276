// Wide strings: the few functions that programs use.
#include <stdint.h>
#include <string.h>
#include <wchar.h>

size_t wcslen(const wchar_t *string) {
    size_t length = 0;
    while (string[length] != 0)
        length++;
    return length;
}

wchar_t *wmemcpy(wchar_t *restrict destination, const wchar_t *restrict source, size_t count) {
    return memcpy(destination, source, count * sizeof *destination);
}

wchar_t *wmemmove(wchar_t *destination, const wchar_t *source, size_t count) {
    return memmove(destination, source, count * sizeof *destination);
}

wchar_t *wmemset(wchar_t *destination, wchar_t c, size_t count) {
    for (size_t i = 0; i < count; i++)
        destination[i] = c;
    return destination;
}

wchar_t *wcscpy(wchar_t *restrict destination, const wchar_t *restrict source) {
    return wmemcpy(destination, source, wcslen(source) + 1);
}

int wcscmp(const wchar_t *a, const wchar_t *b) {
    for (; *a == *b && *a != 0; a++, b++)
        ;
    return (*a > *b) - (*a < *b);
}

wchar_t *wcschr(const wchar_t *string, wchar_t c) {
    for (;; string++) {
        if (*string == c)
            return (wchar_t *)(uintptr_t)string;
        if (*string == 0)
            return NULL;
    }
}
