// The functions that the processor's x87 unit or SSE computes. The x87 works to 64 bits, so that results
// rounded to a double are within one unit of the last place; sine, cosine and tangent of arguments beyond a
// few million lose more, as the argument is reduced by a value of pi of 66 bits.
#include <math.h>

double sqrt(double x) {
    double result;
    __asm__("sqrtsd %1, %0" : "=x"(result) : "x"(x));
    return result;
}

float sqrtf(float x) {
    float result;
    __asm__("sqrtss %1, %0" : "=x"(result) : "x"(x));
    return result;
}

// The remainder of x by y, exact: the x87 takes it in steps and says when it is complete.
static long double remainder_of(long double x, long double y) {
    unsigned short status;
    do // NOLINT(bugprone-infinite-loop): the instruction sets status
        __asm__("fprem\n\tfnstsw %1" : "+t"(x), "=a"(status) : "u"(y) : "cc");
    while ((status & 0x400) != 0);
    return x;
}

double fmod(double x, double y) {
    return (double)remainder_of(x, y);
}

static long double logarithm(double x, long double factor) {
    long double result;
    __asm__("fyl2x" : "=t"(result) : "0"((long double)x), "u"(factor) : "st(1)");
    return result;
}

double log2(double x) {
    return (double)logarithm(x, 1.0L);
}

double log(double x) {
    return (double)logarithm(x, 0.693147180559945309417232121458176568L);
}

double log10(double x) {
    return (double)logarithm(x, 0.301029995663981195213738894724493027L);
}

// 2^(whole + fraction), the fraction between -1 and 1.
static double power_of_two(long double whole, long double fraction) {
    long double result;
    __asm__("f2xm1\n\tfld1\n\tfaddp\n\tfscale" : "=t"(result) : "0"(fraction), "u"(whole));
    return (double)result;
}

static long double nearest(long double x) {
    __asm__("frndint" : "+t"(x));
    return x;
}

double exp(double x) {
    const long double log2_e = 1.442695040888963407359924681001892137L;
    if (isnan(x))
        return x;
    if (x > 710)
        return INFINITY;
    if (x < -746)
        return 0;
    // x is cut so that the product with log2(e) loses nothing that matters.
    long double whole = nearest(x * log2_e);
    const long double ln2_high = 0x1.62e42fefap-1L, ln2_low = 1.646594958289708228877934434551570458E-12L;
    long double rest = (x - whole * ln2_high) - whole * ln2_low;
    return power_of_two(whole, rest * log2_e);
}

// Whole exponents by repeated squaring in 64 bits, which is exact while the results are; the others by
// logarithm, good to about 2^-52 times the exponent's size.
static double power_whole(long double base, long exponent) {
    long double result = 1;
    unsigned long left = exponent < 0 ? -(unsigned long)exponent : (unsigned long)exponent;
    for (; left > 0; left >>= 1, base *= base)
        if (left & 1)
            result *= base;
    return (double)(exponent < 0 ? 1 / result : result);
}

double pow(double x, double y) {
    if (y == 0 || x == 1)
        return 1;
    if (isnan(x) || isnan(y))
        return NAN;
    int whole = trunc(y) == y, odd = whole && fabs(y) < 0x1p53 && fmod(y, 2) != 0;
    if (isinf(y)) {
        double size = fabs(x);
        return size == 1 ? 1 : (size > 1) == (y > 0) ? INFINITY : 0;
    }
    if (x == 0 || isinf(x)) {
        double size = (x == 0) == (y > 0) ? 0 : INFINITY;
        return odd ? copysign(size, x) : size;
    }
    if (whole && fabs(y) < 0x1p20)
        return power_whole(x, (long)y);
    if (x < 0 && !whole)
        return NAN;
    long double product = logarithm(fabs(x), y);
    double size = product > 1100 ? INFINITY : product < -1100 ? 0 : power_of_two(nearest(product), product - nearest(product));
    return odd ? copysign(size, x) : size;
}

// fsin and fcos refuse arguments of 2^63 and more: these are brought near first.
static long double bring_near(double x) {
    const long double two_pi = 6.283185307179586476925286766559005768L;
    return fabs(x) < 0x1p62 || !isfinite(x) ? x : remainder_of(x, two_pi);
}

double sin(double x) {
    long double result;
    __asm__("fsin" : "=t"(result) : "0"(bring_near(x)));
    return (double)result;
}

double cos(double x) {
    long double result;
    __asm__("fcos" : "=t"(result) : "0"(bring_near(x)));
    return (double)result;
}

double tan(double x) {
    return sin(x) / cos(x);
}

double atan2(double y, double x) {
    long double result;
    __asm__("fpatan" : "=t"(result) : "0"((long double)x), "u"((long double)y) : "st(1)");
    return (double)result;
}

double atan(double x) {
    return atan2(x, 1);
}
