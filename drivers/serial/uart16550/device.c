// See device.h. One read of the status register serves both directions: an emulated port access costs far
// more than the byte it moves, so the sending FIFO is filled with 16 bytes for each time it is seen empty.
#include "drivers/serial/uart16550/device.h"

#include "drivers/framework/port.h"
#include "drivers/serial/uart16550/registers.h"

uint32_t byte_queue_filled_run(const struct byte_queue *queue, uint8_t **bytes) {
    uint32_t start = queue->head % UART_QUEUE_BYTES, filled = byte_queue_filled(queue);
    *bytes = (uint8_t *)(uintptr_t)&queue->bytes[start];
    return filled < UART_QUEUE_BYTES - start ? filled : UART_QUEUE_BYTES - start;
}

uint32_t byte_queue_room_run(struct byte_queue *queue, uint8_t **bytes) {
    uint32_t start = queue->tail % UART_QUEUE_BYTES, room = byte_queue_room(queue);
    *bytes = &queue->bytes[start];
    return room < UART_QUEUE_BYTES - start ? room : UART_QUEUE_BYTES - start;
}

static uint8_t get(const struct uart *uart, uint16_t offset) {
    return port_read8((uint16_t)(uart->port + offset));
}

static void set(const struct uart *uart, uint16_t offset, uint8_t value) {
    port_write8((uint16_t)(uart->port + offset), value);
}

static void enable(struct uart *uart, uint8_t interrupts) {
    if (uart->enabled != interrupts)
        set(uart, UART_INTERRUPT_ENABLE, interrupts);
    uart->enabled = interrupts;
}

bool uart_state_sound(const struct uart_state *state) {
    return state->magic == UART_STATE_MAGIC && state->version == UART_STATE_VERSION &&
           byte_queue_filled(&state->input) <= UART_QUEUE_BYTES && byte_queue_filled(&state->output) <= UART_QUEUE_BYTES;
}

void uart_start(struct uart *uart, uint16_t port, struct uart_state *state) {
    *uart = (struct uart){.port = port, .state = state};
    uint8_t fifo = UART_FIFO_ENABLE | UART_FIFO_TRIGGER_8;
    if (!uart_state_sound(state)) {
        state->input.head = state->input.tail = 0;
        state->output.head = state->output.tail = 0;
        state->version = UART_STATE_VERSION;
        state->magic = UART_STATE_MAGIC;
        fifo |= UART_FIFO_CLEAR_RECEIVED;
    }
    set(uart, UART_INTERRUPT_ENABLE, 0);
    set(uart, UART_LINE_CONTROL, UART_DIVISOR_ACCESS);
    set(uart, UART_DIVISOR_LOW, UART_DIVISOR_115200);
    set(uart, UART_DIVISOR_HIGH, 0);
    set(uart, UART_LINE_CONTROL, UART_EIGHT_BITS);
    set(uart, UART_FIFO_CONTROL, fifo);
    set(uart, UART_MODEM_CONTROL, UART_MODEM_READY | UART_MODEM_REQUEST | UART_MODEM_INTERRUPTS);
    uart_service(uart);
}

static void send(struct uart *uart) {
    struct byte_queue *output = &uart->state->output;
    for (uint32_t i = 0; i < UART_FIFO_BYTES && byte_queue_filled(output) > 0; i++) {
        set(uart, UART_DATA, output->bytes[output->head % UART_QUEUE_BYTES]);
        output->head++;
    }
}

void uart_service(struct uart *uart) {
    struct byte_queue *input = &uart->state->input, *output = &uart->state->output;
    for (;;) {
        uint8_t status = get(uart, UART_LINE_STATUS);
        bool received = (status & UART_STATUS_RECEIVED) && byte_queue_room(input) > 0;
        bool can_send = (status & UART_STATUS_SEND_EMPTY) && byte_queue_filled(output) > 0;
        if (!received && !can_send)
            break;
        uart->had_cause = true;
        if (received) {
            input->bytes[input->tail % UART_QUEUE_BYTES] = get(uart, UART_DATA);
            input->tail++;
        }
        if (can_send)
            send(uart);
    }
    if ((get(uart, UART_INTERRUPT_CAUSE) & UART_CAUSE_NONE) == 0) // takes "sending FIFO empty" back
        uart->had_cause = true;
    enable(uart, (uint8_t)((byte_queue_room(input) > 0 ? UART_ENABLE_RECEIVED : 0) |
                           (byte_queue_filled(output) > 0 ? UART_ENABLE_SENT : 0)));
}

bool uart_had_cause(struct uart *uart) {
    bool had_cause = uart->had_cause;
    uart->had_cause = false;
    return had_cause;
}

bool uart_is_idle(const struct uart *uart) {
    return byte_queue_filled(&uart->state->output) == 0 && (get(uart, UART_LINE_STATUS) & UART_STATUS_IDLE) != 0;
}
