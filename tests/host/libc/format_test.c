// stdio/format*.c: snprintf against the host's, on random formats and values, exactly; and what happens when
// the buffer is too small.
#define _GNU_SOURCE
#include "tests/host/libc/compare.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat"

OURS(snprintf);
OURS(asprintf);
OURS(free);

enum { TEXT = 12000 };
static char ours[TEXT], theirs[TEXT];

#define SAME(format, ...)                                                                                                        \
    do {                                                                                                                         \
        const char *same_format = format;                                                                                        \
        int our_length = keelson_snprintf(ours, TEXT, same_format, __VA_ARGS__);                                                 \
        int their_length = snprintf(theirs, TEXT, same_format, __VA_ARGS__);                                                     \
        if (our_length != their_length || strcmp(ours, theirs) != 0)                                                             \
            fail_msg("%s: \"%s\" (%d), not \"%s\" (%d)", same_format, ours, our_length, theirs, their_length);                   \
    } while (0)

// "%", flags, width, precision, then the end of the conversion.
static const char *random_format(const char *flags, const char *end, int most_precision) {
    static char format[64];
    char *at = format;
    *at++ = '%';
    for (; *flags != '\0'; flags++)
        if (random_below(4) == 0)
            *at++ = *flags;
    if (random_below(2))
        at += sprintf(at, "%u", 1 + random_below(30));
    if (random_below(2))
        at += random_below(6) ? sprintf(at, ".%u", random_below((uint32_t)most_precision)) : sprintf(at, ".");
    strcpy(at, end);
    return format;
}

static long random_integer(void) {
    static const long edges[] = {0, 1, -1, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, UINT_MAX, 10, 100, 8, 255};
    if (random_below(4) == 0)
        return edges[random_below(sizeof edges / sizeof edges[0])];
    return (long)(random_word() >> random_below(64));
}

static void integers(void **state) {
    (void)state;
    static const char *const ends[] = {"d",  "i",  "u",  "x",  "X",  "o",  "hd", "hhd", "hu", "hhx",
                                       "ld", "lu", "lx", "lo", "zu", "jd", "tx", "lld", "llX"};
    for (int i = 0; i < 100000; i++) {
        const char *format = random_format("-+ #0", ends[random_below(19)], 30);
        long value = random_integer();
        SAME(format, value);
    }
}

static double random_double(void) {
    static const double edges[] = {0.0,      -0.0,      1.0,    0.5,  1.5,      2.5,        0.05,   0.1,   1e15,
                                   1e16,     1e21,      1e22,   1e23, DBL_MAX,  DBL_MIN,    5e-324, 9.5,   9.995,
                                   99.95,    999.5,     0.0001, 1e-5, 123456.5, 0.00001234, 1e100,  1e6,   999999.5,
                                   INFINITY, -INFINITY, NAN,    1e5,  100000.5, 2e-310,     -1e-4,  0.125, 0.375};
    uint64_t bits = random_word();
    double value;
    switch (random_below(4)) {
    case 0:
        return edges[random_below(sizeof edges / sizeof edges[0])];
    case 1: // a short decimal
        return (double)(int64_t)(bits >> 40) / pow(10, random_below(8));
    case 2: // a tie
        return (double)(bits >> 44) / 1024.0;
    default:
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

static void floats(void **state) {
    (void)state;
    static const char *const ends[] = {"f", "e", "g", "F", "E", "G"};
    for (int i = 0; i < 60000; i++) {
        uint32_t end = random_below(6);
        // The host drops zeros from "%#g" if rounding adds a digit.
        const char *flags = end % 3 == 2 ? "-+ 0" : "-+ #0";
        const char *format = random_format(flags, ends[end], i % 100 == 0 ? 400 : 25);
        double value = random_double();
        SAME(format, value);
    }
    SAME("%.17g %.16e %f", 0.1, 0.3, 1e300);
    SAME("%.1100f", 5e-324);
    SAME("%#g %#.3g %#g %#.0g", 1.0, 123456.0, 0.0, 3.0);
    keelson_snprintf(ours, TEXT, "%#.6G", 999999.5);
    assert_string_equal(ours, "1.00000E+06");
    SAME("%.0f %.0f %.0f %.0f", 0.5, 1.5, 2.5, 0.50000001);
    SAME("%*.*f|%-*d|", 12, 3, 3.14159, -8, 42);
}

static void long_doubles(void **state) {
    (void)state;
    static const char *const ends[] = {"Lf", "Le", "Lg"};
    for (int i = 0; i < 3000; i++) {
        uint64_t mantissa = random_word() | 1ull << 63;
        long double value = ldexpl((long double)mantissa, (int)random_below(400) - 300);
        if (i % 50 == 0)
            value = ldexpl((long double)mantissa, (int)random_below(32000) - 16300);
        SAME(random_format("-+ #0", ends[random_below(3)], 40), value);
    }
    SAME("%Lg %Lg %.20Lg", LDBL_MAX, LDBL_MIN, 0.1L);
    SAME("%.30Le", 3.64519953188247460253e-4951L);
}

static void hexadecimal_floats(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double value = random_double();
        if (fpclassify(value) == FP_SUBNORMAL)
            continue; // C leaves their first digit open
        SAME(random_format("-+ #0", random_below(2) ? "a" : "A", 20), value);
    }
}

static void texts(void **state) {
    (void)state;
    setlocale(LC_ALL, "C.UTF-8");
    for (int i = 0; i < 5000; i++) {
        const char *text = &"hello, world"[random_below(12)];
        SAME(random_format("-", "s", 12), text);
    }
    SAME("%c%c|%5c|%-5c|%%|%s", 'a', 0x62, 'x', 'y', "end");
    SAME("%lc|%ls|%.3ls|%10ls|%.4ls", L'ä', L"größe €", L"äöü", L"日本", L"a€€");
    int a = 0, b = 0;
    long c = 0;
    keelson_snprintf(ours, TEXT, "abc%ndef%n%5d%ln", &a, &b, 7, &c);
    assert_int_equal(a, 3);
    assert_int_equal(b, 6);
    assert_int_equal(c, 11);
    assert_int_equal(keelson_snprintf(ours, TEXT, "%lc", (wint_t)0xd800), -1);
    OUR_ERRNO = 2;
    keelson_snprintf(ours, TEXT, "%m %s", (char *)NULL);
    assert_string_equal(ours, "no such file or directory (null)");
    keelson_snprintf(ours, TEXT, "%p", (void *)0x1234);
    assert_string_equal(ours, "0x1234");
}

static void truncation(void **state) {
    (void)state;
    for (size_t size = 0; size < 40; size++) {
        memset(ours, '?', 64);
        memset(theirs, '?', 64);
        int a = keelson_snprintf(ours, size, "%s %d %8.3f %x", "some text", -12345, 3.14159, 0xbeef);
        int b = snprintf(theirs, size, "%s %d %8.3f %x", "some text", -12345, 3.14159, 0xbeef);
        assert_int_equal(a, b);
        assert_memory_equal(ours, theirs, 64);
    }
    assert_int_equal(keelson_snprintf(NULL, 0, "%d", 12345), 5);
    assert_int_equal(keelson_snprintf(ours, 10, "%2147483647d", 1), -1);
    assert_int_equal(keelson_snprintf(ours, 10, "%.*d", INT_MAX, 1), INT_MAX);
    char *text;
    assert_int_equal(keelson_asprintf(&text, "%0100d", 5), 100);
    assert_int_equal(strlen(text), 100);
    keelson_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),           cmocka_unit_test(floats), cmocka_unit_test(long_doubles),
        cmocka_unit_test(hexadecimal_floats), cmocka_unit_test(texts),  cmocka_unit_test(truncation),
    };
    return cmocka_run_group_tests_name("libc_format", tests, NULL, NULL);
}
