// %e %f %g %a (C17 7.21.6.1), exactly: the number's full decimal expansion is made and rounded once, half to
// even. With precision 0 and more digits than anyone needs it is still right.
#include <string.h>

#include "libc/internal/decimal.h"
#include "libc/internal/float_parts.h"
#include "libc/internal/format.h"

static struct float_parts take_parts(const struct format_spec *spec, struct format_arguments *arguments) {
    struct float_parts parts = {0};
    int biased, top;
    if (spec->length == LENGTH_LONG_DOUBLE) {
        long double value = va_arg(arguments->list, long double);
        uint16_t head;
        memcpy(&parts.mantissa, &value, 8);
        memcpy(&head, (const char *)&value + 8, 2);
        parts.negative = head >> 15;
        biased = head & 0x7fff;
        top = 0x7fff;
        parts.exponent = (biased > 0 ? biased : 1) - 16383 - 63;
        if (biased == top)
            parts.kind = parts.mantissa << 1 != 0 ? FLOAT_NAN : FLOAT_INFINITE;
    } else {
        double value = va_arg(arguments->list, double);
        uint64_t bits;
        memcpy(&bits, &value, 8);
        parts.negative = bits >> 63;
        parts.mantissa = bits & 0xfffffffffffff;
        biased = (int)(bits >> 52) & 0x7ff;
        top = 0x7ff;
        parts.exponent = (biased > 0 ? biased : 1) - 1023 - 52;
        if (biased == top)
            parts.kind = parts.mantissa != 0 ? FLOAT_NAN : FLOAT_INFINITE;
        else if (biased > 0)
            parts.mantissa |= UINT64_C(1) << 52;
    }
    if (biased != top)
        parts.kind = parts.mantissa != 0 ? FLOAT_NUMBER : FLOAT_ZERO;
    return parts;
}

static bool is_upper(const struct format_spec *spec) {
    return spec->conversion >= 'A' && spec->conversion <= 'Z';
}

static const char *sign_of(const struct format_spec *spec, bool negative) {
    return negative ? "-" : spec->plus ? "+" : spec->space ? " " : "";
}

// The digits of places `from` to `to` - 1, counted from the first digit.
static void print_digits(struct format_sink *sink, const struct decimal *decimal, int from, int to) {
    char block[64];
    size_t used = 0;
    for (int i = from; i < to; i++) {
        block[used++] = (char)('0' + decimal_digit(decimal, i));
        if (used == sizeof block) {
            format_bytes(sink, block, used);
            used = 0;
        }
    }
    format_bytes(sink, block, used);
}

// places: digits behind the point.
static void print_fixed(struct format_sink *sink, const struct format_spec *spec, const struct decimal *decimal, const char *sign,
                        int places) {
    bool zero = decimal->first == decimal->end, point = places > 0 || spec->alternate;
    int exponent = zero ? 0 : decimal_exponent(decimal);
    int whole = exponent >= 0 ? exponent + 1 : 1;
    size_t behind = format_open_field(sink, spec, sign, (size_t)whole + point + (size_t)places);
    print_digits(sink, decimal, exponent + 1 - whole, exponent + 1);
    format_bytes(sink, ".", point);
    print_digits(sink, decimal, exponent + 1, exponent + 1 + places);
    format_fill(sink, ' ', behind);
}

// "e+05": at least two digits for a decimal exponent, one for a binary one. Returns the length.
static size_t make_exponent(char *text, char letter, int exponent, int digits) {
    char reversed[8];
    int count = 0;
    unsigned left = exponent < 0 ? -(unsigned)exponent : (unsigned)exponent;
    for (; left > 0 || count < digits; left /= 10)
        reversed[count++] = (char)('0' + left % 10);
    text[0] = letter;
    text[1] = exponent < 0 ? '-' : '+';
    for (int i = 0; i < count; i++)
        text[2 + i] = reversed[count - 1 - i];
    return (size_t)count + 2;
}

static void print_scientific(struct format_sink *sink, const struct format_spec *spec, const struct decimal *decimal,
                             const char *sign, int places) {
    char tail[16];
    bool zero = decimal->first == decimal->end, point = places > 0 || spec->alternate;
    size_t tail_size = make_exponent(tail, is_upper(spec) ? 'E' : 'e', zero ? 0 : decimal_exponent(decimal), 2);
    size_t behind = format_open_field(sink, spec, sign, 1 + point + (size_t)places + tail_size);
    print_digits(sink, decimal, 0, 1);
    format_bytes(sink, ".", point);
    print_digits(sink, decimal, 1, 1 + places);
    format_bytes(sink, tail, tail_size);
    format_fill(sink, ' ', behind);
}

static void print_general(struct format_sink *sink, const struct format_spec *spec, struct decimal *decimal, const char *sign) {
    int digits = spec->precision < 0 ? 6 : spec->precision == 0 ? 1 : spec->precision;
    decimal_round(decimal, digits);
    bool zero = decimal->first == decimal->end;
    int exponent = zero ? 0 : decimal_exponent(decimal), shown = digits;
    if (!spec->alternate) { // no zeros at the end
        int last = zero ? 1 : (decimal->end - decimal->first) * 9;
        shown = digits < last ? digits : last;
        while (shown > 1 && decimal_digit(decimal, shown - 1) == 0)
            shown--;
    }
    if (exponent < -4 || exponent >= digits)
        print_scientific(sink, spec, decimal, sign, shown - 1);
    else
        print_fixed(sink, spec, decimal, sign, shown - 1 > exponent ? shown - 1 - exponent : 0);
}

// 0x1.8p+1: one digit before the point, for every format.
static void print_hexadecimal(struct format_sink *sink, const struct format_spec *spec, struct float_parts parts) {
    char digits[17], prefix[4], tail[16];
    const char *letters = is_upper(spec) ? "0123456789ABCDEF" : "0123456789abcdef";
    int exponent = 0;
    if (parts.kind == FLOAT_NUMBER) {
        int shift = __builtin_clzll(parts.mantissa);
        parts.mantissa <<= shift;
        exponent = parts.exponent + 63 - shift;
    }
    // The leading one is apart: 63 bits of fraction, at the top of a word.
    uint64_t whole = parts.mantissa >> 63, fraction = parts.mantissa << 1;
    int places = spec->precision;
    if (places >= 0 && places < 16) {
        uint64_t kept = places > 0 ? fraction >> (64 - 4 * places) : 0;
        uint64_t rest = places > 0 ? fraction << (4 * places) : fraction, half = UINT64_C(1) << 63;
        bool odd = places > 0 ? kept & 1 : whole & 1;
        bool up = rest > half || (rest == half && odd);
        fraction = places > 0 ? (kept + up) << (64 - 4 * places) : 0;
        if (up && (places == 0 || fraction == 0))
            whole++;
    } else if (places < 0) {
        places = fraction != 0 ? 16 - __builtin_ctzll(fraction) / 4 : 0;
    }
    int known = places < 16 ? places : 16;
    digits[0] = (char)('0' + whole);
    for (int i = 0; i < known; i++)
        digits[1 + i] = letters[fraction >> (60 - 4 * i) & 15];
    strcpy(prefix, sign_of(spec, parts.negative));
    strcat(prefix, is_upper(spec) ? "0X" : "0x");
    bool point = places > 0 || spec->alternate;
    size_t tail_size = make_exponent(tail, is_upper(spec) ? 'P' : 'p', exponent, 1);
    size_t behind = format_open_field(sink, spec, prefix, 1 + point + (size_t)places + tail_size);
    format_bytes(sink, digits, 1);
    format_bytes(sink, ".", point);
    format_bytes(sink, digits + 1, (size_t)known);
    format_fill(sink, '0', (size_t)(places - known));
    format_bytes(sink, tail, tail_size);
    format_fill(sink, ' ', behind);
}

static void print_special(struct format_sink *sink, const struct format_spec *spec, const struct float_parts *parts) {
    struct format_spec plain = *spec;
    plain.zero = false;
    const char *name = parts->kind == FLOAT_NAN ? (is_upper(spec) ? "NAN" : "nan") : (is_upper(spec) ? "INF" : "inf");
    size_t behind = format_open_field(sink, &plain, sign_of(spec, parts->negative), 3);
    format_bytes(sink, name, 3);
    format_fill(sink, ' ', behind);
}

void format_float(struct format_sink *sink, const struct format_spec *spec, struct format_arguments *arguments) {
    struct float_parts parts = take_parts(spec, arguments);
    if (parts.kind == FLOAT_INFINITE || parts.kind == FLOAT_NAN) {
        print_special(sink, spec, &parts);
        return;
    }
    if (spec->conversion == 'a' || spec->conversion == 'A') {
        print_hexadecimal(sink, spec, parts);
        return;
    }
    struct decimal decimal;
    decimal_set(&decimal, parts.mantissa, parts.exponent);
    const char *sign = sign_of(spec, parts.negative);
    int places = spec->precision < 0 ? 6 : spec->precision;
    switch (spec->conversion) {
    case 'f':
    case 'F':
        if (parts.kind == FLOAT_NUMBER && places < DECIMAL_WORDS * 9)
            decimal_round(&decimal, decimal_exponent(&decimal) + 1 + places);
        print_fixed(sink, spec, &decimal, sign, places);
        break;
    case 'e':
    case 'E':
        if (places < DECIMAL_WORDS * 9)
            decimal_round(&decimal, places + 1);
        print_scientific(sink, spec, &decimal, sign, places);
        break;
    default:
        print_general(sink, spec, &decimal, sign);
        break;
    }
}
