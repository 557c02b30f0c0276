// Packets of a PS/2 mouse to movements and buttons (Microsoft IntelliMouse: a fourth byte for the wheel).
// Pure: one byte at a time; finds the beginning of a packet again if a byte was lost. Tested on the host.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mouse_decoder {
    uint8_t count; // bytes of the packet that are here
    uint8_t bytes[4];
    uint8_t buttons; // bit per button that is down: left, right, middle
};

struct mouse_packet {
    int16_t x, y;    // to the right, downwards
    int16_t wheel;   // towards the user
    uint8_t buttons; // as above
    uint8_t changed; // buttons that changed
    bool plugged;    // the mouse has just got power, and is to be set up; its buttons are up
};

// True: the byte completes a packet. `has_wheel`: packets have four bytes, else three.
bool mouse_decode(struct mouse_decoder *decoder, bool has_wheel, uint8_t byte, struct mouse_packet *packet);
