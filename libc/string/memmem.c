// memmem, strstr and strcasestr: finding a string in another, in time linear in both (two-way string
// matching: Crochemore and Perrin, Journal of the ACM 38, 1991). One-byte needles are memchr's.
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Where the needle is best cut in two, and the period of its right part: the later of the two maximal
// suffixes, by the order of bytes and by its reverse.
static size_t maximal_suffix(const unsigned char *needle, size_t size, bool reversed, size_t *period) {
    size_t start = 0, candidate = 1, matched = 0, step = 1;
    while (candidate + matched < size) {
        unsigned char a = needle[candidate + matched], b = needle[start + matched];
        if (a == b) {
            if (++matched == step) {
                candidate += step;
                matched = 0;
            }
        } else if ((a < b) != reversed) {
            candidate += matched + 1;
            matched = 0;
            step = candidate - start;
        } else {
            start = candidate++;
            matched = 0;
            step = 1;
        }
    }
    *period = step;
    return start;
}

static void *two_way(const unsigned char *text, size_t size, const unsigned char *needle, size_t needle_size) {
    size_t period, reversed_period;
    size_t cut = maximal_suffix(needle, needle_size, false, &period);
    size_t reversed_cut = maximal_suffix(needle, needle_size, true, &reversed_period);
    if (reversed_cut > cut) {
        cut = reversed_cut;
        period = reversed_period;
    }
    // If the left part repeats with the same period, a prefix that is known to match is remembered between
    // attempts.
    bool periodic = period + cut <= needle_size && memcmp(needle, needle + period, cut) == 0;
    if (!periodic)
        period = (cut > needle_size - cut ? cut : needle_size - cut) + 1;
    size_t known = 0;
    for (size_t at = 0; at + needle_size <= size;) {
        if (known == 0 && cut == 0) { // jump to where the first byte fits
            const unsigned char *next = memchr(text + at, needle[0], size - needle_size - at + 1);
            if (next == NULL)
                return NULL;
            at = (size_t)(next - text);
        }
        size_t i = cut > known ? cut : known;
        while (i < needle_size && needle[i] == text[at + i])
            i++;
        if (i < needle_size) {
            at += i - cut + 1;
            known = 0;
            continue;
        }
        i = cut;
        while (i > known && needle[i - 1] == text[at + i - 1])
            i--;
        if (i <= known)
            return (void *)(uintptr_t)(text + at);
        at += period;
        known = periodic ? needle_size - period : 0;
    }
    return NULL;
}

void *memmem(const void *memory, size_t size, const void *needle, size_t needle_size) {
    if (needle_size == 0)
        return (void *)(uintptr_t)memory;
    if (needle_size > size)
        return NULL;
    if (needle_size == 1)
        return memchr(memory, *(const unsigned char *)needle, size);
    return two_way(memory, size, needle, needle_size);
}

char *strstr(const char *string, const char *needle) {
    return memmem(string, strlen(string), needle, strlen(needle));
}

// Quadratic at worst: folding case for the two-way search would need a copy of the text.
char *strcasestr(const char *string, const char *needle) {
    size_t size = strlen(needle);
    if (size == 0)
        return (char *)(uintptr_t)string;
    for (int first = tolower((unsigned char)*needle); *string != '\0'; string++)
        if (tolower((unsigned char)*string) == first && strncasecmp(string, needle, size) == 0)
            return (char *)(uintptr_t)string;
    return NULL;
}
