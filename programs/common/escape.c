// Backslash escapes. What is not one stays as it is, backslash included.
#include "programs/common/escape.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "programs/common/utf8.h"

static int digit_value(char c) {
    if (isdigit((unsigned char)c))
        return c - '0';
    if (isxdigit((unsigned char)c))
        return tolower((unsigned char)c) - 'a' + 10;
    return 99;
}

// Reads at most `count` digits; returns how many there were.
static size_t digits_read(const char *text, size_t length, size_t count, int base, uint32_t *value) {
    size_t i = 0;
    for (*value = 0; i < count && i < length && digit_value(text[i]) < base; i++)
        *value = *value * (uint32_t)base + (uint32_t)digit_value(text[i]);
    return i;
}

static void append_code(struct buffer *out, uint32_t code) {
    char bytes[4];
    buffer_append(out, bytes, utf8_encode(code, bytes));
}

// The escapes that take digits; `text` is behind the letter. Returns how many characters were used, 0 if it
// is none.
static size_t decode_number(struct buffer *out, char letter, const char *text, size_t length, enum escape_style style) {
    uint32_t value;
    if (letter >= '0' && letter <= '7') {
        bool extra_zero = style == ESCAPE_ECHO && letter == '0';
        size_t skip = extra_zero ? 0 : 1;
        size_t used = digits_read(text - skip, length + skip, 3, 8, &value);
        buffer_append_byte(out, (char)value);
        return used + (extra_zero ? 1 : 0);
    }
    size_t count = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    size_t used = count ? digits_read(text, length, count, 16, &value) : 0;
    if (!used)
        return 0;
    if (letter == 'x')
        buffer_append_byte(out, (char)value);
    else
        append_code(out, value < UTF8_INVALID ? value : 0xfffd);
    return used + 1;
}

bool escape_decode(struct buffer *out, const char *text, size_t length, enum escape_style style) {
    static const char letters[] = "abfnrtve\\";
    static const char values[] = "\a\b\f\n\r\t\v\033\\";
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\\' || i + 1 == length) {
            buffer_append_byte(out, text[i]);
            continue;
        }
        char letter = text[++i];
        const char *found = strchr(letters, letter);
        bool quote = (letter == '\'' && style == ESCAPE_DOLLAR) || (letter == '"' && style != ESCAPE_ECHO);
        size_t used;
        if (letter == 'c' && style == ESCAPE_ECHO)
            return false;
        if (found && letter) {
            buffer_append_byte(out, values[found - letters]);
        } else if (quote) {
            buffer_append_byte(out, letter);
        } else if ((used = decode_number(out, letter, text + i + 1, length - i - 1, style))) {
            i += used - 1;
        } else {
            buffer_append_byte(out, '\\');
            buffer_append_byte(out, letter);
        }
    }
    return true;
}
