// stdlib/strtol.c, stdlib/strtod.c and stdio/scan*.c: values, ends and errno against the host's.
#define _GNU_SOURCE
#include "tests/host/libc/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#pragma clang diagnostic ignored "-Wformat-nonliteral"

extern long keelson_strtol(const char *, char **, int);
extern unsigned long keelson_strtoul(const char *, char **, int);
extern double keelson_strtod(const char *, char **);
extern float keelson_strtof(const char *, char **);
extern long double keelson_strtold(const char *, char **);
extern int keelson_sscanf(const char *, const char *, ...);
extern void keelson_free(void *);

static void integers(void **state) {
    (void)state;
    static const char letters[] = "0123456789abcxXzZ+- \t.";
    for (int i = 0; i < 300000; i++) {
        char text[32], *our_end, *their_end;
        size_t length = random_below(26);
        for (size_t at = 0; at < length; at++)
            text[at] = letters[random_below(random_below(2) ? 10 : sizeof letters - 1)];
        text[length] = '\0';
        int base = random_below(3) ? (int)(10 + random_below(2) * 6) * (int)random_below(2) : (int)random_below(39);
        OUR_ERRNO = errno = 0;
        long a = keelson_strtol(text, &our_end, base), b = strtol(text, &their_end, base);
        if (base == 1 || base > 36) {
            assert_int_equal(OUR_ERRNO, EINVAL);
            continue;
        }
        if (a != b || our_end != their_end || (OUR_ERRNO == ERANGE) != (errno == ERANGE))
            fail_msg("strtol(\"%s\", %d): %ld, not %ld", text, base, a, b);
        OUR_ERRNO = errno = 0;
        unsigned long c = keelson_strtoul(text, &our_end, base), d = strtoul(text, &their_end, base);
        if (c != d || our_end != their_end || (OUR_ERRNO == ERANGE) != (errno == ERANGE))
            fail_msg("strtoul(\"%s\", %d): %lu, not %lu", text, base, c, d);
    }
}

static void same_value(const char *text) {
    char *our_end, *their_end;
    OUR_ERRNO = errno = 0;
    double a = keelson_strtod(text, &our_end), b = strtod(text, &their_end);
    if (isnan(a) && isnan(b))
        return; // the host fills in a payload
    if (memcmp(&a, &b, sizeof a) != 0 || our_end != their_end || OUR_ERRNO != errno)
        fail_msg("strtod(\"%s\"): %a, not %a; %td bytes, not %td; errno %d, not %d", text, a, b, our_end - text, their_end - text,
                 OUR_ERRNO, errno);
    OUR_ERRNO = errno = 0;
    float c = keelson_strtof(text, &our_end), d = strtof(text, &their_end);
    if (memcmp(&c, &d, sizeof c) != 0 || our_end != their_end || OUR_ERRNO != errno)
        fail_msg("strtof(\"%s\"): %a, not %a; errno %d, not %d", text, (double)c, (double)d, OUR_ERRNO, errno);
    OUR_ERRNO = errno = 0;
    long double e = keelson_strtold(text, &our_end), f = strtold(text, &their_end);
    if (memcmp(&e, &f, 10) != 0 || our_end != their_end || OUR_ERRNO != errno)
        fail_msg("strtold(\"%s\"): %La, not %La; errno %d, not %d", text, e, f, OUR_ERRNO, errno);
}

static void float_edges(void **state) {
    (void)state;
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "1e23",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "1.7976931348623157e308",
                                        "1.7976931348623159e308",
                                        "1.8e308",
                                        "-1e400",
                                        "5e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "2.2250738585072011e-308",
                                        "2.2250738585072014e-308",
                                        "1e-400",
                                        "inf",
                                        "-Infinity",
                                        "infin",
                                        "nan",
                                        "nan(12)x",
                                        "nan(",
                                        "",
                                        " ",
                                        "+",
                                        ".",
                                        "e5",
                                        ".e5",
                                        "1e",
                                        "1e+",
                                        "1.e5",
                                        ".5e1",
                                        "0x",
                                        "0x.p1",
                                        "0x1p-1074",
                                        "0x1p-1075",
                                        "0x1.8p-1075",
                                        "0x1.00000000000008p0",
                                        "0x1.000000000000080001p0",
                                        "0xfffffffffffffp971",
                                        "0x1p1024",
                                        "0x10000000000000000000000001p-100",
                                        "0x1.fffffffffffff8p1023",
                                        "0x1p999999999",
                                        "0x1p-999999999",
                                        "1e999999999",
                                        "1e-999999999",
                                        "123456789012345678901234567890",
                                        "0.000000000000000000000000000000000000000000001234567",
                                        "3.64519953188247460253e-4951",
                                        "1.18973149535723176502e+4932",
                                        "1.2e4932",
                                        "1e-4952",
                                        "1e4000",
                                        "1e-4000",
                                        "8.5070591730234615865843651857942052864e37",
                                        "340282356779733661637539395458142568447",
                                        "340282356779733661637539395458142568448",
                                        "1.40129846432481707e-45",
                                        "7.00649232162408535e-46",
                                        "1.00000005960464477539062500",
                                        "1.000000059604644775390625000000000000001",
                                        "0x1.000001p0",
                                        "0x1.0000010001p0",
                                        "100000000000000000000000000000000000000000000000000000000000000000000000000e-75",
                                        "0e999",
                                        "00000.00001e5"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        same_value(texts[i]);
}

static void float_texts(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[1400];
        uint64_t bits = random_word();
        double value;
        memcpy(&value, &bits, sizeof value);
        switch (random_below(5)) {
        case 0:
            sprintf(text, "%.17g", value);
            break;
        case 1:
            sprintf(text, "%.*e", (int)random_below(30), value);
            break;
        case 2:
            sprintf(text, "%u.%ue%d", random_below(1000000), random_below(1000000), (int)random_below(640) - 320);
            break;
        case 3:
            sprintf(text, "%a", value);
            break;
        default: { // exactly between two doubles, or just beside
            if (!isfinite(value))
                continue;
            long double between = ((long double)value + nextafter(value, INFINITY)) / 2;
            int length = sprintf(text, "%.*Le", 800, between);
            char *exponent = strchr(text, 'e');
            if (random_below(2) && exponent != NULL && length > 3)
                exponent[-1] = '1';
            break;
        }
        }
        same_value(text);
    }
}

#define SAME_SCAN(text, format, type, count, end)                                                                                \
    do {                                                                                                                         \
        type a[count] = {0}, b[count] = {0};                                                                                     \
        int x = keelson_sscanf(text, format, &a[0], &a[count > 1 ? 1 : 0], &a[count > 2 ? 2 : 0]);                               \
        int y = sscanf(text, format, &b[0], &b[count > 1 ? 1 : 0], &b[count > 2 ? 2 : 0]);                                       \
        if (x != y || memcmp(a, b, sizeof a) != 0)                                                                               \
            fail_msg("sscanf(\"%s\", \"%s\"): %d, not %d", text, format, x, y);                                                  \
    } while (0)

static void scanning(void **state) {
    (void)state;
    static const char *const numbers[] = {
        "12 34 56", "  7", "", " ", "x", "-12", "+3 -4", "0x1f 017 9", "12345678901234567890", "1,2,3", "99999", "-", "1 2 x"};
    static const char *const formats[] = {"%ld%ld%ld",   "%li %li %li", "%2ld%3ld%ld", "%lx%lx",
                                          "%lu,%lu,%lu", "%*d%ld",      "%ld%ln",      "%lo"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (size_t j = 0; j < sizeof formats / sizeof formats[0]; j++)
            SAME_SCAN(numbers[i], formats[j], long, 3, 0);
    static const char *const floats[] = {"1.5 2.5e3 -7", "inf nan", "0x1.8p3", ".5.5", "12.5abc", "-.5"};
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++)
        SAME_SCAN(floats[i], "%lf%lf%lf", double, 3, 0);
    char a[3][32], b[3][32];
    static const char *const words[] = {"hello world foo", "  abc", "a-b-c", "", "]x]", "123abc"};
    static const char *const word_formats[] = {"%31s%31s%31s", "%3c%2s", "%31[a-c-]%s", "%31[^ ] %s", "%31[]x]", "%5[^b]%c"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (size_t j = 0; j < sizeof word_formats / sizeof word_formats[0]; j++) {
            memset(a, 0, sizeof a);
            memset(b, 0, sizeof b);
            int x = keelson_sscanf(words[i], word_formats[j], a[0], a[1], a[2]);
            int y = sscanf(words[i], word_formats[j], b[0], b[1], b[2]);
            if (x != y || memcmp(a, b, sizeof a) != 0)
                fail_msg("sscanf(\"%s\", \"%s\"): %d %s, not %d %s", words[i], word_formats[j], x, a[0], y, b[0]);
        }
    double none_read = 5; // and here the 1
    assert_int_equal(keelson_sscanf("1e+x", "%lf", &none_read), 0);
    long none = 5; // the host takes the 0 alone
    assert_int_equal(keelson_sscanf("0xg", "%li", &none), 0);
    char *made = NULL;
    int at = 0;
    assert_int_equal(keelson_sscanf("  word rest", "%ms%n", &made, &at), 1);
    assert_string_equal(made, "word");
    assert_int_equal(at, 6);
    keelson_free(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(float_edges),
        cmocka_unit_test(float_texts),
        cmocka_unit_test(scanning),
    };
    return cmocka_run_group_tests_name("libc_number", tests, NULL, NULL);
}
