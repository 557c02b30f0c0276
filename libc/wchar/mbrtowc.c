// UTF-8 to code points, one at a time and restartable (RFC 3629: no overlong forms, no surrogates, nothing
// above U+10FFFF).
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>

static mbstate_t own_state;

static size_t refuse(mbstate_t *state) {
    *state = (mbstate_t){0};
    errno = EILSEQ;
    return (size_t)-1;
}

// What a first byte says about those to come. False if it can't begin a character.
static int begin(unsigned char byte, mbstate_t *state) {
    state->lowest = 0x80;
    state->highest = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
        state->missing = 1;
        state->partial = byte & 0x1f;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        state->missing = 2;
        state->partial = byte & 0x0f;
        if (byte == 0xe0)
            state->lowest = 0xa0;
        if (byte == 0xed)
            state->highest = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        state->missing = 3;
        state->partial = byte & 0x07;
        if (byte == 0xf0)
            state->lowest = 0x90;
        if (byte == 0xf4)
            state->highest = 0x8f;
    } else {
        return 0;
    }
    return 1;
}

size_t mbrtowc(wchar_t *restrict result, const char *restrict string, size_t size, mbstate_t *restrict state) {
    if (state == NULL)
        state = &own_state;
    if (string == NULL) {
        string = "";
        size = 1;
        result = NULL;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)string[i];
        if (state->missing == 0) {
            if (byte < 0x80) {
                if (result != NULL)
                    *result = byte;
                return byte != 0 ? i + 1 : 0;
            }
            if (!begin(byte, state))
                return refuse(state);
            continue;
        }
        if (byte < state->lowest || byte > state->highest)
            return refuse(state);
        state->lowest = 0x80;
        state->highest = 0xbf;
        state->partial = state->partial << 6 | (byte & 0x3f);
        if (--state->missing == 0) {
            if (result != NULL)
                *result = (wchar_t)state->partial;
            return i + 1;
        }
    }
    return (size_t)-2;
}

size_t mbrlen(const char *restrict string, size_t size, mbstate_t *restrict state) {
    return mbrtowc(NULL, string, size, state);
}

int mbsinit(const mbstate_t *state) {
    return state == NULL || state->missing == 0;
}

size_t mbsrtowcs(wchar_t *restrict result, const char **restrict string, size_t count, mbstate_t *restrict state) {
    const char *at = *string;
    for (size_t done = 0;; done++) {
        if (result != NULL && done == count) {
            *string = at;
            return done;
        }
        wchar_t c;
        size_t used = mbrtowc(&c, at, 4, state);
        if (used > 4) { // malformed; -2 can't be, as the NUL would have ended the character
            if (result != NULL)
                *string = at;
            return (size_t)-1;
        }
        if (result != NULL)
            result[done] = c;
        if (used == 0) {
            if (result != NULL)
                *string = NULL;
            return done;
        }
        at += used;
    }
}

size_t mbstowcs(wchar_t *restrict result, const char *restrict string, size_t count) {
    mbstate_t state = {0};
    const char *at = string;
    return mbsrtowcs(result, &at, count, &state);
}

int mbtowc(wchar_t *restrict result, const char *restrict string, size_t size) {
    mbstate_t state = {0};
    if (string == NULL)
        return 0; // UTF-8 has no shift states
    size_t used = mbrtowc(result, string, size, &state);
    if (used <= 4)
        return (int)used;
    errno = EILSEQ;
    return -1;
}

int mblen(const char *string, size_t size) {
    return mbtowc(NULL, string, size);
}

wint_t btowc(int c) {
    return c >= 0 && c < 0x80 ? (wint_t)c : WEOF;
}
