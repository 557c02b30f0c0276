// See keyboard.h. Sequences are those of xterm ("PC-Style Function Keys" in ctlseqs), with modifiers as a
// second parameter.
#include "servers/console/keyboard.h"

#include <string.h>

#include "servers/console/engine/engine.h"

enum {
    LEFT_CONTROL = 1 << 0,
    LEFT_SHIFT = 1 << 1,
    LEFT_ALT = 1 << 2,
    RIGHT_CONTROL = 1 << 4,
    RIGHT_SHIFT = 1 << 5,
    RIGHT_ALT = 1 << 6, // AltGr, where the layout has a third level
    SHIFT = LEFT_SHIFT | RIGHT_SHIFT,
    CONTROL = LEFT_CONTROL | RIGHT_CONTROL,
};

enum usage {
    KEY_ENTER = 40,
    KEY_ESCAPE = 41,
    KEY_BACKSPACE = 42,
    KEY_TAB = 43,
    KEY_CAPS_LOCK = 57,
    KEY_F1 = 58,
    KEY_F4 = 61,
    KEY_F12 = 69,
    KEY_SCROLL_LOCK = 71,
    KEY_INSERT = 73,
    KEY_HOME = 74,
    KEY_PAGE_UP = 75,
    KEY_DELETE = 76,
    KEY_END = 77,
    KEY_PAGE_DOWN = 78,
    KEY_RIGHT = 79,
    KEY_LEFT = 80,
    KEY_DOWN = 81,
    KEY_UP = 82,
    KEY_NUM_LOCK = 83,
    KEYPAD_DIVIDE = 84,
    KEYPAD_ENTER = 88,
    KEYPAD_1 = 89,
    KEYPAD_0 = 98,
    KEYPAD_POINT = 99,
    KEY_MENU = 101, // compose
    KEY_LEFT_CONTROL = 0xe0,
    KEY_RIGHT_META = 0xe7,
};

void keyboard_initialize(struct keyboard *keyboard, const struct keymap *keymap) {
    memset(keyboard, 0, sizeof(*keyboard));
    keyboard->keymap = *keymap;
}

static size_t put_text(char *out, const char *text) {
    size_t length = strlen(text);
    memcpy(out, text, length);
    return length;
}

static size_t put_utf8(char *out, uint32_t character) {
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xc0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | character >> 12);
    out[1] = (char)(0x80 | (character >> 6 & 0x3f));
    out[2] = (char)(0x80 | (character & 0x3f));
    return 3;
}

static bool has_level3(const struct keyboard *keyboard) {
    for (uint32_t i = 0; i < KEYMAP_KEYS; i++)
        if (keyboard->keymap.characters[i][2] != 0)
            return true;
    return false;
}

static bool is_alt(const struct keyboard *keyboard) {
    return (keyboard->modifiers & LEFT_ALT) || ((keyboard->modifiers & RIGHT_ALT) && !has_level3(keyboard));
}

// xterm's number for the modifiers that are down: 1 for none.
static uint32_t modifier_number(const struct keyboard *keyboard) {
    return 1 + ((keyboard->modifiers & SHIFT) ? 1 : 0) + (is_alt(keyboard) ? 2 : 0) + ((keyboard->modifiers & CONTROL) ? 4 : 0);
}

// ESC [ NUMBER ; MODIFIERS FINAL, as short as it can be; `single`: ESC `single` FINAL without modifiers.
static size_t put_sequence(const struct keyboard *keyboard, uint32_t number, char single, char final, char *out) {
    uint32_t modifiers = modifier_number(keyboard);
    size_t length = 0;
    out[length++] = '\033';
    if (modifiers == 1 && single) {
        out[length++] = single;
        out[length++] = final;
        return length;
    }
    out[length++] = '[';
    if (number >= 10)
        out[length++] = (char)('0' + number / 10);
    out[length++] = (char)('0' + number % 10);
    if (modifiers > 1) {
        out[length++] = ';';
        out[length++] = (char)('0' + modifiers);
    }
    out[length++] = final;
    return length;
}

static size_t put_cursor_key(const struct keyboard *keyboard, char final, uint32_t modes, char *out) {
    return put_sequence(keyboard, 1, modes & MODE_CURSOR_KEYS ? 'O' : '[', final, out);
}

static size_t put_function_key(const struct keyboard *keyboard, uint16_t usage, char *out) {
    static const uint8_t numbers[] = {15, 17, 18, 19, 20, 21, 23, 24}; // F5 to F12
    if (usage <= KEY_F4)
        return put_sequence(keyboard, 1, 'O', (char)('P' + usage - KEY_F1), out);
    return put_sequence(keyboard, numbers[usage - KEY_F4 - 1], 0, '~', out);
}

static size_t put_named_key(const struct keyboard *keyboard, uint16_t usage, uint32_t modes, char *out) {
    switch (usage) {
    case KEY_UP:
        return put_cursor_key(keyboard, 'A', modes, out);
    case KEY_DOWN:
        return put_cursor_key(keyboard, 'B', modes, out);
    case KEY_RIGHT:
        return put_cursor_key(keyboard, 'C', modes, out);
    case KEY_LEFT:
        return put_cursor_key(keyboard, 'D', modes, out);
    case KEY_HOME:
        return put_cursor_key(keyboard, 'H', modes, out);
    case KEY_END:
        return put_cursor_key(keyboard, 'F', modes, out);
    case KEY_INSERT:
        return put_sequence(keyboard, 2, 0, '~', out);
    case KEY_DELETE:
        return put_sequence(keyboard, 3, 0, '~', out);
    case KEY_PAGE_UP:
        return put_sequence(keyboard, 5, 0, '~', out);
    case KEY_PAGE_DOWN:
        return put_sequence(keyboard, 6, 0, '~', out);
    default:
        return 0;
    }
}

static size_t put_keypad(const struct keyboard *keyboard, uint16_t usage, uint32_t modes, char *out) {
    static const uint16_t as_named[] = {KEY_END,  KEY_DOWN, KEY_PAGE_DOWN, KEY_LEFT,   0,         KEY_RIGHT,
                                        KEY_HOME, KEY_UP,   KEY_PAGE_UP,   KEY_INSERT, KEY_DELETE};
    if ((modes & MODE_KEYPAD) && !(keyboard->locks & LOCK_NUMBER) && usage <= KEYPAD_ENTER) {
        static const char finals[] = "ojmkM"; // divide, multiply, subtract, add, enter
        return put_sequence(keyboard, 1, 'O', finals[usage - KEYPAD_DIVIDE], out);
    }
    if (usage == KEYPAD_ENTER)
        return put_text(out, "\r");
    if (usage < KEYPAD_ENTER) {
        out[0] = "/*-+"[usage - KEYPAD_DIVIDE];
        return 1;
    }
    if (keyboard->locks & LOCK_NUMBER) {
        out[0] = usage == KEYPAD_POINT ? '.' : usage == KEYPAD_0 ? '0' : (char)('1' + usage - KEYPAD_1);
        return 1;
    }
    return put_named_key(keyboard, as_named[usage - KEYPAD_1], modes, out);
}

// The control character of a key, -1 if it has none.
static int control_of(uint32_t character) {
    static const char digits[] = "2\0003\0334\0345\0356\0367\0378\177";
    if (character >= 'a' && character <= 'z')
        return (int)(character - 'a' + 1);
    if (character >= '@' && character <= '_')
        return (int)(character - '@');
    if (character == ' ' || character == '`')
        return 0;
    if (character == '/')
        return 0x1f;
    if (character == '?')
        return 0x7f;
    for (uint32_t i = 0; i + 1 < sizeof(digits); i += 2)
        if ((uint32_t)digits[i] == character)
            return digits[i + 1];
    return -1;
}

// Dead keys and compose: the character that comes of this one, 0 if it waits for another. Two that make
// nothing give the second alone.
static uint32_t compose(struct keyboard *keyboard, uint32_t character) {
    uint32_t first = keyboard->pending;
    bool dead = character >= KEYMAP_DEAD && character <= KEYMAP_DEAD_MOST;
    if (first == 0 && (dead || keyboard->composing)) {
        keyboard->pending = (uint16_t)character;
        return 0;
    }
    if (first == 0)
        return character;
    keyboard->pending = 0;
    bool composing = keyboard->composing;
    keyboard->composing = false;
    if (first >= KEYMAP_DEAD && first <= KEYMAP_DEAD_MOST) {
        uint32_t second = dead ? ' ' : character; // twice: the accent itself
        uint32_t made = keymap_combine(keymap_accents, keymap_accent_count, first - KEYMAP_DEAD, second);
        return made != 0 ? made : dead ? 0 : character;
    }
    uint32_t made = composing ? keymap_combine(keymap_composed, keymap_composed_count, first, character) : 0;
    return made != 0 ? made : dead ? 0 : character;
}

static size_t put_character(struct keyboard *keyboard, uint16_t usage, uint32_t modes, char *out) {
    const uint16_t *levels = keyboard->keymap.characters[usage];
    bool shift = (keyboard->modifiers & SHIFT) != 0, level3 = (keyboard->modifiers & RIGHT_ALT) && has_level3(keyboard);
    if ((keyboard->keymap.capitals[usage / 8] & 1 << usage % 8) && (keyboard->locks & LOCK_CAPITALS))
        shift = !shift;
    uint32_t character = levels[(level3 ? 2 : 0) + (shift ? 1 : 0)];
    size_t length = 0;
    (void)modes;
    if (character == 0)
        return 0;
    if ((keyboard->modifiers & CONTROL) && !level3) {
        // A key that gives no ASCII (another script, an accent) has the control character of its place.
        int control = control_of(character < 0x80 ? character : keymaps[0].characters[usage][shift]);
        if (control >= 0)
            character = (uint32_t)control;
    } else {
        character = compose(keyboard, character);
        if (character == 0)
            return 0;
    }
    if (is_alt(keyboard))
        out[length++] = '\033';
    return length + put_utf8(out + length, character);
}

static size_t put_editing_key(const struct keyboard *keyboard, uint16_t usage, uint32_t modes, char *out) {
    size_t length = 0;
    if (is_alt(keyboard))
        out[length++] = '\033';
    switch (usage) {
    case KEY_ENTER:
        return length + put_text(out + length, modes & MODE_NEW_LINE ? "\r\n" : "\r");
    case KEY_ESCAPE:
        return length + put_text(out + length, "\033");
    case KEY_BACKSPACE:
        return length + put_text(out + length, !(keyboard->modifiers & CONTROL) == !(modes & MODE_BACKSPACE) ? "\177" : "\b");
    default: // tab
        return length + put_text(out + length, keyboard->modifiers & SHIFT ? "\033[Z" : "\t");
    }
}

static void toggle_lock(struct keyboard *keyboard, uint16_t usage) {
    uint8_t lock = usage == KEY_CAPS_LOCK     ? LOCK_CAPITALS
                   : usage == KEY_NUM_LOCK    ? LOCK_NUMBER
                   : usage == KEY_SCROLL_LOCK ? LOCK_SCROLL
                                              : 0;
    keyboard->locks ^= lock;
}

// Keys that the console keeps to itself: Alt with a function key or an arrow, shift with the page keys.
static bool act(struct keyboard *keyboard, uint16_t usage) {
    bool alt = (keyboard->modifiers & (LEFT_ALT | RIGHT_ALT)) != 0, shift = (keyboard->modifiers & SHIFT) != 0,
         control = (keyboard->modifiers & CONTROL) != 0;
    keyboard->action = ACTION_NONE;
    if (alt && !shift && usage >= KEY_F1 && usage < KEY_F1 + 6) {
        keyboard->action = ACTION_SCREEN;
        keyboard->value = (uint8_t)(usage - KEY_F1);
    } else if (alt && !shift && !control && (usage == KEY_RIGHT || usage == KEY_LEFT)) {
        keyboard->action = usage == KEY_RIGHT ? ACTION_NEXT : ACTION_PREVIOUS;
    } else if (shift && !alt && !control && (usage == KEY_PAGE_UP || usage == KEY_PAGE_DOWN)) {
        keyboard->action = usage == KEY_PAGE_UP ? ACTION_PAGE_UP : ACTION_PAGE_DOWN;
    } else if (shift && !alt && !control && usage == KEY_INSERT) {
        keyboard->action = ACTION_PASTE;
    }
    return keyboard->action != ACTION_NONE;
}

uint32_t keyboard_mouse_modifiers(const struct keyboard *keyboard) {
    return ((keyboard->modifiers & SHIFT) ? MOUSE_SHIFT : 0) | (is_alt(keyboard) ? MOUSE_META : 0) |
           ((keyboard->modifiers & CONTROL) ? MOUSE_CONTROL : 0);
}

static size_t put_key(struct keyboard *keyboard, uint16_t usage, uint32_t modes, char *out) {
    if (usage >= KEY_ENTER && usage <= KEY_TAB)
        return put_editing_key(keyboard, usage, modes, out);
    if (usage >= KEY_F1 && usage <= KEY_F12)
        return put_function_key(keyboard, usage, out);
    if (usage >= KEY_INSERT && usage <= KEY_UP)
        return put_named_key(keyboard, usage, modes, out);
    if (usage >= KEYPAD_DIVIDE && usage <= KEYPAD_POINT)
        return put_keypad(keyboard, usage, modes, out);
    return usage < KEYMAP_KEYS ? put_character(keyboard, usage, modes, out) : 0;
}

size_t keyboard_key(struct keyboard *keyboard, uint16_t usage, bool down, bool repeated, uint32_t modes, char *out) {
    keyboard->action = ACTION_NONE;
    if (usage >= KEY_LEFT_CONTROL && usage <= KEY_RIGHT_META) {
        uint8_t bit = (uint8_t)(1 << (usage - KEY_LEFT_CONTROL));
        keyboard->modifiers = down ? keyboard->modifiers | bit : keyboard->modifiers & (uint8_t)~bit;
        return 0;
    }
    if (!down || act(keyboard, usage))
        return 0;
    if (usage == KEY_CAPS_LOCK || usage == KEY_NUM_LOCK || usage == KEY_SCROLL_LOCK) {
        if (!repeated)
            toggle_lock(keyboard, usage);
        return 0;
    }
    if (usage == KEY_MENU) {
        keyboard->composing = !repeated || keyboard->composing;
        keyboard->pending = 0;
        return 0;
    }
    if (usage < KEYMAP_KEYS && keyboard->keymap.characters[usage][0] != 0)
        return put_character(keyboard, usage, modes, out);
    keyboard->composing = false; // a key that is no character ends what was begun
    keyboard->pending = 0;
    return put_key(keyboard, usage, modes, out);
}
