// Output processing (POSIX.1-2017, 11.2.3), apart from the rest since each byte of what is shown comes through
// here: this file is compiled without notes, so it stores to what the caller gives it and nothing else.
#include <string.h>
#include <termios.h>

#include "servers/console/line_discipline.h"

enum { TAB_COLUMNS = 8 };

static bool is_plain(char byte) {
    return (uint8_t)byte >= 0x20 && byte != 0x7f;
}

static bool is_continuation(char byte) {
    return ((uint8_t)byte & 0xc0) == 0x80;
}

// Bytes that stand for themselves, up to `room`. They are most of what is ever written.
static size_t plain_run(const char *bytes, size_t count, size_t room, char *out, uint32_t *column) {
    size_t length = 0, limit = count < room ? count : room;
    uint32_t characters = 0;
    for (; length < limit && is_plain(bytes[length]); length++) {
        out[length] = bytes[length];
        characters += !is_continuation(bytes[length]);
    }
    *column += characters;
    return length;
}

static void follow_column(uint32_t *column, char byte) {
    if (byte == '\r')
        *column = 0;
    else if (byte == '\b')
        *column -= *column > 0;
    else if (byte == '\t')
        *column += TAB_COLUMNS - *column % TAB_COLUMNS;
}

size_t line_expand(uint32_t output, uint32_t *column, const char *bytes, size_t count, size_t *consumed, char *out, size_t size) {
    size_t made = 0, at = 0;
    bool post = (output & OPOST) != 0;
    while (at < count) {
        size_t run = plain_run(bytes + at, count - at, size - made, out + made, column);
        at += run;
        made += run;
        if (at == count)
            break;
        char byte = bytes[at];
        bool both = post && byte == '\n' && (output & ONLCR), expand = post && byte == '\t' && (output & TABDLY) == TAB3;
        uint32_t blanks = TAB_COLUMNS - *column % TAB_COLUMNS;
        if (made + (expand ? blanks : both ? 2 : 1) > size)
            break;
        at++;
        if (expand) {
            memset(out + made, ' ', blanks);
            made += blanks;
            *column += blanks;
            continue;
        }
        if (both)
            out[made++] = '\r';
        if (post && byte == '\r' && (output & OCRNL))
            byte = '\n';
        if (post && byte == '\r' && (output & ONOCR) && *column == 0)
            continue;
        out[made++] = byte;
        if (byte == '\n' && (both || (output & ONLRET)))
            *column = 0;
        else if (byte != '\n')
            follow_column(column, byte);
    }
    *consumed = at;
    return made;
}
