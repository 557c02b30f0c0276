// fnmatch (POSIX XCU 2.13): patterns of * ? [...] and \. Only the last star can be tried again, so time is at
// most the product of the two lengths. Characters are UTF-8; a byte that is not part of one stands for
// itself.
#include <ctype.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { CLASS_NAME = 16 };

struct matcher {
    int flags;
    const char *string; // its beginning, for FNM_PERIOD
};

// The character at *at, which moves behind it.
static wint_t take_character(const char **at) {
    wchar_t c;
    mbstate_t state = {0};
    size_t used = mbrtowc(&c, *at, 4, &state);
    if (used == 0 || used > 4) {
        c = 0xdc00 | (unsigned char)**at; // no valid character: a lone byte
        used = 1;
    }
    *at += used;
    return (wint_t)c;
}

static wint_t fold(const struct matcher *matcher, wint_t c) {
    return (matcher->flags & FNM_CASEFOLD) != 0 ? towlower(c) : c;
}

static bool in_class(const char *name, wint_t c) {
    static const struct {
        const char *name;
        int (*test)(wint_t);
    } classes[] = {{"alnum", iswalnum}, {"alpha", iswalpha}, {"blank", iswblank}, {"cntrl", iswcntrl},
                   {"digit", iswdigit}, {"graph", iswgraph}, {"lower", iswlower}, {"print", iswprint},
                   {"punct", iswpunct}, {"space", iswspace}, {"upper", iswupper}, {"xdigit", iswxdigit}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(name, classes[i].name) == 0)
            return classes[i].test(c) != 0;
    return false;
}

// A [:class:], [.x.] or [=x=] at *at (behind the inner '['). False if it is not one.
static bool take_special(const char **at, wint_t c, bool *matched, wint_t *single) {
    char kind = (*at)[0], name[CLASS_NAME];
    const char *end = *at + 1;
    while (*end != '\0' && !(end[0] == kind && end[1] == ']'))
        end++;
    size_t length = (size_t)(end - *at) - 1;
    if (*end == '\0' || length == 0 || length >= sizeof name)
        return false;
    memcpy(name, *at + 1, length);
    name[length] = '\0';
    *single = WEOF;
    if (kind == ':') {
        *matched |= in_class(name, c);
    } else {
        const char *inside = name;
        *single = take_character(&inside);
    }
    *at = end + 2;
    return true;
}

// Matches one character against the bracket expression at *pattern (behind the '['). False if it is no
// bracket expression.
static bool match_bracket(const struct matcher *matcher, const char **pattern, wint_t c, bool *result) {
    const char *at = *pattern;
    bool inverted = *at == '!' || *at == '^', matched = false;
    const char *first = at += inverted;
    wint_t folded = fold(matcher, c);
    while (*at != ']' || at == first) {
        wint_t low, high;
        if (*at == '\0' || (*at == '/' && (matcher->flags & FNM_PATHNAME) != 0))
            return false;
        if (at[0] == '[' && (at[1] == ':' || at[1] == '.' || at[1] == '=')) {
            const char *inside = at + 1;
            if (take_special(&inside, c, &matched, &low)) {
                at = inside;
                if (low == WEOF)
                    continue;
            } else {
                low = take_character(&at);
            }
        } else {
            if (*at == '\\' && (matcher->flags & FNM_NOESCAPE) == 0 && at[1] != '\0')
                at++;
            low = take_character(&at);
        }
        high = low;
        if (at[0] == '-' && at[1] != ']' && at[1] != '\0') {
            at++;
            if (*at == '\\' && (matcher->flags & FNM_NOESCAPE) == 0 && at[1] != '\0')
                at++;
            high = take_character(&at);
        }
        matched |= (c >= low && c <= high) || (folded >= fold(matcher, low) && folded <= fold(matcher, high));
    }
    *pattern = at + 1;
    *result = matched != inverted;
    return true;
}

// Is the period at `at` one that only a period in the pattern matches?
static bool guarded_period(const struct matcher *matcher, const char *at) {
    if (*at != '.' || (matcher->flags & FNM_PERIOD) == 0)
        return false;
    return at == matcher->string || ((matcher->flags & FNM_PATHNAME) != 0 && at[-1] == '/');
}

// Matches one element of the pattern, which is not a star, against one character.
static bool match_one(const struct matcher *matcher, const char **pattern, const char **string) {
    const char *at = *string;
    bool wild = !guarded_period(matcher, at) && !(*at == '/' && (matcher->flags & FNM_PATHNAME) != 0), result;
    wint_t c = take_character(string);
    if (**pattern == '?') {
        ++*pattern;
        return wild;
    }
    if (**pattern == '[') {
        const char *inside = *pattern + 1;
        if (match_bracket(matcher, &inside, c, &result)) {
            *pattern = inside;
            return wild && result;
        }
    } else if (**pattern == '\\' && (matcher->flags & FNM_NOESCAPE) == 0) {
        ++*pattern;
        if (**pattern == '\0') // a backslash at the end matches nothing
            return false;
    }
    return fold(matcher, take_character(pattern)) == fold(matcher, c);
}

int fnmatch(const char *pattern, const char *string, int flags) {
    struct matcher matcher = {flags, string};
    const char *star = NULL,
               *star_string = NULL; // where the last star's tail begins, and what it is tried against
    for (;;) {
        if (*pattern == '*') {
            if (guarded_period(&matcher, string))
                return FNM_NOMATCH;
            while (*pattern == '*')
                pattern++;
            star = pattern;
            star_string = string;
            continue;
        }
        if (*string == '\0' && *pattern == '\0')
            return 0;
        if (*string != '\0' && *pattern != '\0' && match_one(&matcher, &pattern, &string))
            continue;
        // Let the last star take one character more.
        if (star == NULL || *star_string == '\0' || (*star_string == '/' && (flags & FNM_PATHNAME) != 0))
            return FNM_NOMATCH;
        take_character(&star_string);
        string = star_string;
        pattern = star;
    }
}
