// regex/: matches against the host's on random expressions and texts, subexpressions by POSIX's rule on
// chosen ones, every error, and the promise of linear time.
#define _GNU_SOURCE
#define ADAPTER_PREFIXED
#include "tests/host/libc/compare.h"

#include <locale.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/host/libc/adapter.h"

enum { EXTENDED = 1, ICASE = 2, NEWLINE = 4, NOSUB = 8 }; // ours, and the host's as well
_Static_assert(EXTENDED == REG_EXTENDED && ICASE == REG_ICASE && NEWLINE == REG_NEWLINE && NOSUB == REG_NOSUB, "");

static size_t add_atom(char *to, int depth);

static size_t add_expression(char *to, int depth) {
    size_t used = 0;
    uint32_t pieces = 1 + random_below(3);
    for (uint32_t i = 0; i < pieces; i++) {
        used += add_atom(to + used, depth);
        switch (random_below(8)) {
        case 0:
            to[used++] = '*';
            break;
        case 1:
            to[used++] = '+';
            break;
        case 2:
            to[used++] = '?';
            break;
        case 3:
            used += (size_t)sprintf(to + used, "{%u,%u}", random_below(3), 2 + random_below(2));
            break;
        default:
            break;
        }
    }
    if (depth > 0 && random_below(4) == 0) {
        to[used++] = '|';
        used += add_expression(to + used, depth - 1);
    }
    to[used] = '\0';
    return used;
}

static size_t add_atom(char *to, int depth) {
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[[:alpha:]]", "ab", "bc"};
    if (depth > 0 && random_below(3) == 0) {
        to[0] = '(';
        size_t used = 1 + add_expression(to + 1, depth - 1);
        to[used] = ')';
        return used + 1;
    }
    strcpy(to, atoms[random_below(9)]);
    return strlen(to);
}

static void random_expressions(void **state) {
    (void)state;
    int matched = 0;
    for (int i = 0; i < 30000; i++) {
        char pattern[400], text[16];
        regex_t theirs;
        // Anchors only at the ends: inside, the host errs.
        size_t used = random_below(10) == 0 ? (size_t)sprintf(pattern, "^") : 0;
        used += add_expression(pattern + used, 2);
        if (random_below(10) == 0)
            strcpy(pattern + used, "$");
        int flags = EXTENDED | (random_below(4) == 0 ? ICASE : 0) | (random_below(4) == 0 ? NEWLINE : 0);
        uint32_t letters = (flags & NEWLINE) != 0 ? 6 : 5;
        if (regcomp(&theirs, pattern, flags) != 0)
            continue;
        for (int j = 0; j < 4; j++) {
            size_t length = random_below(12), groups;
            for (size_t k = 0; k < length; k++)
                text[k] = "abcAB\n"[random_below(random_below(8) ? 3 : letters)];
            text[length] = '\0';
            regmatch_t match[1];
            long offsets[2];
            int b = regexec(&theirs, text, 1, match, 0);
            int a = adapter_regex(pattern, flags, text, 0, 1, offsets, &groups);
            matched += a == 0;
            if (a != b || (a == 0 && (offsets[0] != match[0].rm_so || offsets[1] != match[0].rm_eo)))
                fail_msg("/%s/ (%d) on \"%s\": %d (%ld, %ld), not %d (%d, %d)", pattern, flags, text, a, offsets[0], offsets[1],
                         b, match[0].rm_so, match[0].rm_eo);
        }
        regfree(&theirs);
    }
    assert_true(matched > 10000);
}

struct example {
    int flags;
    const char *pattern, *text, *expected; // expected: "(so,eo)" for each subexpression, "no", or "error"
};

static const struct example examples[] = {
    {EXTENDED, "(a|ab)(c|bcd)(d*)", "abcd", "(0,4)(0,2)(2,3)(3,4)"},
    {EXTENDED, "(a|ab)(bcd|c)(d*)", "abcd", "(0,4)(0,2)(2,3)(3,4)"},
    {EXTENDED, "(a*)(ab)*(b*)", "abb", "(0,3)(0,1)(-1,-1)(1,3)"},
    {EXTENDED, "(a*)*", "b", "(0,0)(0,0)"},
    {EXTENDED, "(a*)*", "aa", "(0,2)(0,2)"},
    {EXTENDED, "(a*)+", "b", "(0,0)(0,0)"},
    {EXTENDED, "(a|b)*", "ab", "(0,2)(1,2)"},
    {EXTENDED, "(a|(b))*", "ba", "(0,2)(1,2)(-1,-1)"},
    {EXTENDED, "x(a|b){2,3}y", "xabay", "(0,5)(3,4)"},
    {EXTENDED, "(.*)(.*)", "abc", "(0,3)(0,3)(3,3)"},
    {EXTENDED, "a()b", "ab", "(0,2)(1,1)"},
    {EXTENDED, "(foo|foobar)(bar)?", "foobar", "(0,6)(0,6)(-1,-1)"},
    {EXTENDED, "a{2}", "aaa", "(0,2)"},
    {EXTENDED, "a{,2}b", "aaab", "(1,4)"},
    {EXTENDED, "a{2,}", "baaaa", "(1,5)"},
    {EXTENDED, "a{0}b", "ab", "(1,2)"},
    {EXTENDED, "a|b|", "c", "(0,0)"},
    {EXTENDED, "^a|b$", "xb", "(1,2)"},
    {EXTENDED, "a.c", "a\nc", "(0,3)"},
    {EXTENDED | NEWLINE, "a.c", "a\nc", "no"},
    {EXTENDED | NEWLINE, "^b$", "a\nb\nc", "(2,3)"},
    {EXTENDED | NEWLINE, "[^x]", "\n", "no"},
    {EXTENDED, "^b$", "a\nb\nc", "no"},
    {EXTENDED, "[]a]+", "x]a]", "(1,4)"},
    {EXTENDED, "[^]a]", "]ab", "(2,3)"},
    {EXTENDED, "[a-]+", "b-a-", "(1,4)"},
    {EXTENDED, "[[.-.]]", "a-", "(1,2)"},
    {EXTENDED, "[[=a=]b]+", "xab", "(1,3)"},
    {EXTENDED, "[\\n]+", "a\\n", "(1,3)"},
    {EXTENDED, "\\<the\\>", "other the", "(6,9)"},
    {EXTENDED, "\\bis\\b", "this is", "(5,7)"},
    {EXTENDED, "\\w+", "  a_1-", "(2,5)"},
    {EXTENDED, "a\\.b", "axb a.b", "(4,7)"},
    {EXTENDED, "\\(a\\)", "(a)", "(0,3)"},
    {EXTENDED, "a)", "a)", "(0,2)"},
    {EXTENDED, "a{x", "a{x", "(0,3)"},
    {EXTENDED | ICASE, "HeLLo [A-C]+", "hello abC", "(0,9)"},
    {EXTENDED | ICASE, "GRÖßE", "größe", "(0,7)"},
    {EXTENDED | ICASE, "[^a]", "Ab", "(1,2)"},
    {EXTENDED, "ä.ö", "ä€ö", "(0,7)"},
    {EXTENDED, "[α-ω]+", "xλογ", "(1,7)"},
    {EXTENDED, "a.b",
     "a\xff"
     "b",
     "(0,3)"},
    {0, "a*", "aaa", "(0,3)"},
    {0, "*a", "x*a", "(1,3)"},
    {0, "^*a", "*a", "(0,2)"},
    {0, "\\(*a\\)", "*a", "(0,2)(0,2)"},
    {0, "a\\{2\\}", "aa", "(0,2)"},
    {0, "\\(ab\\)*c", "ababc", "(0,5)(2,4)"},
    {0, "a^b$c", "a^b$c", "(0,5)"},
    {0, "a\\|b", "b", "(0,1)"},
    {0, "a\\+b\\?", "aab", "(0,3)"},
    {0, "(a|b)+", "(a|b)+", "(0,6)"},
    {0, "a{2}", "a{2}", "(0,4)"},
    {0, "\\(^a$\\)", "a", "(0,1)(0,1)"},
    {0, "", "abc", "(0,0)"},
    {EXTENDED, "(", "", "error"},
    {EXTENDED, "(a", "", "error"},
    {EXTENDED, "[a", "", "error"},
    {EXTENDED, "[z-a]", "", "error"},
    {EXTENDED, "[[:nope:]]", "", "error"},
    {EXTENDED, "a{3,2}", "", "error"},
    {EXTENDED, "a{999}", "", "error"},
    {EXTENDED, "a{1", "", "error"},
    {EXTENDED, "*a", "", "error"},
    {EXTENDED, "(*a)", "", "error"},
    {EXTENDED, "(a)\\1", "", "error"},
    {EXTENDED, "a\\", "", "error"},
    {0, "\\(a", "", "error"},
    {0, "a\\)", "", "error"},
    {0, "\\(a\\)\\1", "", "error"},
    {EXTENDED, "((((a{255}){255}){255}){255})", "", "error"},
};

static void chosen(void **state) {
    (void)state;
    setlocale(LC_ALL, "C.UTF-8");
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        long offsets[32];
        size_t groups = 0;
        char got[256] = "";
        int result = adapter_regex(examples[i].pattern, examples[i].flags, examples[i].text, 0, 10, offsets, &groups);
        if (result == 1)
            strcpy(got, "no");
        else if (result >= 100)
            strcpy(got, "error");
        for (size_t j = 0; result == 0 && j <= groups; j++)
            sprintf(got + strlen(got), "(%ld,%ld)", offsets[2 * j], offsets[2 * j + 1]);
        if (strcmp(got, examples[i].expected) != 0)
            fail_msg("/%s/ on \"%s\": %s (%d), not %s", examples[i].pattern, examples[i].text, got, result, examples[i].expected);
    }
}

static void run_flags(void **state) {
    (void)state;
    long offsets[8];
    size_t groups;
    assert_int_equal(adapter_regex("^a", EXTENDED, "a", 1, 1, offsets, &groups), 1);
    assert_int_equal(adapter_regex("a$", EXTENDED, "a", 2, 1, offsets, &groups), 1);
    assert_int_equal(adapter_regex("^b", EXTENDED | NEWLINE, "a\nb", 1, 1, offsets, &groups), 0);
    assert_int_equal(adapter_regex("b+", EXTENDED | NOSUB, "abb", 0, 0, NULL, &groups), 0);
    assert_int_equal(adapter_regex("plain text", 0, "some plain text here", 0, 1, offsets, &groups), 0);
    assert_int_equal(offsets[0], 5);
    assert_int_equal(offsets[1], 15);
}

// Expressions that make back-tracking matchers take exponential time.
static void linear_time(void **state) {
    (void)state;
    static const char *const patterns[] = {"(a*)*b", "(a|a)*b", "(a|aa)+$b", "((a*)*)*b", "(a?){30}a{30}b", "(.*)(.*)(.*)(.*)x"};
    static char text[20001];
    memset(text, 'a', 20000);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        long offsets[32];
        size_t groups;
        struct timespec before, after;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        assert_int_equal(adapter_regex(patterns[i], EXTENDED, text, 0, 5, offsets, &groups), 1);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        double seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
        if (seconds > 2)
            fail_msg("/%s/ took %f s", patterns[i], seconds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_expressions),
        cmocka_unit_test(chosen),
        cmocka_unit_test(run_flags),
        cmocka_unit_test(linear_time),
    };
    return cmocka_run_group_tests_name("libc_regex", tests, NULL, NULL);
}
