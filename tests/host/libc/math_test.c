// math/: the functions with exact results give the host's bits, the others are within a few units of the last
// place.
#include "tests/host/libc/compare.h"

#include <float.h>
#include <math.h>

extern double keelson_floor(double), keelson_ceil(double), keelson_trunc(double), keelson_round(double),
    keelson_fmod(double, double), keelson_modf(double, double *), keelson_frexp(double, int *), keelson_ldexp(double, int),
    keelson_sqrt(double), keelson_fmin(double, double), keelson_exp(double), keelson_log(double), keelson_log2(double),
    keelson_log10(double), keelson_pow(double, double), keelson_sin(double), keelson_cos(double), keelson_tan(double),
    keelson_atan(double), keelson_atan2(double, double);

static double random_double(void) {
    static const double edges[] = {0.0,
                                   -0.0,
                                   0.5,
                                   -0.5,
                                   1.5,
                                   2.5,
                                   0.49999999999999994,
                                   4503599627370495.5,
                                   9007199254740993.0,
                                   INFINITY,
                                   -INFINITY,
                                   DBL_MAX,
                                   DBL_MIN,
                                   5e-324,
                                   -1.0,
                                   1.0,
                                   2.0,
                                   10.0,
                                   1000.0};
    uint64_t bits = random_word();
    double value;
    if (random_below(8) == 0)
        return edges[random_below(sizeof edges / sizeof edges[0])];
    if (random_below(2))
        return ((double)random_below(2000000) - 1000000) / 1024;
    memcpy(&value, &bits, sizeof value);
    return isnan(value) ? 3.25 : value;
}

static void same(const char *name, double x, double y, double ours, double theirs) {
    if (memcmp(&ours, &theirs, sizeof ours) != 0 && !(isnan(ours) && isnan(theirs)))
        fail_msg("%s(%a, %a): %a, not %a", name, x, y, ours, theirs);
}

// units: of the last place.
static void near(const char *name, double x, double y, double ours, double theirs, double units) {
    if ((isnan(ours) && isnan(theirs)) || ours == theirs)
        return;
    double unit = fabs(nextafter(theirs, INFINITY) - theirs);
    if (!(fabs(ours - theirs) <= units * unit))
        fail_msg("%s(%a, %a): %a, not %a", name, x, y, ours, theirs);
}

static void exact(void **state) {
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double x = random_double(), y = random_double(), a, b;
        int m = 0, n = 0, shift = (int)random_below(4200) - 2100;
        same("floor", x, 0, keelson_floor(x), floor(x));
        same("ceil", x, 0, keelson_ceil(x), ceil(x));
        same("trunc", x, 0, keelson_trunc(x), trunc(x));
        same("round", x, 0, keelson_round(x), round(x));
        same("sqrt", x, 0, keelson_sqrt(x), sqrt(x));
        same("fmod", x, y, keelson_fmod(x, y), fmod(x, y));
        same("modf", x, 0, keelson_modf(x, &a), modf(x, &b));
        same("modf whole", x, 0, a, b);
        same("frexp", x, 0, keelson_frexp(x, &m), frexp(x, &n));
        if (x != 0 && isfinite(x))
            assert_int_equal(m, n);
        same("ldexp", x, shift, keelson_ldexp(x, shift), ldexp(x, shift));
    }
}

static void approximate(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double x = random_double(), y = random_double();
        near("exp", x, 0, keelson_exp(x), exp(x), 1);
        near("log", x, 0, keelson_log(x), log(x), 1);
        near("log2", x, 0, keelson_log2(x), log2(x), 1);
        near("log10", x, 0, keelson_log10(x), log10(x), 1);
        near("atan", x, 0, keelson_atan(x), atan(x), 1);
        near("atan2", x, y, keelson_atan2(x, y), atan2(x, y), 1);
        double angle = ((double)random_below(2000000) - 1000000) / 65536;
        assert_true(fabs(keelson_sin(angle) - sin(angle)) < 1e-15);
        assert_true(fabs(keelson_cos(angle) - cos(angle)) < 1e-15);
        near("tan", angle, 0, keelson_tan(angle), tan(angle), 200);
        assert_true(!isfinite(x) || fabs(keelson_sin(x)) <= 1);
        double whole = (double)random_below(41) - 20;
        near("pow", x, whole, keelson_pow(x, whole), pow(x, whole), 2);
        double base = 0.001 + random_below(1000000) / 1000.0, power = ((double)random_below(20000) - 10000) / 512;
        near("pow", base, power, keelson_pow(base, power), pow(base, power), 2);
    }
    static const double edges[] = {0.0, -0.0, 1, -1, 2, -2, 3, 0.5, -0.5, INFINITY, -INFINITY, NAN, 1e300, -1e300};
    for (size_t i = 0; i < 14; i++)
        for (size_t j = 0; j < 14; j++)
            same("pow", edges[i], edges[j], keelson_pow(edges[i], edges[j]), pow(edges[i], edges[j]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact), cmocka_unit_test(approximate)};
    return cmocka_run_group_tests_name("libc_math", tests, NULL, NULL);
}
