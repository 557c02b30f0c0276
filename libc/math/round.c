// Functions of a double that are exact: they work on its bits (IEEE 754 binary64).
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { FRACTION_BITS = 52, EXPONENT_BIAS = 1023, EXPONENT_TOP = 0x7ff };

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int exponent_of(uint64_t bits) {
    return (int)(bits >> FRACTION_BITS & EXPONENT_TOP) - EXPONENT_BIAS;
}

double fabs(double x) {
    return double_of(bits_of(x) & ~(UINT64_C(1) << 63));
}

float fabsf(float x) {
    return (float)fabs((double)x);
}

double copysign(double x, double sign) {
    uint64_t top = UINT64_C(1) << 63;
    return double_of((bits_of(x) & ~top) | (bits_of(sign) & top));
}

double trunc(double x) {
    uint64_t bits = bits_of(x);
    int exponent = exponent_of(bits);
    if (exponent >= FRACTION_BITS)
        return x;
    if (exponent < 0)
        return copysign(0.0, x);
    return double_of(bits & ~(UINT64_MAX >> (64 - FRACTION_BITS + exponent)));
}

double floor(double x) {
    double whole = trunc(x);
    return whole > x ? whole - 1 : whole;
}

double ceil(double x) {
    double whole = trunc(x);
    return whole < x ? copysign(whole + 1, x) : whole;
}

double round(double x) {
    double whole = trunc(x);
    return fabs(x - whole) >= 0.5 ? whole + copysign(1.0, x) : whole;
}

long lround(double x) {
    return (long)round(x);
}

double modf(double x, double *whole) {
    *whole = trunc(x);
    return isinf(x) ? copysign(0.0, x) : copysign(x - *whole, x);
}

double frexp(double x, int *exponent) {
    *exponent = 0;
    if (x == 0 || !isfinite(x))
        return x;
    if (exponent_of(bits_of(x)) == -EXPONENT_BIAS) { // subnormal
        x *= 0x1p64;
        *exponent = -64;
    }
    uint64_t bits = bits_of(x);
    *exponent += exponent_of(bits) + 1;
    bits &= ~((uint64_t)EXPONENT_TOP << FRACTION_BITS);
    return double_of(bits | (uint64_t)(EXPONENT_BIAS - 1) << FRACTION_BITS);
}

// In steps that stay in range until the last, so that the result is rounded once.
double ldexp(double x, int exponent) {
    if (exponent > 1023) {
        x *= 0x1p1023;
        exponent -= 1023;
        if (exponent > 1023) {
            x *= 0x1p1023;
            exponent -= 1023;
            if (exponent > 1023)
                exponent = 1023;
        }
    } else if (exponent < -1022) {
        x *= 0x1p-1022 * 0x1p53; // keeps the last bits out of the subnormals
        exponent += 1022 - 53;
        if (exponent < -1022) {
            x *= 0x1p-1022 * 0x1p53;
            exponent += 1022 - 53;
            if (exponent < -1022)
                exponent = -1022;
        }
    }
    return x * double_of((uint64_t)(EXPONENT_BIAS + exponent) << FRACTION_BITS);
}

double scalbn(double x, int exponent) {
    return ldexp(x, exponent);
}

double fmin(double x, double y) {
    return isnan(x) ? y : isnan(y) ? x : x < y || (x == y && signbit(x)) ? x : y;
}

double fmax(double x, double y) {
    return isnan(x) ? y : isnan(y) ? x : x > y || (x == y && signbit(y)) ? x : y;
}
