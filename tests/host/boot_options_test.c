// Kernel options: words, quotes, the last one wins, and values that do not fit.
#include "boot/loader/options.h"
#include "kernel/debug/log.h"
#include "kernel/x86_64/early_console.h"
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

static void tells_the_kernel(void **state) {
    (void)state;
    static const struct {
        const char *line;
        uint32_t log_level, console, isolation;
    } cases[] = {
        {"", LOG_INFO, EARLY_CONSOLE_SERIAL | EARLY_CONSOLE_SCREEN, BOOT_ISOLATION_AS_NEEDED},
        {"loglevel=debug console=serial isolation=on", LOG_DEBUG, EARLY_CONSOLE_SERIAL, BOOT_ISOLATION_ON},
        {"console=screen loglevel=1 isolation=off", LOG_ERROR, EARLY_CONSOLE_SCREEN, BOOT_ISOLATION_OFF},
        {"console=serials loglevel=x", LOG_INFO, EARLY_CONSOLE_SERIAL | EARLY_CONSOLE_SCREEN, BOOT_ISOLATION_AS_NEEDED},
        {"loglevel=warning console=", LOG_WARNING, EARLY_CONSOLE_SERIAL | EARLY_CONSOLE_SCREEN, BOOT_ISOLATION_AS_NEEDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct boot_info info = {0};
        options_start(cases[i].line);
        options_read(&info);
        assert_int_equal(info.log_level, cases[i].log_level);
        assert_int_equal(info.console, cases[i].console);
        assert_int_equal(info.isolation, cases[i].isolation);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_words),
        cmocka_unit_test(tells_the_kernel),
        cmocka_unit_test(quotes_keep_blanks),
        cmocka_unit_test(cuts_long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
