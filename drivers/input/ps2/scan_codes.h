// Scan codes of set 1 or 2 to keys (USB HID usages, page 7). Pure: one byte at a time; knows which keys are
// down, so that it can tell a repetition from a press. Tested on the host.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct scan_decoder {
    bool set2;           // the keyboard sends set 2; else set 1
    bool releasing;      // set 2: 0xf0 has come
    uint8_t prefix;      // 0, 0xe0 or 0xe1
    uint8_t pause_bytes; // of the pause key's sequence that are still to come
    uint8_t down[32];    // bit per usage
};

struct scan_key {
    uint16_t usage;
    uint32_t state; // enum key_state of input.idl
};

// True: it is no key, but what a keyboard says that has just got power. Asked before scan_decode.
bool scan_is_plugged(const struct scan_decoder *decoder, uint8_t byte);
// Lets go of one of the keys that are down; false: there is none.
bool scan_release(struct scan_decoder *decoder, struct scan_key *key);

// True: the byte completes a key.
bool scan_decode(struct scan_decoder *decoder, uint8_t byte, struct scan_key *key);
