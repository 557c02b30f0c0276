// Console as records for another build (libipc/server/handover.h): open files, who waits in file.poll, terminals with what was
// typed and what is to be sent, pairs, the serial port, keyboard and pointer; screen_records.c adds the screens. A record names
// slots, never addresses. What is not there: a selection, what blinks or is blanked, and drawing, which is done anew. When
// records are written no byte and no signal is on its way: console_give waits for that.
#include <stddef.h>
#include <string.h>

#include "servers/console/handover.h"
#include "servers/console/pointer.h"
#include "servers/console/state.h"

enum { BADGES_APART = 1 << 20, TICKETS_APART_SHIFT = 32 };

struct console_record {
    uint32_t front;
    uint32_t keys; // slot
    uint64_t last_badge, last_ticket;
};

struct file_record { // under its badge
    uint64_t flags;
    uint32_t unit;
};

struct watch_record { // under its ticket
    uint64_t bits, interest;
    uint32_t notification, unit; // slot
};

struct terminal_record { // under its unit, like what it counts
    struct terminal_attributes settings;
    struct window_size window;
    uint32_t foreground, session;
    uint32_t column, line_start_column;
    uint32_t line_count, input_head, input_count, input_ends, output_head, output_count;
    uint8_t shown, interrupts, stopped, literal_next, sender_stopped; // interrupts: a signal that no reader was told of
};

error_t record_read(const struct handover_view *view, void *to, uint64_t count) {
    error_t error = handover_read(view, HANDOVER_VERSION, to, 0);
    if (error == ERR_OK && view->view.length != count)
        error = ERR_CORRUPT;
    return error == ERR_OK ? handover_read(view, HANDOVER_VERSION, to, count) : error;
}

error_t record_take(const struct handover *handover, uint32_t class, uint64_t key, void *to, uint64_t count) {
    struct handover_view view = {0};
    error_t error = ERR_OK;
    while (count != 0 && (error = handover_next(handover, class, &view)) == ERR_OK)
        if (view.view.key == key)
            return record_read(&view, to, count);
    return error;
}

static uint32_t first_piece(uint32_t size, uint32_t head, uint32_t count) {
    uint32_t to_end = size - head % size;
    return count < to_end ? count : to_end;
}

error_t ring_take(const struct handover *handover, uint32_t class, uint64_t key, void *ring, uint32_t size, uint32_t head,
                  uint32_t count) {
    if (count > size)
        return ERR_CORRUPT;
    if (count == 0)
        return ERR_OK;
    uint32_t first = first_piece(size, head, count);
    error_t error = record_take(handover, class, 2 * key, (char *)ring + head % size, first);
    return error == ERR_OK ? record_take(handover, class, 2 * key + 1, ring, count - first) : error;
}

// --- giving ---

static error_t put(struct handover *handover, uint32_t class, uint64_t key, const void *data, uint64_t count) {
    return count == 0 ? ERR_OK : handover_put(handover, class, HANDOVER_VERSION, key, data, count);
}

error_t ring_give(struct handover *handover, uint32_t class, uint64_t key, const void *ring, uint32_t size, uint32_t head,
                  uint32_t count) {
    if (count == 0)
        return ERR_OK;
    uint32_t first = first_piece(size, head, count);
    error_t error = put(handover, class, 2 * key, (const char *)ring + head % size, first);
    return error == ERR_OK ? put(handover, class, 2 * key + 1, ring, count - first) : error;
}

// Keys come at any time, but not while nothing waits.
static error_t settle(void) {
    error_t error = serial_rest();
    for (bool settled = false; !settled && error == ERR_OK;) {
        settled = true;
        for (uint32_t unit = 0; unit < TERMINALS && error == ERR_OK; unit++) {
            settled = settled && console.terminals[unit].sent == console.terminals[unit].raised;
            error = terminal_settle(&console.terminals[unit]);
        }
    }
    return error;
}

static error_t give_input(struct handover *handover, uint32_t unit, const struct line_discipline *line) {
    const uint32_t entry = sizeof(line->queue[0]);
    error_t error = put(handover, CLASS_LINE, unit, line->line, line->line_length);
    return error == ERR_OK ? ring_give(handover, CLASS_INPUT, unit, line->queue, sizeof(line->queue),
                                       line->queue_head % LINE_QUEUE * entry, (line->queue_tail - line->queue_head) * entry)
                           : error;
}

static error_t give_output(struct handover *handover, uint32_t unit, const struct output_queue *output) {
    return output == NULL
               ? ERR_OK
               : ring_give(handover, CLASS_OUTPUT, unit, output->bytes, OUTPUT_BYTES, output->head, output_filled(output));
}

static error_t give_terminal(struct handover *handover, const struct terminal *terminal) {
    const struct line_discipline *line = &terminal->state->line;
    struct pair_record pair = {.used = true};
    if (unit_is_pair(terminal->unit))
        pair_describe(terminal->unit, &pair);
    if (!pair.used)
        return ERR_OK; // it is made anew
    const struct terminal_record record = {
        .settings = line->settings,
        .window = terminal->state->window,
        .foreground = terminal->state->foreground,
        .session = terminal->state->session,
        .column = line->column,
        .line_start_column = line->line_start_column,
        .line_count = line->line_length,
        .input_head = line->queue_head,
        .input_count = line->queue_tail - line->queue_head,
        .input_ends = line->queue_ends,
        .output_head = terminal->output != NULL ? terminal->output->head : 0,
        .output_count = terminal->output != NULL ? output_filled(terminal->output) : 0,
        .shown = terminal->shown,
        .interrupts = terminal->sent != terminal->told,
        .stopped = line->stopped,
        .literal_next = line->literal_next,
        .sender_stopped = line->sender_stopped,
    };
    error_t error = unit_is_pair(terminal->unit) ? put(handover, CLASS_PAIR, terminal->unit, &pair, sizeof(pair)) : ERR_OK;
    if (error == ERR_OK)
        error = put(handover, CLASS_TERMINAL, terminal->unit, &record, sizeof(record));
    if (error == ERR_OK)
        error = give_input(handover, terminal->unit, line);
    return error == ERR_OK ? give_output(handover, terminal->unit, terminal->output) : error;
}

static error_t give_streams(struct handover *handover, const struct stream_server *streams) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < STREAM_FILES_MAX && error == ERR_OK; i++) {
        const struct stream_file *file = &streams->files[i];
        const struct file_record record = {.flags = file->flags, .unit = file->unit};
        if (file->badge != 0)
            error = put(handover, CLASS_FILE, file->badge, &record, sizeof(record));
    }
    for (uint32_t i = 0; i < STREAM_WATCHES_MAX && error == ERR_OK; i++) {
        const struct stream_watch *watch = &streams->watches[i];
        const struct watch_record record = {watch->bits, watch->interest, watch->notification, watch->unit};
        if (watch->notification != 0)
            error = put(handover, CLASS_WATCH, watch->ticket, &record, sizeof(record));
    }
    return error;
}

static error_t give_devices(struct handover *handover) {
    static struct pointer_record pointer;
    struct serial_record serial;
    pointer_describe(&pointer);
    serial_describe(&serial);
    error_t error = put(handover, CLASS_KEYBOARD, 0, &console.state->keyboard, sizeof(console.state->keyboard));
    if (error == ERR_OK)
        error = put(handover, CLASS_POINTER, 0, &pointer, sizeof(pointer));
    return error == ERR_OK ? put(handover, CLASS_SERIAL, 0, &serial, sizeof(serial)) : error;
}

error_t console_give(struct handover *handover) {
    error_t error = settle();
    const struct console_state *state = console.state;
    const struct console_record record = {state->front, state->keys, state->streams.last_badge, state->streams.last_ticket};
    if (error == ERR_OK)
        error = put(handover, CLASS_CONSOLE, 0, &record, sizeof(record));
    if (error == ERR_OK)
        error = give_devices(handover);
    if (error == ERR_OK)
        error = give_streams(handover, &state->streams);
    for (uint32_t unit = 0; unit < TERMINALS && error == ERR_OK; unit++)
        error = give_terminal(handover, &console.terminals[unit]);
    return error == ERR_OK ? screens_give(handover) : error;
}

// --- taking ---

static error_t take_output(const struct handover *handover, uint32_t unit, struct output_queue *output,
                           const struct terminal_record *record) {
    if (output == NULL)
        return record->output_count == 0 ? ERR_OK : ERR_CORRUPT;
    output->head = record->output_head;
    output->tail = record->output_head + record->output_count;
    return ring_take(handover, CLASS_OUTPUT, unit, output->bytes, OUTPUT_BYTES, output->head, record->output_count);
}

static error_t take_line(const struct handover *handover, uint32_t unit, struct line_discipline *line,
                         const struct terminal_record *record) {
    const uint32_t entry = sizeof(line->queue[0]);
    if (record->line_count > LINE_BYTES || record->input_count > LINE_QUEUE || record->input_ends > record->input_count)
        return ERR_CORRUPT;
    line->settings = record->settings;
    line->stopped = record->stopped != 0;
    line->literal_next = record->literal_next != 0;
    line->sender_stopped = record->sender_stopped != 0;
    line->column = record->column;
    line->line_start_column = record->line_start_column;
    line->line_length = record->line_count;
    line->queue_head = record->input_head;
    line->queue_tail = record->input_head + record->input_count;
    line->queue_ends = record->input_ends;
    error_t error = record_take(handover, CLASS_LINE, unit, line->line, record->line_count);
    return error == ERR_OK ? ring_take(handover, CLASS_INPUT, unit, line->queue, sizeof(line->queue),
                                       record->input_head % LINE_QUEUE * entry, record->input_count * entry)
                           : error;
}

static error_t take_terminal(const struct handover *handover, uint32_t unit, const struct terminal_record *record) {
    struct terminal *terminal = &console.terminals[unit];
    struct pair_record pair;
    error_t error = ERR_OK;
    if (unit_is_pair(unit))
        error = record_take(handover, CLASS_PAIR, unit, &pair, sizeof(pair));
    if (error == ERR_OK && unit_is_pair(unit))
        error = pair_restore(unit, &pair);
    if (error == ERR_OK)
        error = take_line(handover, unit, &terminal->state->line, record);
    if (error == ERR_OK)
        error = take_output(handover, unit, terminal->output, record);
    terminal->state->window = record->window;
    terminal->state->foreground = record->foreground;
    terminal->state->session = record->session;
    terminal->shown = record->shown != 0;
    terminal->raised = terminal->sent = record->interrupts;
    return error;
}

static error_t take_terminals(const struct handover *handover) {
    struct handover_view view = {0};
    struct terminal_record record;
    while (handover_next(handover, CLASS_TERMINAL, &view) == ERR_OK) {
        error_t error = record_read(&view, &record, sizeof(record));
        if (error == ERR_OK && view.view.key >= TERMINALS)
            error = ERR_CORRUPT;
        if (error == ERR_OK)
            error = take_terminal(handover, (uint32_t)view.view.key, &record);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static bool unit_is_known(uint32_t unit) {
    return unit < TERMINALS || unit_is_master(unit);
}

static error_t take_files(const struct handover *handover, struct stream_server *streams) {
    struct handover_view view = {0};
    struct file_record record;
    for (uint32_t i = 0; handover_next(handover, CLASS_FILE, &view) == ERR_OK; i++) {
        error_t error = i < STREAM_FILES_MAX ? record_read(&view, &record, sizeof(record)) : ERR_CORRUPT;
        if (error == ERR_OK && !unit_is_known(record.unit))
            error = ERR_CORRUPT;
        if (error != ERR_OK)
            return error;
        streams->files[i] = (struct stream_file){view.view.key, record.flags, record.unit};
    }
    return ERR_OK;
}

static error_t take_watches(const struct handover *handover, struct stream_server *streams) {
    struct handover_view view = {0};
    struct watch_record record;
    for (uint32_t i = 0; handover_next(handover, CLASS_WATCH, &view) == ERR_OK; i++) {
        error_t error = i < STREAM_WATCHES_MAX ? record_read(&view, &record, sizeof(record)) : ERR_CORRUPT;
        if (error == ERR_OK && !unit_is_known(record.unit))
            error = ERR_CORRUPT;
        if (error != ERR_OK)
            return error;
        handover_claim(record.notification);
        streams->watches[i] =
            (struct stream_watch){record.notification, record.unit, record.bits, record.interest, view.view.key};
    }
    return ERR_OK;
}

// Badges and tickets that an actor gave out behind the records, and that is gone again, are not given to others.
static error_t take_streams(const struct handover *handover, const struct console_record *record) {
    static struct stream_server taken;
    struct stream_server *streams = &console.state->streams;
    taken = (struct stream_server){0};
    error_t error = take_files(handover, &taken);
    if (error == ERR_OK)
        error = take_watches(handover, &taken);
    if (error != ERR_OK)
        return error;
    memcpy(streams->files, taken.files, sizeof(taken.files));
    memcpy(streams->watches, taken.watches, sizeof(taken.watches));
    streams->last_badge = record->last_badge + BADGES_APART;
    streams->last_ticket = record->last_ticket + (UINT64_C(1) << TICKETS_APART_SHIFT);
    return ERR_OK;
}

static error_t take_devices(const struct handover *handover) {
    static struct pointer_record pointer;
    struct serial_record serial;
    error_t error = record_take(handover, CLASS_KEYBOARD, 0, &console.state->keyboard, sizeof(console.state->keyboard));
    if (error == ERR_OK)
        error = record_take(handover, CLASS_POINTER, 0, &pointer, sizeof(pointer));
    if (error == ERR_OK)
        error = pointer_restore(&pointer);
    if (error == ERR_OK)
        error = record_take(handover, CLASS_SERIAL, 0, &serial, sizeof(serial));
    return error == ERR_OK ? serial_restore(&serial) : error;
}

error_t console_take(struct handover *handover) {
    struct console_record record;
    error_t error = record_take(handover, CLASS_CONSOLE, 0, &record, sizeof(record));
    if (error == ERR_OK && record.front >= SCREENS)
        error = ERR_CORRUPT;
    if (error == ERR_OK)
        error = take_devices(handover);
    if (error == ERR_OK)
        error = take_terminals(handover);
    if (error == ERR_OK)
        error = screens_take(handover);
    if (error == ERR_OK)
        error = take_streams(handover, &record);
    if (error != ERR_OK)
        return error;
    console.state->front = record.front;
    console.state->keys = record.keys;
    handover_claim(record.keys);
    screen_show();
    return console_begin();
}
