// The server `console`: wiring. State memory, the terminals, their devices, the loop.
#include <string.h>

#include "drivers/framework/driver.h"
#include "kernel/abi/capability.h"
#include "libipc/client/system_call.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"
#include "servers/console/handover.h"
#include "servers/console/state.h"

enum { LEVEL_WARNING = 2 };

struct console console;

int server_main(const struct startup *startup);

static error_t op_open(struct request *request, const struct directory_open_in *in, struct directory_open_out *out) {
    return stream_open(&console.state->streams, request, in, out);
}

static error_t dispatch(struct request *request) {
    static const struct directory_ops directory_ops = {.open = op_open};
    switch (request_protocol(request)) {
    case PROTOCOL_FILE:
        return file_dispatch(&console_file_ops, request);
    case PROTOCOL_TERMINAL:
        return terminal_dispatch(&console_terminal_ops, request);
    case PROTOCOL_DIRECTORY:
        return directory_dispatch(&directory_ops, request);
    default:
        return ERR_BAD_METHOD;
    }
}

static void session_closed(uint64_t badge) {
    const struct stream_file *file = stream_file_find(&console.state->streams, badge);
    uint32_t unit = file != NULL ? file->unit : UINT32_MAX;
    stream_file_closed(&console.state->streams, badge);
    if (unit_is_master(unit) || unit_is_pair(unit))
        pair_closed(unit);
}

// Sessions that the manifest hands out "as serial" are the serial terminal, "as tty2" to "as tty6" the other
// screens, all others the first.
static uint32_t unit_of(uint64_t badge) {
    char name[] = "tty0";
    if (badge == startup_badge("serial"))
        return TERMINAL_SERIAL;
    for (uint32_t unit = 1; unit < SCREENS; unit++) {
        name[3] = (char)('1' + unit);
        if (badge == startup_badge(name))
            return unit;
    }
    return 0;
}

void console_warn(const char *text) {
    error_t ignored = kernel_log_write(SLOT_KERNEL, LEVEL_WARNING, text, strlen(text));
    (void)ignored;
}

// *size: bytes of state memory.
static error_t map_state(uint64_t *size) {
    cap_t state = startup_capability("state");
    uint64_t address = 0;
    error_t error = memory_information(state, size, NULL, NULL);
    if (error == ERR_OK)
        error = kept_map(state, *size, &address);
    console.state = (struct console_state *)address;
    return error;
}

static void open_state(bool *is_restart) {
    struct console_state *state = console.state;
    *is_restart = *is_restart && state->magic == CONSOLE_STATE_MAGIC && state->version == CONSOLE_STATE_VERSION;
    if (!*is_restart) {
        memset(state->terminals, 0, sizeof(state->terminals));
        memset(&state->keyboard, 0, sizeof(state->keyboard));
        memset(&state->serial, 0, sizeof(state->serial));
        state->keys = 0;
        state->front = 0;
        for (uint32_t i = 0; i < TERMINALS; i++)
            state->terminals[i].window = (struct window_size){.rows = 24, .columns = 80};
    }
    for (uint32_t i = 0; i < TERMINALS; i++) {
        terminal_start(i, &state->terminals[i], *is_restart);
        console.terminals[i].shown = *is_restart && state->terminals[i].session != 0;
    }
    console.terminals[TERMINAL_SERIAL].output = &state->serial;
}

// Of what an actor before held: the sessions of the manifest are listed, all else is made anew.
static bool claimed(cap_t slot) {
    return slot == console.state->keys || stream_claims(&console.state->streams, slot);
}

// What the screen shows may be older or newer than what it should. Requests that wait come first.
static void resumed(void) {
    screen_resumed();
    serial_go_on(); // the actor before may have been about to hand over
    serial_wake();
}

// From the loop, which fibers need.
static void start_devices(void *argument, uint32_t bit) {
    static bool started;
    (void)argument;
    (void)bit;
    if (!started && (serial_start() != ERR_OK || keys_start() != ERR_OK))
        console_warn("console: a device can't be used, memory is short");
    started = true;
    for (uint32_t i = 0; i < TERMINAL_PAIRS; i++)
        stream_notify(&console.state->streams, i);
    screen_wake();
}

error_t console_begin(void) {
    return notification_signal(console.server.notification, UINT64_C(1) << BIT_START);
}

int server_main(const struct startup *startup) {
    struct server *server = &console.server;
    bool is_restart = startup->is_restart != 0;
    uint64_t size;
    server_hands_over(server, NULL, console_give, console_take);
    bool takes_over = server_takes_over(server, startup);
    if (map_state(&size) != ERR_OK || size < sizeof(struct console_state))
        return 1;
    server->endpoint = startup_capability("endpoint");
    server->notification = startup_capability("notification");
    server->dispatch = dispatch;
    server->session_closed = session_closed;
    server->resumed = resumed;
    console.serial = startup_capability("serial");
    console.input = startup_capability("input");
    console.task = startup_capability("task");
    open_state(&is_restart);
    stream_server_start(&console.state->streams, is_restart);
    console.state->streams.server = server;
    console.state->streams.unit_of = unit_of;
    console.state->streams.readiness = terminal_readiness;
    if (startup->is_restart != 0 && !takes_over)
        driver_reconcile(claimed);
    if (file_start() != ERR_OK)
        return 1;
    if (screen_start() != ERR_OK)
        console_warn("console: there is no usable screen");
    console.state->version = CONSOLE_STATE_VERSION;
    console.state->magic = CONSOLE_STATE_MAGIC;
    server_on_bit(server, BIT_START, start_devices, NULL);
    if (!takes_over && console_begin() != ERR_OK) // else it begins with what it is handed
        return 1;
    return server_run(server) == ERR_OK ? 0 : 1;
}
