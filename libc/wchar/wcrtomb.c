// Code points to UTF-8 (RFC 3629).
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

size_t wcrtomb(char *restrict string, wchar_t c, mbstate_t *restrict state) {
    unsigned code = (unsigned)c;
    (void)state; // UTF-8 has no shift states
    if (string == NULL)
        return 1;
    if (code < 0x80) {
        string[0] = (char)code;
        return 1;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        errno = EILSEQ;
        return (size_t)-1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        string[i] = (char)(0x80 | (code & 0x3f));
    string[0] = (char)(code | (0xf00u >> size & 0xff));
    return size;
}

size_t wcsrtombs(char *restrict result, const wchar_t **restrict string, size_t size, mbstate_t *restrict state) {
    char bytes[4];
    size_t done = 0;
    for (const wchar_t *at = *string;; at++) {
        size_t part = wcrtomb(bytes, *at, state);
        if (part == (size_t)-1) {
            if (result != NULL)
                *string = at;
            return part;
        }
        if (result != NULL && part > size - done) {
            *string = at;
            return done;
        }
        for (size_t i = 0; result != NULL && i < part; i++)
            result[done + i] = bytes[i];
        if (*at == 0) {
            if (result != NULL)
                *string = NULL;
            return done;
        }
        done += part;
    }
}

size_t wcstombs(char *restrict result, const wchar_t *restrict string, size_t size) {
    const wchar_t *at = string;
    return wcsrtombs(result, &at, size, NULL);
}

int wctomb(char *string, wchar_t c) {
    if (string == NULL)
        return 0;
    return (int)wcrtomb(string, c, NULL);
}

int wctob(wint_t c) {
    return c < 0x80 ? (int)c : -1;
}
