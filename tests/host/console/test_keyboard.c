// Keys to bytes, as xterm sends them.
#include <string.h>

#include "servers/console/engine/engine.h"
#include "servers/console/keyboard.h"
#include "tests/host/cmocka_test.h"

enum { SHIFT = 0xe1, CONTROL = 0xe0, ALT = 0xe2, RIGHT_ALT = 0xe6 };

struct key_case {
    uint16_t modifier, other, key; // modifiers 0: none
    uint32_t modes;
    const char *bytes;
    size_t length;
};

#define KEY(modifier, other, key, modes, bytes)                                                                                  \
    { modifier, other, key, modes, bytes, sizeof(bytes) - 1 }

static const struct key_case cases[] = {
    KEY(0, 0, 4, 0, "a"),
    KEY(SHIFT, 0, 4, 0, "A"),
    KEY(CONTROL, 0, 4, 0, "\001"),
    KEY(CONTROL, SHIFT, 4, 0, "\001"),
    KEY(ALT, 0, 4, 0, "\033a"),
    KEY(RIGHT_ALT, 0, 4, 0, "\033a"),
    KEY(ALT, CONTROL, 4, 0, "\033\001"),
    KEY(SHIFT, 0, 30, 0, "!"),
    KEY(CONTROL, 0, 31, 0, "\0"),
    KEY(CONTROL, 0, 44, 0, "\0"),
    KEY(CONTROL, 0, 49, 0, "\034"),
    KEY(CONTROL, 0, 56, 0, "\037"),
    KEY(CONTROL, 0, 37, 0, "\177"),
    KEY(0, 0, 40, 0, "\r"),
    KEY(0, 0, 40, MODE_NEW_LINE, "\r\n"),
    KEY(0, 0, 41, 0, "\033"),
    KEY(0, 0, 42, 0, "\177"),
    KEY(CONTROL, 0, 42, 0, "\b"),
    KEY(ALT, 0, 42, 0, "\033\177"),
    KEY(0, 0, 43, 0, "\t"),
    KEY(SHIFT, 0, 43, 0, "\033[Z"),
    KEY(0, 0, 82, 0, "\033[A"),
    KEY(0, 0, 82, MODE_CURSOR_KEYS, "\033OA"),
    KEY(CONTROL, 0, 82, MODE_CURSOR_KEYS, "\033[1;5A"),
    KEY(SHIFT, ALT, 79, 0, "\033[1;4C"),
    KEY(0, 0, 74, 0, "\033[H"),
    KEY(0, 0, 77, 0, "\033[F"),
    KEY(0, 0, 76, 0, "\033[3~"),
    KEY(SHIFT, 0, 76, 0, "\033[3;2~"),
    KEY(0, 0, 75, 0, "\033[5~"),
    KEY(0, 0, 58, 0, "\033OP"),
    KEY(CONTROL, 0, 58, 0, "\033[1;5P"),
    KEY(0, 0, 62, 0, "\033[15~"),
    KEY(0, 0, 69, 0, "\033[24~"),
    KEY(CONTROL, 0, 69, 0, "\033[24;5~"),
    KEY(0, 0, 89, 0, "\033[F"),
    KEY(0, 0, 99, 0, "\033[3~"),
    KEY(0, 0, 93, 0, ""),
    KEY(0, 0, 85, 0, "*"),
    KEY(0, 0, 88, 0, "\r"),
    KEY(0, 0, 72, 0, ""),
    KEY(0, 0, 0xff, 0, ""),
    KEY(0, 0, 0xe3, 0, ""),
};

static void test_keys(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct keyboard keyboard;
        char out[KEYBOARD_BYTES];
        keyboard_initialize(&keyboard, &keymaps[0]);
        if (cases[i].modifier)
            assert_int_equal(keyboard_key(&keyboard, cases[i].modifier, true, false, 0, out), 0);
        if (cases[i].other)
            assert_int_equal(keyboard_key(&keyboard, cases[i].other, true, false, 0, out), 0);
        size_t length = keyboard_key(&keyboard, cases[i].key, true, false, cases[i].modes, out);
        if (length != cases[i].length || memcmp(out, cases[i].bytes, length) != 0)
            fail_msg("case %zu: %zu bytes", i, length);
        assert_int_equal(keyboard_key(&keyboard, cases[i].key, false, false, 0, out), 0);
    }
}

static char one(struct keyboard *keyboard, uint16_t key) {
    char out[KEYBOARD_BYTES];
    assert_int_equal(keyboard_key(keyboard, key, true, false, 0, out), 1);
    return out[0];
}

static void press(struct keyboard *keyboard, uint16_t key, bool down, bool repeated) {
    char out[KEYBOARD_BYTES];
    assert_int_equal(keyboard_key(keyboard, key, down, repeated, 0, out), 0);
}

static void test_locks(void **state) {
    (void)state;
    struct keyboard keyboard;
    keyboard_initialize(&keyboard, &keymaps[0]);
    press(&keyboard, 57, true, false);
    press(&keyboard, 57, true, true); // a repetition does not toggle
    assert_int_equal(keyboard.locks, LOCK_CAPITALS);
    assert_int_equal(one(&keyboard, 4), 'A');
    assert_int_equal(one(&keyboard, 30), '1');
    press(&keyboard, SHIFT, true, false);
    assert_int_equal(one(&keyboard, 4), 'a');
    assert_int_equal(one(&keyboard, 30), '!');
    press(&keyboard, SHIFT, false, false);
    press(&keyboard, 57, true, false);
    assert_int_equal(one(&keyboard, 4), 'a');
    press(&keyboard, 83, true, false);
    assert_int_equal(one(&keyboard, 89), '1');
    assert_int_equal(one(&keyboard, 98), '0');
    assert_int_equal(one(&keyboard, 99), '.');
}

// Every printable ASCII character can be typed.
static void test_complete(void **state) {
    (void)state;
    for (char wanted = ' '; wanted < 0x7f; wanted++) {
        bool found = false;
        for (int key = 0; key < KEYMAP_KEYS; key++)
            found = found || keymaps[0].characters[key][0] == wanted || keymaps[0].characters[key][1] == wanted;
        if (!found)
            fail_msg("%c can't be typed", wanted);
    }
}

// What is printed on the keys: a layout, keys with their modifiers (s: shift, g: AltGr), what they give.
struct layout_case {
    const char *name;
    struct {
        char modifiers[3];
        uint16_t key;
    } keys[4];
    const char *text;
};

enum { Q = 20, A = 4, Z = 29, Y = 28, E = 8, M = 16, SEMICOLON = 51, BRACKET = 47, ISO = 100, MENU = 101, SPACE = 44 };

static const struct layout_case layouts[] = {
    {"us", {{"", Q}, {"", Z}, {"s", 31}}, "qz@"},
    {"us", {{"", ISO}, {"", 53}, {"s", 53}}, "<`~"},
    {"uk", {{"s", 32}, {"g", 33}, {"s", 31}}, "\302\243\342\202\254\""},
    {"uk", {{"", ISO}, {"", 50}, {"s", 52}}, "\\#@"},
    {"de", {{"", Z}, {"", Y}, {"", SEMICOLON}}, "yz\303\266"},
    {"de", {{"g", Q}, {"g", E}, {"g", 36}, {"g", 45}}, "@\342\202\254{\\"},
    {"de", {{"", 46}, {"", E}}, "\303\251"},
    {"de", {{"s", 46}, {"", A}}, "\303\240"},
    {"de", {{"", 53}, {"s", 18}}, "\303\224"},
    {"de", {{"", 53}, {"", SPACE}}, "^"},
    {"de", {{"", 53}, {"", 53}}, "^"},
    {"de", {{"", 53}, {"", Q}}, "q"},
    {"fr", {{"", Q}, {"", A}, {"", 30}, {"s", 30}}, "aq&1"},
    {"fr", {{"", 31}, {"", 39}, {"g", 39}}, "\303\251\303\240@"},
    {"fr", {{"", BRACKET}, {"", E}}, "\303\252"},
    {"fr", {{"s", BRACKET}, {"", 12}}, "\303\257"},
    {"fr", {{"", SEMICOLON}, {"", M}, {"g", E}}, "m,\342\202\254"},
    {"es", {{"", SEMICOLON}, {"s", SEMICOLON}, {"", 49}}, "\303\261\303\221\303\247"},
    {"es", {{"", 52}, {"", A}, {"", 46}, {"s", 46}}, "\303\241\302\241\302\277"},
    {"es", {{"g", 31}, {"g", 30}}, "@|"},
    {"it", {{"", 51}, {"", 52}, {"", 47}, {"s", 47}}, "\303\262\303\240\303\250\303\251"},
    {"it", {{"g", 51}, {"g", 52}, {"g", E}}, "@#\342\202\254"},
    {"dvorak", {{"", A}, {"", 22}, {"", 7}, {"", 9}}, "aoeu"},
    {"dvorak", {{"", Q}, {"", 26}, {"s", 45}}, "',{"},
    {"us", {{"", MENU}, {"", 18}, {"", E}}, "\305\223"},
    {"us", {{"", MENU}, {"", 22}, {"", 22}}, "\303\237"},
    {"us", {{"", MENU}, {"s", 6}, {"", 46}}, "\342\202\254"},
    {"us", {{"", MENU}, {"", Q}, {"", Q}}, "q"},
};

static void test_layouts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        const struct layout_case *one = &layouts[i];
        const struct keymap *keymap = keymap_find(one->name, strlen(one->name));
        struct keyboard keyboard;
        char out[4 * KEYBOARD_BYTES + 1];
        size_t length = 0;
        assert_non_null(keymap);
        keyboard_initialize(&keyboard, keymap);
        for (size_t key = 0; key < 4 && one->keys[key].key != 0; key++) {
            const char *modifiers = one->keys[key].modifiers;
            for (const char *at = modifiers; *at; at++)
                press(&keyboard, *at == 's' ? SHIFT : RIGHT_ALT, true, false);
            length += keyboard_key(&keyboard, one->keys[key].key, true, false, 0, out + length);
            for (const char *at = modifiers; *at; at++)
                press(&keyboard, *at == 's' ? SHIFT : RIGHT_ALT, false, false);
        }
        out[length] = 0;
        if (strcmp(out, one->text) != 0)
            fail_msg("case %zu, %s: got \"%s\", wanted \"%s\"", i, one->name, out, one->text);
    }
}

static void test_caps_lock_of_layouts(void **state) {
    (void)state;
    struct keyboard keyboard;
    char out[KEYBOARD_BYTES];
    keyboard_initialize(&keyboard, keymap_find("de", 2));
    press(&keyboard, 57, true, false);
    assert_int_equal(keyboard_key(&keyboard, SEMICOLON, true, false, 0, out), 2);
    assert_memory_equal(out, "\303\226", 2);
    assert_int_equal(one(&keyboard, 30), '1');
    keyboard_initialize(&keyboard, keymap_find("fr", 2));
    press(&keyboard, 57, true, false);
    assert_int_equal(one(&keyboard, 30), '1');
}

static void test_actions(void **state) {
    (void)state;
    struct keyboard keyboard;
    keyboard_initialize(&keyboard, &keymaps[0]);
    press(&keyboard, ALT, true, false);
    press(&keyboard, 60, true, false);
    assert_int_equal(keyboard.action, ACTION_SCREEN);
    assert_int_equal(keyboard.value, 2);
    press(&keyboard, 79, true, false);
    assert_int_equal(keyboard.action, ACTION_NEXT);
    press(&keyboard, ALT, false, false);
    press(&keyboard, SHIFT, true, false);
    press(&keyboard, 75, true, false);
    assert_int_equal(keyboard.action, ACTION_PAGE_UP);
    press(&keyboard, SHIFT, false, false);
    assert_int_equal(keyboard.action, ACTION_NONE);
}

// What is no layout is refused.
static void test_reader(void **state) {
    (void)state;
    struct keymap layout = keymaps[2];
    assert_ptr_equal(keymap_find(&layout, sizeof(layout)), &layout);
    assert_null(keymap_find(&layout, sizeof(layout) - 1));
    assert_null(keymap_find("xx", 2));
    assert_null(keymap_find("d", 1));
    layout.characters[4][0] = 0x1b;
    assert_null(keymap_find(&layout, sizeof(layout)));
    layout.characters[4][0] = 0xd800;
    assert_null(keymap_find(&layout, sizeof(layout)));
    layout = keymaps[2];
    layout.name[0] = '\033';
    assert_null(keymap_find(&layout, sizeof(layout)));
    layout = keymaps[2];
    memset(layout.name, 'x', sizeof(layout.name));
    assert_null(keymap_find(&layout, sizeof(layout)));
    layout = keymaps[2];
    layout.magic[3]++;
    assert_null(keymap_find(&layout, sizeof(layout)));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_locks),
                                       cmocka_unit_test(test_complete),
                                       cmocka_unit_test(test_layouts),
                                       cmocka_unit_test(test_caps_lock_of_layouts),
                                       cmocka_unit_test(test_actions),
                                       cmocka_unit_test(test_reader)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
