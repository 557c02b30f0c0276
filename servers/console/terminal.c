// A terminal: line discipline in the middle, programs on one side, a device on the other. The device of the
// first is the screen, which takes everything at once; that of the second the serial port, behind a queue.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/task.h"
#include "servers/console/state.h"

enum { SIGNAL_WINDOW = 28, OUTPUT_SERIAL = 1, OUTPUT_SCREEN = 2, SIGNAL_BITS = 8, GROUP_BITS = 32 };

struct terminal *terminal_of(const struct request *request) {
    const struct stream_file *file = stream_file_find(&console.state->streams, request->badge);
    return file != NULL && file->unit < TERMINALS ? &console.terminals[file->unit] : NULL;
}

void terminal_start(uint32_t unit, struct terminal_state *state, bool is_restart) {
    struct terminal *terminal = &console.terminals[unit];
    terminal->unit = unit;
    terminal->state = state;
    if (!is_restart)
        line_initialize(&state->line, &console_line_events, terminal);
    state->line.events = &console_line_events;
    state->line.context = terminal;
}

void terminal_input(struct terminal *terminal, const char *bytes, size_t count) {
    line_input(&terminal->state->line, bytes, count);
    if (!line_readable(&terminal->state->line))
        return;
    fiber_wake_all(&terminal->readers);
    stream_notify(&console.state->streams, terminal->unit);
}

void terminal_show(struct terminal *terminal) {
    if (terminal->shown)
        return;
    terminal->shown = true;
    error_t ignored = kernel_release_console(SLOT_KERNEL, terminal->unit == TERMINAL_SCREEN ? OUTPUT_SCREEN
                                                                                            : OUTPUT_SERIAL);
    (void)ignored; // without the right both write
    if (terminal->unit == TERMINAL_SCREEN)
        screen_show();
    else
        serial_wake();
}

static uint32_t output_filled(const struct terminal_state *state) {
    return state->output_tail - state->output_head;
}

size_t terminal_room(const struct terminal *terminal) {
    if (terminal->state->line.stopped)
        return 0;
    return terminal->unit == TERMINAL_SCREEN ? sizeof(terminal->out)
                                             : OUTPUT_BYTES - output_filled(terminal->state);
}

void terminal_put(struct terminal *terminal, const char *bytes, size_t count) {
    struct terminal_state *state = terminal->state;
    if (count == 0)
        return;
    terminal_show(terminal);
    if (terminal->unit == TERMINAL_SCREEN) {
        screen_put(bytes, count);
        return;
    }
    for (size_t i = 0; i < count && output_filled(state) < OUTPUT_BYTES; i++)
        state->output[state->output_tail++ % OUTPUT_BYTES] = bytes[i];
    serial_wake();
}

bool terminal_is_drained(const struct terminal *terminal) {
    return terminal->unit == TERMINAL_SCREEN || output_filled(terminal->state) == 0;
}

uint64_t terminal_readiness(uint32_t unit) {
    const struct terminal *terminal = &console.terminals[unit];
    return (line_readable(&terminal->state->line) ? READINESS_READ : 0) |
           (terminal_room(terminal) > 0 ? READINESS_WRITE : 0);
}

// On a fiber of its own: keys arrive where nothing can wait.
static void send_signal(void *argument) {
    uint64_t packed = (uint64_t)(uintptr_t)argument;
    struct terminal *terminal = &console.terminals[packed >> (SIGNAL_BITS + GROUP_BITS)];
    error_t ignored =
        task_kill_group(console.task, (uint32_t)(packed >> SIGNAL_BITS), packed & ((1 << SIGNAL_BITS) - 1));
    (void)ignored; // the group has ended
    terminal->sent++;
    fiber_wake_all(&terminal->readers); // who handles the signal goes on with that; who does not reads again
}

void terminal_signal(struct terminal *terminal, int signal) {
    uint64_t packed = (uint64_t)terminal->unit << (SIGNAL_BITS + GROUP_BITS) |
                      (uint64_t)terminal->state->foreground << SIGNAL_BITS | (uint64_t)signal;
    if (terminal->state->foreground != 0 && fiber_start(send_signal, (void *)(uintptr_t)packed) == ERR_OK)
        terminal->raised++; // ERR_NO_MEMORY: the key is lost
}

error_t terminal_settle(struct terminal *terminal) {
    error_t error = ERR_OK;
    while (error == ERR_OK && terminal->sent != terminal->raised)
        error = fiber_wait(&terminal->readers);
    return error;
}

void terminal_resize(struct terminal *terminal, const struct window_size *window) {
    struct window_size *own = &terminal->state->window;
    bool changed = own->rows != window->rows || own->columns != window->columns;
    *own = *window;
    if (changed)
        terminal_signal(terminal, SIGNAL_WINDOW);
}

static void event_echo(void *context, const char *bytes, size_t count) {
    terminal_put(context, bytes, count);
}

static void event_signal(void *context, int signal) {
    terminal_signal(context, signal);
}

static void event_flow(void *context, bool stopped) {
    struct terminal *terminal = context;
    if (stopped)
        return;
    if (terminal->unit == TERMINAL_SERIAL)
        serial_wake();
    fiber_wake_all(&terminal->writers);
    stream_notify(&console.state->streams, terminal->unit);
}

static void event_flush_output(void *context) {
    struct terminal *terminal = context;
    if (terminal->unit == TERMINAL_SERIAL)
        serial_flush(terminal->state);
    fiber_wake_all(&terminal->writers);
}

const struct line_events console_line_events = {
    .echo = event_echo,
    .signal = event_signal,
    .flow = event_flow,
    .flush_output = event_flush_output,
};
