// Kernel options: words, quotes, the last one wins, and values that do not fit.
#include "kernel/init/options.h"
#include "tests/host/cmocka_test.h"

static void expect(const char *name, const char *value) {
    char text[32];
    bool found = options_get(name, text, sizeof text);
    assert_int_equal(found, value != NULL);
    assert_string_equal(text, value ? value : "");
}

static void finds_words(void **state) {
    (void)state;
    options_start("  seed=12 program=/bin/remote  quiet console=serial seed=13");
    expect("seed", "13");
    expect("program", "/bin/remote");
    expect("quiet", "");
    expect("console", "serial");
    expect("see", NULL);
    expect("seeds", NULL);
    expect("loglevel", NULL);
}

static void quotes_keep_blanks(void **state) {
    (void)state;
    options_start("a=\"one two\" \"b=x y\" c=\"open to the end");
    expect("a", "one two");
    expect("c", "open to the end");
    options_start("");
    expect("a", NULL);
}

static void cuts_long_values(void **state) {
    (void)state;
    char text[4] = "###";
    options_start("name=abcdefgh");
    assert_true(options_get("name", text, sizeof text));
    assert_string_equal(text, "abc");
    assert_true(options_get("name", text, 0));
    assert_string_equal(text, "abc");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_words),
        cmocka_unit_test(quotes_keep_blanks),
        cmocka_unit_test(cuts_long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
