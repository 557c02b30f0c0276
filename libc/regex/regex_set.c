// Bracket expressions (POSIX XBD 9.3.5): parsing, and testing a character.
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "libc/internal/regex.h"

static const struct {
    const char *name;
    int (*test)(wint_t);
} classes[CLASS_COUNT] = {
    [CLASS_ALNUM] = {"alnum", iswalnum}, [CLASS_ALPHA] = {"alpha", iswalpha}, [CLASS_BLANK] = {"blank", iswblank},
    [CLASS_CNTRL] = {"cntrl", iswcntrl}, [CLASS_DIGIT] = {"digit", iswdigit}, [CLASS_GRAPH] = {"graph", iswgraph},
    [CLASS_LOWER] = {"lower", iswlower}, [CLASS_PRINT] = {"print", iswprint}, [CLASS_PUNCT] = {"punct", iswpunct},
    [CLASS_SPACE] = {"space", iswspace}, [CLASS_UPPER] = {"upper", iswupper}, [CLASS_XDIGIT] = {"xdigit", iswxdigit},
};

wint_t regex_character(const char *at, const char *end, unsigned *size) {
    *size = 1;
    if ((unsigned char)*at < 0x80)
        return (unsigned char)*at;
    wchar_t c;
    mbstate_t state = {0};
    size_t used = mbrtowc(&c, at, (size_t)(end - at), &state);
    if (used == 0 || used > 4)
        return REGEX_LONE_BYTE | (unsigned char)*at;
    *size = (unsigned)used;
    return (wint_t)c;
}

static bool in_set(const struct regex_set *set, wint_t c) {
    for (size_t i = 0; i < set->count; i++)
        if (c >= set->ranges[i].low && c <= set->ranges[i].high)
            return true;
    for (int class = 0; class < CLASS_COUNT; class ++)
        if ((set->classes & (1u << class)) != 0 && classes[class].test(c))
            return true;
    return set->underscore && c == '_';
}

static bool has(const struct regex_set *set, wint_t c) {
    bool found = in_set(set, c);
    if (!found && set->fold)
        found = in_set(set, towlower(c)) || in_set(set, towupper(c));
    return found != set->inverted;
}

bool regex_set_has(const struct regex_set *set, wint_t c) {
    if (c < 128)
        return (set->ascii[c / 64] >> (c % 64)) & 1;
    return has(set, c);
}

void regex_set_finish(struct regex_set *set) {
    for (wint_t c = 0; c < 128; c++)
        if (has(set, c))
            set->ascii[c / 64] |= UINT64_C(1) << (c % 64);
}

static int range_add(struct regex_set *set, wint_t low, wint_t high) {
    if ((set->count & (set->count - 1)) == 0) { // full at every power of two
        struct regex_range *larger = reallocarray(set->ranges, set->count > 0 ? set->count * 2 : 1, sizeof *larger);
        if (larger == NULL)
            return REG_ESPACE;
        set->ranges = larger;
    }
    set->ranges[set->count++] = (struct regex_range){low, high};
    return 0;
}

// [:name:], [.x.] or [=x=]; *at is behind the inner '['. *single is WEOF for a class.
static int special(struct regex_set *set, const char **at, wint_t *single) {
    char kind = **at, closing[3] = {kind, ']', '\0'};
    const char *from = *at + 1, *end = strstr(from, closing);
    if (end == NULL)
        return REG_EBRACK;
    *at = end + 2;
    *single = WEOF;
    if (kind == ':') {
        for (int class = 0; class < CLASS_COUNT; class ++)
            if (strlen(classes[class].name) == (size_t)(end - from) &&
                memcmp(classes[class].name, from, (size_t)(end - from)) == 0) {
                set->classes |= 1u << class;
                return 0;
            }
        return REG_ECTYPE;
    }
    unsigned size;
    if (from == end)
        return REG_ECOLLATE;
    *single = regex_character(from, end, &size);
    return from + size == end ? 0 : REG_ECOLLATE;
}

// One end of a range, or a class.
static int element(struct regex_set *set, const char **at, const char *end, wint_t *c) {
    if ((*at)[0] == '[' && ((*at)[1] == ':' || (*at)[1] == '.' || (*at)[1] == '=')) {
        ++*at;
        return special(set, at, c);
    }
    unsigned size;
    *c = regex_character(*at, end, &size);
    *at += size;
    return 0;
}

int regex_set_parse(struct regex_set *set, const char **at, bool fold, bool newline) {
    const char *end = *at + strlen(*at);
    *set = (struct regex_set){.fold = fold, .inverted = **at == '^'};
    *at += set->inverted;
    for (const char *first = *at; **at != ']' || *at == first;) {
        wint_t low, high;
        if (**at == '\0')
            return REG_EBRACK;
        int error = element(set, at, end, &low);
        if (error != 0)
            return error;
        if (low == WEOF)
            continue;
        high = low;
        if ((*at)[0] == '-' && (*at)[1] != ']' && (*at)[1] != '\0') {
            ++*at;
            error = element(set, at, end, &high);
            if (error != 0)
                return error;
            if (high == WEOF || high < low)
                return REG_ERANGE;
        }
        error = range_add(set, low, high);
        if (error != 0)
            return error;
    }
    ++*at;
    if (set->inverted && newline) {
        int error = range_add(set, '\n', '\n');
        if (error != 0)
            return error;
    }
    regex_set_finish(set);
    return 0;
}
