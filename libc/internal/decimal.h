// Exact decimal numbers, big enough for every long double: what printing and reading floating point rest on.
// Integers only, so that rounding is done by hand and done right.
//
// The value is the sum of words[first + i] * 10^(9 * (point - 1 - i)), with words below 10^9. There are no
// zero words in front.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    DECIMAL_BASE = 1000000000,
    DECIMAL_FRONT = 560,         // room to grow: 2^16384 has 549 words
    DECIMAL_WORDS = 2560,        // 2^-16445 has 1828
    DECIMAL_INPUT_DIGITS = 1278, // digits kept of a text; a double needs 768, the rest is remembered as not zero
};

struct decimal {
    int first, end; // words[first] to words[end - 1]; equal for zero
    int point;
    bool more; // something not zero was cut off below the last word
    uint32_t words[DECIMAL_WORDS];
};

// mantissa * 2^exponent.
void decimal_set(struct decimal *decimal, uint64_t mantissa, int exponent);
// Multiplies by 2^power, which may be negative.
void decimal_scale(struct decimal *decimal, int power);
// The number of decimal places of the first digit: 0 for 1 to 9.99. The value is not zero.
int decimal_exponent(const struct decimal *decimal);
// The digit `index` places behind the first one; zero outside.
int decimal_digit(const struct decimal *decimal, int index);
// Rounds to that many digits, half to even; 0 or less may leave zero or one digit in front.
void decimal_round(struct decimal *decimal, int digits);
// The integer part, which must be below 2^64.
uint64_t decimal_whole(const struct decimal *decimal);
// How the part behind the point compares with one half: -1, 0 or 1. *zero: there is none.
int decimal_compare_half(const struct decimal *decimal, bool *zero);
