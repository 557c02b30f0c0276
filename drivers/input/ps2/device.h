// The controller with the keyboard at its first port and the mouse at its second: set-up with self-test,
// bytes in, commands out. Pure but for the ports. Commands to a device are answered byte by byte, among its
// data; they wait in a queue meanwhile.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

enum { PS2_COMMAND_BYTES = 16 };
enum ps2_port { PS2_KEYBOARD, PS2_MOUSE, PS2_PORTS };

struct ps2 {
    uint16_t data_port, status_port;
    bool has_mouse; // the second port passed its test
    bool has_wheel; // the mouse said so
    bool set2;      // the controller does not translate the keyboard's scan codes
    bool identifying;
    uint8_t leds, repeat; // as they were set last
    struct ps2_queue {
        uint8_t commands[PS2_COMMAND_BYTES]; // bytes to send; the first is on its way if `sending`
        uint32_t command_count;
        bool sending;
        uint32_t resends;
    } queues[PS2_PORTS];
};

// Tests the controller and its ports and turns keyboard and mouse on. `is_restart`: it was in use: no test,
// so no key is lost; has_mouse, has_wheel and set2 are taken from `before`. ERR_NO_DEVICE: nothing answers;
// ERR_IO: a test failed.
MUST_USE error_t ps2_start(struct ps2 *ps2, uint16_t data_port, uint16_t status_port, const struct ps2 *before);

// The next byte of a device that is data; false: there is none. Answers to commands are dealt with here.
bool ps2_read(struct ps2 *ps2, enum ps2_port *port, uint8_t *byte);

// The device says that it has begun anew (it was plugged in, or lost its power): what waits to be sent is
// dropped, and it is set up.
void ps2_plugged(struct ps2 *ps2, enum ps2_port port);

// Queues a command with its argument. One that finds no room is dropped.
void ps2_command(struct ps2 *ps2, uint8_t command, uint8_t argument);

// The argument of KEYBOARD_SET_REPEAT that comes closest. Milliseconds; delay 0: as slow as it can be.
uint8_t ps2_repeat_byte(uint64_t delay, uint64_t interval);
