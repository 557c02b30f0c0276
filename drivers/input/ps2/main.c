// Driver of the PS/2 keyboard: claims the controller from `devices`, turns scan codes into events, serves
// `input`. Wiring and the interrupt.
#include <stddef.h>

#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "drivers/input/ps2/state.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/irq.h"
#include "libipc/start/start.h"

enum { BIT_INTERRUPT = 0, PORT_DATA = 0, PORT_STATUS = 1 };

struct keyboard_driver driver;

int server_main(const struct startup *startup);

static void add_event(const struct scan_key *key) {
    struct keyboard_state *state = driver.state;
    if (state->pending_count == PENDING_EVENTS)
        return; // nobody has listened for long
    state->pending[state->pending_count++] = (struct input_event){
        .time = clock_monotonic(), .kind = INPUT_KIND_KEY, .code = key->usage, .state = key->state};
}

static void read_keys(void) {
    uint8_t byte;
    struct scan_key key;
    while (ps2_read(&driver.ps2, &byte))
        if (scan_decode(&driver.state->decoder, byte, &key))
            add_event(&key);
    keyboard_deliver();
}

// The line is masked from its interrupt to the acknowledgement, and an edge in between would be lost: so look
// again after.
static void interrupt(void *argument, uint32_t bit) {
    (void)argument;
    (void)bit;
    read_keys();
    error_t ignored = irq_acknowledge(driver.irq);
    (void)ignored;
    read_keys();
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
    error_t error = device_claim(startup_capability("device"), 0, &driver.device);
    if (error == ERR_OK)
        error = driver_attach_ports(driver.device, PORT_DATA, &data, &count);
    if (error == ERR_OK)
        error = driver_attach_ports(driver.device, PORT_STATUS, &status, &count);
    if (error == ERR_OK)
        error = ps2_start(&driver.ps2, data, status, is_restart);
    if (error == ERR_OK)
        error = driver_bind_interrupt(driver.device, 0, INTERRUPT_KIND_LINE, driver.server.notification,
                                      UINT64_C(1) << BIT_INTERRUPT, &driver.irq);
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
    error_t error = start_device(startup->is_restart != 0);
    if (error != ERR_OK) {
        report_line(REPORT_ERROR,
                    error == ERR_IO ? "the controller failed its self-test" : "there is no keyboard");
        return 1;
    }
    server_on_bit(server, BIT_INTERRUPT, interrupt, NULL);
    interrupt(NULL, BIT_INTERRUPT); // what came between the set-up and the binding
    return server_run(server) == ERR_OK ? 0 : 1;
}
