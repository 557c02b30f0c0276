// What the parts of the driver of keyboard and mouse share. One thread, no waits. In state memory lies what
// was decoded and not handed over, and whom the keys go to.
#pragma once

#include "drivers/input/ps2/device.h"
#include "drivers/input/ps2/mouse.h"
#include "drivers/input/ps2/scan_codes.h"
#include "libipc/protocols/input_server.h"
#include "libipc/server/server.h"
#include "libipc/transfer/ring.h"

enum { PENDING_EVENTS = 256, KEYBOARD_STATE_VERSION = 3 };

#define KEYBOARD_STATE_MAGIC UINT64_C(0x3273707379656b) // "keysps2"

struct keyboard_state {
    uint64_t magic;
    uint32_t version;
    uint32_t pending_count;
    cap_t memory, client; // of the ring and of whom to tell, 0: nobody yet
    uint64_t entries, bits;
    struct scan_decoder decoder;
    struct mouse_decoder mouse;
    struct ps2 ps2;
    struct input_event pending[PENDING_EVENTS]; // oldest first; not in the ring yet
};

struct keyboard_driver {
    struct server server;
    struct keyboard_state *state;
    struct ring ring; // shared NULL: nobody is attached
    uint64_t ring_address, ring_length;
    cap_t device, irq, mouse_irq; // mouse_irq 0: there is no mouse
};

enum { DEVICE_KEYBOARD = 0, DEVICE_MOUSE = 1 };

extern struct keyboard_driver driver;
extern const struct input_ops keyboard_input_ops;

// Maps the ring that `state` names. On error nobody is attached.
MUST_USE error_t keyboard_open_ring(void);
// Moves pending events into the ring and tells the client.
void keyboard_deliver(void);
