// strverscmp: names with numbers in them, in the order that people expect: "a9" before "a10", "a01" before
// "a1".
#include <ctype.h>
#include <string.h>

int strverscmp(const char *a, const char *b) {
    size_t common = 0, digits = 0; // digits: where the run of digits that the strings still share begins
    while (a[common] == b[common]) {
        if (a[common] == '\0')
            return 0;
        common++;
        if (!isdigit((unsigned char)a[common - 1]))
            digits = common;
    }
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
    size_t zeros = digits;
    while (zeros < common && x[zeros] == '0')
        zeros++;
    if (zeros < common || (zeros == digits && x[common] != '0' && y[common] != '0')) {
        // Whole numbers: the longer run of digits is the larger one.
        size_t i = common, j = common;
        while (isdigit(x[i]))
            i++;
        while (isdigit(y[j]))
            j++;
        if (digits == common && (i == common || j == common))
            return x[common] - y[common];
        if (zeros == digits && i != j)
            return i < j ? -1 : 1;
        return x[common] - y[common];
    }
    // Leading zeros: a fraction; more zeros come first, and any digit before the end of the number.
    int x_digit = isdigit(x[common]), y_digit = isdigit(y[common]);
    if (x_digit != y_digit && zeros > digits)
        return x_digit ? -1 : 1;
    return x[common] - y[common];
}
