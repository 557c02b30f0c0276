// Pseudo-terminals: pairs of a terminal, which programs use as any other, and its other end, the master,
// which a terminal emulator or a remote login reads what is shown from and writes what is typed to (POSIX
// posix_openpt). Pairs are made when they are asked for and live as long as a session to one of the ends.
#include <string.h>

#include "servers/console/state.h"

enum { READ_BYTES = 1024, SIGNAL_HANG_UP = 1 };

static struct pair {
    bool used, master_open, terminal_opened;
    struct output_queue *output;
    struct fiber_wait_queue master_readers;
} pairs[PAIRS];

static struct pair *pair_of(uint32_t unit) {
    return &pairs[(unit_is_master(unit) ? unit - UNIT_MASTER : unit) - TERMINAL_PAIRS];
}

static error_t open_end(uint32_t unit, cap_t *end) {
    return stream_make(&console.state->streams, unit, end);
}

static bool make_queue(struct pair *pair) {
    if (pair->output == NULL)
        pair->output = console_allocate(sizeof(*pair->output));
    if (pair->output != NULL)
        pair->output->head = pair->output->tail = 0;
    return pair->output != NULL;
}

error_t pair_open(cap_t *master, cap_t *terminal) {
    uint32_t index = 0;
    while (index < PAIRS && pairs[index].used)
        index++;
    if (index == PAIRS)
        return ERR_BUSY;
    uint32_t unit = TERMINAL_PAIRS + index;
    struct pair *pair = &pairs[index];
    struct terminal *own = &console.terminals[unit];
    if (!make_queue(pair))
        return ERR_NO_MEMORY;
    error_t error = open_end(unit + UNIT_MASTER, master);
    if (error == ERR_OK)
        error = open_end(unit, terminal);
    if (error != ERR_OK)
        return error; // the sessions made so far go with the request
    terminal_start(unit, own->state, false);
    own->output = pair->output;
    own->shown = true;
    own->state->foreground = own->state->session = 0;
    own->state->window = (struct window_size){.rows = 24, .columns = 80};
    pair->used = pair->master_open = pair->terminal_opened = true;
    return ERR_OK;
}

void pair_closed(uint32_t unit) {
    struct pair *pair = pair_of(unit);
    struct terminal *terminal = &console.terminals[unit_is_master(unit) ? unit - UNIT_MASTER : unit];
    if (stream_is_open(&console.state->streams, unit))
        return;
    if (unit_is_master(unit)) {
        pair->master_open = false;
        terminal_signal(terminal, SIGNAL_HANG_UP);
    } else {
        pair->terminal_opened = false;
    }
    if (!pair->master_open && !pair->terminal_opened)
        pair->used = false;
    terminal_changed(terminal);
    fiber_wake_all(&pair->master_readers);
    stream_notify(&console.state->streams, terminal->unit + UNIT_MASTER);
}

bool pair_hung_up(uint32_t unit) {
    const struct pair *pair = pair_of(unit);
    return unit_is_master(unit) ? !pair->terminal_opened : !pair->master_open;
}

uint64_t pair_readiness(uint32_t unit) {
    const struct pair *pair = pair_of(unit);
    return (output_filled(pair->output) > 0 ? READINESS_READ : 0) | (pair_hung_up(unit) ? READINESS_HANG_UP : READINESS_WRITE);
}

error_t pair_read(struct request *request, struct terminal *terminal, uint64_t size, bool waits, uint64_t *count) {
    struct pair *pair = pair_of(terminal->unit);
    struct output_queue *output = pair->output;
    char bytes[READ_BYTES];
    while (output_filled(output) == 0 || terminal->state->line.stopped) {
        if (pair_hung_up(terminal->unit + UNIT_MASTER))
            return ERR_IO; // as on other systems: not an end of file
        if (!waits)
            return ERR_AGAIN;
        error_t error = fiber_wait(&pair->master_readers);
        if (error != ERR_OK)
            return error;
    }
    uint32_t length = output_filled(output) < size ? output_filled(output) : (uint32_t)size;
    if (length > READ_BYTES)
        length = READ_BYTES;
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = output->bytes[(output->head + i) % OUTPUT_BYTES];
    error_t error = request_copy_out(request, 0, bytes, length);
    if (error != ERR_OK)
        return error;
    output->head += length;
    *count = length;
    fiber_wake_all(&terminal->writers);
    if (output_filled(output) == 0)
        fiber_wake_all(&terminal->drained);
    stream_notify(&console.state->streams, terminal->unit);
    return ERR_OK;
}

error_t pair_write(struct request *request, struct terminal *terminal, uint64_t size, uint64_t *count) {
    char bytes[READ_BYTES];
    while (*count < size) {
        uint64_t length = size - *count < sizeof(bytes) ? size - *count : sizeof(bytes);
        error_t error = request_copy_in(request, *count, bytes, length);
        if (error != ERR_OK)
            return *count > 0 ? ERR_OK : error;
        terminal_input(terminal, bytes, length);
        *count += length;
    }
    return ERR_OK;
}

void pair_wake(uint32_t unit) {
    fiber_wake_all(&pair_of(unit)->master_readers);
    stream_notify(&console.state->streams, unit + UNIT_MASTER);
}

void pair_describe(uint32_t unit, struct pair_record *record) {
    const struct pair *pair = pair_of(unit);
    *record = (struct pair_record){pair->used, pair->master_open, pair->terminal_opened};
}

error_t pair_restore(uint32_t unit, const struct pair_record *record) {
    struct pair *pair = pair_of(unit);
    if (!make_queue(pair))
        return ERR_NO_MEMORY;
    pair->used = record->used != 0;
    pair->master_open = record->master_open != 0;
    pair->terminal_opened = record->terminal_opened != 0;
    console.terminals[unit].output = pair->output;
    return ERR_OK;
}
