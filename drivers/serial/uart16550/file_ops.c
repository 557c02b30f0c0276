// The methods of `file` and the one of `directory` on a serial port: raw bytes, in order. A reader waits for
// the first byte, a writer until all it wrote is accepted; position is of no use.
#include <stddef.h>

#include "drivers/serial/uart16550/state.h"
#include "servers/framework/refusals.h"

enum { DEVICE_MAJOR = 4 };

static bool non_blocking(struct request *request) {
    const struct stream_file *file = stream_file_find(&serial.state->streams, request->badge);
    return file != NULL && (file->flags & FILE_FLAG_NON_BLOCKING) != 0;
}

uint64_t serial_readiness(uint32_t unit) {
    (void)unit;
    const struct uart_state *state = serial.uart.state;
    return (byte_queue_filled(&state->input) > 0 ? READINESS_READ : 0) |
           (byte_queue_room(&state->output) > 0 ? READINESS_WRITE : 0);
}

// The request came before, and an actor ended before it was answered: it gets the bytes that it took then.
// They lie in the queue still, unless 16 KiB came since.
static error_t read_again(struct request *request, const struct serial_answer *answer, uint64_t *count) {
    struct byte_queue *input = &serial.uart.state->input;
    if (input->tail - answer->position > UART_QUEUE_BYTES)
        return ERR_IO;
    while (*count < answer->bytes) {
        uint32_t start = (answer->position + (uint32_t)*count) % UART_QUEUE_BYTES, run = UART_QUEUE_BYTES - start;
        if (run > answer->bytes - *count)
            run = answer->bytes - (uint32_t)*count;
        error_t error = request_copy_out(request, *count, &input->bytes[start], run);
        if (error != ERR_OK)
            return error;
        *count += run;
    }
    return ERR_OK;
}

static error_t op_read(struct request *request, const struct file_read_in *in, struct file_read_out *out) {
    struct byte_queue *input = &serial.uart.state->input;
    struct serial_answer *answer = answers_find(&serial.state->answers, request->number_thread, request->number_count);
    if (answer != NULL && answer->bytes > 0)
        return read_again(request, answer, &out->count);
    while (byte_queue_filled(input) == 0 && in->data_size > 0) {
        if (non_blocking(request))
            return ERR_AGAIN;
        error_t error = fiber_wait(&serial.readers);
        if (error != ERR_OK)
            return error;
    }
    while (out->count < in->data_size && byte_queue_filled(input) > 0) {
        uint8_t *bytes;
        uint64_t run = byte_queue_filled_run(input, &bytes);
        if (run > in->data_size - out->count)
            run = in->data_size - out->count;
        error_t error = request_copy_out(request, out->count, bytes, run);
        if (error != ERR_OK)
            return out->count > 0 ? ERR_OK : error;
        if (answer == NULL)
            answer = answers_begin(&serial.state->answers, request->number_thread, request->number_count, false);
        answers_step(answer, serial.uart.state, (uint32_t)run);
        input->head += (uint32_t)run;
        out->count += run;
    }
    serial_service(); // there is room again
    return ERR_OK;
}

static error_t write_all(struct request *request, uint64_t size, uint64_t *count) {
    struct byte_queue *output = &serial.uart.state->output;
    struct serial_answer *answer = answers_find(&serial.state->answers, request->number_thread, request->number_count);
    if (answer != NULL)
        *count = answer->bytes; // accepted by the actor before
    while (*count < size) {
        uint8_t *bytes;
        uint64_t run = byte_queue_room_run(output, &bytes);
        if (run > size - *count)
            run = size - *count;
        error_t error = ERR_AGAIN;
        if (run > 0)
            error = request_copy_in(request, *count, bytes, run);
        else if (!non_blocking(request))
            error = fiber_wait(&serial.writers);
        if (error != ERR_OK)
            return *count > 0 ? ERR_OK : error;
        if (run == 0)
            continue;
        if (answer == NULL)
            answer = answers_begin(&serial.state->answers, request->number_thread, request->number_count, true);
        answers_step(answer, serial.uart.state, (uint32_t)run);
        output->tail += (uint32_t)run;
        *count += run;
        serial_service();
    }
    return ERR_OK;
}

static error_t op_write(struct request *request, const struct file_write_in *in, struct file_write_out *out) {
    fiber_lock_exclusive(&serial.write_lock);
    error_t error = write_all(request, in->data_size, &out->count);
    fiber_unlock(&serial.write_lock);
    return error;
}

// The chip has no interrupt for "all sent", but its FIFO is at most 16 bytes behind the queue: a few
// milliseconds.
static error_t op_sync(struct request *request, const struct file_sync_in *in, struct file_sync_out *out) {
    (void)request;
    (void)in;
    (void)out;
    while (byte_queue_filled(&serial.uart.state->output) > 0) {
        error_t error = fiber_wait(&serial.writers);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static error_t op_status(struct request *request, const struct file_status_in *in, struct file_status_out *out) {
    (void)request;
    (void)in;
    stream_status(&out->status, (uint64_t)DEVICE_MAJOR << 32 | serial.uart.port);
    return ERR_OK;
}

static error_t op_get_flags(struct request *request, const struct file_get_flags_in *in, struct file_get_flags_out *out) {
    (void)in;
    return stream_get_flags(&serial.state->streams, request, out);
}

static error_t op_set_flags(struct request *request, const struct file_set_flags_in *in, struct file_set_flags_out *out) {
    (void)out;
    return stream_set_flags(&serial.state->streams, request, in);
}

static error_t op_poll(struct request *request, const struct file_poll_in *in, struct file_poll_out *out) {
    return stream_poll(&serial.state->streams, request, in, out);
}

static error_t op_poll_end(struct request *request, const struct file_poll_end_in *in, struct file_poll_end_out *out) {
    (void)request;
    (void)out;
    stream_poll_end(&serial.state->streams, in->ticket);
    return ERR_OK;
}

static error_t op_open(struct request *request, const struct directory_open_in *in, struct directory_open_out *out) {
    return stream_open(&serial.state->streams, request, in, out);
}

const struct file_ops serial_file_ops = {
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

const struct directory_ops serial_directory_ops = {.open = op_open};
