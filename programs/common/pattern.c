// File name patterns by the usual single-level backtracking: only the last star can give way.
#include "programs/common/pattern.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "programs/common/utf8.h"

static bool class_contains(const char *name, size_t length, uint32_t code) {
    static const struct {
        const char *name;
        int (*test)(int);
    } classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
                   {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
                   {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strlen(classes[i].name) == length && strncmp(classes[i].name, name, length) == 0)
            return code < 128 && classes[i].test((int)code);
    }
    return false;
}

// One end of a range in a set; advances the pattern.
static uint32_t set_character(const char **pattern) {
    uint32_t code;
    if (**pattern == '\\' && (*pattern)[1])
        (*pattern)++;
    *pattern += utf8_decode(*pattern, strlen(*pattern), &code);
    return code;
}

// Matches a set, from behind its "["; returns where the pattern goes on, or null if there is no "]" to end
// it.
static const char *set_match(const char *pattern, uint32_t code, bool *matched) {
    bool negated = *pattern == '!' || *pattern == '^';
    bool found = false;
    if (negated)
        pattern++;
    for (bool first = true; *pattern != ']' || first; first = false) {
        if (!*pattern)
            return NULL;
        const char *end = pattern[0] == '[' && pattern[1] == ':' ? strstr(pattern + 2, ":]") : NULL;
        if (end) {
            found |= class_contains(pattern + 2, (size_t)(end - pattern - 2), code);
            pattern = end + 2;
            continue;
        }
        uint32_t low = set_character(&pattern);
        uint32_t high = low;
        if (pattern[0] == '-' && pattern[1] && pattern[1] != ']') {
            pattern++;
            high = set_character(&pattern);
        }
        found |= low <= code && code <= high;
    }
    *matched = found != negated;
    return pattern + 1;
}

// Matches one pattern element other than a star against one character; null if it does not match.
static const char *element_match(const char *pattern, const char *text, size_t length, size_t *taken) {
    uint32_t code;
    *taken = utf8_decode(text, length, &code);
    if (*pattern == '?')
        return pattern + 1;
    if (*pattern == '[') {
        bool matched = false;
        const char *rest = set_match(pattern + 1, code, &matched);
        if (rest)
            return matched ? rest : NULL;
    }
    if (*pattern == '\\' && pattern[1])
        pattern++;
    if (!*pattern || strncmp(pattern, text, *taken) != 0)
        return NULL;
    return pattern + *taken;
}

bool pattern_match(const char *pattern, const char *text, size_t length) {
    const char *end = text + length;
    const char *star = NULL;
    const char *star_text = NULL;
    for (;;) {
        size_t taken;
        const char *rest;
        if (*pattern == '*') {
            star = ++pattern;
            star_text = text;
        } else if (text == end) {
            return !*pattern;
        } else if ((rest = element_match(pattern, text, (size_t)(end - text), &taken))) {
            pattern = rest;
            text += taken;
        } else if (star) {
            star_text = utf8_next(star_text, (size_t)(end - star_text), 0) + star_text;
            pattern = star;
            text = star_text;
        } else {
            return false;
        }
    }
}

bool pattern_is_magic(const char *pattern) {
    for (bool open = false; *pattern; pattern++) {
        if (*pattern == '*' || *pattern == '?' || (*pattern == ']' && open))
            return true;
        open = open || *pattern == '[';
        if (*pattern == '\\' && pattern[1])
            pattern++;
    }
    return false;
}
