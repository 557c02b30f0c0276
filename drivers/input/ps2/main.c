// Driver of the PS/2 keyboard and mouse: claims the controller from `devices`, turns scan codes and packets
// into events, serves `input`. Wiring and the interrupts.
#include <stddef.h>

#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "drivers/input/ps2/state.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/irq.h"
#include "libipc/start/start.h"

enum { BIT_INTERRUPT = 0, BIT_MOUSE = 1, PORT_DATA = 0, PORT_STATUS = 1 };

struct keyboard_driver driver;

int server_main(const struct startup *startup);

static void add_event(struct input_event event) {
    struct keyboard_state *state = driver.state;
    event.time = clock_monotonic();
    if (state->pending_count < PENDING_EVENTS) // else nobody has listened for long
        state->pending[state->pending_count++] = event;
}

static void read_keyboard(uint8_t byte) {
    struct scan_key key;
    driver.state->decoder.set2 = driver.state->ps2.set2;
    if (scan_is_plugged(&driver.state->decoder, byte)) {
        ps2_plugged(&driver.state->ps2, PS2_KEYBOARD);
        while (scan_release(&driver.state->decoder, &key)) // the one before took them along
            add_event(
                (struct input_event){.kind = INPUT_KIND_KEY, .code = key.usage, .state = key.state, .device = DEVICE_KEYBOARD});
    } else if (scan_decode(&driver.state->decoder, byte, &key))
        add_event((struct input_event){.kind = INPUT_KIND_KEY, .code = key.usage, .state = key.state, .device = DEVICE_KEYBOARD});
}

static void read_mouse(uint8_t byte) {
    struct mouse_packet packet;
    if (!mouse_decode(&driver.state->mouse, driver.state->ps2.has_wheel, byte, &packet))
        return;
    if (packet.plugged)
        ps2_plugged(&driver.state->ps2, PS2_MOUSE);
    if (packet.x != 0 || packet.y != 0)
        add_event((struct input_event){.kind = INPUT_KIND_MOTION, .x = packet.x, .y = packet.y, .device = DEVICE_MOUSE});
    for (uint16_t button = 0; button < 3; button++)
        if (packet.changed & 1 << button)
            add_event((struct input_event){.kind = INPUT_KIND_BUTTON,
                                           .code = (uint16_t)(button + 1),
                                           .state = packet.buttons & 1 << button ? KEY_STATE_DOWN : KEY_STATE_UP,
                                           .device = DEVICE_MOUSE});
    if (packet.wheel != 0)
        add_event((struct input_event){.kind = INPUT_KIND_WHEEL, .y = packet.wheel, .device = DEVICE_MOUSE});
}

// True: there were some.
static bool read_bytes(void) {
    enum ps2_port port;
    uint8_t byte;
    bool any = false;
    for (; ps2_read(&driver.state->ps2, &port, &byte); any = true) {
        if (port == PS2_KEYBOARD)
            read_keyboard(byte);
        else
            read_mouse(byte);
    }
    keyboard_deliver();
    return any;
}

// The line is masked from its interrupt to the acknowledgement, and an edge in between would be lost: so look
// again after.
static void interrupt(void *argument, uint32_t bit) {
    (void)argument;
    bool any = read_bytes();
    driver_acknowledge(bit == BIT_MOUSE ? driver.mouse_irq : driver.irq, any);
    (void)read_bytes();
}

static error_t dispatch(struct request *request) {
    return input_dispatch(&keyboard_input_ops, request); // it refuses other protocols
}

static bool claimed(cap_t slot) {
    return slot == driver.state->memory || slot == driver.state->client;
}

static void open_state(void) {
    struct keyboard_state *state = driver.state;
    if (state->magic == KEYBOARD_STATE_MAGIC && state->version == KEYBOARD_STATE_VERSION &&
        state->pending_count <= PENDING_EVENTS)
        return;
    *state = (struct keyboard_state){.magic = KEYBOARD_STATE_MAGIC, .version = KEYBOARD_STATE_VERSION};
}

static error_t start_device(bool is_restart) {
    uint16_t data, status, count;
    const struct ps2 before = driver.state->ps2;
    error_t error = device_claim(startup_capability("device"), 0, &driver.device);
    if (error == ERR_OK)
        error = driver_attach_ports(driver.device, PORT_DATA, &data, &count);
    if (error == ERR_OK)
        error = driver_attach_ports(driver.device, PORT_STATUS, &status, &count);
    if (error == ERR_OK)
        error = ps2_start(&driver.state->ps2, data, status, is_restart ? &before : NULL);
    if (error == ERR_OK)
        error = driver_bind_interrupt(driver.device, 0, INTERRUPT_KIND_LINE, driver.server.notification,
                                      UINT64_C(1) << BIT_INTERRUPT, &driver.irq);
    if (error == ERR_OK && driver.state->ps2.has_mouse &&
        driver_bind_interrupt(driver.device, 1, INTERRUPT_KIND_LINE, driver.server.notification, UINT64_C(1) << BIT_MOUSE,
                              &driver.mouse_irq) != ERR_OK)
        report_line(REPORT_WARNING, "the mouse has no interrupt");
    return error;
}

int server_main(const struct startup *startup) {
    struct server *server = &driver.server;
    void *state;
    report_set_name(startup->name);
    uint64_t bytes = (sizeof(struct keyboard_state) + 4095) / 4096 * 4096;
    if (driver_map(startup_capability("state"), bytes, &state) != ERR_OK)
        return 1;
    driver.state = state;
    open_state();
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    if (startup->is_restart != 0)
        driver_reconcile(claimed);
    if (driver.state->memory != 0 && keyboard_open_ring() != ERR_OK)
        report_line(REPORT_WARNING, "the ring of the actor before is lost");
    error_t error = start_device(startup->is_restart != 0 && driver.state->ps2.data_port != 0);
    if (error != ERR_OK) {
        report_line(REPORT_ERROR, error == ERR_IO ? "the controller failed its self-test" : "there is no keyboard");
        return 1;
    }
    server_on_bit(server, BIT_INTERRUPT, interrupt, NULL);
    if (driver.mouse_irq != 0)
        server_on_bit(server, BIT_MOUSE, interrupt, NULL);
    interrupt(NULL, BIT_INTERRUPT); // what came between the set-up and the binding
    return server_run(server) == ERR_OK ? 0 : 1;
}
