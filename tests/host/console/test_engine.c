// What the cases of test_cases.c do not show of the engine: events, modes that keys obey, the mouse, memory
// that outlives an actor, the view back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/cmocka_test.h"
#include "tests/host/console/terminal_harness.h"

#define ROWS "A\r\nB\r\nC\r\nD\r\nE\r\nF"

static void test_events(void **state) {
    (void)state;
    struct harness harness;
    harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
    const char *titles = "\a\a\033]0;one\a\033]2;two\033\\\033]4;3\a", *modes = "\033[?1h\033=\033[?2004h\033[4 q";
    harness_write(&harness, titles, strlen(titles));
    assert_int_equal(harness.bells, 2);
    assert_string_equal(harness.title, "two");
    harness_write(&harness, modes, strlen(modes));
    assert_true(harness.engine.modes & MODE_CURSOR_KEYS);
    assert_true(harness.engine.modes & MODE_KEYPAD);
    assert_true(harness.engine.modes & MODE_BRACKETED_PASTE);
    assert_int_equal(harness.engine.cursor_shape, 4);
    harness_end(&harness);
}

// An engine in memory that moves: what a restarted actor finds.
static void test_attach(void **state) {
    (void)state;
    struct harness before, after;
    char text[HARNESS_TEXT];
    size_t bytes = HARNESS_ROWS * HARNESS_COLUMNS * sizeof(struct cell);
    harness_start(&before, HARNESS_ROWS, HARNESS_COLUMNS);
    harness_start(&after, HARNESS_ROWS, HARNESS_COLUMNS);
    harness_write(&before, ROWS "\r\nG\033[1", strlen(ROWS "\r\nG\033[1"));
    memcpy(after.main_cells, before.main_cells, bytes);
    memcpy(after.alternate_cells, before.alternate_cells, bytes);
    memcpy(after.history, before.history, HARNESS_HISTORY);
    struct engine engine = before.engine;
    harness_end(&before);
    after.engine = engine;
    assert_true(engine_attach(&after.engine, after.main_cells, after.alternate_cells, after.history, engine.events, &after));
    harness_write(&after, ";2HX", 4);
    harness_text(&after, text);
    assert_string_equal(text, "BX|C|D|E|F|G");
    after.engine.screens[0].line[0] = after.engine.screens[0].line[1];
    assert_false(engine_attach(&after.engine, after.main_cells, after.alternate_cells, after.history, engine.events, &after));
    after.engine.screens[0].line[0] = engine.screens[0].line[0];
    after.engine.history.lines++;
    assert_false(engine_attach(&after.engine, after.main_cells, after.alternate_cells, after.history, engine.events, &after));
    harness_end(&after);
}

struct mouse_case {
    const char *modes;
    enum mouse_event event;
    uint32_t button, modifiers, row, column;
    const char *bytes;
};

static const struct mouse_case mice[] = {
    {"", MOUSE_PRESS, MOUSE_LEFT, 0, 0, 0, ""},
    {"\033[?9h", MOUSE_PRESS, MOUSE_LEFT, MOUSE_CONTROL, 1, 2, "\033[M #\""},
    {"\033[?9h", MOUSE_RELEASE, MOUSE_LEFT, 0, 1, 2, ""},
    {"\033[?9h", MOUSE_PRESS, MOUSE_WHEEL_UP, 0, 1, 2, ""},
    {"\033[?1000h", MOUSE_PRESS, MOUSE_RIGHT, 0, 0, 0, "\033[M\"!!"},
    {"\033[?1000h", MOUSE_PRESS, MOUSE_LEFT, MOUSE_SHIFT | MOUSE_CONTROL, 0, 0, "\033[M4!!"},
    {"\033[?1000h", MOUSE_RELEASE, MOUSE_RIGHT, 0, 0, 0, "\033[M#!!"},
    {"\033[?1000h", MOUSE_MOVE, MOUSE_LEFT, 0, 0, 0, ""},
    {"\033[?1000h", MOUSE_PRESS, MOUSE_WHEEL_DOWN, 0, 0, 0, "\033[Ma!!"},
    {"\033[?1002h", MOUSE_MOVE, MOUSE_LEFT, 0, 2, 3, "\033[M@$#"},
    {"\033[?1002h", MOUSE_MOVE, MOUSE_NONE, 0, 2, 3, ""},
    {"\033[?1003h", MOUSE_MOVE, MOUSE_NONE, 0, 2, 3, "\033[MC$#"},
    {"\033[?1000h\033[?1006h", MOUSE_PRESS, MOUSE_LEFT, 0, 5, 9, "\033[<0;10;6M"},
    {"\033[?1000h\033[?1006h", MOUSE_RELEASE, MOUSE_RIGHT, 0, 5, 9, "\033[<2;10;6m"},
    {"\033[?1003h\033[?1006h", MOUSE_MOVE, MOUSE_NONE, MOUSE_META, 0, 0, "\033[<43;1;1M"},
    {"\033[?1002h\033[?1006h", MOUSE_PRESS, MOUSE_WHEEL_UP, 0, 0, 0, "\033[<64;1;1M"},
    {"\033[?1000h\033[?1002l", MOUSE_PRESS, MOUSE_LEFT, 0, 0, 0, ""},
    {"\033[?1000h", MOUSE_PRESS, MOUSE_LEFT, 0, 6, 0, ""},
};

static void test_mouse(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(mice) / sizeof(mice[0]); i++) {
        const struct mouse_case *one = &mice[i];
        struct harness harness;
        char bytes[MOUSE_BYTES + 1];
        harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
        harness_write(&harness, one->modes, strlen(one->modes));
        bytes[engine_mouse(&harness.engine, one->event, one->button, one->modifiers, one->row, one->column, bytes)] = 0;
        if (strcmp(bytes, one->bytes) != 0)
            fail_msg("case %zu: got \"%s\"", i, bytes);
        harness_end(&harness);
    }
}

static void test_view(void **state) {
    (void)state;
    struct harness harness;
    struct cell scratch[HARNESS_COLUMNS];
    const char *text = ROWS "\r\nG\r\nH";
    harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
    harness_write(&harness, text, strlen(text));
    assert_int_equal(harness.engine.history.lines, 2);
    assert_int_equal(engine_view_row(&harness.engine, 0, 0, scratch)->character, 'C');
    assert_int_equal(engine_view_row(&harness.engine, 1, 0, scratch)->character, 'B');
    assert_int_equal(engine_view_row(&harness.engine, 2, 0, scratch)->character, 'A');
    assert_int_equal(engine_view_row(&harness.engine, 2, 5, scratch)->character, 'F');
    assert_int_equal(engine_view_row(&harness.engine, 9, 0, scratch)->character, ' ');
    harness_write(&harness, "\033[?1049h", 8);
    assert_int_equal(engine_view_row(&harness.engine, 2, 0, scratch)->character, ' ');
    harness_end(&harness);
}

// Lines of all lengths through a ring that is too small for them: what is left is whole.
static void test_history_wraps(void **state) {
    (void)state;
    struct harness harness;
    harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
    for (unsigned i = 0; i < 3000; i++) {
        char line[64];
        int length = snprintf(line, sizeof(line), "\033[%um%.*s\r\n", 31 + i % 7, (int)(i % 9), "12345678");
        harness_write(&harness, line, (size_t)length);
        assert_true(history_sound(&harness.engine.history));
    }
    assert_true(harness.engine.history.lines > 100);
    harness_end(&harness);
}

static uint32_t random_next(uint32_t *state) {
    *state = *state * 1103515245 + 12345;
    return *state >> 16;
}

// Field by field: what lies between them may differ.
static bool cursor_equals(const struct engine_cursor *a, const struct engine_cursor *b) {
    return a->row == b->row && a->column == b->column && a->wrap_next == b->wrap_next && a->origin == b->origin &&
           a->charset == b->charset && memcmp(a->charsets, b->charsets, sizeof(a->charsets)) == 0 &&
           a->style.foreground == b->style.foreground && a->style.background == b->style.background &&
           a->style.attributes == b->style.attributes;
}

// Text that is large enough to jump, and the same in pieces that are not: screen and history are the same.
static void test_jumping(void **state) {
    (void)state;
    enum { BYTES = 60000, HISTORY = 128 * 1024 };
    static char text[BYTES + 64];
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct harness harness[2];
        uint32_t random = seed, length = 0;
        while (length < BYTES) {
            for (uint32_t i = random_next(&random) % (HARNESS_COLUMNS + (random_next(&random) % 40 == 0 ? 3 : 0)); i > 0; i--)
                text[length++] = (char)(' ' + (random_next(&random) % 3 == 0 ? 0 : random_next(&random) % 95));
            length += (uint32_t)sprintf(text + length, random_next(&random) % 200 == 0 ? "\033[%um" : "\r\n",
                                        random_next(&random) % 2 ? 31 + random_next(&random) % 20 : 0);
        }
        for (int i = 0; i < 2; i++) {
            harness_start(&harness[i], HARNESS_ROWS, HARNESS_COLUMNS);
            history_initialize(&harness[i].engine.history, calloc(1, HISTORY), HISTORY);
        }
        harness_write(&harness[0], text, length);
        for (uint32_t at = 0; at < length; at += 100)
            harness_write(&harness[1], text + at, length - at < 100 ? length - at : 100);
        const struct engine *a = &harness[0].engine, *b = &harness[1].engine;
        for (uint32_t row = 0; row < HARNESS_ROWS; row++)
            assert_memory_equal(engine_row(a, row), engine_row(b, row), HARNESS_COLUMNS * sizeof(struct cell));
        assert_true(cursor_equals(&a->cursor, &b->cursor));
        assert_int_equal(a->last_printed, b->last_printed);
        assert_true(history_sound(&a->history));
        assert_int_equal(a->history.lines, b->history.lines);
        assert_int_equal(a->history.pushed, b->history.pushed);
        for (uint32_t back = 1; a->history.lines > 0; back++) { // taken out: to find a line takes a step for each newer one
            struct cell cells[2][HARNESS_COLUMNS];
            bool wrapped[2];
            for (int i = 0; i < 2; i++)
                assert_true(history_pop(&harness[i].engine.history, cells[i], HARNESS_COLUMNS, &wrapped[i]));
            if (memcmp(cells[0], cells[1], sizeof(cells[0])) != 0 || wrapped[0] != wrapped[1])
                fail_msg("seed %u, %u lines back", seed, back);
        }
        assert_int_equal(b->history.lines, 0);
        for (int i = 0; i < 2; i++) {
            free(harness[i].engine.history.bytes);
            harness_end(&harness[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events), cmocka_unit_test(test_attach),        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_view),   cmocka_unit_test(test_history_wraps), cmocka_unit_test(test_jumping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
