// A terminal: line discipline in the middle, programs on one side, a device on the other. A screen takes
// everything at once; the serial port and the program at the other end of a pair have a queue in between.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/task.h"
#include "servers/console/state.h"

enum { SIGNAL_WINDOW = 28, OUTPUT_SERIAL = 1, OUTPUT_SCREEN = 2, SIGNAL_BITS = 8, GROUP_BITS = 32, ECHO_BYTES = 512 };

struct terminal *terminal_of(const struct request *request) {
    const struct stream_file *file = stream_file_find(&console.state->streams, request->badge);
    if (file == NULL)
        return NULL;
    uint32_t unit = unit_is_master(file->unit) ? file->unit - UNIT_MASTER : file->unit;
    return unit < TERMINALS ? &console.terminals[unit] : NULL;
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

void terminal_changed(struct terminal *terminal) {
    fiber_wake_all(&terminal->readers);
    fiber_wake_all(&terminal->writers);
    stream_notify(&console.state->streams, terminal->unit);
}

// What typed bytes are echoed as goes out at once, not byte by byte: each write to a screen notes what it
// changes.
static struct {
    struct terminal *terminal; // whose bytes are typed now; NULL: nobody's
    bool leaving;              // it is being shown, and may be answered
    size_t length;
    char bytes[ECHO_BYTES];
} echoed;

static void echo_flush(struct terminal *terminal) {
    if (echoed.terminal != terminal || echoed.leaving)
        return;
    echoed.leaving = true;
    terminal_put(terminal, echoed.bytes, echoed.length);
    echoed.leaving = false;
    echoed.length = 0;
}

void terminal_input(struct terminal *terminal, const char *bytes, size_t count) {
    bool first = echoed.terminal == NULL; // else a terminal answers what is being echoed
    if (first)
        echoed.terminal = terminal;
    line_input(&terminal->state->line, bytes, count);
    if (first) {
        echo_flush(terminal);
        echoed.terminal = NULL;
    }
    if (!line_readable(&terminal->state->line))
        return;
    fiber_wake_all(&terminal->readers);
    stream_notify(&console.state->streams, terminal->unit);
}

void terminal_show(struct terminal *terminal) {
    if (terminal->shown)
        return;
    terminal->shown = true;
    bool screen = unit_is_screen(terminal->unit);
    error_t ignored = kernel_release_console(SLOT_KERNEL, screen ? OUTPUT_SCREEN : OUTPUT_SERIAL);
    (void)ignored; // without the right both write
    if (screen && terminal->unit == console.state->front)
        screen_show();
    else if (!screen)
        serial_wake();
}

size_t terminal_room(const struct terminal *terminal) {
    if (terminal->state->line.stopped)
        return 0;
    return terminal->output == NULL ? 2 * WRITE_BYTES : OUTPUT_BYTES - output_filled(terminal->output);
}

// Whoever takes the queue's bytes: there are some, or they may go on.
static void output_wake(struct terminal *terminal) {
    if (terminal->unit == TERMINAL_SERIAL)
        serial_wake();
    else if (unit_is_pair(terminal->unit))
        pair_wake(terminal->unit);
}

void terminal_put(struct terminal *terminal, const char *bytes, size_t count) {
    struct output_queue *output = terminal->output;
    if (count == 0)
        return;
    terminal_show(terminal);
    if (output == NULL) {
        screens_put(terminal->unit, bytes, count);
        return;
    }
    while (count > 0 && output_filled(output) < OUTPUT_BYTES) {
        size_t start = output->tail % OUTPUT_BYTES, run = OUTPUT_BYTES - output_filled(output);
        if (run > OUTPUT_BYTES - start)
            run = OUTPUT_BYTES - start;
        if (run > count)
            run = count;
        memcpy(output->bytes + start, bytes, run);
        output->tail += (uint32_t)run;
        bytes += run;
        count -= run;
    }
    output_wake(terminal);
}

bool terminal_is_drained(const struct terminal *terminal) {
    return terminal->output == NULL || output_filled(terminal->output) == 0;
}

void terminal_flush_output(struct terminal *terminal) {
    if (terminal->output == NULL)
        return;
    terminal->output->head = terminal->output->tail;
    if (terminal->unit == TERMINAL_SERIAL)
        serial_flushed();
    fiber_wake_all(&terminal->drained);
    fiber_wake_all(&terminal->writers);
}

uint64_t terminal_readiness(uint32_t unit) {
    if (unit_is_master(unit))
        return pair_readiness(unit);
    const struct terminal *terminal = &console.terminals[unit];
    bool hung_up = unit_is_pair(unit) && pair_hung_up(unit);
    return (line_readable(&terminal->state->line) || hung_up ? READINESS_READ : 0) |
           (terminal_room(terminal) > 0 ? READINESS_WRITE : 0) | (hung_up ? READINESS_HANG_UP : 0);
}

// On a fiber of its own: keys arrive where nothing can wait.
static void send_signal(void *argument) {
    uint64_t packed = (uint64_t)(uintptr_t)argument;
    struct terminal *terminal = &console.terminals[packed >> (SIGNAL_BITS + GROUP_BITS)];
    error_t ignored = task_kill_group(console.task, (uint32_t)(packed >> SIGNAL_BITS), packed & ((1 << SIGNAL_BITS) - 1));
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

void terminal_interrupt(struct terminal *terminal) {
    terminal->raised++;
    terminal->sent++;
    fiber_wake_all(&terminal->readers);
}

error_t terminal_settle(struct terminal *terminal) {
    error_t error = ERR_OK;
    while (error == ERR_OK && terminal->sent != terminal->raised)
        error = fiber_wait(&terminal->readers);
    return error;
}

error_t terminal_resize(struct terminal *terminal, const struct window_size *window) {
    struct window_size *own = &terminal->state->window;
    bool changed = own->rows != window->rows || own->columns != window->columns;
    error_t error =
        changed && unit_is_screen(terminal->unit) ? screens_resize(terminal->unit, window->rows, window->columns) : ERR_OK;
    if (error != ERR_OK)
        return error;
    *own = *window;
    if (changed)
        terminal_signal(terminal, SIGNAL_WINDOW);
    return ERR_OK;
}

static void event_echo(void *context, const char *bytes, size_t count) {
    struct terminal *terminal = context;
    if (echoed.terminal != terminal || echoed.leaving || count > ECHO_BYTES) {
        terminal_put(terminal, bytes, count);
        return;
    }
    if (echoed.length + count > ECHO_BYTES)
        echo_flush(terminal);
    memcpy(echoed.bytes + echoed.length, bytes, count);
    echoed.length += count;
}

static void event_signal(void *context, int signal) {
    terminal_signal(context, signal);
}

static void event_flow(void *context, bool stopped) {
    struct terminal *terminal = context;
    if (stopped)
        return;
    output_wake(terminal);
    fiber_wake_all(&terminal->writers);
    stream_notify(&console.state->streams, terminal->unit);
}

static void event_flush_output(void *context) {
    echo_flush(context); // what was typed before goes, too
    terminal_flush_output(context);
}

const struct line_events console_line_events = {
    .echo = event_echo,
    .signal = event_signal,
    .flow = event_flow,
    .flush_output = event_flush_output,
};
