// time/: calendar arithmetic and strftime against the host's, over thousands of years and in several zones.
#define _GNU_SOURCE
#include "tests/host/libc/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#pragma clang diagnostic ignored "-Wformat-nonliteral"

extern struct tm *keelson_gmtime_r(const time_t *, struct tm *), *keelson_localtime_r(const time_t *, struct tm *);
extern time_t keelson_mktime(struct tm *), keelson_timegm(struct tm *);
extern size_t keelson_strftime(char *, size_t, const char *, const struct tm *);
extern char *keelson_strptime(const char *, const char *, struct tm *);
extern char *keelson_asctime_r(const struct tm *, char *);
extern int keelson_setenv(const char *, const char *, int);

static void same_fields(const struct tm *a, const struct tm *b) {
    assert_int_equal(a->tm_sec, b->tm_sec);
    assert_int_equal(a->tm_min, b->tm_min);
    assert_int_equal(a->tm_hour, b->tm_hour);
    assert_int_equal(a->tm_mday, b->tm_mday);
    assert_int_equal(a->tm_mon, b->tm_mon);
    assert_int_equal(a->tm_year, b->tm_year);
    assert_int_equal(a->tm_wday, b->tm_wday);
    assert_int_equal(a->tm_yday, b->tm_yday);
    assert_int_equal(a->tm_gmtoff, b->tm_gmtoff);
}

static time_t random_time(void) {
    time_t span = random_below(2) ? 4000000000 : 400000000000;
    return (time_t)(random_word() % (uint64_t)(2 * span)) - span;
}

static void calendar(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        time_t time = random_time();
        struct tm ours, theirs;
        keelson_gmtime_r(&time, &ours);
        gmtime_r(&time, &theirs);
        same_fields(&ours, &theirs);
        assert_int_equal(keelson_timegm(&ours), time);
    }
    for (int i = 0; i < 50000; i++) { // fields out of range
        struct tm ours = {.tm_year = (int)random_below(400) - 100,
                          .tm_mon = (int)random_below(60) - 24,
                          .tm_mday = (int)random_below(2000) - 500,
                          .tm_hour = (int)random_below(200) - 50,
                          .tm_min = (int)random_below(5000) - 1000,
                          .tm_sec = (int)random_below(100000) - 20000};
        struct tm theirs = ours;
        assert_int_equal(keelson_timegm(&ours), timegm(&theirs));
        same_fields(&ours, &theirs);
    }
    time_t far = INT64_MAX;
    struct tm broken;
    assert_null(keelson_gmtime_r(&far, &broken));
    assert_int_equal(OUR_ERRNO, 75);
}

static void zones(void **state) {
    (void)state;
    static const char *const names[] = {"UTC0", "CET-1", "EST5", "<+0530>-5:30", "NST3:30:15", "", "garbage"};
    for (size_t zone = 0; zone < sizeof names / sizeof names[0]; zone++) {
        setenv("TZ", names[zone], 1);
        tzset();
        keelson_setenv("TZ", names[zone], 1);
        for (int i = 0; i < 2000; i++) {
            time_t time = random_time();
            struct tm ours, theirs;
            char a[64], b[64];
            keelson_localtime_r(&time, &ours);
            localtime_r(&time, &theirs);
            same_fields(&ours, &theirs);
            assert_int_equal(keelson_mktime(&ours), time);
            keelson_strftime(a, sizeof a, "%z", &ours);
            strftime(b, sizeof b, "%z", &theirs);
            assert_string_equal(a, b);
        }
    }
    setenv("TZ", "UTC0", 1);
    tzset();
    keelson_setenv("TZ", "UTC0", 1);
}

static void texts(void **state) {
    (void)state;
    static const char letters[] = "aAbBcCdDeFgGhHIjklmMnprRsStTuUVwWxXyYzZ%";
    for (int i = 0; i < 100000; i++) {
        time_t time = random_below(3) ? (time_t)random_word() % 4000000000 : random_time();
        struct tm broken;
        char format[8] = "%", ours[128], theirs[128];
        gmtime_r(&time, &broken);
        if (broken.tm_year + 1900 < 1000 || broken.tm_year + 1900 > 9999)
            continue; // years of other lengths are padded in different ways
        format[1] = letters[random_below(sizeof letters - 1)];
        if (random_below(8) == 0)
            sprintf(format, "%%%c%c", "-_0"[random_below(3)], "dHmMSjIeY"[random_below(9)]);
        size_t a = keelson_strftime(ours, sizeof ours, format, &broken);
        size_t b = strftime(theirs, sizeof theirs, format, &broken);
        broken.tm_zone = "UTC";
        if (format[1] == 'Z')
            continue; // "GMT" there
        if (a != b || strcmp(ours, theirs) != 0)
            fail_msg("strftime(\"%s\") of %ld: \"%s\", not \"%s\"", format, (long)time, ours, theirs);
    }
    struct tm moment = {.tm_year = 126, .tm_mon = 10, .tm_mday = 21};
    char small[11], text[26];
    assert_int_equal(keelson_strftime(small, 11, "%F", &moment), 10);
    assert_int_equal(keelson_strftime(small, 10, "%F", &moment), 0);
    assert_string_equal(keelson_asctime_r(&moment, text), "Sun Nov 21 00:00:00 2026\n");
}

static void parsing(void **state) {
    (void)state;
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%a %b %e %T %Y", "%D %R", "%d %B %y", "%I:%M:%S %p %F", "%j %Y"};
    for (int i = 0; i < 30000; i++) {
        time_t time = (time_t)(random_word() % 3000000000);
        struct tm broken, ours = {0}, theirs = {0};
        char text[128];
        const char *format = formats[random_below(6)];
        gmtime_r(&time, &broken);
        strftime(text, sizeof text, format, &broken);
        bool spoilt = random_below(10) == 0;
        if (spoilt)
            text[random_below((uint32_t)strlen(text))] = 'q';
        char *a = keelson_strptime(text, format, &ours), *b = strptime(text, format, &theirs);
        if (a != b)
            fail_msg("strptime(\"%s\", \"%s\") ends at %s, not %s", text, format, a, b);
        if (a == NULL || spoilt || strchr(format, 'j') != NULL)
            continue;
        theirs.tm_gmtoff = ours.tm_gmtoff;
        same_fields(&ours, &theirs);
    }
    struct tm ours = {0};
    assert_non_null(keelson_strptime("1700000000", "%s", &ours));
    assert_int_equal(keelson_mktime(&ours), 1700000000);
    assert_non_null(keelson_strptime("+0530", "%z", &ours));
    assert_int_equal(ours.tm_gmtoff, 19800);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar),
        cmocka_unit_test(zones),
        cmocka_unit_test(texts),
        cmocka_unit_test(parsing),
    };
    return cmocka_run_group_tests_name("libc_time", tests, NULL, NULL);
}
