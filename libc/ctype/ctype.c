// The character classes of the C locale, by range tests: no table, so no cache line.
#include <ctype.h>

static inline int in_range(int c, int low, int high) {
    return (unsigned)c - (unsigned)low <= (unsigned)(high - low);
}

int isdigit(int c) {
    return in_range(c, '0', '9');
}

int islower(int c) {
    return in_range(c, 'a', 'z');
}

int isupper(int c) {
    return in_range(c, 'A', 'Z');
}

int isalpha(int c) {
    return in_range(c | 0x20, 'a', 'z');
}

int isalnum(int c) {
    return isalpha(c) || isdigit(c);
}

int isxdigit(int c) {
    return isdigit(c) || in_range(c | 0x20, 'a', 'f');
}

int isblank(int c) {
    return c == ' ' || c == '\t';
}

int isspace(int c) {
    return c == ' ' || in_range(c, '\t', '\r');
}

int iscntrl(int c) {
    return in_range(c, 0, 0x1f) || c == 0x7f;
}

int isprint(int c) {
    return in_range(c, 0x20, 0x7e);
}

int isgraph(int c) {
    return in_range(c, 0x21, 0x7e);
}

int ispunct(int c) {
    return isgraph(c) && !isalnum(c);
}

int isascii(int c) {
    return in_range(c, 0, 0x7f);
}

int tolower(int c) {
    return isupper(c) ? c + ('a' - 'A') : c;
}

int toupper(int c) {
    return islower(c) ? c - ('a' - 'A') : c;
}

int toascii(int c) {
    return c & 0x7f;
}
