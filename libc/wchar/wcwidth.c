// How many columns a character takes on a terminal: two for East Asian wide ones and emoji, none for marks
// that combine and for what is invisible. The ranges are made from Unicode's tables when this is built
// (width.py). The console draws by this function too, so that programs and terminal agree.
#include <stdbool.h>
#include <wchar.h>

#include "libc/width_ranges.h"

static bool is_in(unsigned code, const struct range *ranges, size_t count) {
    while (count > 0) {
        const struct range *middle = ranges + count / 2;
        if (code < middle->first) {
            count /= 2;
        } else if (code > middle->last) {
            ranges = middle + 1;
            count -= count / 2 + 1;
        } else {
            return true;
        }
    }
    return false;
}

int wcwidth(wchar_t c) {
    unsigned code = (unsigned)c;
    if (code < 0x300)
        return code == 0 ? 0 : code < 0x20 || (code >= 0x7f && code < 0xa0) ? -1 : 1;
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || code == 0x2028 || code == 0x2029)
        return -1;
    if (is_in(code, no_column, sizeof no_column / sizeof no_column[0]))
        return 0;
    return is_in(code, two_columns, sizeof two_columns / sizeof two_columns[0]) ? 2 : 1;
}

int wcswidth(const wchar_t *string, size_t count) {
    int columns = 0;
    for (; count > 0 && *string != 0; count--, string++) {
        int width = wcwidth(*string);
        if (width < 0)
            return -1;
        columns += width;
    }
    return columns;
}
