// Driver of a 16550 UART: claims its port from `devices`, serves `file`. Wiring and the interrupt only.
#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "drivers/serial/uart16550/state.h"
#include "kernel/abi/capability.h"
#include "libipc/include/pages.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"

enum { BIT_INTERRUPT = 0 };

struct serial serial;

int server_main(const struct startup *startup);

void serial_service(void) {
    const struct uart_state *state = serial.uart.state;
    uart_service(&serial.uart);
    if (byte_queue_filled(&state->input) > 0)
        fiber_wake_all(&serial.readers);
    if (byte_queue_room(&state->output) > 0)
        fiber_wake_all(&serial.writers);
    stream_notify(&serial.state->streams, 0);
}

// The line is masked from its interrupt to the acknowledgement, and an edge in between would be lost: so look
// again after.
static void interrupt(void *argument, uint32_t bit) {
    (void)argument;
    (void)bit;
    serial_service();
    driver_acknowledge(serial.irq, uart_had_cause(&serial.uart));
    serial_service();
}

static error_t dispatch(struct request *request) {
    switch (request_protocol(request)) {
    case PROTOCOL_FILE:
        return file_dispatch(&serial_file_ops, request);
    case PROTOCOL_DIRECTORY:
        return directory_dispatch(&serial_directory_ops, request);
    default:
        return ERR_BAD_METHOD;
    }
}

static uint32_t unit_of(uint64_t badge) {
    (void)badge;
    return 0;
}

static void session_closed(uint64_t badge) {
    stream_file_closed(&serial.state->streams, badge);
}

// The device is claimed anew; those who wait in poll stay.
static bool claimed(cap_t slot) {
    return stream_claims(&serial.state->streams, slot);
}

static error_t refuse(struct request *request) {
    (void)request;
    return ERR_NO_DEVICE_ADDRESS;
}

static error_t open_state(void) {
    void *state;
    uint64_t bytes = (sizeof(struct serial_state) + 4095) / 4096 * 4096;
    error_t error = driver_map(startup_capability("state"), bytes, &state);
    if (error != ERR_OK)
        return error;
    serial.state = state;
    pages_touch(state, sizeof(struct serial_state));
    if (uart_state_sound(&serial.state->uart))
        answers_settle(&serial.state->answers, &serial.state->uart);
    else
        serial.state->answers = (struct serial_answers){0};
    stream_server_start(&serial.state->streams, uart_state_sound(&serial.state->uart));
    serial.state->streams.server = &serial.server;
    serial.state->streams.unit_of = unit_of;
    serial.state->streams.readiness = serial_readiness;
    return ERR_OK;
}

static error_t start_device(cap_t notification) {
    uint16_t first, count;
    error_t error = device_claim(startup_capability("device"), 0, &serial.device);
    if (error == ERR_OK)
        error = driver_attach_ports(serial.device, 0, &first, &count);
    if (error == ERR_OK)
        uart_start(&serial.uart, first, &serial.state->uart);
    if (error == ERR_OK)
        error =
            driver_bind_interrupt(serial.device, 0, INTERRUPT_KIND_LINE, notification, UINT64_C(1) << BIT_INTERRUPT, &serial.irq);
    return error;
}

int server_main(const struct startup *startup) {
    struct server *server = &serial.server;
    report_set_name(startup->name);
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    server->session_closed = session_closed;
    error_t error = open_state();
    if (error == ERR_OK && startup->is_restart)
        driver_reconcile(claimed);
    if (error == ERR_OK)
        error = start_device(server->notification);
    if (error == ERR_NOT_FOUND) { // then every opening of it must be refused, not wait for ever
        report_line(REPORT_INFORMATION, "this machine has no such port");
        server->dispatch = refuse;
        server->session_closed = NULL;
        return server_run(server) == ERR_OK ? 0 : 1;
    }
    if (error != ERR_OK) {
        report_line(REPORT_ERROR, "the port can't be set up");
        return 1;
    }
    server_on_bit(server, BIT_INTERRUPT, interrupt, NULL);
    interrupt(NULL, BIT_INTERRUPT); // what came between the set-up and the binding
    return server_run(server) == ERR_OK ? 0 : 1;
}
