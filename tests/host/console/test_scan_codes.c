// Scan codes to keys, and the controller's set-up and commands on a model of it.
#include <string.h>

#include "drivers/input/ps2/device.h"
#include "drivers/input/ps2/mouse.h"
#include "drivers/input/ps2/registers.h"
#include "drivers/input/ps2/scan_codes.h"
#include "libipc/protocols/input.h"
#include "tests/host/cmocka_test.h"
#include "tests/host/console/model_ports.h"

struct wanted {
    uint16_t usage;
    uint32_t state;
};

static void check(const uint8_t *bytes, size_t count, const struct wanted *wanted, size_t keys) {
    struct scan_decoder decoder = {0};
    struct scan_key key;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!scan_decode(&decoder, bytes[i], &key))
            continue;
        assert_true(found < keys);
        assert_int_equal(key.usage, wanted[found].usage);
        assert_int_equal(key.state, wanted[found].state);
        found++;
    }
    assert_int_equal(found, keys);
}

#define CHECK(bytes, ...)                                                                                                        \
    do {                                                                                                                         \
        static const struct wanted wanted[] = {__VA_ARGS__};                                                                     \
        check((const uint8_t *)(bytes), sizeof(bytes) - 1, wanted, sizeof(wanted) / sizeof(wanted[0]));                          \
    } while (0)

static void test_decode(void **state) {
    (void)state;
    CHECK("\x1e\x9e", {4, KEY_STATE_DOWN}, {4, KEY_STATE_UP});
    CHECK("\x1e\x1e\x1e\x9e", {4, KEY_STATE_DOWN}, {4, KEY_STATE_REPEAT}, {4, KEY_STATE_REPEAT}, {4, KEY_STATE_UP});
    CHECK("\xe0\x48\xe0\xc8", {82, KEY_STATE_DOWN}, {82, KEY_STATE_UP});
    CHECK("\x48\xc8", {96, KEY_STATE_DOWN}, {96, KEY_STATE_UP});
    CHECK("\xe0\x2a\xe0\x37\xe0\xb7\xe0\xaa", {70, KEY_STATE_DOWN}, {70, KEY_STATE_UP});
    CHECK("\xe1\x1d\x45\xe1\x9d\xc5\x1e", {72, KEY_STATE_DOWN}, {4, KEY_STATE_DOWN});
    CHECK("\x1d\xe0\x1d", {0xe0, KEY_STATE_DOWN}, {0xe4, KEY_STATE_DOWN});
    CHECK("\x38\xe0\x38", {0xe2, KEY_STATE_DOWN}, {0xe6, KEY_STATE_DOWN});
    CHECK("\x01\x0e\x0f\x1c\x39\x3a", {41, 1}, {42, 1}, {43, 1}, {40, 1}, {44, 1}, {57, 1});
    CHECK("\x02\x0b\x10\x2c\x3b\x44\x57\x58", {30, 1}, {39, 1}, {20, 1}, {29, 1}, {58, 1}, {67, 1}, {68, 1}, {69, 1});
    CHECK("\x9e\x1e", {4, KEY_STATE_DOWN}); // a release without a press is not told
    CHECK("\x7f\xff\xe0\x01\x1e", {4, KEY_STATE_DOWN});
}

static void test_any_bytes(void **state) {
    (void)state;
    struct scan_decoder decoder = {0};
    struct scan_key key;
    uint32_t random = 1;
    for (int i = 0; i < 100000; i++) {
        random = random * 1664525 + 1013904223;
        if (scan_decode(&decoder, (uint8_t)(random >> 24), &key))
            assert_true(key.usage > 0 && key.usage < 256 && key.state <= KEY_STATE_REPEAT);
    }
}

// A controller with a keyboard: answers at once.
static struct {
    uint8_t output[64], configuration, test, wrote[64], expects;
    size_t output_count, wrote_count;
    bool configuration_next, mute, second, to_second, no_translation;
    uint8_t mouse[64]; // bytes that the mouse was sent
    size_t mouse_count;
    bool from_mouse; // what waits is the mouse's
} model;

static void model_put(uint8_t byte) {
    model.output[model.output_count++] = byte;
}

static uint8_t read_port(uint16_t port) {
    if (port == 0x64)
        return (uint8_t)((model.output_count > 0 ? PS2_STATUS_OUTPUT_FULL : 0) | (model.from_mouse ? PS2_STATUS_AUXILIARY : 0));
    if (model.output_count == 0)
        return 0xff;
    uint8_t byte = model.output[0];
    memmove(model.output, model.output + 1, --model.output_count);
    return byte;
}

static void write_port(uint16_t port, uint8_t value) {
    if (model.mute)
        return;
    if (port == 0x60) {
        if (model.configuration_next)
            model.configuration = model.no_translation ? value & (uint8_t)~PS2_CONFIGURATION_TRANSLATE : value;
        else if (model.to_second)
            model.mouse[model.mouse_count++] = value;
        else
            model.wrote[model.wrote_count++] = value;
        model.configuration_next = model.to_second = false;
        return;
    }
    if (value == PS2_SELF_TEST)
        model_put(model.test);
    else if (value == PS2_TEST_FIRST)
        model_put(0);
    else if (value == PS2_TEST_SECOND && model.second)
        model_put(0);
    else if (value == PS2_READ_CONFIGURATION)
        model_put(model.configuration);
    model.configuration_next = value == PS2_WRITE_CONFIGURATION;
    model.to_second = value == PS2_TO_SECOND;
}

static error_t start(struct ps2 *ps2, bool is_restart) {
    memset(&model, 0, sizeof(model));
    model.test = PS2_SELF_TEST_PASSED;
    model.configuration = PS2_CONFIGURATION_INTERRUPT_SECOND | PS2_CONFIGURATION_DISABLE_FIRST;
    model_read = read_port;
    model_write = write_port;
    static const struct ps2 before;
    return ps2_start(ps2, 0x60, 0x64, is_restart ? &before : NULL);
}

static void test_start(void **state) {
    (void)state;
    struct ps2 ps2;
    uint8_t byte;
    enum ps2_port port;
    assert_int_equal(start(&ps2, false), ERR_OK);
    assert_int_equal(model.configuration, PS2_CONFIGURATION_INTERRUPT_FIRST | PS2_CONFIGURATION_TRANSLATE);
    assert_int_equal(model.wrote_count, 1);
    assert_int_equal(model.wrote[0], KEYBOARD_ENABLE);
    model_put(PS2_ACKNOWLEDGE);
    model_put(0x1e); // a key between the answers
    assert_true(ps2_read(&ps2, &port, &byte));
    assert_int_equal(byte, 0x1e);
    assert_int_equal(model.wrote[1], KEYBOARD_SET_LEDS);
    model_put(PS2_RESEND);
    assert_false(ps2_read(&ps2, &port, &byte));
    assert_int_equal(model.wrote[2], KEYBOARD_SET_LEDS);
    model_put(PS2_ACKNOWLEDGE);
    assert_false(ps2_read(&ps2, &port, &byte));
    assert_int_equal(model.wrote[3], 0);
    model_put(PS2_ACKNOWLEDGE);
    assert_false(ps2_read(&ps2, &port, &byte));
    ps2_command(&ps2, KEYBOARD_SET_LEDS, 4);
    assert_int_equal(model.wrote_count, 5);
}

static void test_restart_keeps_bytes(void **state) {
    (void)state;
    struct ps2 ps2;
    uint8_t byte;
    enum ps2_port port;
    model_read = read_port;
    assert_int_equal(start(&ps2, true), ERR_OK);
    model_put(0x1e);
    assert_int_equal(ps2_start(&ps2, 0x60, 0x64, &ps2), ERR_OK);
    assert_true(ps2_read(&ps2, &port, &byte));
    assert_int_equal(byte, 0x1e);
}

static void test_absent(void **state) {
    (void)state;
    struct ps2 ps2;
    assert_int_equal(start(&ps2, false), ERR_OK);
    model.mute = true;
    model.output_count = 0;
    assert_int_equal(ps2_start(&ps2, 0x60, 0x64, NULL), ERR_NO_DEVICE);
    model.mute = false;
    model.test = 0xfc;
    assert_int_equal(ps2_start(&ps2, 0x60, 0x64, NULL), ERR_IO);
}

// The wheel is turned on, and then packets have four bytes.
static void test_mouse_is_set_up(void **state) {
    (void)state;
    static const uint8_t wanted[] = {MOUSE_DEFAULTS, MOUSE_SET_RATE, 200, MOUSE_SET_RATE, 100, MOUSE_SET_RATE, 80,
                                     MOUSE_IDENTIFY, MOUSE_ENABLE};
    struct ps2 ps2;
    uint8_t byte;
    enum ps2_port port;
    memset(&model, 0, sizeof(model));
    model.test = PS2_SELF_TEST_PASSED;
    model.second = true;
    model_read = read_port;
    model_write = write_port;
    assert_int_equal(ps2_start(&ps2, 0x60, 0x64, NULL), ERR_OK);
    assert_true(ps2.has_mouse);
    assert_true(model.configuration & PS2_CONFIGURATION_INTERRUPT_SECOND);
    model.from_mouse = true;
    for (size_t i = 0; i < sizeof(wanted); i++) {
        assert_int_equal(model.mouse_count, i + 1);
        assert_int_equal(model.mouse[i], wanted[i]);
        model_put(PS2_ACKNOWLEDGE);
        if (wanted[i] == MOUSE_IDENTIFY)
            model_put(MOUSE_ID_WHEEL);
        assert_false(ps2_read(&ps2, &port, &byte));
    }
    assert_true(ps2.has_wheel);
    model_put(PS2_ACKNOWLEDGE); // data now
    assert_true(ps2_read(&ps2, &port, &byte));
    assert_int_equal(port, PS2_MOUSE);
}

static void test_no_translation(void **state) {
    (void)state;
    struct ps2 ps2;
    memset(&model, 0, sizeof(model));
    model.test = PS2_SELF_TEST_PASSED;
    model.no_translation = true;
    assert_int_equal(ps2_start(&ps2, 0x60, 0x64, NULL), ERR_OK);
    assert_true(ps2.set2);
    assert_false(ps2.has_mouse);
}

static void test_set2(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t count;
        uint16_t usage;
        uint32_t state;
    } codes[] = {
        {{0x1c}, 1, 4, KEY_STATE_DOWN},
        {{0x1c}, 1, 4, KEY_STATE_REPEAT},
        {{0xf0, 0x1c}, 2, 4, KEY_STATE_UP},
        {{0xe0, 0x75}, 2, 0x52, KEY_STATE_DOWN},
        {{0xe0, 0xf0, 0x75}, 3, 0x52, KEY_STATE_UP},
        {{0x83}, 1, 0x40, KEY_STATE_DOWN},
        {{0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}, 8, 0x48, KEY_STATE_DOWN},
        {{0x76}, 1, 0x29, KEY_STATE_DOWN},
    };
    struct scan_decoder decoder = {.set2 = true};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct scan_key key;
        for (size_t at = 0; at + 1 < codes[i].count; at++)
            assert_false(scan_decode(&decoder, codes[i].bytes[at], &key));
        assert_true(scan_decode(&decoder, codes[i].bytes[codes[i].count - 1], &key));
        assert_int_equal(key.usage, codes[i].usage);
        assert_int_equal(key.state, codes[i].state);
    }
}

static void test_mouse_packets(void **state) {
    (void)state;
    struct mouse_decoder decoder = {0};
    struct mouse_packet packet;
    assert_false(mouse_decode(&decoder, true, 0x00, &packet)); // no beginning of a packet
    assert_false(mouse_decode(&decoder, true, 0x09, &packet));
    assert_false(mouse_decode(&decoder, true, 5, &packet));
    assert_false(mouse_decode(&decoder, true, 3, &packet));
    assert_true(mouse_decode(&decoder, true, 0xff, &packet));
    assert_int_equal(packet.x, 5);
    assert_int_equal(packet.y, -3); // PS/2 counts upwards
    assert_int_equal(packet.wheel, -1);
    assert_int_equal(packet.changed, 1);
    assert_int_equal(packet.buttons, 1);
    const uint8_t back[] = {0x38, 0xff, 0xfe};
    assert_false(mouse_decode(&decoder, false, back[0], &packet));
    assert_false(mouse_decode(&decoder, false, back[1], &packet));
    assert_true(mouse_decode(&decoder, false, back[2], &packet));
    assert_int_equal(packet.x, -1);
    assert_int_equal(packet.y, 2);
    assert_int_equal(packet.changed, 1);
    assert_int_equal(packet.buttons, 0);
}

static void test_repeat(void **state) {
    (void)state;
    assert_int_equal(ps2_repeat_byte(500, 92), 0x2b); // 10.9 a second
    assert_int_equal(ps2_repeat_byte(250, 33), 0x00); // 30 a second
    assert_int_equal(ps2_repeat_byte(1000, 500), 0x7f);
}

// A keyboard that answers nothing, goes, and comes back: what waited is dropped, keys are let go, it is set up.
static void test_keyboard_is_plugged_in(void **state) {
    (void)state;
    static const uint8_t wanted[] = {KEYBOARD_ENABLE, KEYBOARD_SET_LEDS, 5, KEYBOARD_SET_REPEAT, 0x20};
    struct ps2 ps2;
    struct scan_decoder decoder = {0};
    struct scan_key key;
    uint8_t byte;
    enum ps2_port port;
    assert_int_equal(start(&ps2, false), ERR_OK);
    ps2_command(&ps2, KEYBOARD_SET_LEDS, 5);
    ps2_command(&ps2, KEYBOARD_SET_REPEAT, 0x20);
    assert_int_equal(model.wrote_count, 1); // it waits for an answer
    assert_true(scan_decode(&decoder, 0x1e, &key));
    assert_true(scan_decode(&decoder, 0x2a, &key));
    assert_false(scan_is_plugged(&decoder, 0xaa)); // left shift goes up
    assert_true(scan_decode(&decoder, 0xaa, &key));
    assert_true(scan_is_plugged(&decoder, 0xaa));
    assert_true(scan_release(&decoder, &key));
    assert_int_equal(key.usage, 4);
    assert_int_equal(key.state, KEY_STATE_UP);
    assert_false(scan_release(&decoder, &key));
    assert_false(scan_decode(&decoder, 0xe0, &key));
    assert_false(scan_is_plugged(&decoder, 0xaa));
    ps2_plugged(&ps2, PS2_KEYBOARD);
    for (size_t i = 0; i < sizeof(wanted); i++) {
        assert_int_equal(model.wrote_count, i + 2);
        assert_int_equal(model.wrote[i + 1], wanted[i]);
        model_put(PS2_ACKNOWLEDGE);
        assert_false(ps2_read(&ps2, &port, &byte));
    }
}

// In the midst of a packet, with a button down.
static void test_mouse_is_plugged_in(void **state) {
    (void)state;
    struct ps2 ps2;
    struct mouse_decoder decoder = {0};
    struct mouse_packet packet;
    assert_false(mouse_decode(&decoder, true, 0x09, &packet));
    assert_false(mouse_decode(&decoder, true, 5, &packet));
    assert_false(mouse_decode(&decoder, true, 3, &packet));
    assert_true(mouse_decode(&decoder, true, 0, &packet));
    assert_false(packet.plugged);
    assert_false(mouse_decode(&decoder, true, 0xaa, &packet));
    assert_true(mouse_decode(&decoder, true, 0x00, &packet));
    assert_true(packet.plugged);
    assert_int_equal(packet.changed, 1);
    assert_int_equal(packet.buttons, 0);
    assert_false(mouse_decode(&decoder, false, 0x08, &packet)); // packets begin anew
    assert_int_equal(start(&ps2, false), ERR_OK);
    ps2.has_mouse = ps2.has_wheel = true;
    ps2_plugged(&ps2, PS2_MOUSE);
    assert_false(ps2.has_wheel); // until it says so
    assert_int_equal(model.mouse_count, 1);
    assert_int_equal(model.mouse[0], MOUSE_DEFAULTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_set2),
        cmocka_unit_test(test_mouse_packets),
        cmocka_unit_test(test_mouse_is_set_up),
        cmocka_unit_test(test_no_translation),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_restart_keeps_bytes),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_keyboard_is_plugged_in),
        cmocka_unit_test(test_mouse_is_plugged_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
