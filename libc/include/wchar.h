// Wide characters (C17 7.29, the part that programs use): a wchar_t is a Unicode code point, a multibyte
// string is UTF-8 (RFC 3629).
#pragma once

#include <stddef.h>

#ifndef WEOF
typedef unsigned wint_t;
#define WEOF ((wint_t)-1)
#endif
#ifndef WCHAR_MAX
#define WCHAR_MAX 0x7fffffff
#define WCHAR_MIN (-WCHAR_MAX - 1)
#endif

typedef struct {
    unsigned partial;      // bits of the code point so far
    unsigned char missing; // continuation bytes still to come
    unsigned char lowest;  // what the next byte must at least be
    unsigned char highest; // and at most
} mbstate_t;

size_t mbrtowc(wchar_t *restrict result, const char *restrict string, size_t size, mbstate_t *restrict state);
size_t wcrtomb(char *restrict string, wchar_t c, mbstate_t *restrict state);
size_t mbrlen(const char *restrict string, size_t size, mbstate_t *restrict state);
int mbsinit(const mbstate_t *state);
size_t mbsrtowcs(wchar_t *restrict result, const char **restrict string, size_t count, mbstate_t *restrict state);
size_t wcsrtombs(char *restrict result, const wchar_t **restrict string, size_t size, mbstate_t *restrict state);
wint_t btowc(int c);
int wctob(wint_t c);

size_t wcslen(const wchar_t *string);
wchar_t *wcscpy(wchar_t *restrict destination, const wchar_t *restrict source);
int wcscmp(const wchar_t *a, const wchar_t *b);
wchar_t *wcschr(const wchar_t *string, wchar_t c);
wchar_t *wmemcpy(wchar_t *restrict destination, const wchar_t *restrict source, size_t count);
wchar_t *wmemmove(wchar_t *destination, const wchar_t *source, size_t count);
wchar_t *wmemset(wchar_t *destination, wchar_t c, size_t count);

int wcwidth(wchar_t c); // columns: 0, 1, 2, or -1 if it is not printable
int wcswidth(const wchar_t *string, size_t count);
