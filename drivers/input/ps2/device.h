// The controller and the keyboard behind it: set-up with self-test, bytes in, commands out. Pure but for the
// ports. Commands to the keyboard are answered byte by byte, among the keys; they wait in a queue meanwhile.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/errors.h"

enum { PS2_COMMAND_BYTES = 16 };

struct ps2 {
    uint16_t data_port, status_port;
    uint8_t commands[PS2_COMMAND_BYTES]; // bytes to send; the first is on its way if `sending`
    uint32_t command_count;
    bool sending;
    uint32_t resends;
};

// Tests the controller and its first port and turns the keyboard on. `is_restart`: it was in use: no test, so
// no key is lost. ERR_NO_DEVICE: nothing answers; ERR_IO: a test failed.
MUST_USE error_t ps2_start(struct ps2 *ps2, uint16_t data_port, uint16_t status_port, bool is_restart);

// The next byte of the keyboard that is a scan code; false: there is none. Answers to commands are dealt with
// here.
bool ps2_read(struct ps2 *ps2, uint8_t *byte);

// Queues a command with its argument. One that finds no room is dropped.
void ps2_command(struct ps2 *ps2, uint8_t command, uint8_t argument);

// The argument of KEYBOARD_SET_REPEAT that comes closest. Milliseconds; delay 0: as slow as it can be.
uint8_t ps2_repeat_byte(uint64_t delay, uint64_t interval);
