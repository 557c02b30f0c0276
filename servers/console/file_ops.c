// The methods of `file` on a terminal. A write is accepted in pieces, in order; a read obeys VMIN and VTIME
// (POSIX.1-2017, 11.1.7).
#include <string.h>
#include <termios.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/file_server.h"
#include "servers/framework/refusals.h"
#include "servers/console/state.h"

enum { DEVICE_MAJOR = 4, READ_BYTES = 1024, WRITE_ROOM_LEAST = 2 };

// Of one write; nothing waits meanwhile. Not kept: an actor's successor does the piece again.
static char *piece_in, *piece_out;

error_t file_start(void) {
    void *memory;
    error_t error = console_allocate_scratch(3 * WRITE_BYTES, &memory);
    if (error != ERR_OK)
        return error;
    piece_in = memory;
    piece_out = piece_in + WRITE_BYTES;
    return ERR_OK;
}

#define TENTH UINT64_C(100000000) // of a second, in nanoseconds

static uint32_t unit_of(const struct request *request) {
    const struct stream_file *file = stream_file_find(&console.state->streams, request->badge);
    return file != NULL ? file->unit : UINT32_MAX;
}

static bool non_blocking(const struct request *request) {
    const struct stream_file *file = stream_file_find(&console.state->streams, request->badge);
    return file != NULL && (file->flags & FILE_FLAG_NON_BLOCKING) != 0;
}

// Bytes that must be there before a read returns.
static size_t least(const struct line_discipline *line, size_t size) {
    if (line->settings.local & ICANON)
        return 1;
    size_t wanted = line->settings.characters[VMIN];
    return wanted < size ? wanted : size;
}

static error_t wait_readable(struct terminal *terminal, size_t size) {
    const struct line_discipline *line = &terminal->state->line;
    uint64_t deadline = 0, told = terminal->told;
    size_t seen = 0;
    for (;;) {
        error_t error = terminal_settle(terminal);
        if (error != ERR_OK)
            return error;
        if (terminal->sent != told) {
            terminal->told = terminal->sent;
            return ERR_INTERRUPTED;
        }
        bool canonical = (line->settings.local & ICANON) != 0;
        size_t available = line_available(line), wanted = least(line, size);
        if (line_readable(line) && (canonical || available >= wanted))
            return ERR_OK;
        uint64_t time = canonical ? 0 : line->settings.characters[VTIME] * TENTH;
        if (!canonical && wanted == 0 && time == 0)
            return ERR_OK;
        if (unit_is_pair(terminal->unit) && pair_hung_up(terminal->unit))
            return ERR_OK;                                                 // an end of file
        if (time != 0 && (wanted == 0 ? deadline == 0 : available > seen)) // from the start, or from the last byte
            deadline = clock_monotonic() + time;
        seen = available;
        error = deadline != 0 ? fiber_wait_until(&terminal->readers, deadline) : fiber_wait(&terminal->readers);
        if (error == ERR_DEADLINE)
            return ERR_OK;
        if (error != ERR_OK)
            return error;
    }
}

static error_t op_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    struct terminal *terminal = terminal_of(request);
    char bytes[READ_BYTES];
    if (terminal == NULL)
        return ERR_STALE;
    struct line_discipline *line = &terminal->state->line;
    terminal_show(terminal);
    if (in->data_size == 0)
        return ERR_OK;
    if (!unit_is_master(unit_of(request)) && terminal->state->session != 0 && !(in->flags & FILE_USE_FLAG_FOREGROUND))
        return ERR_NOT_PERMITTED;
    if (unit_is_master(unit_of(request)))
        return pair_read(request, terminal, in->data_size, !non_blocking(request), &out->count);
    if (non_blocking(request)) {
        if (!line_readable(line) || terminal->sent != terminal->raised)
            return ERR_AGAIN;
    } else {
        error_t error = wait_readable(terminal, in->data_size);
        if (error != ERR_OK)
            return error;
    }
    if (!line_readable(line))
        return ERR_OK; // time has run out
    size_t count = line_peek(line, bytes, in->data_size < sizeof(bytes) ? in->data_size : sizeof(bytes));
    error_t error = request_copy_out(request, 0, bytes, count);
    if (error != ERR_OK)
        return error;
    line_consume(line, count);
    out->count = count;
    return ERR_OK;
}

// One piece of a write. *count grows by what was accepted.
static error_t write_piece(struct terminal *terminal, struct request *request, uint64_t size, uint64_t *count) {
    size_t room = terminal_room(terminal), length = room / 2 < WRITE_BYTES ? room / 2 : WRITE_BYTES, consumed;
    if (length > size - *count)
        length = size - *count;
    error_t error = request_copy_in(request, *count, piece_in, length);
    if (error != ERR_OK)
        return error;
    size_t made = line_output(&terminal->state->line, piece_in, length, &consumed, piece_out,
                              room < 2 * WRITE_BYTES ? room : 2 * WRITE_BYTES);
    *count += consumed;
    terminal_put(terminal, piece_out, made);
    return ERR_OK;
}

static error_t write_all(struct terminal *terminal, struct request *request, uint64_t size, uint64_t *count) {
    while (*count < size) {
        error_t error = ERR_AGAIN;
        if (*count > 0)
            fiber_commit(); // a long write is done in pieces: the log need not hold what all of them change
        if (unit_is_pair(terminal->unit) && pair_hung_up(terminal->unit))
            error = ERR_IO;
        else if (terminal_room(terminal) >= WRITE_ROOM_LEAST)
            error = write_piece(terminal, request, size, count);
        else if (!non_blocking(request))
            error = fiber_wait(&terminal->writers);
        if (error != ERR_OK)
            return *count > 0 ? ERR_OK : error;
    }
    return ERR_OK;
}

static error_t op_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_STALE;
    if (unit_is_master(unit_of(request)))
        return pair_write(request, terminal, in->data_size, &out->count);
    bool asks = terminal->state->session != 0 && (terminal->state->line.settings.local & TOSTOP);
    if (asks && !(in->flags & FILE_USE_FLAG_FOREGROUND))
        return ERR_NOT_PERMITTED;
    fiber_lock_exclusive(&terminal->write_lock);
    error_t error = write_all(terminal, request, in->data_size, &out->count);
    fiber_unlock(&terminal->write_lock);
    return error;
}

static error_t op_sync(struct request *request, const struct file_sync_in *in, struct file_sync_out *out) {
    (void)request;
    (void)in;
    (void)out;
    return ERR_OK;
}

static error_t op_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)in;
    const struct terminal *terminal = terminal_of(request);
    if (terminal == NULL)
        return ERR_STALE;
    stream_status(&out->status, (uint64_t)DEVICE_MAJOR << 32 | terminal->unit);
    return ERR_OK;
}

static error_t op_get_flags(struct request *request, const struct file_get_flags_in *in, struct file_get_flags_out *out) {
    (void)in;
    return stream_get_flags(&console.state->streams, request, out);
}

static error_t op_set_flags(struct request *request, const struct file_set_flags_in *in, struct file_set_flags_out *out) {
    (void)out;
    return stream_set_flags(&console.state->streams, request, in);
}

static error_t op_poll(struct request *request, const struct file_poll_in *in, struct file_poll_out *out) {
    return stream_poll(&console.state->streams, request, in, out);
}

static error_t op_poll_end(struct request *request, const struct file_poll_end_in *in, struct file_poll_end_out *out) {
    (void)request;
    (void)out;
    stream_poll_end(&console.state->streams, in->ticket);
    return ERR_OK;
}

const struct file_ops console_file_ops = {
    .read = op_read,
    .write = op_write,
    .sync = op_sync,
    .seek = refuse_seek,
    .status = op_status,
    .get_flags = op_get_flags,
    .set_flags = op_set_flags,
    .poll = op_poll,
    .poll_end = op_poll_end,
};
