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

#define KEY(modifier, other, key, modes, bytes)                                                              \
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
        keyboard_initialize(&keyboard, &keymap_us);
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
    keyboard_initialize(&keyboard, &keymap_us);
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
            found = found || keymap_us.characters[key][0] == wanted || keymap_us.characters[key][1] == wanted;
        if (!found)
            fail_msg("%c can't be typed", wanted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_locks),
                                       cmocka_unit_test(test_complete)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
