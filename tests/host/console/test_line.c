// The line discipline: typed bytes in; what is echoed, what read gets and what is signalled out (POSIX.1-2017
// chapter 11).
#include <string.h>
#include <termios.h>

#include "servers/console/line_discipline.h"
#include "servers/console/size_answer.h"
#include "tests/host/cmocka_test.h"

struct seen {
    struct line_discipline line;
    char echo[65536];
    size_t echo_length;
    int signal, signals, flushes;
    bool stopped;
};

static void echo(void *context, const char *bytes, size_t count) {
    struct seen *seen = context;
    assert_true(seen->echo_length + count < sizeof(seen->echo));
    memcpy(seen->echo + seen->echo_length, bytes, count);
    seen->echo_length += count;
    seen->echo[seen->echo_length] = 0;
}

static void on_signal(void *context, int signal) {
    struct seen *seen = context;
    seen->signal = signal;
    seen->signals++;
}

static void on_flow(void *context, bool stopped) {
    ((struct seen *)context)->stopped = stopped;
}

static void on_flush(void *context) {
    ((struct seen *)context)->flushes++;
}

static const struct line_events events = {.echo = echo, .signal = on_signal, .flow = on_flow, .flush_output = on_flush};

static struct seen *start(void) {
    static struct seen seen;
    memset(&seen, 0, sizeof(seen));
    line_initialize(&seen.line, &events, &seen);
    return &seen;
}

static void type(struct seen *seen, const char *bytes) {
    line_input(&seen->line, bytes, strlen(bytes));
}

// What a read of at most `size` bytes gives.
static const char *take(struct seen *seen, size_t size) {
    static char bytes[8192];
    size_t count = line_peek(&seen->line, bytes, size < sizeof(bytes) ? size : sizeof(bytes) - 1);
    line_consume(&seen->line, count);
    bytes[count] = 0;
    return bytes;
}

struct edit_case {
    const char *input, *line, *echo;
};

static const struct edit_case edits[] = {
    {"abc\r", "abc\n", "abc\r\n"},
    {"abc\n", "abc\n", "abc\r\n"},
    {"ab\177c\n", "ac\n", "ab\b \bc\r\n"},
    {"\177a\n", "a\n", "a\r\n"},
    {"abc\025d\n", "d\n", "abc\b \b\b \b\b \bd\r\n"},
    {"one two\027x\n", "one x\n", "one two\b \b\b \b\b \bx\r\n"},
    {"one two  \027x\n", "one x\n", "one two  \b \b\b \b\b \b\b \b\b \bx\r\n"},
    {"\001\177x\n", "x\n", "^A\b \b\b \bx\r\n"},
    {"a\tb\177\177c\n", "ac\n", "a\tb\b \b\b\b\b\b\b\b\bc\r\n"},
    {"\303\274\177x\n", "x\n", "\303\274\b \bx\r\n"},
    {"\344\275\240\177x\n", "x\n", "\344\275\240\b \b\b \bx\r\n"},
    {"e\314\201\177x\n", "ex\n", "e\314\201x\r\n"},
    {"\026\003x\n", "\003x\n", "^\b^Cx\r\n"},
    {"ab\022c\n", "abc\n", "ab^R\r\nabc\r\n"},
    {"\033[A\n", "\033[A\n", "^[[A\r\n"},
};

static void test_edit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct seen *seen = start();
        size_t length = strlen(edits[i].input);
        line_input(&seen->line, edits[i].input, length - 1);
        assert_false(line_readable(&seen->line));
        line_input(&seen->line, edits[i].input + length - 1, 1);
        assert_true(line_readable(&seen->line));
        assert_int_equal(line_available(&seen->line), strlen(edits[i].line));
        assert_string_equal(take(seen, 100), edits[i].line);
        assert_string_equal(seen->echo, edits[i].echo);
        assert_false(line_readable(&seen->line));
    }
}

static void test_lines_one_by_one(void **state) {
    (void)state;
    struct seen *seen = start();
    type(seen, "one\ntwo\nthr");
    assert_string_equal(take(seen, 100), "one\n");
    assert_string_equal(take(seen, 2), "tw");
    assert_true(line_readable(&seen->line));
    assert_string_equal(take(seen, 100), "o\n");
    assert_false(line_readable(&seen->line));
    type(seen, "ee\n");
    assert_string_equal(take(seen, 100), "three\n");
}

static void test_end_of_file(void **state) {
    (void)state;
    struct seen *seen = start();
    type(seen, "\004");
    assert_true(line_readable(&seen->line));
    assert_string_equal(take(seen, 100), "");
    assert_false(line_readable(&seen->line));
    type(seen, "ab\004");
    assert_string_equal(take(seen, 2), "ab"); // no empty read behind it
    assert_false(line_readable(&seen->line));
    type(seen, "x\n\004y\n");
    assert_string_equal(take(seen, 100), "x\n");
    assert_string_equal(take(seen, 100), "");
    assert_string_equal(take(seen, 100), "y\n");
    assert_string_equal(seen->echo, "abx\r\ny\r\n");
}

static void test_signals(void **state) {
    (void)state;
    static const struct {
        char key;
        int signal;
        const char *echo;
    } keys[] = {{3, 2, "ab^C"}, {28, 3, "ab^\\"}, {26, 20, "ab^Z"}};
    for (size_t i = 0; i < 3; i++) {
        struct seen *seen = start();
        type(seen, "ab");
        line_input(&seen->line, &keys[i].key, 1);
        assert_int_equal(seen->signal, keys[i].signal);
        assert_int_equal(seen->flushes, 1);
        assert_string_equal(seen->echo, keys[i].echo);
        type(seen, "c\n");
        assert_string_equal(take(seen, 100), "c\n"); // what was typed before is gone
    }
    struct seen *seen = start();
    struct terminal_attributes settings = seen->line.settings;
    settings.local |= NOFLSH;
    line_set(&seen->line, &settings);
    type(seen, "ab\003c\n");
    assert_string_equal(take(seen, 100), "abc\n");
    settings.local &= ~(uint32_t)ISIG;
    line_set(&seen->line, &settings);
    type(seen, "\003\n");
    assert_string_equal(take(seen, 100), "\003\n");
    assert_int_equal(seen->signals, 1);
}

static void test_flow(void **state) {
    (void)state;
    struct seen *seen = start();
    type(seen, "\023");
    assert_true(seen->stopped && seen->line.stopped);
    type(seen, "a\021b\n");
    assert_false(seen->stopped || seen->line.stopped);
    assert_string_equal(take(seen, 100), "ab\n");
    type(seen, "\023");
    struct terminal_attributes settings = seen->line.settings;
    settings.input &= ~(uint32_t)IXON;
    line_set(&seen->line, &settings);
    assert_false(seen->stopped || seen->line.stopped);
    settings.input |= IXON | IXANY;
    line_set(&seen->line, &settings);
    type(seen, "\023x");
    assert_false(seen->stopped);
}

static void test_raw(void **state) {
    (void)state;
    struct seen *seen = start();
    struct terminal_attributes cooked = seen->line.settings, raw = cooked;
    raw.local &= ~(uint32_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.input &= ~(uint32_t)(ICRNL | IXON);
    type(seen, "ab");
    line_set(&seen->line, &raw);
    assert_string_equal(take(seen, 100), "ab"); // typed before: readable now
    type(seen, "\003\r\177\023");
    assert_string_equal(take(seen, 2), "\003\r");
    assert_int_equal(line_available(&seen->line), 2);
    assert_string_equal(take(seen, 100), "\177\023");
    assert_string_equal(seen->echo, "ab");
    assert_int_equal(seen->signals, 0);
    type(seen, "xy");
    line_set(&seen->line, &cooked);
    assert_string_equal(take(seen, 100), "xy");
    type(seen, "z\n");
    assert_string_equal(take(seen, 100), "z\n");
}

static void test_input_flags(void **state) {
    (void)state;
    static const struct {
        uint32_t flags;
        const char *input, *line;
    } cases[] = {
        {ICRNL, "a\r", "a\n"},     {IGNCR, "a\rb\n", "ab\n"}, {INLCR, "a\nb\004", "a\rb"},
        {ISTRIP, "\341\n", "a\n"}, {0, "a\rb\n", "a\rb\n"},   {IGNCR | ICRNL, "\ra\n", "a\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen *seen = start();
        struct terminal_attributes settings = seen->line.settings;
        settings.input = cases[i].flags;
        line_set(&seen->line, &settings);
        type(seen, cases[i].input);
        assert_string_equal(take(seen, 100), cases[i].line);
    }
}

static void test_limits(void **state) {
    (void)state;
    struct seen *seen = start();
    struct terminal_attributes settings = seen->line.settings;
    settings.local &= ~(uint32_t)ECHO;
    line_set(&seen->line, &settings);
    for (int i = 0; i < LINE_BYTES + 100; i++)
        type(seen, "x");
    type(seen, "\n");
    assert_int_equal(line_available(&seen->line), LINE_BYTES);
    for (int i = 0; i < 3 * LINE_QUEUE; i++)
        type(seen, i % 100 == 99 ? "\n" : "y");
    size_t total = 0;
    while (line_readable(&seen->line))
        total += strlen(take(seen, 1000));
    assert_true(total > LINE_QUEUE / 2 && total <= LINE_QUEUE);
    seen = start();
    for (int i = 0; i < 2 * LINE_QUEUE; i++)
        type(seen, "\004");
    int ends = 0;
    for (; line_readable(&seen->line); ends++)
        assert_string_equal(take(seen, 10), "");
    assert_int_equal(ends, LINE_QUEUE);
}

static void test_output(void **state) {
    (void)state;
    static const struct {
        uint32_t flags;
        const char *input, *output;
    } cases[] = {
        {OPOST | ONLCR, "a\nb\n", "a\r\nb\r\n"}, {OPOST, "a\nb\n", "a\nb\n"},     {ONLCR, "a\n", "a\n"},
        {OPOST | OCRNL, "a\r", "a\n"},           {OPOST | ONOCR, "\ra\r", "a\r"},
    };
    char out[64];
    size_t consumed;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen *seen = start();
        seen->line.settings.output = cases[i].flags;
        size_t made = line_output(&seen->line, cases[i].input, strlen(cases[i].input), &consumed, out, sizeof(out));
        out[made] = 0;
        assert_string_equal(out, cases[i].output);
        assert_int_equal(consumed, strlen(cases[i].input));
    }
    struct seen *seen = start(); // a newline that does not fit whole is not begun
    assert_int_equal(line_output(&seen->line, "a\n", 2, &consumed, out, 2), 1);
    assert_int_equal(consumed, 1);
}

// Settings, what is typed, what is echoed, what the reads give (each read in canonical mode a line; '|'
// between them).
struct mode_case {
    const char *name;
    uint32_t input_on, input_off, local_on, local_off, output_on, output_off;
    const char *typed, *echo, *reads;
};

static const struct mode_case modes[] = {
    {"return is a newline", 0, 0, 0, 0, 0, 0, "a\r", "a\r\n", "a\n"},
    {"return stays", 0, ICRNL, 0, 0, 0, 0, "a\rb\n", "a^Mb\r\n", "a\rb\n"},
    {"return is dropped", IGNCR, 0, 0, 0, 0, 0, "a\rb\n", "ab\r\n", "ab\n"},
    {"newline is a return", INLCR, ICRNL, 0, 0, 0, 0, "a\nb\004", "a^Mb", "a\rb"},
    {"eighth bit stripped", ISTRIP, IUTF8, 0, 0, 0, 0, "\341\n", "a\r\n", "a\n"},
    {"no echo", 0, 0, 0, ECHO, 0, 0, "ab\177c\n", "", "ac\n"},
    {"no echo but of the newline", 0, 0, ECHONL, ECHO, 0, 0, "ab\n", "\r\n", "ab\n"},
    {"controls shown as they are", 0, 0, 0, ECHOCTL, 0, 0, "\001\n", "\001\r\n", "\001\n"},
    {"no erasing on the screen", 0, 0, 0, ECHOE, 0, 0, "ab\177c\n", "ab^?c\r\n", "ac\n"},
    {"kill on a line of its own", 0, 0, 0, ECHOKE, 0, 0, "ab\025c\n", "ab^U\r\nc\r\n", "c\n"},
    {"kill without a newline", 0, 0, 0, ECHOKE | ECHOK, 0, 0, "ab\025c\n", "ab^Uc\r\n", "c\n"},
    {"newline without a return", 0, 0, 0, 0, 0, ONLCR, "a\n", "a\n", "a\n"},
    {"no processing of output", 0, 0, 0, 0, 0, OPOST, "a\n", "a\n", "a\n"},
    {"no word erase without extensions", 0, 0, 0, IEXTEN, 0, 0, "a b\027\n", "a b^W\r\n", "a b\027\n"},
    {"no literal next without extensions", 0, 0, 0, IEXTEN, 0, 0, "\026a\n", "^Va\r\n", "\026a\n"},
    {"interrupt is a byte", 0, 0, 0, ISIG, 0, 0, "\003\n", "^C\r\n", "\003\n"},
    {"stop is a byte", 0, IXON, 0, 0, 0, 0, "\023\n", "^S\r\n", "\023\n"},
    {"two lines", 0, 0, 0, 0, 0, 0, "a\nb\n", "a\r\nb\r\n", "a\n|b\n"},
    {"end of file behind text", 0, 0, 0, 0, 0, 0, "ab\004c\n", "abc\r\n", "ab|c\n"},
    {"end of file alone", 0, 0, 0, 0, 0, 0, "\004a\n", "a\r\n", "|a\n"},
    {"literal end of file", 0, 0, 0, 0, 0, 0, "a\026\004b\n", "a^\b^Db\r\n", "a\004b\n"},
    {"literal newline", 0, 0, 0, 0, 0, 0, "a\026\nb\n", "a^\b\r\nb\r\n", "a\nb\n"},
    {"literal erase", 0, 0, 0, 0, 0, 0, "a\026\177b\n", "a^\b^?b\r\n", "a\177b\n"},
    {"raw", 0, ICRNL, 0, ICANON | ECHO, 0, 0, "a\r\003", "", "a\r"},
    {"raw and all bytes", 0, ICRNL, 0, ICANON | ECHO | ISIG, 0, 0, "a\r\003\177", "", "a\r\003\177"},
    {"raw with echo", 0, 0, 0, ICANON, 0, 0, "ab", "ab", "ab"},
    {"marked bytes are doubled", PARMRK, IUTF8, 0, ICANON | ECHO, 0, 0, "a\377b", "", "a\377\377b"},
    {"not when stripped", PARMRK | ISTRIP, IUTF8, 0, ICANON | ECHO, 0, 0, "\377", "", "\177"},
    {"any key starts again", IXANY, 0, 0, 0, 0, 0, "\023a\n", "a\r\n", "a\n"},
};

static void test_modes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const struct mode_case *one = &modes[i];
        struct seen *seen = start();
        struct terminal_attributes settings = seen->line.settings;
        char reads[256] = "";
        settings.input = (settings.input | one->input_on) & ~one->input_off;
        settings.local = (settings.local | one->local_on) & ~one->local_off;
        settings.output = (settings.output | one->output_on) & ~one->output_off;
        line_set(&seen->line, &settings);
        type(seen, one->typed);
        for (bool first = true; line_readable(&seen->line); first = false) {
            if (!first)
                strcat(reads, "|");
            strcat(reads, take(seen, 100));
        }
        bool interrupted = strchr(one->typed, 3) != NULL && (settings.local & ISIG);
        if (interrupted) // what was typed before it is gone
            assert_int_equal(seen->signals, 1);
        if (strcmp(seen->echo, one->echo) != 0 && !interrupted)
            fail_msg("%s: echoed \"%s\"", one->name, seen->echo);
        if (strcmp(reads, interrupted ? "" : one->reads) != 0)
            fail_msg("%s: read \"%s\"", one->name, reads);
    }
}

static void test_tabs_become_blanks(void **state) {
    (void)state;
    struct seen *seen = start();
    struct terminal_attributes settings = seen->line.settings;
    char out[64];
    size_t consumed;
    settings.output |= TAB3;
    line_set(&seen->line, &settings);
    size_t made = line_output(&seen->line, "a\tb\n\tc", 6, &consumed, out, sizeof(out));
    assert_int_equal(consumed, 6);
    assert_memory_equal(out, "a       b\r\n        c", made);
    assert_int_equal(made, 20);
    made = line_output(&seen->line, "\t", 1, &consumed, out, 3); // no room for all of it
    assert_int_equal(made, 0);
    assert_int_equal(consumed, 0);
}

// IXOFF: the sender is stopped before bytes are lost, and told to go on.
static void test_sender_is_stopped(void **state) {
    (void)state;
    struct seen *seen = start();
    struct terminal_attributes settings = seen->line.settings;
    settings.input |= IXOFF;
    settings.local &= ~(uint32_t)(ICANON | ECHO);
    line_set(&seen->line, &settings);
    for (unsigned i = 0; i < LINE_QUEUE - 500; i++)
        line_input(&seen->line, "x", 1);
    assert_string_equal(seen->echo, "\023");
    while (line_available(&seen->line) > 100)
        (void)take(seen, 1000);
    assert_string_equal(seen->echo, "\023\021");
}

static void test_size_answer(void **state) {
    (void)state;
    struct size_answer answer;
    static const struct {
        const char *input, *left;
        int rows, columns;
    } cases[] = {
        {"\033[24;80R", "", 24, 80},
        {"ab\033[50;132Rcd", "abcd", 50, 132},
        {"\033[A\033[24;80R", "\033[A", 24, 80},
        {"\033\033[24;80R", "\033", 24, 80},
        {"\033[24;R", "\033[24;R", 0, 0},
        {"\033[99999;1R", "\033[99999;1R", 0, 0},
        {"\033[1;2Rx\033[3;4R", "x\033[3;4R", 1, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char left[128];
        size_t length = 0;
        size_answer_begin(&answer);
        for (const char *at = cases[i].input; *at; at++)
            length += size_answer_feed(&answer, *at, left + length);
        length += size_answer_give_up(&answer, left + length);
        left[length] = 0;
        assert_string_equal(left, cases[i].left);
        assert_int_equal(answer.rows, cases[i].rows);
        assert_int_equal(answer.columns, cases[i].columns);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_lines_one_by_one),
        cmocka_unit_test(test_end_of_file),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_flow),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_input_flags),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_tabs_become_blanks),
        cmocka_unit_test(test_sender_is_stopped),
        cmocka_unit_test(test_size_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
