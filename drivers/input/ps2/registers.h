// The PS/2 controller (Intel 8042 and its successors): ports, commands and bits. IBM PS/2 Hardware Interface
// Technical Reference, "Keyboard and Auxiliary Device Controller"; keyboard commands from the same book.
#pragma once

enum {
    PS2_STATUS_OUTPUT_FULL = 1 << 0, // a byte for us
    PS2_STATUS_INPUT_FULL = 1 << 1,  // it has not taken our last byte yet
    PS2_STATUS_AUXILIARY = 1 << 5,   // the byte is the mouse's

    PS2_READ_CONFIGURATION = 0x20,
    PS2_WRITE_CONFIGURATION = 0x60,
    PS2_DISABLE_SECOND = 0xa7,
    PS2_ENABLE_SECOND = 0xa8,
    PS2_TEST_SECOND = 0xa9,
    PS2_SELF_TEST = 0xaa,
    PS2_TEST_FIRST = 0xab,
    PS2_DISABLE_FIRST = 0xad,
    PS2_ENABLE_FIRST = 0xae,
    PS2_TO_SECOND = 0xd4, // the next byte of data is for the mouse

    PS2_SELF_TEST_PASSED = 0x55,
    PS2_TEST_PASSED = 0x00,

    PS2_CONFIGURATION_INTERRUPT_FIRST = 1 << 0,
    PS2_CONFIGURATION_INTERRUPT_SECOND = 1 << 1,
    PS2_CONFIGURATION_DISABLE_FIRST = 1 << 4,
    PS2_CONFIGURATION_DISABLE_SECOND = 1 << 5,
    PS2_CONFIGURATION_TRANSLATE = 1 << 6, // scan code set 2 becomes set 1

    KEYBOARD_SET_LEDS = 0xed,
    KEYBOARD_SET_REPEAT = 0xf3,
    KEYBOARD_ENABLE = 0xf4,
    MOUSE_IDENTIFY = 0xf2,
    MOUSE_SET_RATE = 0xf3, // 200, 100, 80 in turn turn the wheel on (IntelliMouse)
    MOUSE_ENABLE = 0xf4,
    MOUSE_DEFAULTS = 0xf6,
    MOUSE_ID_WHEEL = 3,            // 4 has more buttons, and wheels as well
    PS2_DEVICE_TEST_PASSED = 0xaa, // what a device says when it got power; a mouse's number, 0, follows
    PS2_ACKNOWLEDGE = 0xfa,
    PS2_RESEND = 0xfe,
};
