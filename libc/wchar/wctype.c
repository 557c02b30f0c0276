// Classes and case of wide characters: ASCII by <ctype.h>; case for Latin-1, Latin Extended-A, Greek and
// Cyrillic by the regularity of those blocks; every other printable character outside the punctuation and
// symbol blocks counts as a letter.
#include <ctype.h>
#include <wctype.h>

static int is_ascii(wint_t c) {
    return c < 0x80;
}

// Latin Extended-A alternates capital and small; in three stretches the capitals are the odd ones.
static int alternates(wint_t c, wint_t *small) {
    int odd_capitals = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
    int even_capitals = (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14a && c <= 0x177) ||
                        (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f) ||
                        (c >= 0x1e00 && c <= 0x1e95) || (c >= 0x1ea0 && c <= 0x1eff);
    *small = odd_capitals ? c + (c & 1) : c | 1;
    return odd_capitals || even_capitals;
}

wint_t towlower(wint_t c) {
    wint_t small;
    if (is_ascii(c))
        return (wint_t)tolower((int)c);
    if (alternates(c, &small))
        return small;
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3ab && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    return c == 0x178                 ? 0xff
           : c == 0x386               ? 0x3ac
           : c >= 0x388 && c <= 0x38a ? c + 37
           : c == 0x38c               ? 0x3cc
           : c == 0x38e || c == 0x38f ? c + 63
                                      : c;
}

wint_t towupper(wint_t c) {
    wint_t small;
    if (is_ascii(c))
        return (wint_t)toupper((int)c);
    if (alternates(c, &small))
        return c == small ? c - 1 : c;
    if ((c >= 0xe0 && c <= 0xfe && c != 0xf7) || (c >= 0x3b1 && c <= 0x3cb && c != 0x3c2) || (c >= 0x430 && c <= 0x44f))
        return c - 32;
    if (c >= 0x450 && c <= 0x45f)
        return c - 80;
    return c == 0xff                  ? 0x178
           : c == 0xb5                ? 0x39c
           : c == 0x3c2               ? 0x3a3
           : c == 0x3ac               ? 0x386
           : c >= 0x3ad && c <= 0x3af ? c - 37
           : c == 0x3cc               ? 0x38c
           : c == 0x3cd || c == 0x3ce ? c - 63
                                      : c;
}

int iswupper(wint_t c) {
    return towlower(c) != c;
}

int iswlower(wint_t c) {
    return towupper(c) != c || c == 0xdf;
}

int iswdigit(wint_t c) {
    return is_ascii(c) && isdigit((int)c);
}

int iswxdigit(wint_t c) {
    return is_ascii(c) && isxdigit((int)c);
}

int iswblank(wint_t c) {
    return c == ' ' || c == '\t' || c == 0x1680 || (c >= 0x2000 && c <= 0x200a && c != 0x2007) || c == 0x205f || c == 0x3000;
}

int iswspace(wint_t c) {
    return iswblank(c) || (is_ascii(c) && isspace((int)c)) || c == 0x2028 || c == 0x2029;
}

int iswcntrl(wint_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

int iswprint(wint_t c) {
    return c <= 0x10ffff && !iswcntrl(c) && !(c >= 0xd800 && c <= 0xdfff) && (c & 0xfffe) != 0xfffe;
}

int iswgraph(wint_t c) {
    return iswprint(c) && !iswspace(c);
}

int iswalpha(wint_t c) {
    if (is_ascii(c))
        return isalpha((int)c);
    int symbol = (c < 0xc0 && c != 0xaa && c != 0xb5 && c != 0xba) || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x2bff) ||
                 (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) || (c >= 0xe000 && c <= 0xf8ff) ||
                 (c >= 0xfe10 && c <= 0xfe6f) || (c >= 0x1f000 && c <= 0x1faff);
    return iswgraph(c) && !symbol;
}

int iswalnum(wint_t c) {
    return iswalpha(c) || iswdigit(c);
}

int iswpunct(wint_t c) {
    return iswgraph(c) && !iswalnum(c);
}
