// The terminal engine: sequence in, screen out, on a screen of 6 rows and 10 columns. Expected texts are
// derived from the manuals (VT220 Programmer Reference, ECMA-48, xterm's ctlseqs), not from the engine.
#include <string.h>

#include "tests/host/cmocka_test.h"
#include "tests/host/console/terminal_harness.h"

struct text_case {
    const char *name, *input, *text;
    int row, column; // of the cursor afterwards, from 0
};

#define DIGITS "0123456789"
#define ROWS   "A\r\nB\r\nC\r\nD\r\nE\r\nF"

static const struct text_case texts[] = {
    // Printing and wrapping
    {"plain", "abc", "abc", 0, 3},
    {"return", "abc\rX", "Xbc", 0, 1},
    {"line feed keeps the column", "ab\ncd", "ab|  cd", 1, 4},
    {"vertical tab and form feed feed lines", "a\vb\fc", "a| b|  c", 2, 3},
    {"backspace", "abc\b\bX", "aXc", 0, 2},
    {"backspace stops at the margin", "a\b\b\bX", "X", 0, 1},
    {"the last column waits", DIGITS, DIGITS, 0, 9},
    {"then the next line", DIGITS "X", DIGITS "|X", 1, 1},
    {"return takes the wait away", DIGITS "\rX", "X123456789", 0, 1},
    {"line feed takes the wait away", DIGITS "\nX", DIGITS "|         X", 1, 9},
    {"backspace after the last column", DIGITS "\bX", "01234567X9", 0, 9},
    {"no wrap", "\033[?7l" DIGITS "XY", "012345678Y", 0, 9},
    {"wrap again", "\033[?7l\033[?7h" DIGITS "X", DIGITS "|X", 1, 1},
    {"scroll at the bottom", ROWS "\r\nG", "B|C|D|E|F|G", 5, 1},
    {"wrap at the bottom scrolls", ROWS "\033[6;1H" DIGITS "X", "B|C|D|E|" DIGITS "|X", 5, 1},
    {"delete is ignored", "a\177b", "ab", 0, 2},
    {"NUL is ignored", "a\0b", "a", 0, 1},
    {"new line mode", "\033[20hab\ncd", "ab|cd", 1, 2},
    // Tabs
    {"tab", "a\tb", "a       b", 0, 9},
    {"tab stops at the end", "a\t\t\tb", "a        b", 0, 9},
    {"set a tab", "\033[4G\033H\r\tX", "   X", 0, 4},
    {"clear a tab", "\033[9G\033[g\r\tX", "         X", 0, 9},
    {"clear all tabs", "\033[3g\tX", "         X", 0, 9},
    {"forward two tabs", "\033[4G\033H\r\033[2IX", "        X", 0, 9},
    {"back a tab", "\033[10G\033[ZX", "        X", 0, 9},
    {"back two tabs", "\033[10G\033[2ZX", "X", 0, 1},
    // Moving
    {"position", "\033[3;5HX", "||    X", 2, 5},
    {"position, left out", "abc\033[HX", "Xbc", 0, 1},
    {"position, zeros", "abc\033[0;0HX", "Xbc", 0, 1},
    {"position beyond", "\033[99;99HX", "|||||         X", 5, 9},
    {"position, the other final", "\033[2;2fX", "| X", 1, 2},
    {"up", "\033[4;1H\033[2AX", "|X", 1, 1},
    {"up stops", "\033[2;1H\033[9AX", "X", 0, 1},
    {"down", "\033[2BX", "||X", 2, 1},
    {"down stops", "\033[99BX", "|||||X", 5, 1},
    {"right", "\033[3CX", "   X", 0, 4},
    {"right stops", "\033[99CX", "         X", 0, 9},
    {"left", "abcdef\033[3DX", "abcXef", 0, 4},
    {"left stops", "abc\033[99DX", "Xbc", 0, 1},
    {"next line", "abc\033[2EX", "abc||X", 2, 1},
    {"previous line", "\033[4;4H\033[2FX", "|X", 1, 1},
    {"column", "abcdef\033[3GX", "abXdef", 0, 3},
    {"column, HPA", "abcdef\033[3`X", "abXdef", 0, 3},
    {"right, HPR", "ab\033[2aX", "ab  X", 0, 5},
    {"row", "ab\033[3dX", "ab||  X", 2, 3},
    {"down, VPR", "ab\033[2eX", "ab||  X", 2, 3},
    {"index", "ab\033DX", "ab|  X", 1, 3},
    {"next line, NEL", "ab\033EX", "ab|X", 1, 1},
    {"reverse index", "\033[2;2H\033MX", " X", 0, 2},
    {"reverse index at the top scrolls", ROWS "\033[H\033MX", "X|A|B|C|D|E", 0, 1},
    {"save and restore", "ab\0337\033[5;5H\0338X", "abX", 0, 3},
    {"save and restore, SCO", "ab\033[s\033[5;5H\033[uX", "abX", 0, 3},
    {"restore without a save", "ab\0338X", "Xb", 0, 1},
    {"restore with DECSET 1048", "ab\033[?1048h\033[5;5H\033[?1048lX", "abX", 0, 3},
    // Erasing
    {"erase to the end of the line", "abcdef\033[3G\033[K", "ab", 0, 2},
    {"erase to the start of the line", "abcdef\033[3G\033[1K", "   def", 0, 2},
    {"erase the line", "abcdef\033[3G\033[2K", "", 0, 2},
    {"erase below", ROWS "\033[3;1H\033[J", "A|B", 2, 0},
    {"erase above", ROWS "\033[3;1H\033[1J", "|||D|E|F", 2, 0},
    {"erase all", ROWS "\033[3;1H\033[2J", "", 2, 0},
    {"erase characters", "abcdef\033[2G\033[3X", "a   ef", 0, 1},
    {"erase characters beyond the line", "abcdef\033[2G\033[99X", "a", 0, 1},
    {"erase with an unknown parameter", "abc\033[9K\033[9J", "abc", 0, 3},
    {"selective erase erases", "abcdef\033[3G\033[?K", "ab", 0, 2},
    // Inserting and deleting
    {"insert characters", "abcdef\033[2G\033[2@", "a  bcdef", 0, 1},
    {"insert pushes out", DIGITS "\033[2G\033[3@", "0   123456", 0, 1},
    {"insert too many", DIGITS "\033[2G\033[99@", "0", 0, 1},
    {"delete characters", "abcdef\033[2G\033[2P", "adef", 0, 1},
    {"delete too many", "abcdef\033[2G\033[99P", "a", 0, 1},
    {"insert mode", "abc\033[4h\033[1GXY", "XYabc", 0, 2},
    {"replace mode", "abc\033[4h\033[4l\033[1GXY", "XYc", 0, 2},
    {"insert lines", ROWS "\033[2;1H\033[2L", "A|||B|C|D", 1, 0},
    {"delete lines", ROWS "\033[2;1H\033[2M", "A|D|E|F", 1, 0},
    {"insert lines goes to the margin", ROWS "\033[2;5H\033[LX", "A|X|B|C|D|E", 1, 1},
    {"insert lines outside the region", ROWS "\033[2;3r\033[5;1H\033[L", "A|B|C|D|E|F", 4, 0},
    {"repeat", "a\033[3b", "aaaa", 0, 4},
    {"repeat without a character", "\033[3b", "", 0, 0},
    // Scroll regions
    {"region homes", ROWS "\033[2;4r", "A|B|C|D|E|F", 0, 0},
    {"region scrolls up", ROWS "\033[2;4r\033[4;1H\nX", "A|C|D|X|E|F", 3, 1},
    {"region scrolls down", ROWS "\033[2;4r\033[2;1H\033MX", "A|X|B|C|E|F", 1, 1},
    {"below the region nothing scrolls", ROWS "\033[2;4r\033[6;1H\nX", "A|B|C|D|E|X", 5, 1},
    {"scroll up", ROWS "\033[2S", "C|D|E|F", 5, 1},
    {"scroll down", ROWS "\033[2T", "||A|B|C|D", 5, 1},
    {"scroll up in a region", ROWS "\033[2;4r\033[S", "A|C|D||E|F", 0, 0},
    {"scroll too far", ROWS "\033[99S", "", 5, 1},
    {"region of one row is refused", ROWS "\033[3;3r", "A|B|C|D|E|F", 5, 1},
    {"region upside down is refused", ROWS "\033[4;2r", "A|B|C|D|E|F", 5, 1},
    {"region reset", ROWS "\033[2;4r\033[r\033[6;1H\nX", "B|C|D|E|F|X", 5, 1},
    {"up stops at the region", ROWS "\033[2;4r\033[3;1H\033[9AX", "A|X|C|D|E|F", 1, 1},
    {"down stops at the region", ROWS "\033[2;4r\033[3;1H\033[9BX", "A|B|C|X|E|F", 3, 1},
    {"up above the region", ROWS "\033[3;4r\033[2;1H\033[9AX", "X|B|C|D|E|F", 0, 1},
    {"origin mode", "\033[2;4r\033[?6hX", "|X", 1, 1},
    {"origin mode positions", "\033[2;4r\033[?6h\033[2;2HX", "|| X", 2, 2},
    {"origin mode keeps inside", "\033[2;4r\033[?6h\033[9;1HX", "|||X", 3, 1},
    {"origin mode off homes", "\033[2;4r\033[?6h\033[?6lX", "X", 0, 1},
    {"origin mode saved", "\033[2;4r\033[?6h\0337\033[?6l\0338\033[1;1HX", "|X", 1, 1},
    // Alternate screen
    {"alternate is empty", "abc\033[?1049h", "", 0, 3},
    {"and goes away", "abc\033[?1049hXYZ\033[5;5H\033[?1049lX", "abcX", 0, 4},
    {"47 keeps its text", "abc\033[?47hX\033[?47l\033[?47h", "   X", 0, 4},
    {"1047 is cleared when left", "abc\033[?1047hX\033[?1047l\033[?1047h", "", 0, 4},
    {"alternate twice", "abc\033[?1049h\033[?1049hX\033[?1049l", "abc", 0, 3},
    {"scrolling the alternate screen", "abc\033[?1049h\033[H" ROWS "\r\nG\033[?1049l", "abc", 0, 3},
    // Characters
    {"two bytes", "a\303\274b", "a\303\274b", 0, 3},
    {"three bytes", "\342\202\254", "\342\202\254", 0, 1},
    {"wide", "a\344\275\240b", "a\344\275\240b", 0, 4},
    {"four bytes, wide", "\360\237\230\200x", "\360\237\230\200x", 0, 3},
    {"wide wraps early", "012345678\344\275\240", "012345678|\344\275\240", 1, 2},
    {"wide at the end", "01234567\344\275\240", "01234567\344\275\240", 0, 9},
    {"left half overwritten", "\344\275\240\rx", "x", 0, 1},
    {"right half overwritten", "\344\275\240\033[2Gx", " x", 0, 2},
    {"wide over two wide", "\344\275\240\345\245\275\033[2G\344\275\240", " \344\275\240", 0, 3},
    {"half deleted", "\344\275\240b\033[2G\033[P", " b", 0, 1},
    {"half erased", "\344\275\240b\033[2G\033[X", "  b", 0, 1},
    {"insert before the right half", "\344\275\240b\033[2G\033[@", "   b", 0, 1},
    {"wide pushed out", "01234567\344\275\240\033[1G\033[@", " 01234567", 0, 0},
    {"combining characters take no room", "e\314\201x", "ex", 0, 2},
    {"broken sequence", "a\303x", "a\357\277\275x", 0, 3},
    {"stray continuation", "a\200x", "a\357\277\275x", 0, 3},
    {"overlong", "\300\257", "\357\277\275\357\277\275", 0, 2},
    {"surrogate", "\355\240\200", "\357\277\275", 0, 1},
    {"too large", "\364\220\200\200", "\357\277\275", 0, 1},
    {"line drawing", "\033(0lqk\033(Bq", "\342\224\214\342\224\200\342\224\220q", 0, 4},
    {"line drawing in G1", "\033)0q\016q\017q", "q\342\224\200q", 0, 3},
    // Sequences broken off and unknown
    {"cancelled", "a\033[3\030b", "ab", 0, 2},
    {"substituted", "a\033[3\032b", "ab", 0, 2},
    {"begun anew", "a\033[3\033[2Cb", "a  b", 0, 4},
    {"controls inside", "ab\033[\r2CX", "abX", 0, 3},
    {"unknown final", "a\033[5yb", "ab", 0, 2},
    {"unknown private", "a\033[?9999hb", "ab", 0, 2},
    {"misplaced mark is ignored", "a\033[1?5hb", "ab", 0, 2},
    {"unknown escape", "a\033Qb", "ab", 0, 2},
    {"too many intermediates", "a\033   qb", "ab", 0, 2},
    {"many parameters", "a\033[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mb",
     "ab", 0, 2},
    {"huge number", "a\033[99999999999999CX", "a        X", 0, 9},
    {"DCS is swallowed", "a\033Pq#0;2;0\033\\b", "ab", 0, 2},
    {"APC is swallowed", "a\033_hello\033\\b", "ab", 0, 2},
    {"OSC ended by bell", "a\033]0;title\ab", "ab", 0, 2},
    {"OSC ended by ST", "a\033]2;title\033\\b", "ab", 0, 2},
    {"OSC too long",
     "a\033]2;" DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS
         DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS
     "\ab",
     "ab", 0, 2},
    {"C1 as UTF-8", "\302\2333CX", "   X", 0, 4},
    {"resize is refused", "a\033[8;50;100tb", "ab", 0, 2},
    // Resetting
    {"alignment", "\033[2;3r\033#8", "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE", 0,
     0},
    {"hard reset", ROWS "\033[2;4r\033[?7l\033[3g\033c" DIGITS "a\tX", DIGITS "|a       X", 1, 9},
    {"hard reset leaves the alternate screen", "\033[?1049hX\033cY", "Y", 0, 1},
    {"soft reset keeps the text", "abc\033[2;4r\033[4h\033[!pX", "Xbc", 0, 1}, // setting the region went home
};

struct style_case {
    const char *input; // then one character is looked at, at the top left
    uint32_t foreground, background;
    uint16_t attributes;
};

static const struct style_case styles[] = {
    {"x", 0, 0, 0},
    {"\033[1mx", 0, 0, CELL_BOLD},
    {"\033[2mx", 0, 0, CELL_FAINT},
    {"\033[3mx", 0, 0, CELL_ITALIC},
    {"\033[4mx", 0, 0, CELL_UNDERLINE},
    {"\033[5mx", 0, 0, CELL_BLINK},
    {"\033[7mx", 0, 0, CELL_INVERSE},
    {"\033[8mx", 0, 0, CELL_INVISIBLE},
    {"\033[9mx", 0, 0, CELL_STRUCK},
    {"\033[21mx", 0, 0, CELL_UNDERLINE_DOUBLE},
    {"\033[4:3mx", 0, 0, CELL_UNDERLINE},
    {"\033[4m\033[4:0mx", 0, 0, 0},
    {"\033[53mx", 0, 0, CELL_OVERLINE},
    {"\033[1;2;22mx", 0, 0, 0},
    {"\033[1;4;7mx", 0, 0, CELL_BOLD | CELL_UNDERLINE | CELL_INVERSE},
    {"\033[1;4;7;24mx", 0, 0, CELL_BOLD | CELL_INVERSE},
    {"\033[1;31m\033[mx", 0, 0, 0},
    {"\033[1;31m\033[0mx", 0, 0, 0},
    {"\033[1;31;0;32mx", 3, 0, 0},
    {"\033[31mx", 2, 0, 0},
    {"\033[47mx", 0, 8, 0},
    {"\033[97mx", 16, 0, 0},
    {"\033[101mx", 0, 10, 0},
    {"\033[31;39mx", 0, 0, 0},
    {"\033[41;49mx", 0, 0, 0},
    {"\033[38;5;196mx", 197, 0, 0},
    {"\033[48;5;0mx", 0, 1, 0},
    {"\033[38;2;1;2;3mx", COLOUR_TRUE | 0x010203, 0, 0},
    {"\033[48;2;255;128;0mx", 0, COLOUR_TRUE | 0xff8000, 0},
    {"\033[38:5:196mx", 197, 0, 0},
    {"\033[38:2:1:2:3mx", COLOUR_TRUE | 0x010203, 0, 0},
    {"\033[38:2::1:2:3mx", COLOUR_TRUE | 0x010203, 0, 0},
    {"\033[38;5;196;1mx", 197, 0, CELL_BOLD},
    {"\033[38;2;1;2;3;4mx", COLOUR_TRUE | 0x010203, 0, CELL_UNDERLINE},
    {"\033[58;5;3;1mx", 0, 0, CELL_BOLD},
    {"\033[58:2::1:2:3;1mx", 0, 0, CELL_BOLD},
    {"\033[38;5mx", 0, 0, 0},
    {"\033[38;2;1mx", 0, 0, 0},
    {"\033[38;2;999;0;0mx", COLOUR_TRUE | 0xff0000, 0, 0},
    {"\033[44m\033[2J", 0, 5, 0},                        // erased cells take the background
    {"\033[31;44m\033[2J", 0, 5, 0},                     // and nothing else
    {"\033[44m\033[2;3r\033[T\033[2;1H\033[A", 0, 0, 0}, // scrolled in elsewhere
    {"\033[44m\033[@", 0, 5, 0},
    {"\033[1m\0337\033[m\0338x", 0, 0, CELL_BOLD},
    {"\033[1mx\033[!p\033[Hx", 0, 0, 0},
};

struct reply_case {
    const char *input, *reply;
};

static const struct reply_case replies[] = {
    {"\033[c", "\033[?62;22c"},
    {"\033[0c", "\033[?62;22c"},
    {"\033[1c", ""},
    {"\033[>c", "\033[>1;95;0c"},
    {"\033[5n", "\033[0n"},
    {"\033[3;4H\033[6n", "\033[3;4R"},
    {"\033[3;4H\033[?6n", "\033[?3;4R"},
    {"\033[2;4r\033[?6h\033[6n", "\033[1;1R"},
    {DIGITS "\033[6n", "\033[1;10R"},
    {"\033[?25$p", "\033[?25;1$y"},
    {"\033[?25l\033[?25$p", "\033[?25;2$y"},
    {"\033[?7777$p", "\033[?7777;0$y"},
    {"\033[4h\033[4$p", "\033[4;1$y"},
    {"\033[18t", "\033[8;6;10t"},
    {"\033[7n", ""},
};

static void check_text(const struct text_case *wanted, const char *input, size_t length) {
    struct harness harness;
    char text[HARNESS_TEXT];
    harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
    for (size_t i = 0; i < length; i++) {
        harness_write(&harness, input + i, 1);
        if (!harness_sound(&harness))
            fail_msg("%s: unsound after byte %zu", wanted->name, i);
    }
    harness_text(&harness, text);
    if (strcmp(text, wanted->text) != 0 || (int)harness.engine.cursor.row != wanted->row ||
        (int)harness.engine.cursor.column != wanted->column)
        fail_msg("%s: got \"%s\" at %u,%u; wanted \"%s\" at %d,%d", wanted->name, text,
                 harness.engine.cursor.row, harness.engine.cursor.column, wanted->text, wanted->row,
                 wanted->column);
    harness_end(&harness);
}

static void test_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_text(&texts[i], texts[i].input, strlen(texts[i].input));
}

static void test_styles(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        struct harness harness;
        harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
        harness_write(&harness, styles[i].input, strlen(styles[i].input));
        const struct cell *cell = engine_row(&harness.engine, 0);
        if (cell->foreground != styles[i].foreground || cell->background != styles[i].background ||
            cell->attributes != styles[i].attributes)
            fail_msg("case %zu: got %x %x %x", i, cell->foreground, cell->background, cell->attributes);
        harness_end(&harness);
    }
}

static void test_replies(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct harness harness;
        harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
        harness_write(&harness, replies[i].input, strlen(replies[i].input));
        assert_string_equal(harness.replies, replies[i].reply);
        harness_end(&harness);
    }
}

static void test_events(void **state) {
    (void)state;
    struct harness harness;
    harness_start(&harness, HARNESS_ROWS, HARNESS_COLUMNS);
    const char *titles = "\a\a\033]0;one\a\033]2;two\033\\\033]4;3\a",
               *modes = "\033[?1h\033=\033[?2004h\033[4 q";
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
    struct engine engine = before.engine;
    harness_end(&before);
    after.engine = engine;
    assert_true(engine_attach(&after.engine, after.main_cells, after.alternate_cells, engine.events, &after));
    harness_write(&after, ";2HX", 4);
    harness_text(&after, text);
    assert_string_equal(text, "BX|C|D|E|F|G");
    after.engine.screens[0].line[0] = after.engine.screens[0].line[1];
    assert_false(
        engine_attach(&after.engine, after.main_cells, after.alternate_cells, engine.events, &after));
    harness_end(&after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),  cmocka_unit_test(test_styles), cmocka_unit_test(test_replies),
        cmocka_unit_test(test_events), cmocka_unit_test(test_attach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
