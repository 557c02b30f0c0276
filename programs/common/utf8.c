// UTF-8 decoding (RFC 3629: no surrogates, nothing over 10FFFF, no overlong forms) and column widths (the
// ranges of Unicode's EastAsianWidth W and F and of general category Mn that a terminal meets in practice).
#include "programs/common/utf8.h"

struct range {
    uint32_t first;
    uint32_t last;
};

static const struct range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x05bf, 0x05bf}, {0x05c1, 0x05c2}, {0x0610, 0x061a},
    {0x064b, 0x065f}, {0x0670, 0x0670}, {0x06d6, 0x06dc},   {0x093c, 0x093c}, {0x0941, 0x0948}, {0x094d, 0x094d},
    {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff},   {0x302a, 0x302d}, {0x3099, 0x309a}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};

static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},
    {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static int range_contains(const struct range *ranges, size_t count, uint32_t code) {
    for (size_t i = 0; i < count && ranges[i].first <= code; i++) {
        if (code <= ranges[i].last)
            return 1;
    }
    return 0;
}

size_t utf8_decode(const char *text, size_t length, uint32_t *code) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char first = bytes[0];
    size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
    if (size == 1) {
        *code = first;
        return 1;
    }
    if (size && size <= length) {
        uint32_t value = first & (0x7fu >> size);
        size_t i = 1;
        while (i < size && (bytes[i] & 0xc0) == 0x80)
            value = value << 6 | (bytes[i++] & 0x3fu);
        if (i == size && value >= smallest[size] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff)) {
            *code = value;
            return size;
        }
    }
    *code = UTF8_INVALID + first;
    return 1;
}

size_t utf8_encode(uint32_t code, char *bytes) {
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    if (code >= UTF8_INVALID) {
        bytes[0] = (char)(code - UTF8_INVALID);
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i; i--) {
        bytes[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    bytes[0] = (char)((0xf00u >> size) | code);
    return size;
}

size_t utf8_next(const char *text, size_t length, size_t offset) {
    uint32_t code;
    return offset < length ? offset + utf8_decode(text + offset, length - offset, &code) : length;
}

size_t utf8_previous(const char *text, size_t offset) {
    if (offset == 0)
        return 0;
    for (size_t back = 1; back <= 4 && back <= offset; back++) {
        uint32_t code;
        if (utf8_decode(text + offset - back, back, &code) == back && code < UTF8_INVALID)
            return offset - back;
    }
    return offset - 1;
}

int utf8_width(uint32_t code) {
    if (code < 0x300 || code >= UTF8_INVALID)
        return 1;
    if (range_contains(combining, sizeof(combining) / sizeof(combining[0]), code))
        return 0;
    return range_contains(wide, sizeof(wide) / sizeof(wide[0]), code) ? 2 : 1;
}

size_t utf8_text_width(const char *text, size_t length) {
    size_t width = 0;
    for (size_t offset = 0; offset < length;) {
        uint32_t code;
        offset += utf8_decode(text + offset, length - offset, &code);
        width += (size_t)utf8_width(code);
    }
    return width;
}
