// Exact decimal arithmetic (internal/decimal.h): multiplying by 2^29 at a time, dividing by 2^9, which 10^9
// is a multiple of, so that nothing is lost. Called by format_float.c and strtod.c.
#include "libc/internal/decimal.h"

enum { WORD_DIGITS = 9, MULTIPLY_BITS = 29, DIVIDE_BITS = 9 };

static const uint32_t powers_of_ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

static void drop_zero_words(struct decimal *decimal) {
    while (decimal->first < decimal->end && decimal->words[decimal->first] == 0) {
        decimal->first++;
        decimal->point--;
    }
    while (decimal->end > decimal->first && decimal->words[decimal->end - 1] == 0)
        decimal->end--;
}

void decimal_set(struct decimal *decimal, uint64_t mantissa, int exponent) {
    decimal->first = DECIMAL_FRONT;
    decimal->end = DECIMAL_FRONT + 3;
    decimal->point = 3;
    decimal->more = false;
    for (int i = 2; i >= 0; i--) {
        decimal->words[DECIMAL_FRONT + i] = (uint32_t)(mantissa % DECIMAL_BASE);
        mantissa /= DECIMAL_BASE;
    }
    drop_zero_words(decimal);
    decimal_scale(decimal, exponent);
}

static void multiply(struct decimal *decimal, int bits) {
    uint64_t carry = 0;
    for (int i = decimal->end - 1; i >= decimal->first; i--) {
        uint64_t product = ((uint64_t)decimal->words[i] << bits) + carry;
        decimal->words[i] = (uint32_t)(product % DECIMAL_BASE);
        carry = product / DECIMAL_BASE;
    }
    if (carry > 0) {
        decimal->words[--decimal->first] = (uint32_t)carry;
        decimal->point++;
    }
    drop_zero_words(decimal);
}

static void divide(struct decimal *decimal, int bits) {
    uint32_t rest = 0, mask = (1u << bits) - 1;
    for (int i = decimal->first; i < decimal->end; i++) {
        uint32_t word = decimal->words[i];
        decimal->words[i] = (word >> bits) + rest * (uint32_t)(DECIMAL_BASE >> bits);
        rest = word & mask;
    }
    if (rest > 0 && decimal->end < DECIMAL_WORDS)
        decimal->words[decimal->end++] = rest * (uint32_t)(DECIMAL_BASE >> bits);
    else if (rest > 0)
        decimal->more = true;
    drop_zero_words(decimal);
}

void decimal_scale(struct decimal *decimal, int power) {
    if (decimal->first == decimal->end)
        return;
    for (; power >= MULTIPLY_BITS; power -= MULTIPLY_BITS)
        multiply(decimal, MULTIPLY_BITS);
    for (; power <= -DIVIDE_BITS; power += DIVIDE_BITS)
        divide(decimal, DIVIDE_BITS);
    if (power > 0)
        multiply(decimal, power);
    else if (power < 0)
        divide(decimal, -power);
}

static int digits_in(uint32_t word) {
    int digits = 1;
    while (digits < WORD_DIGITS && word >= powers_of_ten[digits])
        digits++;
    return digits;
}

int decimal_exponent(const struct decimal *decimal) {
    return (decimal->point - 1) * WORD_DIGITS + digits_in(decimal->words[decimal->first]) - 1;
}

int decimal_digit(const struct decimal *decimal, int index) {
    if (index < 0 || decimal->first == decimal->end)
        return 0;
    int place = index + WORD_DIGITS - digits_in(decimal->words[decimal->first]);
    int word = decimal->first + place / WORD_DIGITS;
    if (word >= decimal->end)
        return 0;
    return (int)(decimal->words[word] / powers_of_ten[WORD_DIGITS - 1 - place % WORD_DIGITS] % 10);
}

// Adds one unit to the word, and carries.
static void round_up(struct decimal *decimal, int word, uint32_t unit) {
    decimal->words[word] += unit;
    while (decimal->words[word] >= DECIMAL_BASE) {
        decimal->words[word] -= DECIMAL_BASE;
        if (word == decimal->first) {
            decimal->words[--decimal->first] = 0;
            decimal->point++;
        }
        decimal->words[--word]++;
    }
}

void decimal_round(struct decimal *decimal, int digits) {
    if (decimal->first == decimal->end)
        return;
    int place = digits + WORD_DIGITS - digits_in(decimal->words[decimal->first]);
    if (place < 0) { // even the first digit is below half a unit
        decimal->end = decimal->first;
        return;
    }
    int word = decimal->first + place / WORD_DIGITS;
    if (word >= decimal->end)
        return;
    uint32_t unit = powers_of_ten[WORD_DIGITS - place % WORD_DIGITS];
    uint32_t rest = decimal->words[word] % unit, half = unit / 2;
    bool more = decimal->more || word + 1 < decimal->end; // the last word is never zero
    bool odd = unit < DECIMAL_BASE     ? decimal->words[word] / unit % 2 != 0
               : word > decimal->first ? decimal->words[word - 1] % 2 != 0
                                       : false;
    decimal->words[word] -= rest;
    decimal->end = word + 1;
    decimal->more = false;
    if (rest > half || (rest == half && (more || odd)))
        round_up(decimal, word, unit);
    drop_zero_words(decimal);
}

uint64_t decimal_whole(const struct decimal *decimal) {
    uint64_t whole = 0;
    for (int i = 0; i < decimal->point; i++)
        whole = whole * DECIMAL_BASE + (decimal->first + i < decimal->end ? decimal->words[decimal->first + i] : 0);
    return whole;
}

int decimal_compare_half(const struct decimal *decimal, bool *zero) {
    int word = decimal->first + decimal->point;
    *zero = (decimal->point >= 0 ? word >= decimal->end : decimal->first == decimal->end) && !decimal->more;
    if (decimal->point < 0 || word >= decimal->end) // it starts with nine zeros
        return -1;
    if (decimal->words[word] != DECIMAL_BASE / 2)
        return decimal->words[word] < DECIMAL_BASE / 2 ? -1 : 1;
    return word + 1 < decimal->end || decimal->more ? 1 : 0;
}
