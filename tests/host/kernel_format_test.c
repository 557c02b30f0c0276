// The kernel's formatter against the host's, wherever the C standard defines the result.
#include <stdio.h>
#include <string.h>

#include "kernel/debug/format.h"
#include "tests/host/cmocka_test.h"

#define CHECK(...)                                                                                                               \
    do {                                                                                                                         \
        char expected[256], actual[256];                                                                                         \
        int length = snprintf(expected, sizeof expected, __VA_ARGS__);                                                           \
        assert_int_equal(format_text(actual, sizeof actual, __VA_ARGS__), length);                                               \
        assert_string_equal(actual, expected);                                                                                   \
    } while (0)

static void agrees_with_printf(void **state) {
    (void)state;
    CHECK("plain");
    CHECK("%d %d %u %x", -1, 42, 4000000000U, 0xbeef);
    CHECK("%d %d", INT32_MIN, INT32_MAX);
    CHECK("%lld %llu %llx", (long long)INT64_MIN, (unsigned long long)UINT64_MAX, 0x123456789abcdefULL);
    CHECK("%ld %lu %zu", -5L, 5UL, (size_t)7);
    CHECK("[%5d] [%05d] [%05d] [%2d]", 42, 42, -42, 12345);
    CHECK("[%10s] [%2s]", "right", "wider");
    CHECK("%% |");
    CHECK("%s", "");
    CHECK("%016llx", 0xffff800000000000ULL);
}

static void cuts_at_the_size(void **state) {
    (void)state;
    char text[8];
    memset(text, '#', sizeof text);
    assert_int_equal(format_text(text, 5, "%s", "too long for this"), 4);
    assert_memory_equal(text, "too \0###", 8);
    assert_int_equal(format_text(text, 1, "%d", 5), 0);
    assert_string_equal(text, "");
    text[0] = '#';
    assert_int_equal(format_text(text, 0, "%d", 5), 0);
    assert_int_equal(text[0], '#');
}

#pragma clang diagnostic ignored "-Wformat-nonliteral" // on purpose, from here on
static void passes_unknown_directives_on(void **state) {
    (void)state;
    char text[64];
    const char *format = "100%"; // not literals: the compiler would rightly complain
    const char *odd = "%q %s";
    format_text(text, sizeof text, format, 0);
    assert_string_equal(text, "100%");
    format_text(text, sizeof text, odd, "s");
    assert_string_equal(text, "%q s");
    const char *null = NULL;
    format_text(text, sizeof text, "%s", null);
    assert_string_equal(text, "(null)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_printf),
        cmocka_unit_test(cuts_at_the_size),
        cmocka_unit_test(passes_unknown_directives_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
